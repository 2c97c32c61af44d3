"""Silenced cells, compared with the equations computed by hand in double precision."""

from collections.abc import Generator
from typing import TypeVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.inspection.cell_ranking import CHUNK, LARGEST, exact_costs, first_order, ranked, worth_computing
from core.inspection.silenced_sampler import Pair, SilencedSampler, generate_pairs
from core.inspection.silencing import (
    DISTANCES,
    TextReading,
    compared,
    cost_of_each,
    distances,
    effect_of,
    read_silenced,
    read_text,
)
from core.model.char_lstm import CharLSTM
from core.model.clamped_lstm import ClampedLSTM, RowClamps
from core.reports.silencing import CellId, Clamp
from core.sampling.sampler import Sampler
from core.settings.config import Cell, SamplingConfig
from tests.core.inspection.test_record_activations import TEXT, by_the_equations, double, network_of, sigmoid

T = TypeVar("T")
Doubles = NDArray[np.float64]
KINDS: list[Cell] = ["lstm", "gru", "rnn"]
LAST = CellId(1, 4)
"""A cell of the second layer."""


def result_of(computation: Generator[float, None, T]) -> T:
    """Run a computation to its end, and return its result."""
    while True:
        try:
            next(computation)
        except StopIteration as end:
            result: T = end.value
            return result


