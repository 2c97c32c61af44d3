import threading
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import core.evaluation.segments
import core.evaluation.worker_threads
from core.checkpoints.checkpoint import Checkpoint
from core.evaluation.segments import Losses, SegmentReader
from core.settings.config import Cell
from tests.core.by_hand import read_by_hand, tiny_checkpoint

ALPHABET = "abcdef."


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"], autouse=True)
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Use short segments, so that short texts have several."""
    monkeypatch.setattr(core.evaluation.segments, "SEGMENT", 120)
    monkeypatch.setattr(core.evaluation.segments, "WINDOW", 25)
    for module in (core.evaluation.segments, core.evaluation.worker_threads):
        monkeypatch.setattr(module, "available_cores", lambda: request.param)
    return int(request.param)


def drawn(length: int) -> str:
    return "".join(np.random.default_rng(length).choice(list(ALPHABET), length))


def read(checkpoint: Checkpoint, *pieces: str) -> Losses:
    reader = SegmentReader(checkpoint.model, checkpoint.vocabulary.start_id)
    losses = []
    for piece in pieces:
        reading = reader.read(np.array([checkpoint.vocabulary.get(character, -1) for character in piece]))
        shares = []
        try:
            while True:
                shares.append(next(reading))
        except StopIteration as end:
            losses.append(end.value)
        assert shares == sorted(shares)
        assert 0 < shares[0] <= shares[-1] == 1
    return Losses(*(np.concatenate(each) for each in zip(*losses, strict=True)))


def assert_as_by_hand(checkpoint: Checkpoint, *pieces: str) -> None:
    found = read(checkpoint, *pieces)
    guesses = read_by_hand(checkpoint, "".join(pieces))
    assert found.taken == pytest.approx([guess.loss for guess in guesses], abs=1e-5)
    assert found.taken.mean() == pytest.approx(np.mean([guess.loss for guess in guesses]), abs=1e-6)
    first = [int(np.argmin(guess.costs)) for guess in guesses]
    assert found.expected[:, 0].tolist() == first
    assert found.expected_losses[:, 0] == pytest.approx([guess.costs.min() for guess in guesses], abs=1e-5)


def lasting(cell: Cell = "lstm") -> Checkpoint:
    """Return a model that remembers what it read at the beginning until the end."""
    checkpoint = tiny_checkpoint(ALPHABET, cell=cell)
    hidden = checkpoint.model.config.hidden_size
    with torch.no_grad():
        for layer in checkpoint.model.layers:
            if cell == "lstm":
                layer.bias_ih_l0[hidden : 2 * hidden] = 30  # type: ignore[operator]
            else:
                layer.weight_hh_l0.copy_(3 * torch.eye(len(layer.weight_hh_l0))[:, :hidden])  # type: ignore[operator, arg-type]
    return checkpoint


@pytest.mark.parametrize("cell", get_args(Cell))
@pytest.mark.parametrize("length", [1, 119, 239, 240, 241, 1_000, 120 * 33 + 7])
def test_segments_side_by_side_have_the_losses_of_the_text_from_beginning_to_end(length: int, cell: Cell) -> None:
    assert_as_by_hand(tiny_checkpoint(ALPHABET, cell=cell), drawn(length))


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_a_model_that_does_not_forget_reads_from_beginning_to_end(cell: Cell) -> None:
    checkpoint = lasting(cell)
    assert_as_by_hand(checkpoint, drawn(1_000))
    assert_as_by_hand(checkpoint, drawn(500), drawn(700), drawn(90))


def test_it_is_told_that_the_states_did_not_come_together() -> None:
    reader = SegmentReader(lasting().model, 0)
    list(reader.read(np.zeros(500, dtype=np.int64)))
    assert not reader._forgets
    reader = SegmentReader(tiny_checkpoint(ALPHABET).model, 0)
    list(reader.read(np.zeros(500, dtype=np.int64)))
    assert reader._forgets


@given(lengths=st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_pieces_of_any_length_follow_each_other(lengths: list[int]) -> None:
    assert_as_by_hand(tiny_checkpoint(ALPHABET), *map(drawn, lengths))


def test_a_large_vocabulary_is_read_in_short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.evaluation.segments, "MAX_LOGITS", 7 * 8 * 3)
    checkpoint = tiny_checkpoint(ALPHABET)
    lengths = []
    checkpoint.model.register_forward_pre_hook(lambda _, arguments: lengths.append(len(arguments[0])))
    assert_as_by_hand(checkpoint, drawn(1_000))
    assert max(lengths) == 3


def test_as_many_workers_as_cores_read_even_in_a_thread_that_was_given_fewer(threads: int) -> None:
    """While workers run, each new thread is given one thread of PyTorch's, also that of a run which starts then."""
    reading: set[str] = set()
    checkpoint = tiny_checkpoint(ALPHABET)
    checkpoint.model.register_forward_pre_hook(lambda *_: reading.add(threading.current_thread().name))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        read(checkpoint, drawn(120 * 24))
    finally:
        torch.set_num_threads(before)
    assert len(reading) == threads


def test_cancelling_ends_the_workers() -> None:
    reader = SegmentReader(tiny_checkpoint(ALPHABET).model, 0)
    before = torch.get_num_threads()
    reading = reader.read(np.zeros(2_000, dtype=np.int64))
    next(reading)
    reading.close()
    assert list(reading) == []
    assert torch.get_num_threads() == before
    assert not torch.is_inference_mode_enabled()
