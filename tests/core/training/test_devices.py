"""Training, evaluating, sampling and inspecting, with the device as a parameter, and checkpoints that change it.

The tests of a GPU are skipped without one. Two kinds of test stand in for it there: a step on PyTorch's meta device,
which computes nothing but refuses to mix devices and to read a value, and files as a run on a GPU would write them.
"""

import dataclasses
import itertools
import math
import sys
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from torch import Tensor

from core.checkpoints.checkpoint import Checkpoint, load_checkpoint
from core.checkpoints.counters import Plan
from core.checkpoints.training_state import Snapshot, TrainingState, load_snapshot
from core.control import Control
from core.data.corpus import Corpus
from core.data.streams import Streams
from core.errors import in_plain_words
from core.evaluation.estimate import estimate_loss
from core.evaluation.evaluator import score
from core.evaluation.validation_loss import quick_loss
from core.events import EpochCompleted, Event, RunFinished, RunStarted, SampleDrawn, StepsCompleted
from core.files import write_atomically
from core.inspection.activations import Activations
from core.inspection.attribution import Attribution, gradient_times_input
from core.inspection.cell_ranking import first_order
from core.inspection.cell_values import CellReader
from core.inspection.gradient_reach import SPAN, Reach, follow_back
from core.inspection.record_activations import record_activations
from core.inspection.silencing import effect_of, read_text
from core.model.device import ComputeSettings, choose, works_here
from core.reports.results import Score
from core.reports.silencing import CellId, Clamp
from core.runs.store import RunStore
from core.sampling.sampler import Sampler
from core.settings.config import Cell, ModelConfig, SamplingConfig, TrainingConfig, configure
from core.training.learner import Learner
from core.training.live_state import LiveState
from core.training.replica import Replica
from core.training.resume import resume
from core.training.trainer import Trainer
from tests.conftest import rows_of_each_kind

T = TypeVar("T")
EVERYTHING = {
    "epochs": 3, "input_dropout": 0.1, "layer_dropout": 0.1, "output_dropout": 0.2, "weight_drop": 0.3,
    "state_reset": 0.05, "averaging": 0.9, "warmup": 0.1, "final_rate": 0.1, "decay": "matrices", "gradient_clip": 1.0,
}  # fmt: skip
"""Settings with every kind of dropout and the average of the weights."""
CLOSE = 0.02
"""Largest relative difference of losses that two devices compute: cuDNN rounds float32 to 10 bits (TF32)."""
CUDA_GENERATOR = torch.zeros(16, dtype=torch.uint8)
"""A state of the shape that CUDA's generator has: a seed and an offset."""
READ = "7 moutons, 10 chèvres.\n8 moutons, 4 chèvres.\n" * 8


def computing(device: str, precision: str = "fp32") -> ComputeSettings:
    """Return settings of one thread; skip the test if the CPU lacks the precision."""
    compute = ComputeSettings(device=device, precision=precision, threads=1)  # type: ignore[arg-type]
    if not works_here(compute):
        pytest.skip(f"this machine cannot train in {precision} on {device}")
    return compute


@pytest.fixture(autouse=True)
def reports_after_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)


def stopped_after(trainer: Trainer, steps: int) -> list[Event]:
    """Run a trainer until it has taken so many steps."""
    control = Control()
    events = []
    for event in trainer.run(control):
        events.append(event)
        if sum(isinstance(one, StepsCompleted) for one in events) == steps:
            control.stop()
    return events


def through_a_file(trainer: Trainer, path: Path) -> Snapshot:
    write_atomically(path, *trainer.snapshot().content("last"))
    return load_snapshot(path)


def epochs_of(events: list[Event]) -> list[EpochCompleted]:
    return [event for event in events if isinstance(event, EpochCompleted)]


def last_of(values: Iterator[object]) -> object:
    *_, last = values
    return last


def returned(computation: Generator[Any, None, T]) -> T:
    """Return the result of a computation that yields its progress."""
    while True:
        try:
            next(computation)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


