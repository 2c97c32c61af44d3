"""Completion in shells: what is proposed, without PyTorch, and real shells in real terminals."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from charlstm_tui.cli import COMMANDS, commands
from charlstm_tui.commands.completion import SHELLS, VARIABLE, joined_words, register_shells
from core.settings.presets import ALL_PRESETS
from tests.cli.test_commands import call
from tests.tui.real_terminal import Terminal

PROGRAM = Path(sys.executable).with_name("charlstm-tui")


def proposed(*words: str, shell: str = "zsh") -> list[str]:
    """Return what is proposed for the last word, by its kind: "file" and "dir" stand for names of files."""
    register_shells()
    completion = SHELLS[shell](commands, {}, "charlstm-tui", VARIABLE)
    items = completion.get_completions([*words[:-1]], words[-1])
    return [item.value if item.type == "plain" else item.type for item in items]


def test_commands_and_options_are_proposed() -> None:
    assert proposed("") == list(COMMANDS)
    assert proposed("sw") == ["sweep"]
    assert proposed("sweep", "") == ["best", "delete", "list", "new", "run", "show"], "and not the hidden one"
    assert proposed("train", "--pre") == ["--preset", "--precision"]
    assert proposed("--glyphs", "b") == ["braille", "blocks"]


def test_names_of_presets_and_texts_are_proposed() -> None:
    assert proposed("train", "--preset", "") == list(ALL_PRESETS)
    assert proposed("presets", "q") == ["quick"]
    assert proposed("train", "--corpus", "m") == ["moliere", "file"]
    assert proposed("train", "--preset=q") == ["quick"]
    assert proposed("corpus", "fetch", "l") == ["l-homme-aux-contrats"]


def test_names_of_runs_are_those_of_the_store_in_use(trained: str, flock: Path, tmp_path: Path) -> None:
    for words in (("runs", "show"), ("runs", "rename"), ("runs", "export")):
        assert proposed(*words, "s") == [trained]
    assert proposed("evaluate", "") == ["sheep", "moliere", "file"]
    assert proposed("memory", "moliere", "sh") == ["sheep", "file"]
    assert proposed("evaluate", "moliere", "--compare", "she") == ["sheep", "file"]
    assert proposed("train", "--resume", "she") == ["sheep", "file"]
    assert proposed("runs", "delete", "sheep", "") == [], "it is named already"
    nowhere = str(tmp_path / "nowhere")
    assert proposed("runs", "show", "--runs", nowhere, "") == []
    assert proposed("--runs", nowhere, "runs", "show", "") == []
    assert proposed("--runs", str(flock), "runs", "show", "") == ["sheep"]
    assert proposed("runs", "list", "--runs", "") == ["dir"]


def test_names_of_experiments_are_proposed(small_text: Path) -> None:
    made = call("sweep", "new", "layers", "--corpus", small_text, "--vary", "num_layers=1,2", "--preset", "quick")
    assert made.exit_code == 0
    for command in ("run", "show", "best", "delete"):
        assert proposed("sweep", command, "") == ["layers"]
    assert proposed("sweep", "new", "") == [], "a new name cannot be known"


def test_settings_to_vary_are_proposed_and_their_values() -> None:
    assert proposed("sweep", "new", "x", "--vary", "hidden") == ["hidden_size="]
    assert "seed=" not in proposed("sweep", "new", "x", "--vary", ""), "it cannot be varied"
    assert proposed("sweep", "new", "x", "--vary", "cell=l") == ["cell=lstm"]
    assert proposed("sweep", "new", "x", "--vary", "cell=lstm,") == ["cell=lstm,gru", "cell=lstm,rnn"]
    assert proposed("sweep", "new", "x", "--vary", "hidden_size=1") == []


@pytest.mark.parametrize("runs", ["~nobody-at-all/runs", "/dev/null"])
def test_a_folder_that_cannot_be_read_proposes_nothing(runs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARLSTM_RUNS", runs)
    assert [one for one in proposed("runs", "show", "") if one] == []


def test_names_that_a_shell_would_split_are_not_proposed(trained: str, own_runs: Path) -> None:
    shutil.copytree(own_runs / trained, own_runs / "two words; $(id)")
    assert proposed("runs", "show", "") == [trained]


def test_words_that_bash_has_split_are_joined() -> None:
    assert joined_words(["--vary", "cell", "=", "ls"]) == ["--vary", "cell=ls"]
    assert joined_words(["--preset", "="]) == ["--preset="]
    assert joined_words(["rate", "=", "1e-4..1e-1", ":", "log", "--x", ""]) == ["rate=1e-4..1e-1:log", "--x", ""]
    assert joined_words([""]) == [""]


def test_a_checkpoint_is_not_chosen_while_completing(trained: str, capsys: pytest.CaptureFixture[str]) -> None:
    proposed("evaluate", "--part", "")
    assert capsys.readouterr().err == ""


def test_without_an_argument_the_shell_is_found_or_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/local/bin/zsh")
    assert call("completion").stdout == call("completion", "zsh").stdout
    for unknown in ("/bin/tcsh", ""):
        monkeypatch.setenv("SHELL", unknown)
        result = call("completion")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "charlstm-tui completion bash, charlstm-tui completion zsh" in result.stderr
    assert call("completion", "tcsh").exit_code == 2


def test_each_script_and_the_help_say_how_to_install_it() -> None:
    shown = call("completion", "--help").stdout
    for shell in SHELLS:
        assert f"charlstm-tui completion {shell}" in shown
        assert "# Completion of charlstm-tui." in call("completion", shell).stdout


@pytest.mark.parametrize("words", ["", "train\n--", "evaluate\n", "sweep\nnew\nx\n--vary\n"])
def test_completing_does_not_import_pytorch(words: str) -> None:
    code = (
        "import sys, atexit; slow = ('torch', 'numpy', 'textual', 'optuna', 'rich.console'); "
        "atexit.register(lambda: print([name for name in slow if name in sys.modules])); "
        "from charlstm_tui.cli import commands; commands(prog_name='charlstm-tui')"
    )
    environment = os.environ | {
        VARIABLE: "bash_complete", "COMP_WORDS": f"charlstm-tui\n{words}", "COMP_CWORD": str(words.count("\n") + 1),
    }  # fmt: skip
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.splitlines()[-1] == "[]"
    assert len(found.stdout.splitlines()) > 1


def test_an_older_bash_gets_a_sentence() -> None:
    """The version is replaced in the script: bash does not let its own be changed."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    script = "OLD=(3 2 57)\n" + call("completion", "bash").stdout.replace("BASH_VERSINFO", "OLD")
    found = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (found.stdout, found.returncode) == ("", 0)
    assert found.stderr.startswith("charlstm-tui: completion needs bash 4.4 or newer, and this is bash ")
    assert len(found.stderr.splitlines()) == 1


