"""Several processes train one model: started once by torchrun, and compared with the same runs of one process."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import torch
from filelock import FileLock
from torch import Tensor

from core.checkpoints.training_state import TrainingState
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.errors import UserError
from core.events import EpochCompleted, Event, RateHalved, RunFinished, RunStarted, StepsCompleted
from core.training.process_group import ProcessGroup
from core.training.trainer import Trainer
from tests.conftest import SMALL_TEXT
from tests.core.training import parallel_runs
from tests.core.training.parallel_runs import CPU, EQUAL, STEPS, stopped_after

PROCESSES = 2
WEIGHTS_AGREE = 1e-5
CHARACTERS = 6_000
"""Length of the text: an epoch of `STEPS` steps."""


class Ran(SimpleNamespace):
    """What the processes did."""

    folder: Path
    corpus: Corpus

    def tensors(self, name: str) -> dict[str, Tensor]:
        return dict(torch.load(self.folder / f"{name}.pt"))

    def events(self, name: str) -> list[Event]:
        lines = (self.folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        return [msgspec.json.decode(line, type=Event) for line in lines]

    def last(self, name: str, kind: type[Any]) -> Any:
        return [event for event in self.events(name) if isinstance(event, kind)][-1]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    shared = (
        tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.getbasetemp()
    )
    folder = shared / "processes"
    text = folder / "text.txt"
    with FileLock(shared / "processes.lock"):  # pytest's processes share what one of them has started
        if not folder.exists():
            folder.mkdir()
            start(text, folder)
    return Ran(folder=folder, corpus=load_corpus(CorpusConfig(source=str(text))))


def start(text: Path, folder: Path) -> None:
    text.write_text((SMALL_TEXT * 99)[:CHARACTERS], encoding="utf-8")
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(PROCESSES)]
    arguments = ["-m", "tests.core.training.parallel_runs", str(text), str(folder)]
    done = subprocess.run([sys.executable, *command, *arguments], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr


@pytest.fixture(autouse=True)
def _reports_after_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)


@pytest.mark.parametrize("name", EQUAL)
def test_two_processes_train_as_one_does(ran: Ran, name: str) -> None:
    model, config = EQUAL[name]
    alone = Trainer(ran.corpus, model, config, CPU)
    events = list(stopped_after(alone, STEPS))
    expected, found = alone.snapshot().now.tensors, ran.tensors(f"{name}-steps")
    assert ran.last(f"{name}-steps", StepsCompleted).total_steps == STEPS
    weights = [key for key in expected if key.startswith(("weights.", "average.")) and key != "average.updates"]
    assert weights
    for key in weights:
        assert torch.allclose(expected[key], found[key], rtol=0, atol=WEIGHTS_AGREE), key
    for key in ("state.hidden", "state.cell"):
        assert expected[key].shape == found[key].shape
        assert torch.allclose(expected[key], found[key], rtol=0, atol=1e-4), key
    losses = [event.recent_loss for event in events if isinstance(event, StepsCompleted)]
    shared = [event.recent_loss for event in ran.events(f"{name}-steps") if isinstance(event, StepsCompleted)]
    assert shared == pytest.approx(losses, abs=1e-5)


def test_two_processes_that_start_from_a_model_train_as_one_does(ran: Ran) -> None:
    model, config = EQUAL["lstm"]
    alone = Trainer(ran.corpus, model, config, CPU, start=parallel_runs.another_model(ran.corpus))
    assert len(alone.vocabulary) == len(ran.corpus.characters) + 2
    for _ in stopped_after(alone, STEPS):
        pass
    expected, found = alone.snapshot().now.tensors, ran.tensors("from-model-steps")
    for key in (key for key in expected if key.startswith("weights.")):
        assert torch.allclose(expected[key], found[key], rtol=0, atol=WEIGHTS_AGREE), key


def test_the_validation_loss_is_that_of_one_process(ran: Ran) -> None:
    model, config = EQUAL["lstm"]
    alone = Trainer(ran.corpus, model, config, CPU)
    epoch = [event for event in alone.run() if isinstance(event, EpochCompleted)][-1]
    assert ran.last("lstm-epoch", EpochCompleted).val_loss == pytest.approx(epoch.val_loss, abs=1e-5)
    assert ran.last("lstm-epoch", EpochCompleted).train_loss == pytest.approx(epoch.train_loss, abs=1e-5)


def test_a_stopped_run_continues_bit_for_bit_with_as_many_processes(ran: Ran) -> None:
    whole, second = ran.tensors("whole"), ran.tensors("second")
    assert ran.last("first", StepsCompleted).total_steps == parallel_runs.STOPPED_AT
    assert whole.keys() == second.keys()
    assert {"generator", "generator.1"} <= whole.keys()
    for name, tensor in whole.items():
        assert torch.equal(tensor, second[name]), name
    assert ran.last("whole", EpochCompleted).val_loss == ran.last("second", EpochCompleted).val_loss


def test_processes_drop_different_weights(ran: Ran) -> None:
    state = ran.tensors("first")
    assert not torch.equal(state["generator"], state["generator.1"])


def test_a_state_of_two_processes_continues_with_one(ran: Ran) -> None:
    model, _ = EQUAL["lstm"]
    config = parallel_runs.DROPPING
    before = Trainer(ran.corpus, model, config, CPU)
    list(stopped_after(before, parallel_runs.STOPPED_AT))
    alone = before.snapshot()
    now = TrainingState(alone.now.counters, ran.tensors("first"))  # the counters are the same
    snapshot = replace(alone, now=now, processes=PROCESSES)
    after = Trainer(ran.corpus, model, config, CPU, snapshot)
    started, *_, finished = after.run()
    assert isinstance(started, RunStarted)
    assert isinstance(finished, RunFinished)
    assert started.advice.startswith("This run was trained by 2 processes and continues with 1: ")
    assert finished.reason == "finished"
    assert after.snapshot().processes == 1
    assert "generator.1" not in after.snapshot().now.tensors


def test_any_process_can_ask_to_stop(ran: Ran) -> None:
    assert ran.last("asked", RunFinished).reason == "stopped"
    assert ran.last("asked", StepsCompleted).total_steps == 1


def test_divergence_rolls_back_all_processes(ran: Ran) -> None:
    halved = [event for event in ran.events("diverged") if isinstance(event, RateHalved)]
    assert [event.time for event in halved] == [1, 2, 3]
    assert ran.last("diverged", RunFinished).reason == "failed"
    model, config = EQUAL["lstm"]
    wild = msgspec.structs.replace(config, learning_rate=10.0, gradient_clip=0.0)
    alone = list(Trainer(ran.corpus, model, wild, CPU).run())
    assert [event.step for event in halved] == [event.step for event in alone if isinstance(event, RateHalved)]


def test_the_events_say_how_many_processes_train(ran: Ran) -> None:
    assert ran.last("whole", RunStarted).processes == PROCESSES


def group_of(size: int, rank: int = 0) -> ProcessGroup:
    """Return a group that is not connected."""
    group = ProcessGroup.__new__(ProcessGroup)
    group.size, group.rank = size, rank
    return group


def test_each_process_reads_an_equal_share_of_the_streams() -> None:
    places = list(range(12))
    assert [places[group_of(3, rank).columns(12)] for rank in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


@pytest.mark.parametrize(
    ("streams", "size", "said"),
    [
        (32, 3, "32 streams cannot be divided equally among 3 processes. Choose --streams 30 or 33."),
        (1, 2, "1 stream cannot be divided equally among 2 processes. Choose --streams 2."),
    ],
)
def test_streams_that_cannot_be_divided(streams: int, size: int, said: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(said)}$"):
        group_of(size).columns(streams)
