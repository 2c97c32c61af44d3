"""The commands and the workers under the rules of Windows, which `tests.windows` simulates."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from charlstm_tui.commands.stdio import set_encodings
from core.control import Control
from core.data.corpus import Corpus
from core.experiments import worker_processes
from core.experiments.experiment import Experiment
from core.experiments.experiment_store import ExperimentStore
from core.experiments.trial_events import TrialEnded, TrialEpoch, TrialEvent, WorkerFailed, to_json
from core.experiments.varied import parse_varied
from core.experiments.worker_processes import MAX_REPLACED, WorkerProcesses
from core.runs.store import RunStore
from tests.cli.test_commands import TINY, call
from tests.conftest import TINY_MODEL, TINY_TRAINING
from tests.windows import use_windows_rules

if sys.platform == "win32":
    pytest.skip("Windows is simulated", allow_module_level=True)

BREAK = signal.SIGUSR1
"""The signal that stands for SIGBREAK here."""
WORKER = f"""
import signal
signal.SIGBREAK = signal.Signals({int(BREAK)})
from charlstm_tui.__main__ import main
main()
"""


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    use_windows_rules(monkeypatch)


@pytest.mark.usefixtures("windows")
def test_a_model_is_trained_evaluated_and_used(small_text: Path, store: RunStore, tmp_path: Path) -> None:
    assert call("train", "--corpus", small_text, *TINY, "--name", "a").exit_code == 0
    assert call("train", "--resume", "a", "--epochs", "3").exit_code == 0
    assert json.loads(call("evaluate", "a", "--json").stdout)["corpus"] == "moutons"
    assert call("generate", "a", "--length", "50").exit_code == 0
    assert call("runs", "export", "a", "--output", tmp_path / "a.safetensors").exit_code == 0
    assert call("runs", "rename", "a", "b").exit_code == 0
    assert [run.name for run in store.all()] == ["b"]
    assert call("runs", "delete", "b", "--yes").exit_code == 0
    assert store.all() == []


@pytest.mark.parametrize(
    "name", ["con", "NUL.txt", "aux", "com1", "lpt\N{SUPERSCRIPT TWO}", "a:b", "a.", "a ", "a\\b", "a?"]
)
def test_no_run_gets_a_name_that_windows_cannot_have(name: str, small_text: Path) -> None:
    result = call("train", "--corpus", small_text, *TINY, "--name", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "A run cannot be called" in result.stderr


# --- the standard streams


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, *, terminal: bool = False) -> bytes:
    """Print to a stream of this encoding and return the bytes."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    if terminal:
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdout", stream)
    set_encodings()
    sys.stdout.write("cœur █ 心")
    stream.flush()
    return raw.getvalue()


def test_what_goes_to_a_file_on_windows_is_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    assert printed(monkeypatch, "cp1252") == "cœur █ 心".encode()


def test_an_encoding_that_the_user_or_another_system_chose_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    assert printed(monkeypatch, "cp1252") == b"c\x9cur ? ?"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("PYTHONIOENCODING", "cp850")
    assert printed(monkeypatch, "cp850") == b"c?ur \xdb ?"


# --- worker processes


class Started:
    """The processes that were started, and what they were sent."""

    def __init__(self) -> None:
        self.flags: list[int] = []
        self.sent: list[int] = []


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Start processes as on Windows: by its flags, and stopped by CTRL_BREAK_EVENT, which SIGUSR1 stands for."""
    found = Started()

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, creationflags: int, **options: Any) -> None:
            found.flags.append(creationflags)
            super().__init__(*arguments, **options)

        def send_signal(self, sig: int) -> None:
            found.sent.append(sig)
            super().send_signal(BREAK if sig == 1 else sig)

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(signal, "SIGBREAK", BREAK, raising=False)
    monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    monkeypatch.setattr(subprocess, "Popen", Popen)
    return found


def events(code: str, *arguments: object) -> Iterator[TrialEvent | None]:
    """Run one worker: a Python program."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return WorkerProcesses(command, 1).run(Control())


def test_a_worker_is_stopped_by_ctrl_break_and_saves_its_run(
    started: Started, small_corpus: Corpus, store: RunStore
) -> None:
    experiment = Experiment(
        name="long", preset="quick", corpus=small_corpus.config, model=TINY_MODEL,
        training=msgspec.structs.replace(TINY_TRAINING, epochs=100_000), varied=(parse_varied("hidden_size=4"),),
    )  # fmt: skip
    ExperimentStore(store).create(experiment)
    control = Control()
    command = [sys.executable, "-c", WORKER, "sweep", "work", "long", "--runs", str(store.root)]
    seen = []
    for event in WorkerProcesses(command, 1).run(control):
        seen.append(event)
        if isinstance(event, TrialEpoch):
            control.stop()
    assert (started.flags, set(started.sent)) == ([0x200], {1})
    assert [event.state for event in seen if isinstance(event, TrialEnded)] == ["interrupted"]
    assert not [event for event in seen if isinstance(event, WorkerFailed)]
    assert store.get("long-1").last_path.exists()


def test_a_killed_worker_is_replaced_and_one_that_failed_is_not(started: Started) -> None:
    (failed,) = [event for event in events("import os; os._exit(1)") if event is not None]
    assert failed == WorkerFailed(why="A worker ended with code 1.")
    assert len(started.flags) == 1 + MAX_REPLACED
    started.flags.clear()
    (failed,) = [event for event in events("import sys; sys.exit('Error: no text.')") if event is not None]
    assert failed == WorkerFailed(why="Error: no text.")
    assert len(started.flags) == 1


def test_events_are_read_whatever_the_encoding_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    event = TrialEnded(trial=1, run="é-1", state="failed", why="c\N{LATIN SMALL LIGATURE OE}ur")
    found = [each for each in events("import sys; print(sys.argv[1])", to_json(event)) if each is not None]
    assert found == [event]
    assert os.environ["PYTHONIOENCODING"] == "cp1252"
    assert worker_processes._was_killed(-9, "")
