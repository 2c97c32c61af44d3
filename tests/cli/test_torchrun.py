"""`train` in processes that torchrun starts: how runs end, signals, kills, and resuming with other processes."""

import json
import math
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.training_state import load_snapshot
from core.runs.run import Run
from core.runs.store import RunStore
from core.runs.summary import epochs_of, summarise
from tests.benchmarks.torchrun_kills import PROCESSES, Torchrun, kill_ranks
from tests.cli.test_commands import call
from tests.conftest import SMALL_TEXT
from tests.processes import heed_signals

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="PyTorch was built without torchrun")

SMALL = [
    "--preset", "quick", "--hidden-size", 8, "--embedding-size", 6, "--streams", 4, "--window", 10, "--validation", 0.1,
    "--output-dropout", 0.1, "--weight-drop", 0.1, "--sample-length", 0, "--precision", "fp32", "--device", "cpu",
    "--threads", 1,
]  # fmt: skip
LONG = 5000
"""Number of epochs that no test waits for."""


launches: list[Torchrun] = []
"""Those of the present test."""


@pytest.fixture(autouse=True)
def no_process_is_left_over() -> Iterator[None]:
    """End the processes of a test that failed."""
    yield
    while launches:
        launches.pop().kill()


def torchrun(folder: Path, *arguments: object, **others: Any) -> Torchrun:
    """Start torchrun with the program or a script."""
    launches.append(Torchrun(folder, *arguments, before=heed_signals, **others))
    return launches[-1]


def started(folder: Path, *arguments: object, name: str = "sheep", **others: Any) -> Torchrun:
    """Start torchrun with a small training run that prints JSON."""
    return torchrun(folder, "train", "--json", *SMALL, "--name", name, *arguments, **others)


def own_words(launch: Torchrun) -> list[str]:
    """Return the lines on stderr that are the program's, without those of torchrun."""
    lines = launch.errors().splitlines()
    report = next((number for number, line in enumerate(lines) if line.startswith("Traceback")), len(lines))
    assert "torch/distributed/run.py" in "".join(lines[report:]) or report == len(lines), "this traceback is ours"
    return [line for line in lines[:report] if "torch/distributed" not in line]


def same_end(one: Run, other: Run) -> bool:
    """Return whether two runs ended with the same state and the same losses, to the last bit."""
    mine, its = (load_snapshot(run.last_path).now.tensors for run in (one, other))
    losses = [[(epoch.epoch, epoch.train_loss, epoch.val_loss) for epoch in epochs_of(run.events())]
              for run in (one, other)]  # fmt: skip
    return losses[0] == losses[1] and mine.keys() == its.keys() and all(torch.equal(mine[key], its[key]) for key in its)


# --- a run


def test_two_processes_train_a_run_and_only_rank_0_prints(small_text: Path, tmp_path: Path, store: RunStore) -> None:
    launch = started(tmp_path, "--corpus", small_text, "--epochs", 3)
    assert launch.wait() == 0
    assert own_words(launch) == []
    assert [json.loads(line) for line in launch.lines] == launch.events, "each line is an event"
    named = [event["event"] for event in launch.events]
    assert [named.count(name) for name in ("run_started", "epoch_completed", "run_finished")] == [1, 3, 1]
    assert launch.events[0]["processes"] == PROCESSES
    assert launch.events[-1]["reason"] == "finished"
    run = store.get("sheep")
    assert summarise(run).state == "finished"
    assert [epoch.epoch for epoch in epochs_of(run.events())] == [1, 2, 3]
    assert load_snapshot(run.last_path).processes == PROCESSES
    load_checkpoint(run.best_path)


def test_streams_that_cannot_be_divided_end_with_one_sentence_and_no_run(
    small_text: Path, tmp_path: Path, store: RunStore
) -> None:
    launch = started(tmp_path, "--corpus", small_text, "--streams", 3)
    assert launch.wait() != 0
    assert own_words(launch) == [
        "Error: 3 streams cannot be divided equally among 2 processes. Choose --streams 2 or 4."
    ]
    assert launch.lines == []
    assert store.all() == []


