"""The recorded activations, compared with the equations computed by hand in double precision."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.inspection.activations import MAX_NUMBERS, Activations, most_characters
from core.inspection.probes import PROPERTIES, correlations
from core.inspection.record_activations import record_activations, write_on
from core.model.char_lstm import CharLSTM
from core.sampling.sampler import Sampler
from core.settings.cell_kinds import MEMORY, QUANTITIES
from core.settings.config import ModelConfig, SamplingConfig, configure

TEXT = "HARPAGON.\n\nAh! mon pauvre argent,\nmon cher ami!\n\nLA FLECHE.\n"


def network_of(cell: str, vocabulary: Vocabulary, layers: int = 2) -> CharLSTM:
    config = configure(ModelConfig(embedding_size=7, hidden_size=11), {"cell": cell, "num_layers": layers})
    network = CharLSTM(config, len(vocabulary))
    network.initialise(torch.Generator().manual_seed(1), forget_bias=1.0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2.5)  # so that some gates are open and some closed, instead of all near a half
    return network


def activations_of(network: CharLSTM, vocabulary: Vocabulary, text: str = TEXT) -> Activations:
    activations = Activations(network.config, vocabulary.characters, text)
    assert list(record_activations(network, vocabulary, activations))[-1] == 1.0
    return activations


Doubles = NDArray[np.float64]


def double(tensor: object) -> Doubles:
    assert isinstance(tensor, torch.Tensor)
    return tensor.detach().double().numpy()


def sigmoid(x: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-x)))


def by_the_equations(network: CharLSTM, ids: NDArray[np.int64]) -> list[dict[str, list[Doubles]]]:
    """Return, for each layer and quantity, the values after each character.

    Equations: Hochreiter and Schmidhuber (LSTM), Cho et al. (GRU), Elman (plain RNN).
    """
    below = list(double(network.embedding.weight)[ids])
    layers = []
    for layer in network.layers:
        w, u = double(layer.weight_ih_l0), double(layer.weight_hh_l0)
        b, d = double(layer.bias_ih_l0), double(layer.bias_hh_l0)
        h = c = np.zeros(network.config.hidden_size)
        found: dict[str, list[Doubles]] = {quantity.symbol: [] for quantity in QUANTITIES[network.config.cell]}
        for x in below:
            new: dict[str, Doubles]
            if network.config.cell == "lstm":
                i, f, g, o = np.split(w @ x + b + u @ h + d, 4)
                i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
                c = f * c + i * g
                h = o * np.tanh(c)
                new = {"i": i, "f": f, "g": g, "o": o, "c": c, "h": h}
            elif network.config.cell == "gru":
                (wr, wz, wn), (ur, uz, un) = np.split(w @ x + b, 3), np.split(u @ h + d, 3)
                r, z = sigmoid(wr + ur), sigmoid(wz + uz)
                n = np.tanh(wn + r * un)
                h = (1 - z) * n + z * h
                new = {"r": r, "z": z, "n": n, "h": h}
            else:
                h = np.tanh(w @ x + b + u @ h + d)
                new = {"h": h}
            for symbol, values in new.items():
                found[symbol].append(values)
        layers.append(found)
        below = found["h"]
    return layers


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_recorded_values_are_those_of_the_equations(cell: str) -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of(cell, vocabulary)
    activations = activations_of(network, vocabulary)
    for layer, quantities in enumerate(by_the_equations(network, vocabulary.encode(TEXT))):
        for symbol, values in quantities.items():
            np.testing.assert_allclose(
                activations.values(layer, symbol), values, atol=1e-5, err_msg=f"{layer} {symbol}"
            )
            assert activations.at(20, layer, 3)[symbol] == pytest.approx(values[20][3], abs=1e-5)


def test_before_the_first_character_all_values_are_zero() -> None:
    vocabulary = Vocabulary(TEXT)
    activations = activations_of(network_of("lstm", vocabulary), vocabulary)
    assert activations.at(-1, 0, 0) == dict.fromkeys("ifgoch", 0.0)


def test_the_expected_characters_are_those_of_the_network() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    activations = activations_of(network, vocabulary)
    ids = torch.from_numpy(vocabulary.encode(TEXT))
    with torch.inference_mode():
        probabilities = network(ids[:, None])[0][:, 0].softmax(-1).numpy()
    for place in (0, 30):
        expected = activations.expected(place)
        assert expected[0].probability == pytest.approx(probabilities[place].max(), abs=1e-5)
        assert expected[0].character == vocabulary.characters[probabilities[place].argmax()]
        assert [chance.probability for chance in expected] == sorted((c.probability for c in expected), reverse=True)
        assert activations.given(place) == pytest.approx(float(probabilities[place, ids[place + 1]]), abs=1e-5)
    assert activations.given(len(TEXT) - 1) is None, "there is no next character at the end"


def test_a_cancelled_recording_has_the_characters_read_so_far() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    activations, whole = Activations(network.config, vocabulary.characters, TEXT), activations_of(network, vocabulary)
    assert next(record_activations(network, vocabulary, activations)) == pytest.approx(20 / len(TEXT))
    assert activations.values(1, "c").shape == (20, 11)
    np.testing.assert_array_equal(activations.values(1, "c"), whole.values(1, "c")[:20])


def test_weights_that_are_not_numbers_are_an_error() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    with torch.no_grad():
        network.output.bias[0] = float("nan")
    with pytest.raises(UserError, match="damaged"):
        activations_of(network, vocabulary)


def test_fewer_characters_are_stored_for_a_large_network() -> None:
    small, large = ModelConfig(hidden_size=128), ModelConfig(hidden_size=8192, num_layers=16)
    assert most_characters(small) == 2000
    assert most_characters(large) * 16 * 6 * 8192 <= MAX_NUMBERS
    assert len(Activations(small, "ab", "ab" * 3000).text) == 2000


def test_text_is_generated_after_a_text_as_a_sampler_would() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    *shares, text = write_on(network, vocabulary, SamplingConfig(seed=3), "mon ", 40)
    assert isinstance(text, str)
    assert text.startswith("mon ")
    assert len(text) == 44
    assert shares == [0.5, 1.0]
    assert list(write_on(network, vocabulary, SamplingConfig(seed=3), "mon ", 40))[-1] == text
    assert list(write_on(network, vocabulary, SamplingConfig(seed=4), "mon ", 40))[-1] != text


def test_generated_text_without_a_prompt_starts_with_the_start_character() -> None:
    vocabulary = Vocabulary(TEXT)
    network = network_of("lstm", vocabulary)
    *_, text = write_on(network, vocabulary, SamplingConfig(seed=3), "", 10)
    drawn = "".join(
        one.character for one, _ in zip(Sampler(network, vocabulary, SamplingConfig(seed=3)), range(10), strict=False)
    )
    assert text == vocabulary.characters[vocabulary.start_id] + drawn


# --- which cell follows which property


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("position in the line", [1, 2, 0, 0, 1, 2, 3, 4]),
        ("position in the word", [1, 2, 0, 0, 1, 2, 0, 1]),
        ("distance from a blank line", [1, 2, 3, 0, 1, 2, 3, 4]),
        ("capitals", [1, 0, 0, 0, 0, 1, 0, 0]),
        ("vowels", [1, 0, 0, 0, 0, 1, 0, 1]),
        ("white space", [0, 0, 1, 1, 0, 0, 1, 0]),
        ("word ends", [0, 1, 0, 0, 0, 1, 0, 1]),
        ("line ends", [0, 1, 1, 0, 0, 0, 0, 1]),
    ],
)
def test_properties_of_a_text(name: str, expected: list[int]) -> None:
    assert PROPERTIES[name]("Ab\n\ncÉ o").tolist() == expected


def test_every_property_can_be_computed_for_any_text() -> None:
    for text in ("", "\n", "a", "\n\n", "ﬁ̈ 日本"):
        for name, of in PROPERTIES.items():
            assert of(text).shape == (len(text),), name


def test_correlations_are_numpy_s() -> None:
    draw = np.random.default_rng(0)
    values, followed = draw.normal(size=(50, 4)).astype(np.float32), draw.normal(size=50)
    values[:, 2] = 7  # constant: follows nothing
    found = correlations(values, followed)
    for column in (0, 1, 3):
        assert found[column] == pytest.approx(np.corrcoef(values[:, column], followed)[0, 1], abs=1e-6)
    assert found[2] == 0


def test_the_cell_that_follows_comes_first() -> None:
    vocabulary = Vocabulary(TEXT)
    activations = activations_of(network_of("lstm", vocabulary), vocabulary)
    activations.values(1, "c")[:, 5] = -3 * PROPERTIES["position in the line"](TEXT) + 1
    found = activations.cells(1, "c", "position in the line")
    assert found.order[0] == 5
    assert found.measures[0] == pytest.approx(-1)
    assert sorted(found.order) == list(range(11))
    assert (np.diff(np.abs(found.measures)) <= 0).all()
    by_change = activations.cells(1, "c")
    assert by_change.order[0] == 5, "it also varies most"
    assert by_change.measures[0] == pytest.approx(activations.values(1, "c")[:, 5].std(), rel=1e-5)


def test_the_carried_quantity_is_one_of_its_cell() -> None:
    for cell, symbol in MEMORY.items():
        assert symbol in [quantity.symbol for quantity in QUANTITIES[cell]]
