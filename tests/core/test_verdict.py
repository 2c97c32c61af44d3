import pytest

from core.events import EpochCompleted
from core.verdict import judge


def epochs(*val_losses: float | None, train: float = 1.0) -> list[EpochCompleted]:
    return [
        EpochCompleted(
            epoch=number, train_loss=train, val_loss=loss, best=True, seconds=1.0, elapsed_seconds=number,
            chars_per_second=1.0,
        )
        for number, loss in enumerate(val_losses, start=1)
    ]  # fmt: skip


def test_a_loss_that_still_falls_is_still_learning() -> None:
    verdict = judge(epochs(2.0, 1.8, 1.7, 1.65, 1.62))
    assert (verdict.kind, verdict.since) == ("learning", None)
    assert "fell by 0.0300 over the last epoch." in verdict.sentence


def test_a_loss_that_rose_overfits_since_the_epoch_after_its_best() -> None:
    verdict = judge(epochs(2.0, 1.7, 1.6, 1.62, 1.66, train=1.2))
    assert (verdict.kind, verdict.since) == ("overfitting", 4)
    assert verdict.sentence == "Overfitting since epoch 4: validation rose from 1.6000 to 1.6600."
    assert "Training went on to 1.2000" in verdict.advice


@pytest.mark.parametrize("last", [1.5995, 1.6, 1.6049])
def test_a_loss_that_moves_no_more_is_a_good_fit(last: float) -> None:
    verdict = judge(epochs(2.0, 1.7, 1.6, 1.6, last))
    assert verdict.kind == "good"
    assert f"levelled off at {min(1.6, last):.4f}" in verdict.sentence


def test_many_epochs_are_judged_by_the_last_fifth_of_them() -> None:
    slowly = [2.0 - 0.001 * number for number in range(50)]  # 0.001 an epoch is 0.01 over ten
    assert judge(epochs(*slowly)).kind == "learning"
    assert "over the last 10 epochs" in judge(epochs(*slowly)).sentence


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ((), "No epoch was completed"),
        ((1.5,), "One epoch says little"),
        ((None, None, None), "Without a validation part"),
    ],
)
def test_nothing_is_said_without_enough_to_judge_by(losses: tuple[float | None, ...], words: str) -> None:
    verdict = judge(epochs(*losses))
    assert verdict.kind == "unknown"
    assert words in verdict.sentence