def in_a_process_of_torchrun(monkeypatch: pytest.MonkeyPatch, *, rank: int, processes: int, restarts: int = 0) -> None:
    """Set the variables that torchrun gives its processes."""
    variables = {"RUN_ID": "a", "RESTART_COUNT": "0", "MAX_RESTARTS": str(restarts)}
    for name, value in variables.items():
        monkeypatch.setenv(f"TORCHELASTIC_{name}", value)
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", str(processes))


@pytest.mark.parametrize("arguments", [["evaluate", "sheep"], ["generate", "sheep"], []])
def test_commands_that_processes_cannot_share_say_so_once(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    in_a_process_of_torchrun(monkeypatch, rank=0, processes=2)
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    what = f"`charlstm-tui {arguments[0]}`" if arguments else "the app"
    sentence = f"Error: torchrun starts several processes, which only `train` can share. Start {what} without it.\n"
    assert result.stderr == sentence
    in_a_process_of_torchrun(monkeypatch, rank=1, processes=2)
    result = call(*arguments)
    assert (result.exit_code, result.output) == (2, "")


def test_with_restarts_a_run_needs_a_name(monkeypatch: pytest.MonkeyPatch, small_text: Path, store: RunStore) -> None:
    in_a_process_of_torchrun(monkeypatch, rank=0, processes=1, restarts=1)
    result = call("train", "--corpus", small_text, *SMALL)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "Error: With --max-restarts, the run needs a name, by which it is found again: add --name RUN.\n"
    )
    assert store.all() == []


@pytest.mark.thorough
def test_a_text_in_another_encoding_and_a_wrong_option_are_mentioned_once(tmp_path: Path) -> None:
    text = tmp_path / "chèvres.txt"
    text.write_bytes(SMALL_TEXT.encode("utf-16"))
    launch = started(tmp_path, "--corpus", text, "--epochs", 1)
    assert launch.wait() == 0
    assert own_words(launch) == [f"{text} was read as utf-16."]
    launch = started(tmp_path, "--no-such-option")
    assert launch.wait() != 0
    assert len([line for line in own_words(launch) if line.startswith("Error:")]) == 1


@pytest.mark.thorough
def test_a_process_without_the_text_is_named(tmp_path: Path, store: RunStore) -> None:
    """The working folder is part of the path here, and rank 1 has another one, as if it were on another machine."""
    if not Path("/proc/self/cwd").exists():
        pytest.skip("only Linux has a path that is different in each process")
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    text = Path("/proc/self/cwd/moutons.txt")
    (here / text.name).write_text(SMALL_TEXT, encoding="utf-8")
    script = tmp_path / "train.py"
    script.write_text(
        "import os\n"
        "from charlstm_tui.__main__ import main\n"
        f"os.chdir({str(here)!r} if os.environ['RANK'] == '0' else {str(there)!r})\n"
        "main()\n",
        encoding="utf-8",
    )
    launch = torchrun(tmp_path, script, "train", *SMALL, "--corpus", text)
    assert launch.wait() != 0
    (said,) = own_words(launch)
    assert said.startswith("Error: Process 1 cannot take part: ")
    assert text.name in said
    assert store.all() == []
    # The same file with another content.
    (there / text.name).write_text(SMALL_TEXT + "!", encoding="utf-8")
    launch = torchrun(tmp_path, script, "train", *SMALL, "--corpus", text)
    assert launch.wait() != 0
    assert own_words(launch) == ["Error: Process 1 cannot take part: its moutons is not the text that process 0 reads."]
    assert store.all() == []


# --- signals


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("rank", "number"), [(0, signal.SIGINT), (0, signal.SIGTERM), (1, signal.SIGINT), (1, signal.SIGTERM)]
)
def test_a_signal_to_any_process_stops_and_saves_the_run(
    small_text: Path, tmp_path: Path, store: RunStore, rank: int, number: int
) -> None:
    launch = started(tmp_path, "--corpus", small_text, "--epochs", LONG, restarts=1)
    launch.wait_for("epoch_completed")
    launch.ranks()[rank].send_signal(number)
    assert launch.wait() == 0
    check_that_it_was_stopped(launch, store.get("sheep"))


