"""`doctor`: what it finds, what it does not show, and where it must still work."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from charlstm_tui.commands import doctor_checks, doctor_terminal, doctor_trials
from charlstm_tui.commands.doctor import WIDTH, lines_of
from charlstm_tui.commands.doctor_checks import light_checks
from charlstm_tui.commands.doctor_result import Check, without_home
from charlstm_tui.formatting.versions import version_of
from core.data.known_texts import MOLIERE
from core.events import StepsCompleted
from core.runs.store import RunStore
from tests.cli.test_commands import call
from tests.processes import heed_signals
from tests.tui.real_terminal import Terminal
from tests.waiting import DEADLINE, wait_until

COMMAND = [sys.executable, "-m", "charlstm_tui", "doctor"]


@pytest.fixture
def without_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip what needs PyTorch, which takes seconds."""

    def no_trials() -> Iterator[Check]:
        yield from ()

    monkeypatch.setattr(doctor_trials, "trials", no_trials)


def found_in(store: RunStore) -> dict[str, Check]:
    return {check.name: check for check in light_checks(store)}


@pytest.mark.shipped
def test_everything_works_here_and_a_run_is_trained() -> None:
    result = call("doctor", "--json")
    found = json.loads(result.stdout)
    checks = {check["name"]: check for check in found["checks"]}
    assert (result.exit_code, found["ok"], result.stderr) == (0, True, "")
    assert [name for name, check in checks.items() if check["state"] == "wrong"] == []
    assert {"program", "Python", "packages", "system", "memory", "terminal", "streams", "colours", "encoding", "glyphs",
            "runs folder", "data folder", "cache folder", "temp folder", "Molière", "PyTorch", "device", "model",
            "computing", "trial run"} <= checks.keys()  # fmt: skip
    run = checks["trial run"]["figures"]
    assert run["steps"] >= 20
    assert run["steps_per_second"] > 0
    assert run["last_loss"] < run["first_loss"]
    assert "torch 2" in checks["packages"]["found"]


def test_a_missing_model_is_wrong_and_gives_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_trials, "trials", lambda: iter([doctor_trials._model()]))
    result = call("doctor")
    assert result.exit_code == 1
    assert "wrong model        the bundled model is missing. Install again." in result.stdout
    assert result.stderr.splitlines()[-1] == "1 check found something wrong: model."


@pytest.mark.usefixtures("without_trials")
def test_the_lines_fit_in_80_columns_and_each_begins_with_its_state() -> None:
    lines = call("doctor").stdout.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert {line.split()[0] for line in lines[:-1] if not line.startswith(" ")} <= {"ok", "note", "wrong"}
    assert lines[-1] == "Everything works."


def test_a_long_line_is_wrapped_also_in_a_narrow_window() -> None:
    check = Check(name="runs folder", found="/" + "long/" * 40, state="wrong", advice="Name another one.")
    for width in (80, 40):
        lines = lines_of(check, width)
        assert max(map(len, lines)) <= width
        assert lines[0].startswith("wrong runs folder  /long/")
        assert all(line.startswith(" " * 19) for line in lines[1:])
        assert "Name another one." in " ".join(" ".join(lines).split())


@pytest.mark.usefixtures("without_trials")
def test_nothing_of_the_user_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "martin"
    home.mkdir()
    (tmp_path / "martin-2").mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CHARLSTM_RUNS", str(home / "runs"))
    monkeypatch.setenv("CHARLSTM_DATA", str(tmp_path / "martin-2"))
    for name in ("HTTPS_PROXY", "SSH_CONNECTION", "MASTER_ADDR", "TORCHELASTIC_RUN_ID", "TMUX"):
        monkeypatch.setenv(name, "a-secret")
    monkeypatch.setenv("TERM", "x\x1b[2Jterm")
    shown = " ".join(call("doctor").stdout.split())
    assert "runs folder ~/runs, not created yet" in shown
    assert "martin-2" in shown, "another folder with a similar name is shown as it is"
    assert f"{home}/" not in shown
    assert "a-secret" not in shown
    assert "\x1b" not in shown
    assert "in tmux, over SSH" in shown
    assert "ok torchrun" in shown


def test_the_home_folder_is_replaced_where_it_is_a_whole_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert without_home("/home/ann/runs, /home/ann: no") == "~/runs, ~: no"
    assert without_home("/home/anna/runs") == "/home/anna/runs"
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert without_home("/home/ann") == "/home/ann"


def test_a_folder_that_cannot_be_written_is_wrong_with_advice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small_text: Path
) -> None:
    monkeypatch.setenv("CHARLSTM_DATA", str(small_text / "data"))
    checks = found_in(RunStore(small_text / "runs"))
    assert (checks["runs folder"].state, checks["data folder"].state) == ("wrong", "wrong")
    assert "CHARLSTM_RUNS" in checks["runs folder"].advice
    assert "cannot be written" in checks["data folder"].found
    assert found_in(RunStore(tmp_path / "new" / "runs"))["runs folder"].state == "ok"
    assert not (tmp_path / "new").exists(), "nothing is created"


