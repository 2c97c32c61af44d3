"""Texts that are generated in a batch are identical to those generated one by one."""

import math
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.model.char_lstm import CharLSTM
from core.model.numpy_lstm import NumpyLSTM
from core.sampling import batch_sampling
from core.sampling.batch_draws import ROUNDING, draw, rounding_of
from core.sampling.batch_sampling import Text, Writing, write_texts
from core.sampling.filtering import adjusted
from core.sampling.sampler import Sampler
from core.settings.config import ModelConfig, SamplingConfig, configure

ALPHABET = Vocabulary("abcdefghijklmnopqrstuvwxyz .\n")


def network_of(hidden: int = 40, scale: float = 2.0, cell: str = "lstm", embedding: int = 12) -> CharLSTM:
    config = configure(ModelConfig(embedding_size=embedding, num_layers=2), {"hidden_size": hidden, "cell": cell})
    made = CharLSTM(config, len(ALPHABET))
    made.initialise(torch.Generator().manual_seed(2))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(scale)
    return made


def alone(network: CharLSTM, config: SamplingConfig, seed: int, length: int, prompt: str) -> str:
    sampler = Sampler(network, ALPHABET, configure(config, {"seed": seed}), prompt)
    return "".join(drawn.character for drawn in islice(sampler, length))


def texts(network: CharLSTM, config: SamplingConfig, *, length: int, count: int, prompt: str = "") -> list[Text]:
    events = write_texts(network, ALPHABET, config, prompt, length=length, count=count)
    return [event for event in events if isinstance(event, Text)]


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"temperature": 1.3}, {"temperature": 0.0}, {"top_k": 5}, {"top_p": 0.8}, {"top_k": 9, "top_p": 0.6}],
)
def test_batched_texts_equal_those_generated_one_by_one(cell: str, settings: dict[str, float]) -> None:
    network, config = network_of(cell=cell), configure(SamplingConfig(seed=5), settings)
    written = texts(network, config, length=150, count=30, prompt="the cat ")
    assert [text.seed for text in written] == list(range(5, 35))
    for text in written:
        assert text.text == alone(network, config, text.seed, 150, "the cat ")


@pytest.mark.parametrize("top_p", [0.05, 0.3, 0.42])
def test_a_draw_is_doubtful_if_rounding_decides_which_character_top_p_keeps(top_p: float) -> None:
    config = SamplingConfig(temperature=1.0, top_p=top_p)  # keeps one character
    logits = np.array([[1, 1 + ROUNDING / 2, 0], [2, 1, 0], [1, 1, 1 + ROUNDING / 2]], dtype=np.float32)
    _, doubtful = draw(logits, np.full(3, 0.3), config)
    assert doubtful.tolist() == [True, False, True]


def test_texts_may_be_more_or_longer_than_a_batch_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    network, config = network_of(), SamplingConfig(seed=1)
    assert len({text.text for text in texts(network, config, length=20, count=70)}) == 70
    before = texts(network, config, length=2_500, count=2)
    monkeypatch.setattr("core.sampling.batch_sampling.LONGEST", 100)
    assert [text.text for text in texts(network, config, length=2_500, count=2)] == [text.text for text in before]


def test_a_draw_near_a_border_is_doubtful_and_one_far_from_it_is_not() -> None:
    logits = np.log(np.array([[0.25, 0.5, 0.25]] * 4, dtype=np.float32))
    config = SamplingConfig(temperature=1)
    chosen, doubtful = draw(logits, np.array([0.1, 0.25 + 1e-6, 0.25 - 1e-6, 0.7]), config)
    assert chosen.tolist() == [0, 1, 0, 1]
    assert doubtful.tolist() == [False, True, True, False]
    near = np.array([[1.0, 1.0 + ROUNDING / 2, 0.0], [1.0, 2.0, 0.0]], dtype=np.float32)
    for config in (SamplingConfig(temperature=0), SamplingConfig(temperature=1, top_k=1)):
        assert draw(near, np.array([0.9, 0.9]), config)[1].tolist() == [True, False]
    border = np.log(np.array([[0.5, 0.3, 0.2]], dtype=np.float32))
    assert draw(border, np.array([0.1]), SamplingConfig(temperature=1, top_p=0.5))[1].tolist() == [True]
    assert draw(border, np.array([0.1]), SamplingConfig(temperature=1, top_p=0.6))[1].tolist() == [False]


@pytest.mark.parametrize("steps", [150, pytest.param(1_000, marks=pytest.mark.thorough)])
def test_rounding_errors_are_far_below_the_bound(steps: int) -> None:
    network = network_of(hidden=128)
    ids = np.random.default_rng(0).integers(len(ALPHABET), size=steps)
    one, many = NumpyLSTM(network, None), NumpyLSTM(network, None, texts=64)
    worst = 0.0
    for place in ids:
        alone, among = (
            adjusted(logits, SamplingConfig(temperature=1)).cumsum()
            for logits in (one.step(np.array([place]))[0], many.step(np.full(64, place))[0])
        )
        share = np.minimum(alone, 1 - alone)
        worst = max(worst, float((np.abs(alone - among)[share > 1e-9] / share[share > 1e-9]).max()))
    assert worst < ROUNDING / 1.5


