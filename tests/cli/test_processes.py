"""Tests that need a separate process: signals, exit codes, imports."""

import json
import math
import os
import signal
import socket
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from core.checkpoints.training_state import load_snapshot
from core.runs.store import RunStore
from core.runs.summary import summarise
from tests.benchmarks.kills import kill_often
from tests.cli.test_commands import call
from tests.conftest import one_of_each_kind, rows_of_each_kind
from tests.processes import heed_signals, let_no_save_end
from tests.waiting import DEADLINE, wait_until

COMMAND = [sys.executable, "-m", "charlstm_tui"]


SMALL = ["--window", "10", "--hidden-size", "8", "--streams", "4", "--threads", "1", "--precision", "fp32"]


def start(*arguments: object) -> "subprocess.Popen[str]":
    """Start a small training run that prints JSON, in a separate process."""
    command = [*COMMAND, "train", "--json", *SMALL, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        preexec_fn=heed_signals,
    )  # fmt: skip


def wait_for(process: "subprocess.Popen[str]", event: str) -> None:
    assert process.stdout is not None
    assert any(json.loads(line)["event"] == event for line in process.stdout), f"it never printed {event}"


SIGNALS = [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)]


@pytest.mark.parametrize(("name", "code"), rows_of_each_kind([("SIGINT", 130), ("SIGHUP", 129)], SIGNALS))
def test_a_signal_saves_the_run_and_ends_the_process(small_text: Path, name: str, code: int, store: RunStore) -> None:
    process = start("--corpus", small_text, "--epochs", 100_000, "--name", "sheep")
    wait_for(process, "epoch_completed")
    process.send_signal(getattr(signal, name))
    rest, errors = process.communicate(timeout=DEADLINE)
    last = json.loads(rest.splitlines()[-1])
    assert (last["event"], last["reason"]) == ("run_finished", "stopped")
    assert load_snapshot(Path(last["last_checkpoint"])).now.counters.epochs == last["epochs"] >= 1
    assert process.returncode == code
    assert "Traceback" not in errors
    assert summarise(store.get("sheep")).state == "stopped"


def test_a_run_ignores_the_signals_that_it_was_started_to_ignore(small_text: Path, store: RunStore) -> None:
    command = [*COMMAND, "train", "--json", "--corpus", str(small_text), "--epochs", "100000", *SMALL]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),  # as nohup does
    )  # fmt: skip
    wait_for(process, "epoch_completed")
    process.send_signal(signal.SIGHUP)
    wait_for(process, "epoch_completed")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 143
    (run,) = store.all()
    assert summarise(run).state == "stopped"
    load_snapshot(run.last_path)


def test_a_second_ctrl_c_does_not_wait_for_a_save_that_hangs(small_text: Path, store: RunStore) -> None:
    process = start("--corpus", small_text, "--epochs", 100_000, "--name", "sheep", "--hidden-size", 256)
    while not (store.root / "sheep" / "last.safetensors").exists():
        wait_for(process, "checkpoint_saved")
    let_no_save_end(store.get("sheep"))

    def over_after_another() -> bool:
        process.send_signal(signal.SIGINT)
        return process.poll() is not None

    wait_until(over_after_another)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert "Traceback" not in errors
    load_snapshot(store.get("sheep").last_path)
    assert call("train", "--resume", "sheep", "--epochs", 1).exit_code == 2, "the checkpoint can be resumed"


