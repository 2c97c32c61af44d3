import statistics

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.checkpoints.checkpoint import Checkpoint, load_checkpoint
from core.data.corpus import CorpusConfig, load_corpus
from core.evaluation.estimate import PASSAGES, estimate_loss
from core.evaluation.scoring import score_text
from core.reports.results import Estimate, EvaluationProgress
from core.runs.bundled_model import shipped_path
from tests.core.by_hand import passage_of, read_by_hand, tiny_checkpoint

ALPHABET = "abcdef."


def drawn(alphabet: str, length: int) -> str:
    return "".join(np.random.default_rng(length).choice(list(alphabet), length))


def estimated(checkpoint: Checkpoint, text: str, most: int) -> Estimate | None:
    """Estimate the loss, and check the progress."""
    ids = passage_of(text).ids(checkpoint.vocabulary)
    estimating = estimate_loss(checkpoint.model, ids, checkpoint.vocabulary.start_id, most)
    progress: list[EvaluationProgress] = []
    try:
        while True:
            progress.append(next(estimating))
    except StopIteration as end:
        found: Estimate | None = end.value
    assert [event.scored for event in progress] == sorted(event.scored for event in progress)
    assert found is None or progress[-1].scored == progress[-1].characters == found.characters
    return found


@pytest.mark.parametrize("length", [1, 2, 37, 999, 5_000, 70_001])
def test_a_text_that_is_read_as_a_whole_has_nearly_the_exact_loss(length: int) -> None:
    checkpoint, text = tiny_checkpoint(ALPHABET), drawn(ALPHABET, length)
    found = estimated(checkpoint, text, length)
    assert found is not None
    assert (found.characters, found.of) == (length, length)
    losses = [guess.loss for guess in read_by_hand(checkpoint, text)]
    assert found.loss == pytest.approx(statistics.fmean(losses), abs=1e-5)


@given(length=st.integers(1, 3_000), most=st.integers(1, 3_000))
def test_passages_from_all_over_the_text_are_scored(length: int, most: int) -> None:
    checkpoint, text = tiny_checkpoint(ALPHABET + "x"), drawn(ALPHABET, length)
    found = estimated(checkpoint, text, most)
    assert found is not None
    assert min(length, most) - PASSAGES <= found.characters <= min(length, most) + PASSAGES
    assert found.of == length
    passages = max(1, min(length // 1_000, most // 400))
    stride = -(-length // passages)
    scored = min(stride, -(-most // passages))
    losses = np.array([guess.loss for guess in read_by_hand(checkpoint, text)])
    of_passages = np.concatenate([losses[begin : begin + scored] for begin in range(0, length, stride)])
    assert found.loss == pytest.approx(of_passages.mean(), abs=1e-5)


@pytest.mark.parametrize("length", [300, 20_000])
def test_unknown_characters_are_skipped(length: int) -> None:
    checkpoint = tiny_checkpoint(ALPHABET)
    text = drawn(ALPHABET + "ßéà", length)
    found = estimated(checkpoint, text, length)
    guesses = read_by_hand(checkpoint, text)
    assert found is not None
    assert (found.characters, found.of) == (len(guesses), length)
    assert found.loss == pytest.approx(statistics.fmean(guess.loss for guess in guesses), abs=1e-5)


def test_a_text_of_unknown_characters_has_no_estimate() -> None:
    assert estimated(tiny_checkpoint(ALPHABET), "ß" * 5_000, 1_000) is None


def test_the_model_and_the_generator_are_left_alone() -> None:
    checkpoint = tiny_checkpoint(ALPHABET)
    generator = torch.random.get_rng_state()
    estimated(checkpoint, drawn(ALPHABET, 3_000), 1_000)
    assert torch.equal(torch.random.get_rng_state(), generator)
    assert checkpoint.model.training
    assert not torch.is_inference_mode_enabled()


def test_an_estimate_says_what_it_is_based_on() -> None:
    assert Estimate(loss=1.2, characters=20_000, of=168_729).basis == "from 20,000 of 168,729 characters"


@pytest.mark.shipped
def test_the_estimate_for_a_model_that_has_learnt_is_nearly_the_exact_loss() -> None:
    """An untrained model hardly uses its state, so it cannot show the effect of a state that starts at zero."""
    path = shipped_path()
    assert path is not None
    trained = load_checkpoint(path)
    text = load_corpus(CorpusConfig(source="l-homme-aux-contrats", limit=6_000)).part("whole")
    found = estimated(trained, str(text), 6_000)
    assert found is not None
    start_id, ids = trained.vocabulary.start_id, text.ids(trained.vocabulary)
    losses = [event.losses for event in score_text(trained.model, ids, start_id) if not isinstance(event, float)]
    assert found.loss == pytest.approx(np.concatenate(losses).mean(), abs=0.005)
