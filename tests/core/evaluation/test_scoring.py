from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import core.evaluation.scoring
from core.checkpoints.checkpoint import Checkpoint
from core.data.text_slice import UNKNOWN
from core.evaluation.scored_chunk import ScoredChunk
from core.evaluation.scoring import CHUNK, score_text
from core.evaluation.segments import MAX_ALTERNATIVES
from core.settings.config import Cell
from tests.core.by_hand import passage_of, read_by_hand, tiny_checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")

ALPHABET = "abcdef."
NEVER_SEEN = "ß"


def followed(checkpoint: Checkpoint, text: str) -> list[ScoredChunk]:
    vocabulary = checkpoint.vocabulary
    events = score_text(checkpoint.model, passage_of(text).ids(vocabulary), vocabulary.start_id)
    return [event for event in events if isinstance(event, ScoredChunk)]


def drawn(length: int, seed: int = 0) -> str:
    return "".join(np.random.default_rng(seed).choice(list(ALPHABET), length))


def with_unknown(text: str, *places: int) -> str:
    return "".join(NEVER_SEEN if place in places else character for place, character in enumerate(text))


def assert_as_by_hand(checkpoint: Checkpoint, text: str) -> None:
    chunks = followed(checkpoint, text)
    size = core.evaluation.scoring.CHUNK
    assert [chunk.begin for chunk in chunks] == list(range(0, len(text), size))
    assert [chunk.end for chunk in chunks] == [min(begin + size, len(text)) for begin in range(0, len(text), size)]
    ids = np.concatenate([chunk.ids for chunk in chunks])
    assert ids.tolist() == [checkpoint.vocabulary.get(character, UNKNOWN) for character in text]
    guesses = read_by_hand(checkpoint, text)
    places = np.concatenate([np.flatnonzero(chunk.known) + chunk.begin for chunk in chunks])
    assert places.tolist() == [guess.place for guess in guesses]
    losses = np.concatenate([chunk.losses for chunk in chunks])
    assert losses == pytest.approx([guess.loss for guess in guesses], abs=1e-6)
    for chunk in chunks:
        assert chunk.losses.shape == (chunk.known.sum(),)
        assert chunk.expected.shape == chunk.expected_losses.shape == (chunk.known.sum(), MAX_ALTERNATIVES)


@pytest.mark.parametrize("length", [1, 2, 37, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 37])
def test_a_text_of_any_length_is_scored_as_by_hand(length: int) -> None:
    assert_as_by_hand(tiny_checkpoint(ALPHABET), drawn(length))


@pytest.mark.parametrize(
    "places",
    [
        (CHUNK - 1,),
        (CHUNK,),
        (CHUNK - 1, CHUNK),
        (0, CHUNK - 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK),
        range(CHUNK, 2 * CHUNK),
        range(CHUNK - 1, 2 * CHUNK + 1),
        range(CHUNK),
        range(2 * CHUNK, 2 * CHUNK + 5),
    ],
    ids=[
        "last of a chunk", "first of a chunk", "both", "all around", "a chunk in the middle", "more than that one",
        "the first chunk", "the last chunk",
    ],
)  # fmt: skip
def test_unknown_characters_are_skipped_at_any_position(places: tuple[int, ...]) -> None:
    checkpoint, text = tiny_checkpoint(ALPHABET), with_unknown(drawn(2 * CHUNK + 5), *places)
    assert_as_by_hand(checkpoint, text)
    losses = np.concatenate([chunk.losses for chunk in followed(checkpoint, text)])
    without = np.concatenate([chunk.losses for chunk in followed(checkpoint, text.replace(NEVER_SEEN, ""))])
    assert losses == pytest.approx(without, abs=1e-6), "the same losses as without them"


@given(text=st.text(st.sampled_from(ALPHABET + NEVER_SEEN), min_size=1, max_size=40), size=st.integers(1, 12))
def test_the_borders_of_chunks_change_nothing(text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.evaluation.scoring, "CHUNK", size)
        assert_as_by_hand(tiny_checkpoint(ALPHABET), text)


@pytest.mark.parametrize("cell", get_args(Cell))
def test_every_cell_carries_its_state_into_the_next_chunk(cell: Cell) -> None:
    assert_as_by_hand(tiny_checkpoint(ALPHABET, cell=cell), drawn(CHUNK + 20))


def test_a_text_of_unknown_characters_has_no_losses() -> None:
    chunks = followed(tiny_checkpoint(ALPHABET), NEVER_SEEN * (CHUNK + 1))
    assert [len(chunk.ids) for chunk in chunks] == [CHUNK, 1]
    assert [len(chunk.losses) for chunk in chunks] == [0, 0]
    assert not any(chunk.known.any() for chunk in chunks)


def test_an_empty_text_has_no_chunk() -> None:
    assert followed(tiny_checkpoint(ALPHABET), "") == []


def test_the_five_most_probable_characters_are_reported_in_order_with_their_losses() -> None:
    checkpoint, text = tiny_checkpoint(ALPHABET), with_unknown(drawn(60), 20)
    (chunk,) = followed(checkpoint, text)
    for guess, expected, losses in zip(
        read_by_hand(checkpoint, text), chunk.expected, chunk.expected_losses, strict=True
    ):
        assert expected.tolist() == np.argsort(guess.costs)[:MAX_ALTERNATIVES].tolist()
        assert losses == pytest.approx(np.sort(guess.costs)[:MAX_ALTERNATIVES], abs=1e-6)


def test_a_small_vocabulary_has_fewer_alternatives() -> None:
    *_, chunk = followed(tiny_checkpoint("ab"), "abba")
    assert chunk.expected.shape == (4, 2)
    assert np.exp(-chunk.expected_losses).sum(axis=1) == pytest.approx([1.0] * 4)
    (unknown,) = followed(tiny_checkpoint("ab"), "xyz")
    assert unknown.expected.shape == (0, 2)


@pytest.mark.parametrize("alphabet", ["ab.", "ab"], ids=["after a full stop", "after the first character"])
def test_the_first_character_is_predicted_from_the_start_id(alphabet: str) -> None:
    checkpoint = tiny_checkpoint(alphabet)
    (chunk,) = followed(checkpoint, "b")
    assert chunk.losses == pytest.approx([read_by_hand(checkpoint, "b")[0].loss], abs=1e-6)


def test_the_progress_is_the_share_of_the_text_that_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.evaluation.scoring, "PIECE", 2 * CHUNK)
    checkpoint, text = tiny_checkpoint(ALPHABET), drawn(5 * CHUNK)
    ids = passage_of(text).ids(checkpoint.vocabulary)
    events = list(score_text(checkpoint.model, ids, checkpoint.vocabulary.start_id))
    shares = [event for event in events if isinstance(event, float)]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    for place, event in enumerate(events):
        if isinstance(event, ScoredChunk):  # never less than what was yielded as chunks
            read = max(share for share in events[:place] if isinstance(share, float))
            assert read * len(text) >= event.end - 1e-6


def test_cancelling_stops_the_model() -> None:
    checkpoint = tiny_checkpoint(ALPHABET)
    generator = torch.random.get_rng_state()
    reading = score_text(checkpoint.model, passage_of(drawn(3 * CHUNK)).ids(checkpoint.vocabulary), 0)
    assert isinstance(next(reading), float)
    assert not torch.is_inference_mode_enabled(), "the caller's code between two chunks is not in inference mode"
    reading.close()
    assert list(reading) == []
    assert torch.equal(torch.random.get_rng_state(), generator)