# --- training


@pytest.mark.parametrize(
    ("cell", "precision", "optimizer"),
    rows_of_each_kind(
        [("lstm", "fp32", "adamw"), ("lstm", "bf16", "muon"), ("gru", "bf16", "adamw"), ("rnn", "fp32", "muon")],
        [*itertools.product(["lstm", "gru", "rnn"], ["fp32", "bf16"], ["adamw", "muon"])],
    ),
)
def test_a_network_learns(
    device: str, small_corpus: Corpus, tiny_training: TrainingConfig, cell: Cell, precision: str, optimizer: str
) -> None:
    model = ModelConfig(cell=cell, embedding_size=6, hidden_size=16, num_layers=2)
    config = configure(tiny_training, EVERYTHING | {"optimizer": optimizer, "precision": precision})
    trainer = Trainer(small_corpus, model, config, computing(device, precision))
    events = list(trainer.run())
    started, ended = events[0], events[-1]
    assert isinstance(started, RunStarted)
    assert (started.device, started.precision) == (device, precision)
    assert isinstance(ended, RunFinished)
    assert (ended.reason, ended.epochs) == ("finished", 3)
    losses = [epoch.train_loss for epoch in epochs_of(events)]
    assert losses[-1] < 0.9 * losses[0]
    assert all(math.isfinite(epoch.val_loss or math.nan) for epoch in epochs_of(events))
    assert all(len(event.text) == config.sample_length for event in events if isinstance(event, SampleDrawn))
    averaged = trainer.checkpoint().model
    assert averaged is not trainer.model
    for network in (trainer.model, averaged):
        assert {weight.device.type for weight in network.parameters()} == {device}
        assert {weight.dtype for weight in network.parameters()} == {torch.float32}


def test_a_gpu_computes_the_losses_of_the_cpu(gpu: str, small_corpus: Corpus, tiny_training: TrainingConfig) -> None:
    model = ModelConfig(embedding_size=6, hidden_size=16, num_layers=2)
    losses = {}
    for device in ("cpu", gpu):
        trainer = Trainer(small_corpus, model, tiny_training, computing(device))
        losses[device] = [(epoch.train_loss, epoch.val_loss) for epoch in epochs_of(list(trainer.run()))]
    for one, other in zip(losses["cpu"], losses[gpu], strict=True):
        assert one == pytest.approx(other, rel=CLOSE)


def test_a_gpu_is_used_if_there_is_one_in_bf16(gpu: str, tiny_model: ModelConfig) -> None:
    compute = choose(tiny_model, 9, TrainingConfig())
    assert (compute.device, compute.precision) == (gpu, "bf16")


def test_the_cpu_is_used_without_a_gpu(monkeypatch: pytest.MonkeyPatch, tiny_model: ModelConfig) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose(tiny_model, 9, TrainingConfig(precision="fp32", threads=1)).device == "cpu"


# --- resuming