def test_the_bound_grows_with_the_cells() -> None:
    assert [rounding_of(cells) for cells in (1, 128, 512, 1024)] == [ROUNDING, ROUNDING, ROUNDING, 2 * ROUNDING]
    logits = np.array([[1.0, 1.0 + 3 * ROUNDING, 0.0]], dtype=np.float32)
    for cells, expected in ((512, False), (1024, True)):
        for config in (SamplingConfig(temperature=0), SamplingConfig(temperature=2, top_p=0.38)):
            assert draw(logits, np.array([0.2]), config, rounding_of(cells))[1].tolist() == [expected], config


def test_progress_is_reported_and_the_generation_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.sampling.batch_sampling.REPORT_SECONDS", 0.0)
    events = write_texts(network_of(), ALPHABET, SamplingConfig(), length=50, count=3)
    counts = [event.characters for event in islice(events, 40) if isinstance(event, Writing)]
    assert counts == sorted(counts)
    assert len(counts) == 40
    events.close()  # type: ignore[attr-defined]


def test_the_exact_repetition_of_doubtful_texts_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_sampling, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(batch_sampling, "is_close", lambda bounds, *_: np.ones(bounds.shape[1:], dtype=bool))
    events = write_texts(network_of(), ALPHABET, SamplingConfig(), length=50, count=3)
    counts = [event.characters for event in events if isinstance(event, Writing)]
    assert counts.count(150) >= 50, "it reports during the repetition, too"
    assert counts == sorted(counts)


@pytest.mark.parametrize("settings", [{"temperature": 0.0}, {"temperature": 0.8}, {"top_k": 5}, {"top_p": 0.9}])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_damaged_model_is_refused(value: float, settings: dict[str, float]) -> None:
    network = network_of()
    with torch.no_grad():
        network.output.bias[3] = value
    with pytest.raises(UserError, match="damaged"):
        texts(network, configure(SamplingConfig(), settings), length=5, count=3)


@pytest.mark.parametrize(
    ("length", "count"), [(1, 1), (500, 9), (999, 3), (1_000, 5), (2_001, 2), (2_500, 3), (30, 70)]
)
def test_progress_rises_and_never_passes_its_total(length: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.sampling.batch_sampling.REPORT_SECONDS", 0.0)
    network = network_of(hidden=4)
    written = [
        event.characters
        for event in write_texts(network, ALPHABET, SamplingConfig(), length=length, count=count)
        if isinstance(event, Writing)
    ]
    assert written == sorted(written)
    assert all(characters <= length * count for characters in written)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize(("embedding", "hidden"), [(12, 7), (12, 40), (64, 40), (128, 1)])
def test_products_row_by_row_are_those_of_one_text_to_the_last_bit(cell: str, embedding: int, hidden: int) -> None:
    network = network_of(hidden=hidden, cell=cell, embedding=embedding)
    ids = np.random.default_rng(0).integers(len(ALPHABET), size=(80, 9))
    many = NumpyLSTM(network, None, texts=9, row_by_row=True)
    singles = [NumpyLSTM(network, None) for _ in range(9)]
    texts_left = list(range(9))
    for place, row in enumerate(ids):
        if place == 40:
            texts_left = [0, 3, 4, 8]
            many.keep(np.array(texts_left))
        together = many.step(row[texts_left])
        for number, text in enumerate(texts_left):
            np.testing.assert_array_equal(together[number], singles[text].step(row[text : text + 1])[0])


@pytest.mark.parametrize("wrong", [0, 57, 119])
@pytest.mark.parametrize(
    ("config", "name", "doubt"),
    [(SamplingConfig(seed=3), "draw_by_weight", math.nan), (SamplingConfig(seed=3, top_p=0.95), "draw", True)],
)
def test_a_draw_that_rounding_decided_wrongly_is_corrected(
    wrong: int, config: SamplingConfig, name: str, doubt: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another character is drawn in one text, and said to be doubtful, as if rounding had decided it."""
    network, real, calls = network_of(), getattr(batch_sampling, name), 0

    def draw_wrongly(*arguments: Any) -> Any:
        nonlocal calls
        chosen, evidence = real(*arguments)
        if calls == wrong:
            chosen[2], evidence[..., 2] = (chosen[2] + 1) % len(ALPHABET), doubt
        calls += 1
        return chosen, evidence

    monkeypatch.setattr(batch_sampling, name, draw_wrongly)
    for text in texts(network, config, length=120, count=5):
        assert text.text == alone(network, config, text.seed, 120, "")