def test_after_ctrl_c_the_program_ends_although_a_thread_still_computes() -> None:
    script = (
        "import sys, threading, time, charlstm_tui.cli as cli\n"
        "from charlstm_tui.__main__ import main\n"
        "def commands(**_):\n"
        "    threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "    print('said', end='')\n"
        "    sys.exit(130)\n"
        "cli.commands = commands\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stdout, done.stderr) == (130, "said", "")


@pytest.mark.parametrize(("name", "code"), rows_of_each_kind([("SIGTERM", 143)], SIGNALS[:2]))
def test_a_signal_while_pytorch_is_loading_ends_the_process_before_a_run_starts(
    small_text: Path, name: str, code: int, store: RunStore
) -> None:
    process = start("--corpus", small_text, "--precision", "auto", "--threads", 0)  # chosen after the import
    maps = Path(f"/proc/{process.pid}/maps")
    if not maps.exists():
        pytest.skip("what a process has loaded can be seen on Linux only")
    wait_until(lambda: "libtorch" in maps.read_text())
    process.send_signal(getattr(signal, name))
    said, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == code
    assert said == ""
    assert store.all() == []
    assert "Traceback" not in errors


def test_a_closed_pipe_ends_the_run_and_saves_it(small_text: Path, store: RunStore) -> None:
    process = start("--corpus", small_text, "--epochs", 100_000, "--name", "sheep")
    wait_for(process, "epoch_completed")
    assert process.stdout is not None
    process.stdout.close()  # as `head` does
    assert process.wait(timeout=DEADLINE) == 1
    assert process.stderr is not None
    (said,) = process.stderr.read().splitlines()
    process.stderr.close()
    run = store.get("sheep")
    assert summarise(run).state == "stopped"
    load_snapshot(run.last_path)
    assert said.startswith("Standard output was closed. sheep: stopped after ")
    assert str(run.path) in said
    assert "`charlstm-tui train --resume sheep`" in said


def test_a_run_killed_during_a_save_ends_like_one_that_was_not_killed(tmp_path: Path, small_text: Path) -> None:
    settings = [
        "--corpus", str(small_text), "--epochs", "12", "--window", "10", "--streams", "2", "--hidden-size", "64",
        "--weight-drop", "0.2", "--averaging", "0.99", "--precision", "fp32", "--threads", "1",
    ]  # fmt: skip
    seen = kill_often(tmp_path / "runs", settings, kills=1, longest=0.5, slack=math.inf)
    assert seen.wrong == []
    assert seen.most_leftovers <= 1


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("charlstm_tui.cli", ["torch", "numpy", "textual"]),
        ("charlstm_tui.app", ["torch", "numpy", "safetensors"]),
        ("core.runs.store", ["torch", "textual", "rich", "click"]),
        ("core.training.trainer, core.sampling.sampler, core.evaluation.evaluator", ["textual", "rich", "click"]),
    ],
)
def test_slow_modules_are_not_imported_before_they_are_needed(module: str, absent: list[str]) -> None:
    code = f"import {module}, sys; print([name for name in {absent!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.shipped
