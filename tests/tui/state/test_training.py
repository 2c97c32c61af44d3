import msgspec

from charlstm_tui.state.job_events import Doing
from charlstm_tui.state.training import TrainingView
from core.data.corpus import CorpusConfig
from core.events import (
    Diverged,
    EpochCompleted,
    Paused,
    Resumed,
    RunFinished,
    RunStarted,
    SampleDrawn,
    StepsCompleted,
    ThreadsChanged,
)
from core.runs.run import RunConfig
from core.settings.presets import preset_named

STARTED = RunStarted(
    run="quick-1", parameters=10, vocabulary=5, train_characters=90, validation_characters=0, test_characters=10,
    epochs=4, steps_per_epoch=10,
)  # fmt: skip


def steps(epoch: int, step: int, elapsed: float = 2.0) -> StepsCompleted:
    return StepsCompleted(
        epoch=epoch,
        step=step,
        steps=10,
        loss=2.0,
        recent_loss=2.0,
        total_steps=10 * (epoch - 1) + step,
        chars_per_second=1e3,
        elapsed_seconds=elapsed,
    )


def epoch(number: int, *, val_loss: float | None = None, best: bool = True) -> EpochCompleted:
    return EpochCompleted(
        epoch=number, train_loss=2.0 / number, val_loss=val_loss, best=best, seconds=1.0, elapsed_seconds=float(number),
        chars_per_second=1e3,
    )  # fmt: skip


def test_a_view_grows_with_the_events_and_the_old_one_stays() -> None:
    before = TrainingView(phase="preparing")
    preparing = before.after([Doing("loading PyTorch")])
    assert preparing.status == "◌ loading PyTorch"
    training = preparing.after([STARTED, steps(1, 10), epoch(1), epoch(2), steps(3, 5)])
    assert training.status == "● training"
    assert [one.epoch for one in training.epochs] == [1, 2]
    assert training.done == 2.5 / 4
    assert before == TrainingView(phase="preparing")


def test_the_time_left_is_known_only_after_a_second() -> None:
    view = TrainingView().after([STARTED])
    assert view.seconds_left is None
    assert view.after([steps(1, 5, elapsed=0.5)]).seconds_left is None
    assert view.after([steps(3, 0, elapsed=6.0)]).seconds_left == 6.0


def test_a_stop_shows_at_once_and_stays_despite_earlier_events() -> None:
    view = TrainingView(phase="preparing").after([STARTED]).stopping()
    view = view.after([steps(1, 3), Paused(), Resumed()])
    assert view.phase == "stopping"
    view = view.after([RunFinished(reason="stopped", epochs=0, elapsed_seconds=1.0, last_checkpoint="x")])
    assert view.status == "■ stopped, saved"
    assert not view.alive
    assert view.ended() == view


def test_a_stop_before_the_run_began_leaves_no_run() -> None:
    assert TrainingView(phase="preparing").stopping().ended() == TrainingView()


def test_divergence_is_explained() -> None:
    view = TrainingView(phase="training").after(
        [Diverged(epoch=2, step=3), RunFinished(reason="failed", epochs=1, elapsed_seconds=1.0)]
    )
    assert view.phase == "failed"
    assert "epoch 2" in view.error
    assert "lower learning rate" in view.error


def test_the_best_epoch_is_the_latest_one_marked_best() -> None:
    view = TrainingView().after([epoch(1, val_loss=2.0), epoch(2, val_loss=1.0), epoch(3, val_loss=1.5, best=False)])
    assert view.best is not None
    assert view.best.epoch == 2
    assert TrainingView().best is None


def test_the_status_before_the_first_step_names_the_slow_part() -> None:
    quick = preset_named("quick")
    config = RunConfig(preset="quick", corpus=CorpusConfig(source="/x.txt"), model=quick.model, training=quick.training)
    view = TrainingView(phase="preparing", config=config).after([STARTED])
    assert view.status == "● drawing a first sample"
    view = view.after([SampleDrawn(epoch=0, total_steps=0, prompt="", text="x")])
    assert view.status == "● taking the first steps"
    assert view.after([steps(1, 1)]).status == "● training"
    assert view.stopping().after([steps(1, 1)]).status == "◌ stopping"
    silent = msgspec.structs.replace(config, training=msgspec.structs.replace(quick.training, sample_length=0))
    assert TrainingView(phase="preparing", config=silent).after([STARTED]).status == "● taking the first steps"


def test_fewer_threads_are_shown_until_there_are_more_again() -> None:
    fewer = ThreadsChanged(threads=1, before=2, total_steps=10, elapsed_seconds=3.0)
    view = TrainingView().after([STARTED, steps(1, 1), fewer])
    assert view.load == "Other programs use the CPU: training continues with 1 thread instead of 2."
    more = ThreadsChanged(threads=2, before=1, total_steps=20, elapsed_seconds=9.0)
    assert view.after([more]).load == ""
