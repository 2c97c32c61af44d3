import pytest

from core.events import EpochCompleted
from core.reports.diagnosis import LITTLE, gap_sentence, judge, training_loss_note


def epochs(*val_losses: float | None, train: tuple[float, ...] | float = 1.0) -> list[EpochCompleted]:
    """Return completed epochs with these validation losses.

    The training loss falls by 0.1 per epoch from `train`, unless `train` has the loss of each epoch.
    """
    train_losses = train if isinstance(train, tuple) else [train - 0.1 * number for number in range(len(val_losses))]
    return [
        EpochCompleted(
            epoch=number, train_loss=train_loss, val_loss=loss, best=True, seconds=1.0, elapsed_seconds=number,
            chars_per_second=1.0,
        )
        for number, (loss, train_loss) in enumerate(zip(val_losses, train_losses, strict=True), start=1)
    ]  # fmt: skip


def test_a_validation_loss_that_still_falls_is_still_learning() -> None:
    verdict = judge(epochs(2.0, 1.8, 1.7, 1.65, 1.62), 80)
    assert (verdict.kind, verdict.since) == ("learning", None)
    assert "fell by 0.0300 over the last epoch." in verdict.sentence


def test_validation_that_rises_while_training_falls_is_overfitting_since_the_epoch_after_the_best() -> None:
    verdict = judge(epochs(2.0, 1.7, 1.6, 1.62, 1.66, train=1.6), 80)
    assert (verdict.kind, verdict.since) == ("overfitting", 4)
    assert verdict.sentence == "Overfitting since epoch 4: validation rose from 1.6000 to 1.6600."
    assert "Training loss fell meanwhile, from 1.4000 to 1.2000." in verdict.advice


def test_validation_that_rises_with_training_is_not_overfitting() -> None:
    verdict = judge(epochs(2.0, 1.7, 1.6, 1.62, 1.66, train=(2.0, 1.6, 1.5, 1.55, 1.6)), 80)
    assert (verdict.kind, verdict.since) == ("unsteady", 4)
    assert "not overfitting: training loss rose too, from 1.5000 to 1.6000" in verdict.text
    assert not verdict.sentence.startswith("Overfitting")


@pytest.mark.parametrize("gap", [0.0, 0.3, 3.0])
def test_a_gap_of_any_size_is_not_overfitting_while_validation_does_not_rise(gap: float) -> None:
    assert judge(epochs(2.0, 1.7, 1.6, 1.6, train=2.0 - gap), 80).kind == "levelled"
    assert judge(epochs(2.0, 1.7, 1.6, 1.5, train=2.0 - gap), 80).kind == "learning"


@pytest.mark.parametrize("last", [1.5995, 1.6, 1.6049])
def test_a_loss_that_no_longer_changes_has_levelled_off(last: float) -> None:
    verdict = judge(epochs(2.0, 1.7, 1.6, 1.6, last), 80)
    assert verdict.kind == "levelled"
    assert f"validation stays at {min(1.6, last):.4f}" in verdict.sentence


def test_a_long_run_is_judged_by_the_last_fifth_of_its_epochs() -> None:
    slowly = [2.0 - 0.001 * number for number in range(50)]  # 0.001 per epoch is 0.01 over the last ten
    assert judge(epochs(*slowly), 80).kind == "learning"
    assert "over the last 10 epochs" in judge(epochs(*slowly), 80).sentence


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ((), "No epoch was completed"),
        ((1.5,), "One epoch says little"),
        ((None, None, None), "Without a validation part"),
    ],
)
def test_there_is_no_verdict_without_enough_epochs(losses: tuple[float | None, ...], words: str) -> None:
    verdict = judge(epochs(*losses), 80)
    assert verdict.kind == "unknown"
    assert words in verdict.sentence


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize("gap", [-2.0, -0.06, -LITTLE, 0.0, LITTLE, 0.06, 0.28, 2.0])
def test_a_gap_is_called_a_gap(gap: float, judged: bool) -> None:
    told = gap_sentence(1.0, 1.0 + gap, where="validation", judged=judged)
    assert f"validation loss is {abs(gap):.2f} {'below' if gap < 0 else 'above'} training loss" in told
    assert told.startswith("Hardly a gap" if round(abs(gap), 2) <= LITTLE else "A gap")
    assert "Overfitting" not in told
    assert ("Whether it overfits is not known" in told) == (round(gap, 2) > LITTLE and not judged)


@pytest.mark.parametrize(
    ("train", "validation", "dropout", "note"),
    [
        (1.2, 1.0, True, "mean over epoch 1, with dropout, so above validation"),
        (1.2, 1.0, False, "mean over epoch 1, so above validation after it"),
        (0.9, 1.0, True, "mean over epoch 1, with dropout; validation is without"),
        (0.9, 1.0, False, "mean over epoch 1; validation is read after it"),
        (0.9, None, False, "mean over epoch 1"),
    ],
)
def test_the_note_says_how_the_training_loss_is_computed_and_why_it_may_be_above_validation(
    train: float, validation: float | None, dropout: bool, note: str
) -> None:
    (last,) = epochs(validation, train=train)
    assert training_loss_note(last, dropout=dropout) == note


@pytest.mark.parametrize(
    ("vocabulary_size", "train_loss", "val_loss", "kind"),
    [
        (80, 9.0, 9.0, "untrained"),
        (80, 4.5, None, "untrained"),  # ln 80 is 4.3820
        (80, 4.5, 4.2, "levelled"),  # with dropout the training loss is the higher one
        (80, 3.0, 9.0, "levelled"),  # the validation part differs from the training part; the network has learnt
        (0, 9.0, 9.0, "levelled"),
        (1, 0.1, 0.1, "levelled"),
    ],
)
def test_a_loss_above_that_of_equal_probabilities_means_that_nothing_was_learnt(
    vocabulary_size: int, train_loss: float, val_loss: float | None, kind: str
) -> None:
    verdict = judge(epochs(val_loss, val_loss, val_loss, train=(train_loss,) * 3), vocabulary_size)
    assert verdict.kind == kind
    if kind == "untrained":
        assert verdict.sentence.startswith(f"Nothing learnt yet: a loss of {min(train_loss, val_loss or 9.0):.4f}")
        assert "is above 4.3820" in verdict.sentence