def test_a_model_is_loaded_without_pytorch_s_compiler() -> None:
    """Importing the compiler takes more than a second, and this program does not compile models."""
    code = (
        "import sys; from core.checkpoints.checkpoint import load_checkpoint; "
        "from core.runs.bundled_model import shipped_path;"
        "load_checkpoint(shipped_path()); print('torch._dynamo' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_a_run_is_trained_without_pytorch_s_compiler(small_text: Path, tmp_path: Path) -> None:
    """The decorators of PyTorch's optimizers would import the compiler at the first step."""
    settings = ["--averaging", "0.9", "--weight-drop", "0.2", "--epochs", "1", "--threads", "1"]
    arguments = ["train", "--corpus", str(small_text), *settings, "--runs", str(tmp_path), "--json"]
    code = (
        f"import sys; from charlstm_tui.cli import commands; commands({arguments!r}, standalone_mode=False); "
        "print('torch.optim' in sys.modules, 'torch._dynamo' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "True False"


def test_without_a_terminal_the_app_says_so_and_names_the_commands() -> None:
    found = subprocess.run(COMMAND, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert found.stdout == ""
    for command in ("train", "evaluate", "generate", "runs"):
        assert command in found.stderr


def test_the_module_is_the_command() -> None:
    installed = Path(sys.executable).with_name("charlstm-tui")
    if not installed.exists():
        pytest.skip("charlstm-tui is not installed next to this Python")
    for arguments in (["presets"], ["evaluate", "nobody"]):
        one, other = (
            subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
            for command in (COMMAND, [str(installed)])
        )
        assert (one.stdout, one.stderr, one.returncode) == (other.stdout, other.stderr, other.returncode)


STRANGERS = [*product(["core.py", "core/__init__.py"], ["", "--help", "runs list"])]


@pytest.mark.parametrize(
    ("name", "arguments"), rows_of_each_kind([("core.py", ""), ("core/__init__.py", "runs list")], STRANGERS)
)
def test_another_package_called_core_gives_an_error_message_with_its_path(
    tmp_path: Path, name: str, arguments: str
) -> None:
    stranger = tmp_path / name
    stranger.parent.mkdir(exist_ok=True)
    stranger.write_text("raise RuntimeError('nobody is to import this')\n", encoding="utf-8")
    found = subprocess.run([*COMMAND, *arguments.split()], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (2, "")
    assert len(found.stderr.splitlines()) == 1
    assert f"another package named core is in the way of charlstm-tui's: {stranger}." in found.stderr


def test_a_folder_called_core_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "notes.txt").touch()
    subprocess.run([*COMMAND, "runs", "list"], cwd=tmp_path, capture_output=True, check=True)


def test_a_character_that_the_encoding_lacks_is_printed_as_a_question_mark(trained: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    found = subprocess.run(
        [*COMMAND, "generate", trained, "--prompt", "chèvres ☃ ", "--length", "5"],
        check=False, capture_output=True, env=environment,
    )  # fmt: skip
    assert found.returncode == 0
    assert found.stdout.startswith("chèvres ? ".encode("latin-1"))


def test_generate_ends_quietly_when_its_pipe_is_closed(trained: str) -> None:
    writer = subprocess.Popen(
        [*COMMAND, "generate", trained, "--length", "100000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writer.stdout is not None
    assert len(writer.stdout.read(100)) == 100
    writer.stdout.close()
    assert writer.wait(DEADLINE) in (0, 1)
    assert writer.stderr is not None
    assert writer.stderr.read() == b""
    writer.stderr.close()


@pytest.mark.parametrize("arguments", ["generate sheep --json", "memory sheep", "evaluate sheep"])
def test_without_a_standard_output_nothing_is_computed(trained: str, arguments: str) -> None:
    found = subprocess.run(
        [*COMMAND, *arguments.split()], stderr=subprocess.PIPE, text=True, check=False, timeout=DEADLINE,
        preexec_fn=lambda: os.close(1),
    )  # fmt: skip
    assert found.returncode == 2
    assert found.stderr == "Error: There is no standard output to write to.\n"


EVERYDAY = [
    "train --epochs 1 --corpus {text} --json", "generate sheep --length 9",
    "corpus list", "corpus path", "corpus fetch l-homme-aux-contrats", "presets", "presets --json", "runs list",
    "runs show sheep --json", "runs rename sheep lamb", "runs delete sheep --yes", "serve --port 0", "--help",
]  # fmt: skip
OTHERS = [
    "train --epochs 1 --corpus {text}", "train --resume sheep --epochs 3",
    "evaluate sheep", "evaluate sheep --json", "evaluate sheep --loss-only", "evaluate sheep --compare sheep",
    "generate sheep --length 9 --json", "generate sheep --length 9 --count 3", "runs export sheep --output {new}",
    "corpus list --json", "presets quick", "runs list --json", "runs show sheep", "train --help", "--version",
]  # fmt: skip
"""Commands that load PyTorch, three seconds each, and commands whose output works like that of one above."""


@pytest.mark.parametrize("arguments", one_of_each_kind(EVERYDAY, EVERYDAY + OTHERS))
def test_each_command_with_a_closed_output_exits_with_1_and_without_a_traceback(
    trained: str, small_text: Path, tmp_path: Path, arguments: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        found = subprocess.run(
            [*COMMAND, *arguments.format(text=small_text, new=tmp_path / "new.safetensors").split()],
            stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=DEADLINE, preexec_fn=heed_signals,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert found.returncode == 1, found.stderr
    assert "Traceback" not in found.stderr
    assert "Exception ignored" not in found.stderr
    if arguments.startswith("train") and "help" not in arguments:
        assert "Standard output was closed. " in found.stderr
        assert "saved in" in found.stderr


def test_serve_refuses_bad_addresses_with_an_error_message() -> None:
    def refused(*arguments: str) -> str:
        found = call("serve", *arguments)
        assert (found.exit_code, found.stdout) == (2, "")
        assert "Traceback" not in found.stderr
        return found.stderr

    for address in ("0.0.0.0", "192.0.2.1", "example.org", "::"):
        assert "there is no login" in refused("--host", address)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"The app cannot be served at 127.0.0.1, port {port}: Address already in use" in refused("--port", port)
    assert "port 8000" in refused("--host", "192.0.2.1", "--without-login"), "not an address of this machine"
    assert "this is not an address" in refused("--host", "\udc80", "--without-login")
    assert refused("--port", "70000").startswith("Usage")


def test_serve_names_the_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    monkeypatch.delitem(sys.modules, "charlstm_tui.web.server", raising=False)
    found = call("serve")
    assert found.exit_code == 2
    assert "Install them with the extra `web`" in found.stderr