@pytest.mark.parametrize(
    ("cell", "precision", "optimizer"),
    rows_of_each_kind(
        [("lstm", "bf16", "adamw"), ("gru", "fp32", "muon")],
        [*itertools.product(["lstm", "gru", "rnn"], ["fp32", "bf16"], ["adamw", "muon"])],
    ),
)
def test_a_resumed_run_ends_bit_for_bit_like_one_that_was_not_stopped(
    device: str, small_corpus: Corpus, tiny_training: TrainingConfig, tmp_path: Path,
    cell: Cell, precision: str, optimizer: str,
) -> None:  # fmt: skip
    model = ModelConfig(cell=cell, embedding_size=6, hidden_size=16, num_layers=2)
    config = configure(tiny_training, EVERYTHING | {"epochs": 2, "optimizer": optimizer, "sample_length": 0})
    compute = computing(device, precision)
    whole = Trainer(small_corpus, model, config, compute)
    list(whole.run())
    first = Trainer(small_corpus, model, config, compute)
    stopped_after(first, 30)
    snapshot = through_a_file(first, tmp_path / "last.safetensors")
    assert snapshot.compute == compute
    second = Trainer(small_corpus, model, config, snapshot.compute, snapshot)
    list(second.run())
    one, other = whole.snapshot().now.tensors, second.snapshot().now.tensors
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert tensor.device.type == "cpu"
        assert torch.equal(tensor, other[name]), name


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("dropping", [False, True])
def test_a_run_goes_from_the_cpu_to_the_device_and_back(
    device: str, small_corpus: Corpus, tiny_training: TrainingConfig, tmp_path: Path, dropping: bool, precision: str
) -> None:
    model = ModelConfig(embedding_size=6, hidden_size=16, num_layers=2)
    config = configure(tiny_training, (EVERYTHING if dropping else {"epochs": 3}) | {"sample_length": 0})
    on_cpu, on_device = computing("cpu", precision), computing(device, precision)
    whole = Trainer(small_corpus, model, config, on_cpu)
    list(whole.run())
    path = tmp_path / "last.safetensors"
    first = Trainer(small_corpus, model, config, on_cpu)
    stopped_after(first, 40)
    second = Trainer(small_corpus, model, config, on_device, through_a_file(first, path))
    assert {weight.device.type for weight in second.model.parameters()} == {device}
    stopped_after(second, 60)
    third = Trainer(small_corpus, model, config, on_cpu, through_a_file(second, path))
    assert isinstance(last_of(third.run()), RunFinished)
    assert len(third.history) == 3
    for one, other in zip(whole.history, third.history, strict=True):
        # with dropout, another device draws other random numbers
        tolerance = 0.2 if dropping or precision == "bf16" else CLOSE
        assert one.train_loss == pytest.approx(other.train_loss, rel=tolerance)
        assert one.val_loss == pytest.approx(other.val_loss, rel=tolerance)