def check_that_it_was_stopped(launch: Torchrun, run: Run) -> None:
    assert own_words(launch) == []
    last = launch.events[-1]
    assert (last["event"], last["reason"], last["unsaved"]) == ("run_finished", "stopped", "")
    assert [event["event"] for event in launch.events].count("run_started") == 1
    assert summarise(run).state == "stopped"
    assert load_snapshot(run.last_path).now.counters.epochs == last["epochs"] >= 1


@pytest.mark.thorough
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_run_that_torchrun_was_told_to_end_is_saved_and_continues_bit_for_bit(
    small_text: Path, tmp_path: Path, store: RunStore, number: int
) -> None:
    launch = started(tmp_path, "--corpus", small_text, "--epochs", 40, "--hidden-size", 64)
    launch.wait_for("epoch_completed")
    launch.process.send_signal(number)
    assert launch.wait() != 0, "torchrun reports the signal"
    check_that_it_was_stopped(launch, store.get("sheep"))
    again = torchrun(tmp_path, "train", "--resume", "sheep", "--json")
    assert again.wait() == 0
    assert own_words(again) == []
    assert (again.events[0]["processes"], again.events[-1]["reason"]) == (PROCESSES, "finished")
    whole = started(tmp_path, "--corpus", small_text, "--epochs", 40, "--hidden-size", 64, name="whole")
    assert whole.wait() == 0
    assert same_end(store.get("sheep"), store.get("whole"))


@pytest.mark.thorough
@pytest.mark.timeout(300)
@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_is_suspended_delays_the_run_and_changes_nothing(
    small_text: Path, tmp_path: Path, store: RunStore, rank: int
) -> None:
    launch = started(tmp_path, "--corpus", small_text, "--epochs", 60)
    launch.wait_for("epoch_completed")
    process = launch.ranks()[rank]
    process.suspend()
    time.sleep(3)  # longer than between any two reports
    assert launch.process.poll() is None
    process.resume()
    assert launch.wait() == 0
    assert own_words(launch) == []
    whole = started(tmp_path, "--corpus", small_text, "--epochs", 60, name="whole")
    assert whole.wait() == 0
    assert same_end(store.get("sheep"), store.get("whole"))


@pytest.mark.thorough
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_run_with_one_sentence_at_most(
    small_text: Path, tmp_path: Path, store: RunStore, rank: int
) -> None:
    launch = started(tmp_path, "--corpus", small_text, "--epochs", LONG)
    launch.wait_for("checkpoint_saved")
    launch.ranks()[rank].kill()
    assert launch.wait() != 0
    sentence = "Error: Another process of this run has ended, so this one ends too. What was saved is safe."
    assert own_words(launch) in ([], [sentence])
    assert summarise(store.get("sheep")).state == "interrupted"
    load_snapshot(store.get("sheep").last_path)


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_killed_processes_are_started_again_and_end_like_those_that_were_not(tmp_path: Path) -> None:
    settings = [
        "--corpus", "l-homme-aux-contrats", "--limit", "30000", "--preset", "quick", "--epochs", "40",
        "--hidden-size", "64", "--output-dropout", "0.1", "--weight-drop", "0.2", "--averaging", "0.99",
        "--device", "cpu", "--precision", "fp32", "--threads", "1",
    ]  # fmt: skip
    seen = kill_ranks(tmp_path / "runs", settings, kills=2, longest=0.5, slack=math.inf)
    assert seen.wrong == []
    assert seen.kills == 2


@pytest.mark.thorough
def test_processes_that_are_started_again_leave_another_run_of_that_name_alone(
    small_text: Path, tmp_path: Path, store: RunStore
) -> None:
    assert call("train", "--corpus", small_text, *SMALL, "--epochs", 1, "--name", "sheep").exit_code == 0
    before = store.get("sheep").metrics_path.read_bytes()
    launch = started(tmp_path, "--corpus", small_text, "--epochs", 2, "--hidden-size", 16, restarts=1)
    assert launch.wait() != 0
    assert "There is a run called sheep already" in own_words(launch)[0]
    assert launch.lines == []
    assert store.get("sheep").metrics_path.read_bytes() == before


# --- what a run can be


