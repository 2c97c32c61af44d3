import math
import statistics

import numpy as np
import pytest
import torch

from core.checkpoints.checkpoint import Checkpoint
from core.errors import UserError
from core.evaluation.loss_accumulator import BLOCK
from core.evaluation.paired_comparison import compare
from core.evaluation.scoring import CHUNK
from core.reports.results import Comparison, EvaluationProgress
from tests.core.by_hand import passage_of, read_by_hand, tiny_checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")


def compared(first: Checkpoint, other: Checkpoint, text: str) -> Comparison:
    *_, last = compare(first, other, passage_of(text))
    assert isinstance(last, Comparison)
    return last


def drawn(characters: str, length: int) -> str:
    return "".join(np.random.default_rng(0).choice(list(characters), length))


def losses_of_both(first: Checkpoint, other: Checkpoint, text: str) -> tuple[list[float], list[float]]:
    """Return the losses of both models on the characters that both know, computed by hand."""
    mine, theirs = ({guess.place: guess.loss for guess in read_by_hand(one, text)} for one in (first, other))
    both = sorted(mine.keys() & theirs.keys())
    return [mine[place] for place in both], [theirs[place] for place in both]


def assert_as_by_hand(first: Checkpoint, other: Checkpoint, text: str) -> None:
    found = compared(first, other, text)
    mine, theirs = losses_of_both(first, other, text)
    assert found.characters == len(mine)
    assert found.loss == pytest.approx(statistics.fmean(mine), abs=1e-6)
    assert found.other_loss == pytest.approx(statistics.fmean(theirs), abs=1e-6)
    assert found.difference == pytest.approx(statistics.fmean(mine) - statistics.fmean(theirs), abs=1e-6)
    differences = [one - another for one, another in zip(mine, theirs, strict=True)]
    blocks = [differences[start : start + BLOCK] for start in range(0, len(differences), BLOCK)]
    means = [statistics.fmean(block) for block in blocks if len(block) == BLOCK]
    if len(means) < 2:
        assert found.standard_error is None
    else:
        expected = statistics.stdev(means) / math.sqrt(len(means))
        assert found.standard_error == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "length", [1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK, 3 * BLOCK + 50, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 7]
)
def test_the_difference_and_its_error_are_those_of_the_blocks_by_hand(length: int) -> None:
    assert_as_by_hand(tiny_checkpoint("abc."), tiny_checkpoint("abc.", seed=2), drawn("abc.", length))


def test_models_with_different_vocabularies_are_compared_on_common_characters() -> None:
    first, other = tiny_checkpoint("abc."), tiny_checkpoint("bcd.é", seed=2)
    text = drawn("abcdé.?", CHUNK + 300)
    assert_as_by_hand(first, other, text)
    assert compared(first, other, text).characters == sum(character in "bc." for character in text)


def test_a_chunk_that_one_model_does_not_know_is_skipped() -> None:
    first, other = tiny_checkpoint("abc."), tiny_checkpoint("bcd.", seed=2)
    assert_as_by_hand(first, other, "b" * CHUNK + "a" * CHUNK + "?" * CHUNK + drawn("abcd", 450))


def test_swapping_the_models_changes_the_sign_of_the_difference() -> None:
    first, other, text = tiny_checkpoint("abc."), tiny_checkpoint("abd.", seed=2), drawn("abcd.", 700)
    there, back = compared(first, other, text), compared(other, first, text)
    assert there.difference == pytest.approx(-back.difference)
    assert there.difference != 0
    assert there.standard_error == pytest.approx(back.standard_error)
    assert (there.loss, there.other_loss, there.characters) == (back.other_loss, back.loss, back.characters)


def test_the_better_model_has_the_lower_loss_and_a_difference_below_zero() -> None:
    better, worse = tiny_checkpoint("ab"), tiny_checkpoint("ab", seed=2)
    with torch.no_grad():
        better.model.output.bias[0] += 5  # the text is all "a", which it now expects
    found = compared(better, worse, "a" * 500)
    assert found.loss < found.other_loss
    assert found.difference < 0
    assert found.sentence.startswith("The first is better by ")
    assert compared(worse, better, "a" * 500).sentence.startswith("The other is better by ")


def test_a_model_is_no_better_than_itself() -> None:
    checkpoint = tiny_checkpoint("abc.")
    found = compared(checkpoint, checkpoint, drawn("abc.", 3 * BLOCK))
    assert (found.difference, found.standard_error) == (0, 0)
    assert found.sentence == "They predict it equally well, to the last digit."


def test_the_progress_counts_the_characters_read() -> None:
    first, other = tiny_checkpoint("abc."), tiny_checkpoint("abc.", seed=2)
    text = drawn("abc.", CHUNK + 5)
    *progress, _ = compare(first, other, passage_of(text))
    assert all(isinstance(event, EvaluationProgress) for event in progress)
    read = [event.scored for event in progress if isinstance(event, EvaluationProgress)]
    assert read == sorted(read)
    assert read[-1] == len(text)


@pytest.mark.parametrize("text", ["adad", "????", "a"])
def test_models_without_common_characters_in_a_text_cannot_be_compared(text: str) -> None:
    with pytest.raises(UserError, match=r"no character that both models know\. Choose another text, or another model"):
        compared(tiny_checkpoint("ab"), tiny_checkpoint("bd"), text)


def test_cancelling_stops_both_models() -> None:
    reading = compare(tiny_checkpoint("ab"), tiny_checkpoint("ab"), passage_of("ab" * CHUNK))
    next(reading)
    reading.close()
    assert list(reading) == []


@pytest.mark.parametrize(
    ("loss", "other_loss", "standard_error", "sentence"),
    [
        (1.5, 1.5, 0.25, "They predict it equally well, to the last digit."),
        (1.5, 1.5, None, "They predict it equally well, to the last digit."),
        (1.5, 1.25, None, "They differ by 0.2500; the text is too short to tell whether that is chance."),
        (1.25, 1.5, 0.0625, "The first is better by 0.2500 ± 0.0625 nats per character: more than chance."),
        (1.5, 1.25, 0.0625, "The other is better by 0.2500 ± 0.0625 nats per character: more than chance."),
        (1.5, 1.25, 0.125, "They differ by 0.2500 ± 0.1250 nats per character: that may be chance."),
        (1.25, 1.5, 0.25, "They differ by 0.2500 ± 0.2500 nats per character: that may be chance."),
        (1.25, 1.5, 0.0, "The first is better by 0.2500 ± 0.0000 nats per character: more than chance."),
    ],
)
def test_the_sentence_says_which_model_is_better_and_whether_that_may_be_chance(
    loss: float, other_loss: float, standard_error: float | None, sentence: str
) -> None:
    found = Comparison(characters=9, loss=loss, other_loss=other_loss, standard_error=standard_error)
    assert found.sentence == sentence
