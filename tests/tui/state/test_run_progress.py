"""The progress of a run after each step, in the unit of the chart's x axis."""

import pytest

from charlstm_tui.state.run_progress import Progress, after_epoch, characters_per_step
from charlstm_tui.widgets.training.chart.lines import lines_of
from tests.tui.views import running


def test_epochs_end_at_whole_numbers_and_steps_at_fractions() -> None:
    view = running(3)
    assert view.config is not None
    progress = Progress(view.epochs, view.steps, view.config.training, "epochs")
    assert [progress.after(213 * epoch) for epoch in (1, 2, 3)] == [1, 2, 3]
    assert progress.after(213 + 71) == pytest.approx(1 + 1 / 3)
    assert progress.after(3 * 213 + 71) == pytest.approx(3 + 71 / 213), "the current epoch"


def test_characters_count_all_streams() -> None:
    view = running(2)
    assert view.config is not None
    training = view.config.training
    progress = Progress(view.epochs, view.steps, training, "characters")
    assert progress.after(10) == 10 * training.streams * training.window == 10 * characters_per_step(training)


def test_the_steps_of_an_epoch_end_before_its_validation_does() -> None:
    view = running(3)
    assert view.config is not None
    training = view.config.training
    progress = Progress(view.epochs, view.steps, training, "seconds")
    trained = 213 * characters_per_step(training) / view.epochs[0].chars_per_second
    assert progress.after(213) == pytest.approx(min(trained, 1.7))
    assert progress.after(2 * 213) <= view.epochs[1].elapsed_seconds
    assert after_epoch(view.epochs[1], training, "seconds") == view.epochs[1].elapsed_seconds
    assert view.steps is not None
    assert progress.after(view.steps.total_steps) == pytest.approx(view.steps.elapsed_seconds)


@pytest.mark.parametrize("by", ["steps", "epochs", "characters", "seconds"])
def test_no_curve_ever_goes_back(by: str) -> None:
    for line in lines_of(running(5), by):  # type: ignore[arg-type]
        xs = [point.x for point in line.points]
        assert xs == sorted(xs)


def test_progress_is_zero_before_the_first_step() -> None:
    view = running(0).after([])
    assert view.config is not None
    assert Progress((), None, view.config.training, "epochs").after(5) == 0