def as_if_on_a_gpu(snapshot: Snapshot, dtype: torch.dtype = torch.bfloat16) -> Snapshot:
    """Return a snapshot as a run on a GPU takes it: with CUDA's random numbers, and a carried state in `dtype`."""

    def changed(name: str, tensor: Tensor) -> Tensor:
        if name == "generator":
            return CUDA_GENERATOR
        return tensor.to(dtype) if name.startswith("state.") else tensor

    def of_gpu(state: TrainingState) -> TrainingState:
        return TrainingState(state.counters, {name: changed(name, tensor) for name, tensor in state.tensors.items()})

    compute = ComputeSettings(device="cuda", precision="bf16", threads=1)
    good = of_gpu(snapshot.good) if snapshot.good is not None else None
    return dataclasses.replace(snapshot, compute=compute, now=of_gpu(snapshot.now), good=good)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_a_run_of_a_gpu_continues_on_a_machine_without_one(
    small_corpus: Corpus, tiny_training: TrainingConfig, store: RunStore, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, precision: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    computing("cpu", precision)
    config = configure(tiny_training, EVERYTHING | {"precision": precision})
    first = Trainer(small_corpus, ModelConfig(embedding_size=6, hidden_size=16, num_layers=2), config)
    stopped_after(first, 30)
    path = tmp_path / "from-a-gpu.safetensors"
    write_atomically(path, *as_if_on_a_gpu(first.snapshot(), dtype).content("last"))
    assert load_checkpoint(path).model.output.weight.device.type == "cpu"
    resumption = resume(store, str(path), None, {})
    assert resumption.compute is None, "this machine has no such device"
    trainer = resumption.trainer(small_corpus)
    assert trainer.compute.device == "cpu"
    assert isinstance(last_of(trainer.run()), RunFinished)
    assert [epoch.epoch for epoch in trainer.history] == [1, 2, 3]


def test_a_checkpoint_written_from_the_device_is_read_without_it(
    device: str, small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig, store: RunStore,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    trainer = Trainer(small_corpus, tiny_model, tiny_training, computing(device))
    stopped_after(trainer, 60)
    model, last = tmp_path / "model.safetensors", tmp_path / "last.safetensors"
    trainer.checkpoint().save(model)
    write_atomically(last, *trainer.snapshot().content("last"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for path in (model, last):
        loaded = load_checkpoint(path).model
        for name, weight in trainer.model.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], weight.cpu()), name
    resumption = resume(store, str(last), None, {})
    assert (resumption.compute is None) == (device != "cpu")
    assert isinstance(last_of(resumption.trainer(small_corpus).run()), RunFinished)


# --- using a model


@pytest.fixture(params=["lstm", "gru", "rnn"])
def trained(
    request: pytest.FixtureRequest, device: str, small_corpus: Corpus, tiny_training: TrainingConfig
) -> Checkpoint:
    """A model on the device, with the average of its weights."""
    model = ModelConfig(cell=request.param, embedding_size=6, hidden_size=16, num_layers=2)
    trainer = Trainer(small_corpus, model, configure(tiny_training, {"averaging": 0.9}), computing(device))
    list(trainer.run())
    assert trainer.checkpoint().model.output.weight.device.type == device
    return trainer.checkpoint()


@pytest.fixture
def loaded(trained: Checkpoint, tmp_path: Path) -> Checkpoint:
    """The same model, as everything but training uses it: from a file, on the CPU."""
    trained.save(tmp_path / "model.safetensors")
    return load_checkpoint(tmp_path / "model.safetensors")


def test_the_losses_of_a_model_on_the_device_are_those_of_the_loaded_one(
    trained: Checkpoint, loaded: Checkpoint, small_corpus: Corpus
) -> None:
    part = small_corpus.part("train")
    exact, on_device = (last_of(score(one, part)) for one in (loaded, trained))
    assert isinstance(exact, Score)
    assert isinstance(on_device, Score)
    assert on_device.loss == pytest.approx(exact.loss, rel=CLOSE)
    assert on_device.accuracy == pytest.approx(exact.accuracy, abs=0.02)
    ids, start_id = part.ids(trained.vocabulary), trained.vocabulary.start_id
    assert last_of(quick_loss(trained.model, ids, start_id)) == pytest.approx(exact.loss, rel=CLOSE)
    estimate = returned(estimate_loss(trained.model, ids, start_id, len(ids)))
    assert estimate is not None
    assert estimate.loss == pytest.approx(exact.loss, rel=CLOSE)


def test_a_model_on_the_device_generates_what_the_loaded_one_does(trained: Checkpoint, loaded: Checkpoint) -> None:
    config = SamplingConfig(seed=3)
    texts = []
    for checkpoint in (trained, loaded):
        sampler = Sampler(checkpoint.model, checkpoint.vocabulary, config)
        texts.append("".join(next(sampler).character for _ in range(60)))
    assert texts[0] == texts[1], "the sampler computes on the CPU, with the same weights"
    read = [Sampler(one.model, one.vocabulary, config, "12 moutons, 3 ") for one in (trained, loaded)]
    one, other = (dict(sampler.alternatives(99)) for sampler in read)  # the device has read the prompt
    assert one == pytest.approx(other, abs=0.02)


def test_a_model_on_the_device_is_inspected_like_the_loaded_one(trained: Checkpoint, loaded: Checkpoint) -> None:
    vocabulary = trained.vocabulary
    ids = vocabulary.encode(READ)
    found = []
    for model in (trained.model, loaded.model):
        activations = Activations(model.config, vocabulary.characters, READ)
        list(record_activations(model, vocabulary, activations))
        reading = returned(read_text(model, vocabulary, READ))
        effect = returned(effect_of(model, reading, [CellId(0, 1), CellId(1, 2)], Clamp(kind="zero")))
        derivatives = returned(first_order(model, ids))
        values = np.empty((2, len(ids)), dtype=np.float16)
        list(CellReader(model, 1, "h", [0, 5]).read(ids, values))
        found.append((activations.values(1, "h"), effect.after, derivatives.slopes, values))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(np.asarray(one, float), np.asarray(other, float), rtol=0.02, atol=0.02)


def test_the_loaded_model_of_a_run_on_the_device_is_explained(loaded: Checkpoint) -> None:
    ids = loaded.vocabulary.encode(READ)
    assert isinstance(last_of(gradient_times_input(loaded.model, ids, threads=1)), Attribution)
    distance = 20
    windows = torch.from_numpy(ids[: distance + SPAN + 2, None])
    reach = last_of(follow_back(loaded.model, windows, distance, 0))
    assert isinstance(reach, Reach)
    assert bool(reach.norms.hidden.isfinite().all())


# --- no waiting for the device


def live_state(compute: ComputeSettings, optimizer: str, cell: Cell = "lstm") -> LiveState:
    """Return a run of 200 steps, all of them on one copy of the text, with everything that a step can do."""
    config = configure(TrainingConfig(streams=4, window=10), EVERYTHING | {"optimizer": optimizer})
    model = ModelConfig(cell=cell, embedding_size=6, hidden_size=16, num_layers=2)
    streams = Streams(np.arange(8_100) % 19, streams=4, window=10)
    live = LiveState(Replica(Learner(model, 19, config, compute), streams))
    live.plan = Plan(epochs=3, steps=200, seconds=None)
    return live


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> ComputeSettings:
    """Settings for the meta device, whose tensors have a shape but no values.

    An operation on tensors of two devices fails there, and so does reading a value, for which a GPU would have to
    finish its work first. What the device lacks is replaced: random generators, autocast and the fused AdamW.
    """
    monkeypatch.setattr("core.training.learner.Generator", lambda *_: torch.Generator())
    monkeypatch.setattr(ComputeSettings, "autocast", lambda _: nullcontext())
    fused = sys.modules["torch.optim.optimizer"]  # which `torch.optim` does not show
    monkeypatch.setattr(fused, "_get_fused_kernels_supported_devices", lambda: ["meta"])
    return ComputeSettings(device="meta", precision="fp32", threads=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_step_mixes_no_devices_and_reads_no_value(meta: ComputeSettings, cell: Cell, optimizer: str) -> None:
    live = live_state(meta, optimizer, cell)
    for _ in range(5):
        live.step()
    assert {weight.device.type for weight in live.learner.kept.parameters()} == {"meta"}
    with pytest.raises(NotImplementedError):  # only a report reads
        live.read_losses()
    with pytest.raises(RuntimeError):
        live.learner.gradient_norm()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_steps_between_two_reports_do_not_wait_for_the_gpu(
    gpu: str, monkeypatch: pytest.MonkeyPatch, cell: Cell, optimizer: str, precision: str
) -> None:
    monkeypatch.setattr("core.data.streams.SLAB", 400)  # the text is copied several times
    live = live_state(computing(gpu, precision), optimizer, cell)
    for _ in range(3):  # one-time setup, and the copy of the text
        live.step()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(50):
            live.step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    live.read_losses()
    assert math.isfinite(live.counters.epoch_loss)


# --- out of memory


def test_an_allocation_that_is_too_large_names_the_memory_of_its_device(device: str) -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 50, device=device)
    owner = "This machine" if device == "cpu" else "The GPU"
    assert in_plain_words(raised.value).startswith(f"{owner} does not have enough memory")


def test_after_a_run_too_large_for_a_gpu_a_smaller_one_succeeds(
    gpu: str, small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    large = ModelConfig(hidden_size=4096)  # 277 MB of weights
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((128 << 20) / torch.cuda.get_device_properties(0).total_memory)
    try:
        with pytest.raises(torch.OutOfMemoryError) as raised:
            Trainer(small_corpus, large, tiny_training, computing(gpu))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "--hidden-size" in in_plain_words(raised.value)
    ended = last_of(Trainer(small_corpus, tiny_model, tiny_training, computing(gpu)).run())
    assert isinstance(ended, RunFinished)
    assert ended.reason == "finished"
