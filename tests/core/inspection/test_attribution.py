"""What mattered for a prediction, compared with slow computations in double precision."""

from collections.abc import Callable, Generator
from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.inspection.activations import Activations
from core.inspection.attribution import (
    MAX_ATTRIBUTED,
    Attribution,
    first_attributed,
    gradient_times_input,
    state_after,
    without_each_character,
)
from core.inspection.record_activations import record_activations
from core.model.char_lstm import CharLSTM
from core.settings.config import Cell, ModelConfig
from tests.core.by_hand import logits_by_hand

Ids = NDArray[np.int64]
Method = Callable[..., Generator[float | Attribution, None, None]]

KINDS = [(cell, layers) for cell in get_args(Cell) for layers in (1, 2)]
CHARACTERS = "abcdefghijklmnop"
DISTINCT = np.array([4, 0, 9, 2, 7, 5, 12])
"""A text in which no character occurs twice, so that its embeddings can be changed one by one in the matrix."""
REPEATED = np.array([3, 1, 1, 4, 1, 3, 0, 1])
LONG = np.random.default_rng(3).integers(0, len(CHARACTERS), MAX_ATTRIBUTED + 30)


def network_of(cell: Cell, layers: int) -> CharLSTM:
    config = ModelConfig(cell=cell, embedding_size=5, hidden_size=6, num_layers=layers)
    network = CharLSTM(config, len(CHARACTERS))
    network.initialise(torch.Generator().manual_seed(1))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.7)  # so that the gates are not all half open
    return network.double()


def attribution(method: Method, *arguments: object, **named: object) -> Attribution:
    """Run a method to its end, and return its result."""
    *progress, found = method(*arguments, **named)
    assert isinstance(found, Attribution)
    assert progress == sorted(progress), "the progress never falls"
    assert all(isinstance(done, float) and 0 < done <= 1 for done in progress)
    return found


def log_p_by_hand(network: CharLSTM, ids: Ids, next_id: int) -> float:
    logits = logits_by_hand(network, ids)[-1]
    return float(logits[next_id] - np.log(np.exp(logits).sum()))


def log_p_with(network: CharLSTM, ids: Ids, next_id: int, scale: NDArray[np.float64]) -> float:
    """log p by hand with the embedding of each character of a text without repetitions multiplied by a factor, (T,)."""
    changed = network_of(network.config.cell, network.config.num_layers)
    changed.load_state_dict(network.state_dict())
    with torch.no_grad():
        changed.embedding.weight[torch.from_numpy(ids)] *= torch.from_numpy(scale)[:, None]
    return log_p_by_hand(changed, ids, next_id)


def slope(network: CharLSTM, direction: NDArray[np.float64], step: float = 1e-5) -> float:
    """The derivative of log p by central differences, if the embeddings of `DISTINCT` are scaled in a direction."""
    ahead, behind = (log_p_with(network, DISTINCT, 6, 1 + sign * step * direction) for sign in (1, -1))
    return (ahead - behind) / (2 * step)


@pytest.mark.parametrize(("cell", "layers"), KINDS)
def test_gradient_times_input_is_the_slope_along_each_embedding(cell: Cell, layers: int) -> None:
    network = network_of(cell, layers)
    found = attribution(gradient_times_input, network, DISTINCT, 6)
    slopes = [slope(network, direction) for direction in np.eye(len(DISTINCT))]
    assert max(map(abs, slopes)) > 0.01, "there is something to compare"
    np.testing.assert_allclose(found.values, slopes, rtol=1e-6, atol=1e-8)
    assert found.log_probability == pytest.approx(log_p_by_hand(network, DISTINCT, 6), abs=1e-12)


@pytest.mark.parametrize(("cell", "layers"), KINDS)
def test_its_sum_is_the_slope_along_all_of_them_and_no_difference(cell: Cell, layers: int) -> None:
    network = network_of(cell, layers)
    found = attribution(gradient_times_input, network, DISTINCT, 6)
    ones = np.ones(len(DISTINCT))
    assert found.total == pytest.approx(slope(network, ones), rel=1e-6)
    at_once = log_p_with(network, DISTINCT, 6, ones) - log_p_with(network, DISTINCT, 6, 0 * ones)
    assert found.all_at_once == pytest.approx(at_once, abs=1e-12)
    assert abs(found.total - found.all_at_once) > 1e-6, "the network is not linear"


def with_replacements(network: CharLSTM, ids: Ids, next_id: int, replaced: list[int]) -> float:
    """log p of a text in which some characters have the mean embedding, by reading all of it."""
    size = network.vocabulary_size
    larger = CharLSTM(network.config, size + 1).double()  # with one more character, whose embedding is the mean
    weights = network.state_dict()
    mean = weights["embedding.weight"].sum(dim=0) / size
    weights["embedding.weight"] = torch.cat([weights["embedding.weight"], mean[None]])
    for name in ("output.weight", "output.bias"):
        weights[name] = torch.cat([weights[name], torch.zeros_like(weights[name][:1])])
    larger.load_state_dict(weights)
    changed = ids.copy()
    changed[replaced] = size
    logits = logits_by_hand(larger, changed)[-1][:size]  # it is never the next character
    return float(logits[next_id] - np.log(np.exp(logits).sum()))