class Weights:
    """The weights of a network in double precision, and a pass over a text that changes memories, one by one."""

    def __init__(self, network: CharLSTM) -> None:
        self.config = network.config
        self.embedding = double(network.embedding.weight)
        self.layers = [
            [double(getattr(layer, f"{name}_l0")) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            for layer in network.layers
        ]
        self.output, self.bias = double(network.output.weight), double(network.output.bias)

    def losses(self, ids: NDArray[np.int64], moves: dict[CellId, tuple[float, float]]) -> Doubles:
        """Return the losses of a text, (T - 1,); each memory m named in `moves` becomes (1 - a) m + a v."""
        hidden = [np.zeros(self.config.hidden_size) for _ in self.layers]
        memory = [np.zeros(self.config.hidden_size) for _ in self.layers]
        losses = np.empty(len(ids) - 1)
        for place in range(len(ids) - 1):
            signal = self.embedding[ids[place]]
            for layer, (w, u, b, d) in enumerate(self.layers):
                inputs, recurrent = w @ signal + b, u @ hidden[layer] + d
                shows = np.ones(self.config.hidden_size)
                if self.config.cell == "lstm":
                    i, f, g, o = np.split(inputs + recurrent, 4)
                    memory[layer] = sigmoid(f) * memory[layer] + sigmoid(i) * np.tanh(g)
                    shows = sigmoid(o)
                elif self.config.cell == "gru":
                    (wr, wz, wn), (ur, uz, un) = np.split(inputs, 3), np.split(recurrent, 3)
                    z = sigmoid(wz + uz)
                    memory[layer] = (1 - z) * np.tanh(wn + sigmoid(wr + ur) * un) + z * hidden[layer]
                else:
                    memory[layer] = np.tanh(inputs + recurrent)
                for one, (share, value) in moves.items():
                    if one.layer == layer:
                        memory[layer][one.cell] = (1 - share) * memory[layer][one.cell] + share * value
                hidden[layer] = shows * np.tanh(memory[layer]) if self.config.cell == "lstm" else memory[layer].copy()
                signal = hidden[layer]
            logits = self.output @ signal + self.bias
            losses[place] = np.log(np.exp(logits).sum()) - logits[ids[place + 1]]
        return losses


def reading_of(network: CharLSTM, vocabulary: Vocabulary, text: str = TEXT) -> TextReading:
    return result_of(read_text(network, vocabulary, text))


def carried(network: CharLSTM, vocabulary: Vocabulary, layer: int) -> Doubles:
    """The memory of each cell after each character, (T, H)."""
    symbol = "c" if network.config.cell == "lstm" else "h"
    return np.array(by_the_equations(network, vocabulary.encode(TEXT))[layer][symbol])


@pytest.mark.parametrize("kind", KINDS)
def test_the_losses_and_the_mean_memories_are_those_of_the_equations(kind: Cell) -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of(kind, vocabulary)
    reading = reading_of(network, vocabulary)
    np.testing.assert_allclose(reading.losses, Weights(network).losses(reading.ids, {}), atol=1e-4)
    for layer in range(2):
        np.testing.assert_allclose(reading.means[layer], carried(network, vocabulary, layer).mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("clamp", [Clamp("zero"), Clamp("mean"), Clamp("value", -0.7)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_silenced_cells_cost_what_a_slow_loop_by_hand_finds(kind: Cell, clamp: Clamp) -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of(kind, vocabulary)
    reading, by_hand = reading_of(network, vocabulary), Weights(network)
    cells = (CellId(0, 2), CellId(0, 9), LAST)
    values = {one: float(reading.values(clamp, one.layer)[one.cell]) for one in cells}
    together = by_hand.losses(reading.ids, {one: (1.0, value) for one, value in values.items()})
    effect = result_of(effect_of(network, reading, cells, clamp))
    assert effect.after == pytest.approx(together.mean(), abs=1e-4)
    assert effect.before == pytest.approx(by_hand.losses(reading.ids, {}).mean(), abs=1e-4)
    found = result_of(cost_of_each(network, reading, 1, [LAST.cell, 0], clamp))
    alone = by_hand.losses(reading.ids, {LAST: (1.0, values[LAST])}).sum()
    assert found[0] == pytest.approx(alone - by_hand.losses(reading.ids, {}).sum(), abs=2e-3)
    assert len(found) == 2


@pytest.mark.parametrize("clamp", [Clamp("zero"), Clamp("mean"), Clamp("value", 0.4)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_the_estimate_is_the_derivative_by_finite_differences(kind: Cell, clamp: Clamp) -> None:
    """In double precision, over more than one piece of the graph."""
    vocabulary = Vocabulary(TEXT)
    network = network_of(kind, vocabulary)
    reading = reading_of(network, vocabulary)
    assert len(reading.ids) > CHUNK, "the derivative is carried from piece to piece"
    by_hand = Weights(network)
    derivatives = result_of(first_order(network.double(), reading.ids))
    step = 1e-4
    for one in (CellId(0, 2), CellId(0, 9), LAST, CellId(1, 10)):
        values = reading.values(clamp, one.layer)
        shares = (-2 * step, -step, step, 2 * step)
        moved = [by_hand.losses(reading.ids, {one: (share, values[one.cell])}).sum() for share in shares]
        expected = (moved[0] - 8 * moved[1] + 8 * moved[2] - moved[3]) / (12 * step)  # its error is of order step⁴
        assert derivatives.estimates(one.layer, values)[one.cell] == pytest.approx(expected, rel=1e-6), one


@pytest.mark.parametrize("kind", KINDS)
def test_one_layer_has_an_estimate_too(kind: Cell) -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of(kind, vocabulary, layers=1)
    ids = vocabulary.encode(TEXT[:12])
    derivatives = result_of(first_order(network.double(), ids))
    one, step = CellId(0, 3), 1e-4
    shares = (-2 * step, -step, step, 2 * step)
    moved = [Weights(network).losses(ids, {one: (share, 0.0)}).sum() for share in shares]
    expected = (moved[0] - 8 * moved[1] + 8 * moved[2] - moved[3]) / (12 * step)
    assert derivatives.estimates(0, np.zeros(11))[3] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_silenced_cell_has_its_value_at_every_character(kind: Cell) -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of(kind, vocabulary)
    memory = -2 if kind == "lstm" else -1
    clamps = [RowClamps(1, np.array([0, 1]), np.array([4, 7]), np.array([0.25, -0.5], dtype=np.float32))]
    silenced, plain = ClampedLSTM(network, clamps, 3), ClampedLSTM(network, [], 3)
    for number in vocabulary.encode(TEXT[:20]):
        silenced.step(np.full(3, number))
        plain.step(np.full(3, number))
        first, second = silenced.activations()
        assert (second[memory][0, 4], second[memory][1, 7]) == (0.25, -0.5)
        if kind == "lstm":
            assert second[-1][0, 4] == pytest.approx(second[3][0, 4] * np.tanh(0.25))
        np.testing.assert_array_equal(first[-1], plain.activations()[0][-1], "the layer below is as it was")
        np.testing.assert_array_equal(second[-1][2], plain.activations()[1][-1][2], "the third text is as it was")


def test_a_text_keeps_its_silenced_cells_when_others_are_dropped() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    clamps = [RowClamps(0, np.arange(3), np.array([1, 2, 3]), np.full(3, 0.5, dtype=np.float32))]
    silenced = ClampedLSTM(network, clamps, 3)
    silenced.step(np.zeros(3, dtype=np.int64))
    silenced.keep(np.array([0, 2]))
    silenced.step(np.ones(2, dtype=np.int64))
    memory = silenced.activations()[0][4]
    assert (memory[0, 1], memory[1, 3]) == (0.5, 0.5)
    assert 0.5 not in memory[:, 2]


def test_no_silenced_cell_changes_nothing() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    reading = reading_of(network, vocabulary)
    effect = result_of(effect_of(network, reading, (), Clamp()))
    assert effect.difference == 0
    assert effect.worst == ()
    assert effect.standard_error is None
    assert effect.is_short


def test_the_loss_is_told_by_kind_by_distance_and_by_character() -> None:
    text = "Ab, cd\n" + "x" * 75 + "\n"
    before = np.ones(len(text) - 1)
    after = before.copy()
    after[text.index("\n") - 1] += 3.0  # the first newline, predicted after six characters
    after[-1] += 2.0  # the second one, the 76th character of its line
    after[0] -= 0.5
    reading = TextReading(text, np.zeros(len(text), dtype=np.int64), before, np.zeros((1, 1)))
    effect = compared(reading, after, (CellId(0, 0),), Clamp())
    assert effect.characters == len(text) - 1
    assert effect.difference == pytest.approx(4.5 / effect.characters)
    kinds = {group.name: group for group in effect.kinds}
    assert (kinds["newline"].characters, kinds["newline"].before, kinds["newline"].after) == (2, 1.0, 3.5)
    assert kinds["punctuation"].difference == 0
    assert "capital" not in kinds, "the first character is not predicted"
    assert sum(group.characters for group in effect.kinds) == effect.characters
    places = {group.name: group for group in effect.distances}
    assert [group.name for group in effect.distances] == list(DISTANCES)
    assert places["1 to 10"].characters == 6 + 10
    assert places["over 70"].characters == 6
    assert places["over 70"].difference == pytest.approx(2 / 6)
    assert [(one.place, one.difference) for one in effect.worst] == [(6, 3.0), (len(text) - 1, 2.0)]


def test_a_long_text_has_a_standard_error() -> None:
    text = "ab\n" * 300
    before = np.zeros(len(text) - 1)
    after = np.random.default_rng(0).normal(0.1, 1.0, len(before))
    effect = compared(
        TextReading(text, np.zeros(len(text), dtype=np.int64), before, np.zeros((1, 1))), after, (), Clamp()
    )
    blocks = [after[start : start + 50].mean() for start in range(0, 850, 50)]
    assert effect.standard_error == pytest.approx(np.std(blocks, ddof=1) / np.sqrt(17))
    assert not effect.is_short


def test_distances_begin_again_after_each_newline() -> None:
    assert distances("ab\n\nc").tolist() == [1, 2, 3, 1, 1]


def test_one_character_has_no_loss() -> None:
    vocabulary = Vocabulary(TEXT)
    with pytest.raises(UserError, match="one character"):
        reading_of(network_of("lstm", vocabulary), vocabulary, "A")


def test_weights_that_are_not_numbers_are_an_error() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    with torch.no_grad():
        network.output.bias[0] = float("nan")
    with pytest.raises(UserError, match="damaged"):
        reading_of(network, vocabulary)


@pytest.mark.parametrize("kind", KINDS)
def test_text_of_a_network_without_silenced_cells_is_that_of_a_sampler(kind: Cell) -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of(kind, vocabulary)
    for config in (
        SamplingConfig(seed=3),
        SamplingConfig(seed=4, temperature=0.5, top_k=5),
        SamplingConfig(temperature=0),
    ):
        usual = Sampler(network, vocabulary, config, "mon ")
        silenced = SilencedSampler(network, vocabulary, config, [])
        assert list(silenced.read("mon "))[-1] == 1.0
        texts = ["".join(next(usual).character for _ in range(60)), "".join(next(silenced) for _ in range(60))]
        assert texts[0] == texts[1]


def test_text_with_silenced_cells_is_that_of_the_equations() -> None:
    """At temperature 0: each character is the most probable one after the text so far, read by hand."""
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    cells = (CellId(0, 2), LAST)
    reading = reading_of(network, vocabulary)
    silenced = SilencedSampler(
        network, vocabulary, SamplingConfig(temperature=0), reading.clamps(cells, Clamp("value", 3.0))
    )
    assert list(silenced.read("Ah"))
    text, by_hand = "Ah", Weights(network)
    for _ in range(8):
        costs = [
            by_hand.losses(vocabulary.encode(text + one), dict.fromkeys(cells, (1.0, 3.0)))[-1]
            for one in vocabulary.characters
        ]
        text += next(silenced)
        assert text[-1] == vocabulary.characters[int(np.argmin(costs))]


def test_an_empty_prompt_begins_as_a_sampler_does() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    silenced = SilencedSampler(network, vocabulary, SamplingConfig(seed=1), [])
    assert list(silenced.read(""))
    usual = Sampler(network, vocabulary, SamplingConfig(seed=1))
    assert [next(silenced) for _ in range(20)] == [next(usual).character for _ in range(20)]


def test_many_rows_read_the_text_at_once_and_each_is_as_alone() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("gru", vocabulary)
    reading = reading_of(network, vocabulary)
    clamps = [RowClamps(0, np.array([1]), np.array([5]), np.array([0.0], dtype=np.float32))]
    both = result_of(read_silenced(network, reading, clamps, 2))
    np.testing.assert_allclose(both[0], reading.losses, atol=1e-4)
    alone = result_of(read_silenced(network, reading, reading.clamps([CellId(0, 5)], Clamp())))
    np.testing.assert_allclose(both[1], alone[0], atol=1e-4)


def test_progress_is_told_and_ends_at_one() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    told = list(first_order(network, vocabulary.encode(TEXT)))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_cells_with_an_exact_cost_come_first_in_its_order() -> None:
    cells = ranked(np.array([1.0, 5.0, -2.0, 4.0]), {2: 7.0, 0: 9.0})
    assert [(one.cell, one.exact) for one in cells] == [(0, 9.0), (2, 7.0), (1, None), (3, None)]
    assert [one.estimate for one in cells] == [1.0, -2.0, 5.0, 4.0]


def test_the_cells_worth_computing_have_the_largest_or_the_highest_estimates() -> None:
    estimates = np.arange(-100.0, 100.0) + 0.5
    chosen = worth_computing(estimates, 50)
    assert len(chosen) == len(set(chosen)) == 50
    low = [cell for cell in chosen if estimates[cell] < 0]
    assert low == list(range(LARGEST - LARGEST // 2)), "very negative ones, too"
    assert {*range(158, 200)} <= {*chosen}
    assert worth_computing(np.array([0.5, -1.0])) == [1, 0]


def test_workers_share_the_cells() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    reading = reading_of(network, vocabulary)
    *progress, costs = exact_costs(network, reading, 1, [4, 0, 7], Clamp(), threads=2)
    assert isinstance(costs, dict)
    together = result_of(cost_of_each(network, reading, 1, [4, 0, 7], Clamp()))
    assert costs == {4: pytest.approx(together[0], abs=1e-3), 0: pytest.approx(together[1], abs=1e-3),
                     7: pytest.approx(together[2], abs=1e-3)}  # fmt: skip
    assert all(isinstance(share, float) and 0 <= share <= 1 for share in progress)


def test_two_texts_grow_from_one_seed() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("rnn", vocabulary)
    clamps = [RowClamps(0, np.zeros(1, dtype=np.int64), np.array([3]), np.array([0.9], dtype=np.float32))]
    events = generate_pairs(network, vocabulary, SamplingConfig(seed=7), "mon ", clamps)
    pairs = [event for event, _ in zip(events, range(60), strict=False) if isinstance(event, Pair)]
    usual = Sampler(network, vocabulary, SamplingConfig(seed=7), "mon ")
    assert [pair.without for pair in pairs] == [next(usual).character for _ in pairs]
    silenced = SilencedSampler(network, vocabulary, SamplingConfig(seed=7), clamps)
    assert list(silenced.read("mon "))
    assert [pair.silenced for pair in pairs] == [next(silenced) for _ in pairs]