def test_without_a_home_folder_it_says_so(monkeypatch: pytest.MonkeyPatch, store: RunStore) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("CHARLSTM_DATA")
    for name in ("user_data_dir", "user_cache_dir"):
        monkeypatch.setattr(f"platformdirs.{name}", refuse)
    checks = found_in(store)
    assert (checks["data folder"].state, checks["cache folder"].state) == ("wrong", "wrong")
    assert checks["data folder"].advice == "Set CHARLSTM_DATA."


def test_a_full_disk_is_wrong(monkeypatch: pytest.MonkeyPatch, store: RunStore) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000}))
    folder = found_in(store)["runs folder"]
    assert folder.state == "wrong"
    assert "nearly full" in folder.advice


def test_packages_that_are_missing_or_of_another_version_are_wrong(
    monkeypatch: pytest.MonkeyPatch, store: RunStore
) -> None:
    versions = {"textual": "9.0", "numpy": None}
    monkeypatch.setattr(
        doctor_checks, "version_of", lambda name: versions[name] if name in versions else version_of(name)
    )
    packages = found_in(store)["packages"]
    assert packages.state == "wrong"
    assert "numpy is missing" in packages.advice
    assert "textual must be <9,>=8.2" in packages.advice


def test_a_damaged_copy_of_moliere_is_wrong(store: RunStore) -> None:
    assert found_in(store)["Molière"].state == "ok", "it is not needed"
    MOLIERE.path.parent.mkdir(parents=True)
    MOLIERE.path.write_text("LE MÉDECIN. Hélas\n", encoding="utf-8")
    moliere = found_in(store)["Molière"]
    assert (moliere.state, moliere.advice) == ("wrong", "`charlstm-tui corpus fetch` downloads it again.")


def test_an_encoding_without_accents_is_noted(monkeypatch: pytest.MonkeyPatch, store: RunStore) -> None:
    monkeypatch.setattr(doctor_terminal, "draws_more_than_ascii", lambda: False)
    assert found_in(store)["encoding"].state == "note"


def test_a_loss_that_does_not_fall_is_wrong() -> None:
    def after(steps: int, loss: float) -> StepsCompleted:
        return StepsCompleted(
            epoch=1, step=steps, steps=100, loss=loss, recent_loss=loss, total_steps=steps, chars_per_second=1.0,
            elapsed_seconds=steps / 10,
        )  # fmt: skip

    good = doctor_trials._verdict([after(1, 4.0), after(20, 3.0)])
    assert (good.state, good.advice) == ("ok", "")
    assert good.found == "20 steps in 2.0 s, 10 steps per second, loss 4.00 to 3.00; saved and read back"
    for loss in (4.5, float("nan")):
        bad = doctor_trials._verdict([after(1, 4.0), after(20, loss)])
        assert bad.state == "wrong"
        assert "The loss does not fall." in bad.advice


def test_a_trial_run_that_cannot_be_saved_is_wrong(monkeypatch: pytest.MonkeyPatch, small_text: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(small_text / "no folder"))
    from core.model.device import ComputeSettings

    check = doctor_trials._run(ComputeSettings(device="cpu", precision="fp32", threads=1))
    assert check.state == "wrong"


def test_a_pytorch_that_cannot_be_loaded_is_wrong_and_the_rest_is_printed(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    broken = "raise OSError('libtorch_cpu.so: cannot open shared object file')\n"
    (tmp_path / "torch" / "__init__.py").write_text(broken, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    found = subprocess.run(COMMAND, capture_output=True, check=False, timeout=DEADLINE, env=environment)
    shown = " ".join(found.stdout.decode().split())
    assert found.returncode == 1
    assert "wrong PyTorch It cannot be loaded: libtorch_cpu.so: cannot open shared object file." in shown
    assert shown.endswith("not tried, because PyTorch cannot be loaded")
    assert found.stderr.decode().splitlines() == ["2 checks found something wrong: PyTorch, trial run."]


def test_a_closed_pipe_ends_it_quietly() -> None:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed_signals)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"ok ")
    process.stdout.close()
    assert process.wait(DEADLINE) == 1
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


def test_ctrl_c_during_the_trial_run_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    process = subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals,
        env=os.environ | {"TMPDIR": str(folder)},
    )  # fmt: skip
    wait_until(lambda: [*folder.glob("charlstm-doctor-*/quick-1/config.json")])
    for _ in range(2):  # the second one does not keep the folder from being deleted
        process.send_signal(signal.SIGINT)
    shown, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert errors == "Interrupted.\n"
    assert "trial run" not in shown
    assert [*folder.iterdir()] == []


@pytest.mark.thorough
def test_in_a_dumb_terminal_only_lines_are_printed() -> None:
    environment = os.environ | {"TERM": "dumb", "NO_COLOR": "1"}
    terminal = Terminal(sys.executable, COMMAND[1:], environment)
    try:
        assert terminal.exit_code() == 0
        while not terminal.over:
            terminal.read(0.1)
    finally:
        terminal.close()
    assert "\x1b" not in terminal.everything
    assert "\r" not in terminal.everything.replace("\r\n", "\n")
    assert "note  terminal     TERM=dumb" in terminal.everything
    assert "Everything works." in terminal.everything