@pytest.mark.parametrize(("cell", "layers"), KINDS)
@pytest.mark.parametrize("threads", [1, 3])
def test_without_each_character_equals_reading_the_text_once_for_each(cell: Cell, layers: int, threads: int) -> None:
    network = network_of(cell, layers)
    found = attribution(without_each_character, network, REPEATED, 2, threads=threads)
    given = with_replacements(network, REPEATED, 2, [])
    slow = [given - with_replacements(network, REPEATED, 2, [place]) for place in range(len(REPEATED))]
    np.testing.assert_allclose(found.values, slow, rtol=1e-9, atol=1e-12)
    assert found.log_probability == pytest.approx(given, abs=1e-12)
    at_once = given - with_replacements(network, REPEATED, 2, [*range(len(REPEATED))])
    assert found.all_at_once == pytest.approx(at_once, abs=1e-12)


@pytest.mark.parametrize("cell", get_args(Cell))
def test_a_long_text_is_read_whole_and_its_last_characters_are_attributed(cell: Cell) -> None:
    network = network_of(cell, 1)
    for method in (gradient_times_input, without_each_character):
        found = attribution(method, network, LONG, 1)
        assert found.begin == first_attributed(len(LONG)) == 30
        assert found.values.shape == (MAX_ATTRIBUTED,)
        assert found.log_probability == pytest.approx(log_p_by_hand(network, LONG, 1), abs=1e-10)
    for place in (30, 150, len(LONG) - 1):
        slow = found.log_probability - with_replacements(network, LONG, 1, [place])
        assert found.values[place - 30] == pytest.approx(slow, abs=1e-10)


@pytest.mark.parametrize("cell", get_args(Cell))
def test_the_recorded_state_replaces_reading_the_text_before(cell: Cell) -> None:
    network = network_of(cell, 2).float()
    vocabulary = Vocabulary(CHARACTERS)
    activations = Activations(network.config, CHARACTERS, vocabulary.decode(LONG))
    assert [*record_activations(network, vocabulary, activations)][-1] == 1.0
    before = state_after(activations, first_attributed(len(LONG)) - 1)
    for method in (gradient_times_input, without_each_character):
        recorded = attribution(method, network, LONG, 1, before)
        read = attribution(method, network, LONG, 1)
        np.testing.assert_allclose(recorded.values, read.values, atol=1e-4)
    assert state_after(activations, -1) is None


@pytest.mark.parametrize("method", [gradient_times_input, without_each_character])
def test_with_no_next_character_the_most_probable_is_explained(method: Method) -> None:
    network = network_of("lstm", 1)
    found = attribution(method, network, REPEATED)
    assert found.next_id == int(np.argmax(logits_by_hand(network, REPEATED)[-1]))
    np.testing.assert_array_equal(found.values, attribution(method, network, REPEATED, found.next_id).values)


@pytest.mark.parametrize("method", [gradient_times_input, without_each_character])
def test_a_text_of_one_character_has_one_attribution(method: Method) -> None:
    found = attribution(method, network_of("gru", 1), REPEATED[:1], 2)
    assert found.begin == 0
    assert found.values.shape == (1,)


@pytest.mark.parametrize("method", [gradient_times_input, without_each_character])
def test_it_can_be_stopped(method: Method) -> None:
    before = torch.get_num_threads()
    items = method(network_of("lstm", 1), LONG, 1)
    assert isinstance(next(items), float)
    items.close()
    assert [*items] == []
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("method", [gradient_times_input, without_each_character])
def test_values_that_are_not_finite_are_refused(method: Method) -> None:
    network = network_of("rnn", 1)
    with torch.no_grad():
        network.output.weight.fill_(torch.inf)
    with pytest.raises(UserError, match="too large"):
        attribution(method, network, REPEATED, 1)


def test_levels_are_relative_to_the_largest_value() -> None:
    found = Attribution(3, np.array([0.05, -0.2, 0.5, -0.15, 0.11, 0.4]), 0, -1.0, 0.5)
    assert [*found.levels((-0.6, -0.2, 0.2, 0.6))] == [2, 1, 4, 1, 3, 4]
    assert found.strongest(2) == [(5, 0.5), (8, 0.4)]
    assert found.total == pytest.approx(0.71)


def test_values_that_are_all_zero_have_the_middle_level() -> None:
    assert [*Attribution(0, np.zeros(3), 0, -1.0, 0.0).levels((-0.6, -0.2, 0.2, 0.6))] == [2, 2, 2]
