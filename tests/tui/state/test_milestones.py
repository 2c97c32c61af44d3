"""The epoch that first beats the n-grams, and the one after which the validation loss rises."""

import math
from collections.abc import Sequence

from charlstm_tui.state.milestones import milestones
from core.data.splits import Part
from core.events import EpochCompleted
from core.reports.results import Baseline, Baselines


def epochs(losses: Sequence[float | None]) -> list[EpochCompleted]:
    return [
        EpochCompleted(
            epoch=number, train_loss=1.0, val_loss=loss, best=False, seconds=1.0, elapsed_seconds=float(number),
            chars_per_second=1.0, total_steps=100 * number,
        )
        for number, loss in enumerate(losses, start=1)
    ]  # fmt: skip


def counted(loss: float, part: Part = "validation") -> Baselines:
    return Baselines(part=part, characters=100, of=(Baseline(name="5-gram", order=5, loss=loss),))


def test_the_first_epoch_below_the_n_grams_is_found_though_later_ones_are_above() -> None:
    found = milestones(epochs([2.0, 1.6, 1.4, 1.6, 1.3]), counted(1.5))
    assert found.beat is not None
    assert found.beat.epoch == 3
    assert found.sentences == ["First below the 5-gram (1.500) after epoch 3."]


def test_a_loss_equal_to_that_of_the_n_grams_is_not_below_it() -> None:
    found = milestones(epochs([2.0, 1.5]), counted(1.5))
    assert found.beat is None
    assert found.sentences == ["Not yet below the 5-gram (1.500)."]


def test_n_grams_on_another_part_are_ignored() -> None:
    found = milestones(epochs([2.0, 1.3]), counted(1.5, "test"))
    assert (found.level, found.beat, found.sentences) == (None, None, [])
    assert milestones(epochs([2.0, 1.3])).sentences == []


def test_validation_turned_at_the_best_epoch_once_it_has_risen_since() -> None:
    found = milestones(epochs([2.0, 1.4, 1.3, 1.32, 1.36]))
    assert found.turned is not None
    assert found.turned.epoch == 3
    assert found.sentences == ["The validation loss rose after epoch 3, from 1.3000 to 1.3600."]


def test_a_rise_below_the_threshold_is_not_a_turn() -> None:
    assert milestones(epochs([2.0, 1.3, 1.303])).turned is None
    assert milestones(epochs([2.0, 1.4, 1.3])).turned is None


def test_a_loss_that_rose_and_fell_to_a_new_best_has_not_turned() -> None:
    assert milestones(epochs([1.5, 1.8, 1.4])).turned is None


def test_a_run_without_validation_has_no_milestones() -> None:
    assert milestones(epochs([None, None]), counted(1.5)).sentences == []
    assert milestones([], counted(1.5)).sentences == []


def test_losses_that_are_not_finite_are_skipped() -> None:
    found = milestones(epochs([1.4, math.nan, math.inf]), counted(1.5))
    assert found.beat is not None
    assert found.beat.epoch == 1
    assert found.turned is None
