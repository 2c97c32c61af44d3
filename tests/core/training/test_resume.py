import contextlib
import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors import safe_open

from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.training_state import Snapshot, TrainingState, load_snapshot
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.known_texts import PLAY
from core.errors import UserError
from core.events import EpochCompleted, Event, Paused, RateHalved, RunFinished, RunStarted, StepsCompleted
from core.files import write_atomically
from core.model.device import ComputeSettings, works_here
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.runs.summary import epochs_of, summarise
from core.settings.config import ModelConfig, TrainingConfig, configure
from core.training.resume import resume, run_of
from core.training.trainer import Trainer
from tests.conftest import rows_of_each_kind

EVERYTHING = {
    "epochs": 3, "input_dropout": 0.1, "layer_dropout": 0.1, "output_dropout": 0.2, "weight_drop": 0.3,
    "state_reset": 0.05, "averaging": 0.9, "warmup": 0.1, "final_rate": 0.1, "decay": "matrices", "gradient_clip": 1.0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def reports_after_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)


def stop_after(trainer: Trainer, steps: int) -> list[Event]:
    """Run a trainer until it has taken `steps` steps."""
    control = Control()
    if not steps:
        control.stop()
    events = []
    taken = 0
    for event in trainer.run(control):
        events.append(event)
        taken += isinstance(event, StepsCompleted)
        if taken == steps:
            control.stop()
    return events


def saved_and_loaded(trainer: Trainer, path: Path) -> Snapshot:
    write_atomically(path, *trainer.snapshot().content("last"))
    return load_snapshot(path)


