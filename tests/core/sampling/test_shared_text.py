"""A person and a model write one text; what is taken back leaves no trace in the network."""

import numpy as np
import pytest
import torch

from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.model.char_lstm import CharLSTM
from core.model.numpy_lstm import NumpyLSTM
from core.sampling import shared_text
from core.sampling.sampler import Sampler, SamplerState
from core.sampling.shared_text import Author, SharedText
from core.settings.config import ModelConfig, SamplingConfig, configure

ALPHABET = Vocabulary("abcdefgh.é\n")


def network_of(cell: str = "lstm", layers: int = 2) -> CharLSTM:
    config = configure(ModelConfig(embedding_size=6, hidden_size=9), {"cell": cell, "num_layers": layers})
    made = CharLSTM(config, len(ALPHABET))
    made.initialise(torch.Generator().manual_seed(2))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(2)
    return made


def shared(prompt: str = "abc", *, cell: str = "lstm", layers: int = 2, seed: int = 0) -> SharedText:
    return SharedText(Sampler(network_of(cell, layers), ALPHABET, SamplingConfig(seed=seed), prompt), ALPHABET)


def state_of(text: SharedText) -> SamplerState:
    assert list(text.settle()) is not None
    return text.sampler.state


def assert_same(one: SamplerState, other: SamplerState) -> None:
    for mine, theirs in zip([*one.arrays, one.logits], [*other.arrays, other.logits], strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(("cell", "layers"), [("lstm", 1), ("lstm", 3), ("gru", 1), ("gru", 2), ("rnn", 1), ("rnn", 2)])
@pytest.mark.parametrize("most", [2, 256])
def test_what_is_taken_back_leaves_the_state_as_it_was_to_the_last_bit(
    cell: str, layers: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the states must be computed again, because only two are kept."""
    monkeypatch.setattr(shared_text, "MIN_STATES", most)
    monkeypatch.setattr(shared_text, "MAX_STATES", most)
    monkeypatch.setattr(shared_text, "INTERVAL", 8)
    text = shared("abcabc", cell=cell, layers=layers)
    states = [text.sampler.state]
    for place in range(60):
        if place % 3:
            text.draw()
        else:
            text.add("abcdefgh"[place % 8])
        states.append(text.sampler.state)
    whole = text.text
    for back, state in enumerate(reversed(states)):
        if back:
            assert text.take_back() == whole[-back]
        assert text.text == whole[: len(whole) - back]
        assert_same(state_of(text), state)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_in_the_prompt_the_state_is_that_of_a_network_that_reads_the_shorter_prompt(cell: str) -> None:
    network, prompt = network_of(cell), "abcde" * 30
    text = SharedText(Sampler(network, ALPHABET, SamplingConfig(), prompt), ALPHABET)
    text.draw()
    for left in range(len(prompt), 0, -1):
        text.take_back()
        assert text.text == prompt[:left]
        if left % 49 and left > 2:
            continue
        by_hand = NumpyLSTM(network, None)
        for place in ALPHABET.encode(prompt[:left]):
            logits = by_hand.step(np.array([place]))[0]
        exact = left < len(prompt)  # at its end it is PyTorch's state
        np.testing.assert_allclose(state_of(text).logits, logits, rtol=0, atol=0 if exact else 1e-5)
    assert text.take_back() == "a"
    assert text.take_back() == "", "nothing is before the beginning"
    assert_same(state_of(text), Sampler(network, ALPHABET, SamplingConfig()).state)
    assert text.prompt_length == 0


def test_after_the_prompt_was_taken_back_the_text_continues_as_one_without_a_prompt() -> None:
    text, other = shared("ab"), shared("")
    text.take_back(), text.take_back()
    for character in "ca":
        assert text.add(character) == other.add(character)
    assert_same(state_of(text), state_of(other))
    text.take_back()
    assert_same(state_of(text), (other.take_back(), state_of(other))[1])


def test_the_surprise_of_each_author_is_counted_and_taken_back() -> None:
    text, network = shared("abc"), network_of()
    assert text.mean_of(Author.PERSON) == (0, None)
    written = [("h", Author.PERSON), ("", Author.MODEL), ("é", Author.PERSON), ("", Author.MODEL), ("b", Author.PERSON)]
    for character, author in written:
        if author is Author.PERSON:
            text.add(character)
        else:
            text.draw()
    ids = torch.from_numpy(ALPHABET.encode(text.text))
    logits, _ = network(ids[:, None])
    surprisals = -logits[:-1, 0].double().log_softmax(1)[range(len(ids) - 1), ids[1:]].detach().numpy()
    of_each = dict(zip(range(3, 8), surprisals[2:], strict=True))
    for author in (Author.PERSON, Author.MODEL):
        theirs = [of_each[place] for place, (_, other) in enumerate(written, 3) if other is author]
        assert text.mean_of(author).characters == len(theirs)
        assert text.mean_of(author).surprise == pytest.approx(np.mean(theirs), abs=1e-5)
    while len(text) > 4:
        text.take_back()
    assert text.mean_of(Author.PERSON).surprise == pytest.approx(of_each[3], abs=1e-5)
    assert text.mean_of(Author.MODEL) == (0, None)


def test_the_model_continues_as_it_would_have_without_the_person() -> None:
    text, sampler = shared("abc", seed=4), Sampler(network_of(), ALPHABET, SamplingConfig(seed=4), "abc")
    text.add("d")
    text.take_back()
    assert [text.draw().character for _ in range(20)] == [next(sampler).character for _ in range(20)]


def test_the_choices_are_the_model_s_own_probabilities_whatever_the_temperature() -> None:
    text = shared("abc")
    text.sampler.config = SamplingConfig(temperature=0, top_k=1)
    choices = text.alternatives(len(ALPHABET))
    assert sum(choice.probability for choice in choices) == pytest.approx(1)
    likeliest = choices[0]
    assert text.add(likeliest.character) == pytest.approx(-np.log(likeliest.probability), abs=1e-6)


def test_a_character_that_the_model_does_not_know_changes_nothing() -> None:
    text = shared("abc")
    before = text.sampler.state
    with pytest.raises(KeyError):
        text.add("☃")
    assert_same(text.sampler.state, before)
    assert text.fit("É☃").read == "é"
    assert text.text == "abc"


@pytest.mark.parametrize("length", [100, 2_000])
def test_no_more_states_are_kept_for_a_long_text_than_for_a_short_one(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_text, "MAX_STATES", 16)
    monkeypatch.setattr(shared_text, "INTERVAL", 4)
    text = shared("ab")
    for _ in range(length):
        text.draw()
    for _ in range(length // 2):
        text.take_back()
        if len(text) % 10 == 0:
            text.draw()
            text.take_back()
    states = text._states
    assert len(states._latest) <= 8
    assert len(states._spread) <= 8
    assert all(place <= len(text) for place in [*states._latest, *states._spread])


def test_a_recomputation_that_is_interrupted_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_text, "REPORT_STEPS", 5)
    text, other = shared("abcd" * 30), shared("abcd" * 30)
    text.take_back(), other.take_back()
    assert not text.is_settled
    progress = text.settle()
    assert 0 < next(progress) < next(progress) < 1
    text.take_back(), other.take_back()
    assert_same(state_of(text), state_of(other))
    assert text.is_settled


def test_a_damaged_model_is_refused_in_a_sentence() -> None:
    network = network_of()
    torch.nn.init.constant_(network.output.bias, torch.nan)
    text = SharedText(Sampler(network, ALPHABET, SamplingConfig(), "ab"), ALPHABET)
    with pytest.raises(UserError, match="damaged"):
        text.add("a")