@pytest.mark.thorough
@pytest.mark.timeout(300)
def test_a_run_of_two_processes_continues_with_one_and_with_four(
    small_text: Path, tmp_path: Path, store: RunStore
) -> None:
    launch = started(tmp_path, "--corpus", small_text, "--epochs", LONG)
    launch.wait_for("epoch_completed")
    launch.ranks()[0].send_signal(signal.SIGINT)
    assert launch.wait() == 0
    done = launch.events[-1]["epochs"]

    alone = call("train", "--resume", "sheep", "--epochs", done + 2)
    assert alone.exit_code == 0
    assert "This run was trained by 2 processes and continues with 1: its losses will differ slightly" in alone.stderr
    assert load_snapshot(store.get("sheep").last_path).processes == 1

    arguments = ["train", "--resume", "sheep", "--epochs", done + 4]
    four = torchrun(tmp_path, *arguments, processes=4)
    assert four.wait() == 0
    said = own_words(four)
    (note,) = (line for line in said if line.startswith("This run was trained by"))
    assert note.startswith("This run was trained by 1 process and continues with 4: ")
    assert len([line for line in said if line.startswith("epoch")]) == 2
    assert load_snapshot(store.get("sheep").last_path).processes == 4
    assert [epoch.epoch for epoch in epochs_of(store.get("sheep").events())] == [*range(1, done + 5)]
    assert summarise(store.get("sheep")).state == "finished"


@pytest.mark.thorough
def test_a_run_with_a_time_limit_finishes(small_text: Path, tmp_path: Path, store: RunStore) -> None:
    launch = started(tmp_path, "--corpus", small_text, "--seconds", 3)
    assert launch.wait() == 0
    assert own_words(launch) == []
    last = launch.events[-1]
    assert last["reason"] == "finished"
    assert last["epochs"] >= 1
    assert summarise(store.get("sheep")).state == "finished"


@pytest.mark.thorough
@pytest.mark.timeout(300)
def test_a_run_that_diverges_rolls_back_and_fails_like_that_of_one_process(
    small_text: Path, tmp_path: Path, store: RunStore
) -> None:
    diverging = ["--corpus", small_text, "--epochs", 30, "--learning-rate", 10, "--optimizer", "adamw",
                 "--gradient-clip", 0, "--warmup", 0]  # fmt: skip
    launch = started(tmp_path, *diverging)
    code = launch.wait()
    assert own_words(launch) == []
    alone = call("train", "--json", *SMALL, *diverging, "--name", "alone")
    expected = [json.loads(line) for line in alone.stdout.splitlines()]

    def decisions(events: list[dict[str, Any]]) -> list[tuple[str, object]]:
        kinds = ("rate_halved", "diverged", "run_finished")
        return [(event["event"], event.get("reason", event.get("rate_factor")))
                for event in events if event["event"] in kinds]  # fmt: skip

    assert decisions(launch.events) == decisions(expected)
    assert decisions(expected)[0][0] == "rate_halved"
    assert (code != 0) == (alone.exit_code != 0)
    assert summarise(store.get("sheep")).state == summarise(store.get("alone")).state


@pytest.mark.thorough
def test_early_stopping_ends_the_run_in_all_processes(small_text: Path, tmp_path: Path, store: RunStore) -> None:
    launch = started(tmp_path, "--corpus", small_text, "--epochs", LONG, "--patience", 2, "--learning-rate", 0.1)
    assert launch.wait() == 0
    assert own_words(launch) == []
    last = launch.events[-1]
    assert last["reason"] == "finished"
    assert last["epochs"] < LONG
    epochs = epochs_of(store.get("sheep").events())
    assert [epoch.best for epoch in epochs[-3:]] == [True, False, False]


@pytest.mark.thorough
def test_a_save_during_the_validation_does_not_separate_the_processes(tmp_path: Path, store: RunStore) -> None:
    text = tmp_path / "long.txt"
    text.write_text(SMALL_TEXT * 200, encoding="utf-8")
    launch = started(
        tmp_path, "--corpus", text, "--streams", 64, "--window", 100, "--validation", 0.5, "--hidden-size", 128,
        "--epochs", 2, "--autosave", 0.1,
    )  # fmt: skip
    assert launch.wait() == 0
    during, saved = False, 0
    for event in launch.events:
        during = event["event"] == "validation_progressed" or (during and event["event"] == "checkpoint_saved")
        saved += during and event["event"] == "checkpoint_saved"
    assert saved, "nothing was saved during a validation"