def assert_same(one: Trainer, other: Trainer) -> None:
    """Assert that two runs have the same state, to the last bit."""
    a, b = one.snapshot(), other.snapshot()
    assert a.now.tensors.keys() == b.now.tensors.keys()
    for name, tensor in a.now.tensors.items():
        assert torch.equal(tensor, b.now.tensors[name]), name
    times = {"elapsed": 0.0, "epoch_began": 0.0, "training_seconds": 0.0, "validating_seconds": 0.0}
    assert msgspec.structs.replace(a.now.counters, **times) == msgspec.structs.replace(b.now.counters, **times)
    losses = [[(epoch.epoch, epoch.train_loss, epoch.val_loss, epoch.best) for epoch in run.history] for run in (a, b)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("cell", "layers", "precision", "averaging", "optimizer"),
    rows_of_each_kind(
        [
            ("lstm", 2, "bf16", 0.9, "adamw"),
            ("lstm", 1, "bf16", 0.9, "muon"),
            ("gru", 2, "bf16", 0.9, "adamw"),
            ("rnn", 1, "fp32", 0.9, "muon"),
            ("lstm", 2, "fp32", 0, "muon"),
        ],
        [
            *itertools.product(["lstm"], [1, 2], ["fp32", "bf16"], [0.9], ["adamw", "muon"]),
            ("gru", 2, "bf16", 0.9, "adamw"),
            ("gru", 2, "bf16", 0.9, "muon"),
            ("rnn", 1, "fp32", 0.9, "adamw"),
            ("rnn", 1, "fp32", 0.9, "muon"),
            ("lstm", 2, "fp32", 0, "adamw"),
            ("lstm", 2, "fp32", 0, "muon"),
        ],
    ),
)
def test_a_resumed_run_ends_with_the_same_weights_and_losses(
    small_corpus: Corpus, tiny_training: TrainingConfig, tmp_path: Path,
    cell: str, layers: int, precision: str, averaging: float, optimizer: str,
) -> None:  # fmt: skip
    if (
        precision == "bf16"
        and cell == "lstm"
        and not works_here(ComputeSettings(device="cpu", precision="bf16", threads=1))
    ):
        pytest.skip("this processor has no LSTM in bf16")
    model = configure(ModelConfig(embedding_size=6, hidden_size=16), {"cell": cell, "num_layers": layers})
    changed = {"epochs": 2, "precision": precision, "averaging": averaging, "optimizer": optimizer}
    config = configure(tiny_training, EVERYTHING | changed)
    whole = Trainer(small_corpus, model, config)
    list(whole.run())
    steps = whole.snapshot().now.counters.steps
    for stop in (steps // 4, steps // 2):  # the second is at the end of the first epoch, or nearly
        first = Trainer(small_corpus, model, config)
        stop_after(first, stop)
        snapshot = saved_and_loaded(first, tmp_path / "last.safetensors")
        second = Trainer(small_corpus, model, config, snapshot.compute, snapshot)
        list(second.run())
        assert_same(whole, second)


def test_a_resumed_run_reads_the_same_names_of_renamed_speakers(tiny_model: ModelConfig, tmp_path: Path) -> None:
    corpus = load_corpus(CorpusConfig(source=PLAY.name, limit=12_000))
    config = TrainingConfig(epochs=3, streams=4, window=40, learning_rate=1e-2, precision="fp32", threads=1)
    renamed = configure(config, {"rename_speakers": 0.8})
    whole = Trainer(corpus, tiny_model, renamed)
    list(whole.run())
    first = Trainer(corpus, tiny_model, renamed)
    stop_after(first, whole.snapshot().now.counters.steps // 2)
    snapshot = saved_and_loaded(first, tmp_path / "last.safetensors")
    second = Trainer(corpus, tiny_model, renamed, snapshot.compute, snapshot)
    list(second.run())
    assert_same(whole, second)
    plain = Trainer(corpus, tiny_model, config)
    list(plain.run())
    assert [epoch.train_loss for epoch in plain.history] != [epoch.train_loss for epoch in whole.history]


def test_a_run_stopped_after_every_step_gives_the_same_result(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig, tmp_path: Path
) -> None:
    config = configure(tiny_training, EVERYTHING | {"epochs": 2})
    whole = Trainer(small_corpus, tiny_model, config)
    list(whole.run())
    trainer, times = Trainer(small_corpus, tiny_model, config), 0
    while True:
        events = stop_after(trainer, 1)
        if isinstance(events[-1], RunFinished) and events[-1].reason == "finished":
            break
        snapshot = saved_and_loaded(trainer, tmp_path / "last.safetensors")
        trainer, times = Trainer(small_corpus, tiny_model, config, snapshot.compute, snapshot), times + 1
    assert times > 100
    assert_same(whole, trainer)


def make_weights_nan(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the weights to NaN at the 90th step, the first time it is taken."""
    step = trainer._live.learner.step

    def step_with_nan(*arguments: Any) -> Any:
        after = step(*arguments)
        if trainer._live.counters.steps == 89 and not trainer._live.counters.roll_backs:
            torch.nn.init.constant_(trainer.model.output.bias, torch.nan)
        return after

    monkeypatch.setattr(trainer._live.learner, "step", step_with_nan)


STOPS = [10, 70, 89, 90, 100, 120]
"""In the epoch before the one in which the weights are spoilt, in that one, shortly before and after it, and later."""


@pytest.mark.parametrize(
    "stops", [STOPS[::2], pytest.param(STOPS, marks=pytest.mark.thorough)], ids=["three stops", "all"]
)
def test_a_run_that_diverges_after_a_resume_returns_to_the_same_state(
    small_corpus: Corpus,
    tiny_model: ModelConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stops: list[int],
) -> None:
    config = configure(tiny_training, EVERYTHING)
    whole = Trainer(small_corpus, tiny_model, config)
    make_weights_nan(whole, monkeypatch)
    (retreat,) = [event for event in whole.run() if isinstance(event, RateHalved)]
    assert (retreat.epoch, retreat.rate_factor) == (2, 0.5)
    for stop in stops:
        first = Trainer(small_corpus, tiny_model, config)
        make_weights_nan(first, monkeypatch)
        stop_after(first, stop)
        snapshot = saved_and_loaded(first, tmp_path / "last.safetensors")
        second = Trainer(small_corpus, tiny_model, config, snapshot.compute, snapshot)
        make_weights_nan(second, monkeypatch)
        list(second.run())
        assert_same(whole, second)


def test_the_times_of_reports_do_not_change_the_training(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.divergence.HIGH_ABOVE_EVEN", 0.8)
    monkeypatch.setattr("core.training.divergence.HIGH_STEPS", 32)
    config = configure(tiny_training, EVERYTHING | {"learning_rate": 0.5, "epochs": 2})
    often = Trainer(small_corpus, tiny_model, config)
    assert [event for event in often.run() if isinstance(event, RateHalved)], "otherwise the test shows less"
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 1e9)
    seldom = Trainer(small_corpus, tiny_model, config)
    list(seldom.run())
    assert_same(often, seldom)


def test_a_validation_that_was_stopped_is_repeated_after_the_resume(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig, tmp_path: Path
) -> None:
    whole = Trainer(small_corpus, tiny_model, tiny_training)
    list(whole.run())
    first, control = Trainer(small_corpus, tiny_model, tiny_training), Control()
    for event in first.run(control):
        if isinstance(event, StepsCompleted) and event.step == event.steps:
            control.stop()  # validation comes next
    snapshot = saved_and_loaded(first, tmp_path / "last.safetensors")
    assert snapshot.now.counters.epoch_over
    second = Trainer(small_corpus, tiny_model, tiny_training, snapshot.compute, snapshot)
    _, *events = second.run()
    first_of_them = next(event for event in events if isinstance(event, StepsCompleted | EpochCompleted))
    assert isinstance(first_of_them, EpochCompleted), "no step comes before it"
    assert_same(whole, second)


def test_a_snapshot_from_another_kind_of_device_continues_with_other_dropout_masks(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig, tmp_path: Path
) -> None:
    config = configure(tiny_training, EVERYTHING)
    first = Trainer(small_corpus, tiny_model, config)
    stop_after(first, 20)
    snapshot = saved_and_loaded(first, tmp_path / "last.safetensors")
    tensors = snapshot.now.tensors | {"generator": torch.zeros(16, dtype=torch.uint8)}  # the size of CUDA's
    from_gpu = msgspec.structs.replace(snapshot.compute, device="cuda")
    snapshot = Snapshot(
        **(snapshot.__dict__ | {"now": TrainingState(snapshot.now.counters, tensors), "compute": from_gpu})
    )
    write_atomically(tmp_path / "last.safetensors", *snapshot.content("last"))
    snapshot = load_snapshot(tmp_path / "last.safetensors")
    here = ComputeSettings(device="cpu", precision="fp32", threads=1)
    *_, last = Trainer(small_corpus, tiny_model, config, here, snapshot).run()
    assert isinstance(last, RunFinished)
    assert (last.reason, last.epochs) == ("finished", 3)


# --- runs


@pytest.fixture
def config(small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig) -> RunConfig:
    return RunConfig(
        preset="quick", corpus=small_corpus.config, model=tiny_model, training=configure(tiny_training, {"epochs": 4})
    )


def begin(store: RunStore, corpus: Corpus, config: RunConfig, epochs: int) -> Run:
    """Record a run that is stopped during the epoch after `epochs` epochs."""
    run, control = store.create(config), Control()
    for event in record(run, Trainer(corpus, config.model, config.training), control):
        if isinstance(event, StepsCompleted) and event.epoch == epochs + 1 and event.step > 5:
            control.stop()
    return run


def resume_run(store: RunStore, named: str, corpus: Corpus, **changes: object) -> list[Event]:
    resumption = resume(store, named, run_of(store, named), changes)
    return list(record(resumption.begin(store), resumption.trainer(corpus)))


def test_a_resumed_run_has_one_history(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    whole = store.create(config)
    list(record(whole, Trainer(small_corpus, config.model, config.training)))
    run = begin(store, small_corpus, config, epochs=2)
    assert summarise(run).state == "stopped"
    started, *_ = resume_run(store, run.name, small_corpus)
    assert isinstance(started, RunStarted)
    assert (started.epochs_done, len(started.history)) == (2, 2)
    assert [(e.epoch, e.train_loss, e.val_loss) for e in epochs_of(run.events())] == [
        (e.epoch, e.train_loss, e.val_loss) for e in epochs_of(whole.events())
    ]
    assert summarise(run).state == "finished"
    for mine, other in ((run.best_path, whole.best_path), (run.last_path, whole.last_path)):
        pairs = zip(load_checkpoint(mine).model.parameters(), load_checkpoint(other).model.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def test_epochs_after_the_last_save_are_repeated_and_counted_once(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = begin(store, small_corpus, config, epochs=1)
    early = run.last_path.read_bytes()
    resume_run(store, run.name, small_corpus)
    run.last_path.write_bytes(early)  # as if all later saves were lost
    lines = run.metrics_path.read_bytes().splitlines(keepends=True)
    run.metrics_path.write_bytes(
        b"".join(lines[:-2]) + lines[-2][:20]
    )  # and the process was killed while it wrote a line
    assert summarise(run).state == "interrupted"
    resume_run(store, run.name, small_corpus)
    assert [epoch.epoch for epoch in epochs_of(run.events())] == [1, 2, 3, 4]
    assert summarise(run).state == "finished"


def test_epochs_missing_from_the_metrics_are_restored_from_the_checkpoint(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = begin(store, small_corpus, config, epochs=2)
    before = epochs_of(run.events())
    run.metrics_path.unlink()
    resume_run(store, run.name, small_corpus)
    assert epochs_of(run.events())[:2] == before


def test_a_run_without_a_checkpoint_starts_again(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    run = store.create(config)
    started, *_, finished = resume_run(store, run.name, small_corpus)
    assert isinstance(started, RunStarted)
    assert isinstance(finished, RunFinished)
    assert (started.epochs_done, finished.epochs) == (0, 4)


@pytest.mark.usefixtures("training_clock")
def test_a_finished_run_is_refused_unless_it_is_extended(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = store.create(config)
    list(record(run, Trainer(small_corpus, config.model, config.training)))
    with pytest.raises(UserError, match=r"is finished after 4 epochs\. To train it further, give a larger --epochs"):
        resume_run(store, run.name, small_corpus)
    with pytest.raises(UserError, match="is finished after 4 epochs"):
        resume_run(store, run.name, small_corpus, epochs=4)
    *_, last = resume_run(store, run.name, small_corpus, epochs=6)
    assert isinstance(last, RunFinished)
    assert (last.reason, last.epochs) == ("finished", 6)
    assert run.config().training.epochs == 6
    assert load_checkpoint(run.best_path).epoch, "an earlier checkpoint still belongs to this run"
    *_, last = resume_run(store, run.name, small_corpus, seconds=last.elapsed_seconds + 1.0)
    assert isinstance(last, RunFinished)
    assert last.epochs > 7, "with a time limit: as many epochs as fit"


@pytest.mark.usefixtures("training_clock")
def test_a_resumed_run_has_only_the_rest_of_its_time_limit(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    by_time = msgspec.structs.replace(config, training=configure(config.training, {"seconds": 3.0}))
    run, control = store.create(by_time), Control()
    for event in record(run, Trainer(small_corpus, by_time.model, by_time.training), control):
        if isinstance(event, StepsCompleted) and event.elapsed_seconds > 1.5:
            control.stop()
    started, *_, last = resume_run(store, run.name, small_corpus)
    assert isinstance(started, RunStarted)
    assert isinstance(last, RunFinished)
    assert started.elapsed_seconds >= 1.5
    assert (last.reason, last.epochs) == ("finished", started.epochs)
    assert last.elapsed_seconds == pytest.approx(3.0, rel=0.05)


def test_a_run_ended_by_early_stopping_is_finished(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    impatient = configure(config.training, {"epochs": 200, "learning_rate": 0.5, "patience": 2})
    config = msgspec.structs.replace(config, training=impatient)
    run = store.create(config)
    *_, last = record(run, Trainer(small_corpus, config.model, config.training))
    assert isinstance(last, RunFinished)
    with pytest.raises(UserError, match="without an improvement in the last 2 epochs"):
        resume_run(store, run.name, small_corpus)
    *_, more = resume_run(store, run.name, small_corpus, epochs=last.epochs + 1)
    assert isinstance(more, RunFinished)
    assert more.epochs == last.epochs + 1


def test_a_checkpoint_from_elsewhere_becomes_a_new_run(
    store: RunStore, small_corpus: Corpus, config: RunConfig, tmp_path: Path
) -> None:
    run = begin(store, small_corpus, config, epochs=2)
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(run.last_path.read_bytes())
    *_, last = resume_run(store, str(copy), small_corpus)
    assert isinstance(last, RunFinished)
    assert (last.run, last.epochs) == ("quick-2", 4)
    assert [epoch.epoch for epoch in epochs_of(store.get("quick-2").events())] == [1, 2, 3, 4]
    assert store.get("quick-2").best_path.exists()
    assert run_of(store, str(run.last_path)) is not None, "a checkpoint in a run's folder means that run"


def test_another_text_is_refused(store: RunStore, small_corpus: Corpus, config: RunConfig, tmp_path: Path) -> None:
    run = begin(store, small_corpus, config, epochs=1)
    other = tmp_path / "other.txt"
    other.write_text("Il fait beau.\n" * 500)
    with pytest.raises(UserError, match="is not the text that the run was trained on"):
        resume(store, run.name, run, {}, str(other)).trainer(load_corpus(CorpusConfig(source=str(other))))
    moved = tmp_path / "moved.txt"
    moved.write_bytes(small_corpus.config.path.read_bytes())
    resumption = resume(store, run.name, run, {}, str(moved))
    *_, last = record(resumption.begin(store), resumption.trainer(load_corpus(resumption.config.corpus)))
    assert isinstance(last, RunFinished)
    assert last.reason == "finished"


def test_a_missing_text_is_reported_with_how_to_give_its_new_path(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = begin(store, small_corpus, config, epochs=1)
    small_corpus.config.path.unlink()
    with pytest.raises(UserError, match=rf"moutons\.txt.* moved.* train --resume {run.name} --corpus FILE"):
        resume(store, run.name, run, {"epochs": 3})


def test_a_moved_text_is_read_with_the_same_settings(store: RunStore, tmp_path: Path, config: RunConfig) -> None:
    path = tmp_path / "ovce.txt"
    path.write_bytes("Мельник жил у реки.\n".encode("koi8-r") * 40 + b"\x1b\n")
    corpus = load_corpus(CorpusConfig.typed(str(path), encoding="koi8-r", encoding_errors="replace"))
    config = msgspec.structs.replace(config, corpus=corpus.config)
    run = begin(store, corpus, config, epochs=1)
    moved = path.rename(tmp_path / "moved.txt")
    resumption = resume(store, run.name, run, {}, str(moved))
    assert resumption.config.corpus == msgspec.structs.replace(corpus.config, source=str(moved))
    assert load_corpus(resumption.config.corpus).characters == corpus.characters


def test_runs_that_cannot_be_resumed_are_refused(
    store: RunStore, small_corpus: Corpus, config: RunConfig, tmp_path: Path
) -> None:
    run = begin(store, small_corpus, config, epochs=1)
    weights = tmp_path / "weights.safetensors"
    load_checkpoint(run.last_path).save(weights)
    with pytest.raises(UserError, match="not enough to resume training"):
        resume(store, str(weights), run_of(store, str(weights)), {})
    with pytest.raises(UserError, match="no run called nobody"):
        run_of(store, "nobody")
    failing = store.create(config)
    trainer = Trainer(small_corpus, config.model, config.training)
    torch.nn.init.constant_(trainer.model.output.bias, torch.nan)
    *_, last = record(failing, trainer)
    assert isinstance(last, RunFinished)
    assert last.reason == "failed"
    with pytest.raises(UserError, match="its loss diverged"):
        resume(store, failing.name, failing, {})


def test_swapped_files_are_detected(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    one = begin(store, small_corpus, config, epochs=1)
    other_config = msgspec.structs.replace(config, training=configure(config.training, {"seed": 5}))
    other = begin(store, small_corpus, other_config, epochs=1)
    kept = one.last_path.read_bytes(), one.best_path.read_bytes()
    for path, content in ((one.last_path, other.last_path.read_bytes()), (one.last_path, kept[1])):
        path.write_bytes(content)
        with pytest.raises(UserError, match="not the file that its run saved there"):
            resume(store, one.name, one, {})
    one.best_path.write_bytes(kept[0])
    with pytest.raises(UserError, match="not the file that its run saved there"):
        load_checkpoint(store.checkpoint_path(one.name))


def test_a_damaged_checkpoint_is_not_resumed_from(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    run = begin(store, small_corpus, config, epochs=1)
    content = run.last_path.read_bytes()
    for place in range(0, len(content), 997):
        flipped = bytearray(content)
        flipped[place] ^= 4
        run.last_path.write_bytes(flipped)
        with pytest.raises(UserError):
            resume(store, run.name, run, {})


def test_a_pause_saves_the_run(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    run, control = store.create(config), Control()
    for event in record(run, Trainer(small_corpus, config.model, config.training), control):
        if isinstance(event, StepsCompleted) and event.epoch == 1 and event.step == 7:
            control.pause()
        if isinstance(event, Paused):
            control.resume()
            break
    assert load_snapshot(run.last_path).now.counters.steps == 7


BEST, LAST = "best.safetensors", "last.safetensors"


@pytest.mark.parametrize("missing", [(LAST,), (BEST, LAST)])
def test_a_run_with_only_a_best_checkpoint_is_not_started_again(
    store: RunStore, small_corpus: Corpus, config: RunConfig, missing: tuple[str, ...]
) -> None:
    run = begin(store, small_corpus, config, epochs=2)
    for name in missing:
        (run.path / name).unlink()
    kept = {path.name: path.read_bytes() for path in run.path.glob("*.*")}
    for named in (run.name, str(run.path)):
        with pytest.raises(UserError, match=rf"{run.name} cannot be resumed: last\.safetensors, .* is missing") as told:
            resume(store, named, run_of(store, named), {"epochs": 5})
        assert ("Its best model can still be" in str(told.value)) == (BEST not in missing)
    assert {path.name: path.read_bytes() for path in run.path.glob("*.*")} == kept


def test_an_interrupted_run_without_a_checkpoint_starts_again(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = store.create(config)
    resumption = resume(store, run.name, run, {})
    assert resumption.snapshot is None


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_without_a_readable_best_checkpoint_the_next_epoch_is_the_best(
    store: RunStore, small_corpus: Corpus, config: RunConfig, damage: str
) -> None:
    run = begin(store, small_corpus, config, epochs=1)
    run.best_path.unlink() if damage == "missing" else run.best_path.write_bytes(b"not a model")
    resumption = resume(store, run.name, run, {"epochs": 2})
    assert resumption.snapshot is not None
    assert resumption.snapshot.now.counters.best_val_loss is None
    list(record(resumption.begin(store), resumption.trainer(small_corpus)))
    assert load_checkpoint(run.best_path).epoch == 2


def test_an_older_state_does_not_overwrite_a_better_best_checkpoint(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = begin(store, small_corpus, config, epochs=1)
    older = run.last_path.read_bytes()
    trained = resume(store, run.name, run, {"epochs": 6})
    list(record(trained.begin(store), trained.trainer(small_corpus)))
    best = load_checkpoint(run.best_path)
    assert best.epoch > 1
    assert best.val_loss is not None
    run.last_path.write_bytes(older)  # as if the user restored an old file
    again = resume(store, run.name, run, {"epochs": 2})
    list(record(again.begin(store), again.trainer(small_corpus)))
    now = load_checkpoint(run.best_path)
    assert now.val_loss is not None
    assert now.val_loss <= best.val_loss


def test_without_validation_an_older_state_does_not_overwrite_a_later_best_checkpoint(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    training = msgspec.structs.replace(config.training, validation=0.0)
    run = begin(store, small_corpus, msgspec.structs.replace(config, training=training), epochs=1)
    older = run.last_path.read_bytes()
    trained = resume(store, run.name, run, {"epochs": 4})
    list(record(trained.begin(store), trained.trainer(small_corpus)))
    best = run.best_path.read_bytes()
    assert load_checkpoint(run.best_path).epoch == 4
    run.last_path.write_bytes(older)
    again = resume(store, run.name, run, {"epochs": 3})
    list(record(again.begin(store), again.trainer(small_corpus)))
    assert run.best_path.read_bytes() == best
    more = resume(store, run.name, run, {"epochs": 5})
    list(record(more.begin(store), more.trainer(small_corpus)))
    assert load_checkpoint(run.best_path).epoch == 5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied"), "cannot be read: Permission denied"),
        (MemoryError(), "not enough memory to read"),
    ],
)
def test_an_unreadable_best_checkpoint_is_not_overwritten(
    store: RunStore,
    small_corpus: Corpus,
    config: RunConfig,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    words: str,
) -> None:
    run = begin(store, small_corpus, config, epochs=1)

    def opens(path: Path, framework: str) -> object:
        if path == run.best_path:
            raise error
        return safe_open(path, framework)

    monkeypatch.setattr("core.checkpoints.file_format.safe_open", opens)
    with pytest.raises(UserError, match=words):
        resume(store, run.name, run, {"epochs": 2})


def test_the_best_checkpoint_of_another_run_is_not_overwritten(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = begin(store, small_corpus, config, epochs=1)
    model = msgspec.structs.replace(config.model, hidden_size=config.model.hidden_size + 1)
    other = begin(store, small_corpus, msgspec.structs.replace(config, model=model), epochs=1)
    run.best_path.write_bytes(other.best_path.read_bytes())
    with pytest.raises(UserError, match="not the file that its run saved there"):
        resume(store, run.name, run, {"epochs": 2})


@pytest.mark.parametrize("best", ["whole", "missing", "damaged"])
@pytest.mark.parametrize("last", ["whole", "missing", "damaged"])
@pytest.mark.parametrize("log", ["whole", "missing", "damaged"])
@pytest.mark.parametrize("settings", ["whole", "damaged"])
def test_a_run_with_missing_or_damaged_files_is_resumed_or_refused_with_the_reason(
    finished_files: dict[str, bytes], store: RunStore, best: str, last: str, log: str, settings: str
) -> None:
    run = store.create(RunConfig(preset="quick", corpus=CorpusConfig(source="x"), model=ModelConfig(),
                                 training=TrainingConfig()))  # fmt: skip
    states = {BEST: best, LAST: last, "metrics.jsonl": log, "config.json": settings}
    for name, content in finished_files.items():
        path = run.path / name
        path.write_bytes(content if states[name] == "whole" else b"{not this")
        if states[name] == "missing":
            path.unlink()
    before = {path.name: path.read_bytes() for path in run.path.glob("*.*")}
    without_a_trace = last == best == "missing" and log != "whole"
    if settings == "whole" and (last == "whole" or without_a_trace):
        resumption = resume(store, run.name, run_of(store, run.name), {"epochs": 9})
        assert (resumption.snapshot is None) == without_a_trace, "it starts again only if nothing is lost"
    else:
        with pytest.raises(UserError, match=r"damaged|is missing|not a complete checkpoint"):
            resume(store, run.name, run_of(store, run.name), {"epochs": 9})
    try:
        assert load_checkpoint(store.checkpoint_path(run.name)).epoch >= 1
    except UserError:
        assert best != "whole"
    assert {path.name: path.read_bytes() for path in run.path.glob("*.*")} == before
    with contextlib.suppress(UserError):
        summarise(run)


@pytest.fixture(scope="module")
def finished_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a finished run, by name."""
    folder = tmp_path_factory.mktemp("finished")
    text = folder / "text.txt"
    text.write_text("".join(f"{number} moutons.\n" for number in range(200)))
    corpus = load_corpus(CorpusConfig(source=str(text)))
    config = RunConfig(
        preset="quick", corpus=corpus.config, model=ModelConfig(embedding_size=4, hidden_size=4),
        training=TrainingConfig(epochs=1, streams=2, window=10, validation=0.1, precision="fp32", threads=1),
    )  # fmt: skip
    run = RunStore(folder / "runs").create(config)
    for _ in record(run, Trainer(corpus, config.model, config.training)):
        pass
    return {name: (run.path / name).read_bytes() for name in (BEST, LAST, "metrics.jsonl", "config.json")}