STARTS = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "-i"],
}
PROMPTS = {"bash": "PS1='> '", "zsh": "PROMPT='> '", "fish": "function fish_prompt; echo -n '> '; end"}


@pytest.fixture(params=STARTS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    """A real shell in a folder with two files, which has read the script; the program is not on its PATH."""
    name: str = request.param
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"there is no {name} here")
    if not PROGRAM.exists():
        pytest.skip("charlstm-tui is not installed next to this Python")
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "mozart.txt").touch()
    (folder / "two words.txt").touch()
    (folder / "charlstm-tui").symlink_to(PROGRAM)
    environment = os.environ | {"HOME": str(tmp_path), "TERM": "xterm", "ZDOTDIR": str(tmp_path)}
    terminal = Terminal(path, STARTS[name], environment, columns=100, rows=30, cwd=str(folder))
    script = tmp_path / "script"
    script.write_text(call("completion", name).stdout, encoding="utf-8")
    terminal.send(f"{PROMPTS[name]}\r. {script}; echo re''ady\r")
    terminal.until_shown("\nready")
    yield terminal
    terminal.close()


def typed(terminal: Terminal, keys: str) -> str:
    """Clear the line and the screen, type the keys, and return the last line of the prompt."""
    terminal.send("\x15\x0c")
    terminal.until(lambda screen: [line for line in screen.splitlines() if line.strip()] == [">"])
    terminal.send(keys)
    return terminal.text


def test_a_real_shell_completes_commands_options_and_names(trained: str, shell: Terminal) -> None:
    for keys, line in (
        ("./charlstm-tui tr\t", "> ./charlstm-tui train "),
        ("./charlstm-tui train --pres\t", "> ./charlstm-tui train --preset "),
        ("./charlstm-tui train --preset q\t", "> ./charlstm-tui train --preset quick "),
        ("./charlstm-tui train --preset=q\t", "> ./charlstm-tui train --preset=quick "),
        ("./charlstm-tui runs show s\t", "> ./charlstm-tui runs show sheep "),
        ("./charlstm-tui evaluate moz\t", "> ./charlstm-tui evaluate mozart.txt "),
        ("./charlstm-tui train --corpus tw\t", "> ./charlstm-tui train --corpus two\\ words.txt "),
    ):
        typed(shell, keys + "!")  # shows that a space was added
        shell.until(lambda screen, line=line: f"{line}!" in screen)  # type: ignore[misc]


def test_a_real_shell_leaves_a_setting_open_for_its_values(shell: Terminal) -> None:
    typed(shell, "./charlstm-tui sweep new x --vary hidden_s\t")
    shell.until_shown("--vary hidden_size=")
    shell.send("64")
    shell.until_shown("--vary hidden_size=64")
    for option in ("--vary ", "--vary="):
        typed(shell, f"./charlstm-tui sweep new x {option}cell=l\t")
        shell.until(lambda screen, option=option: f"{option}cell=lstm" in screen)  # type: ignore[misc]


def test_zsh_loads_the_script_from_its_fpath(tmp_path: Path) -> None:
    path = shutil.which("zsh")
    if path is None or not PROGRAM.exists():
        pytest.skip("there is no zsh here, or charlstm-tui is not installed next to this Python")
    (tmp_path / "_charlstm-tui").write_text(call("completion", "zsh").stdout, encoding="utf-8")
    (tmp_path / "charlstm-tui").symlink_to(PROGRAM)
    environment = os.environ | {"HOME": str(tmp_path), "TERM": "xterm"}
    terminal = Terminal(path, STARTS["zsh"], environment, columns=100, rows=30, cwd=str(tmp_path))
    try:
        terminal.send(
            f"{PROMPTS['zsh']}; fpath=({tmp_path} $fpath); autoload -Uz compinit && compinit -i; echo re''ady\r"
        )
        terminal.until_shown("\nready")
        for _ in range(2):  # at the first TAB, it is loaded
            typed(terminal, "./charlstm-tui pres\t!")
            terminal.until_shown("> ./charlstm-tui presets !")
    finally:
        terminal.close()


def test_a_real_shell_lists_names_and_files_together(shell: Terminal) -> None:
    typed(shell, "./charlstm-tui train --corpus mo\t\t")
    shell.until(lambda screen: "moliere" in screen and "mozart.txt" in screen)
