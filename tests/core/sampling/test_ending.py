"""A generated text ends by itself."""

from collections.abc import Iterable
from itertools import takewhile
from typing import Any

import pytest
import torch

from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.model.char_lstm import CharLSTM
from core.model.numpy_lstm import NumpyLSTM
from core.sampling import batch_draws, batch_sampling
from core.sampling.batch_sampling import Text, write_texts
from core.sampling.ending import LONGEST_DIRECTION, EndFinder, Ending
from core.sampling.sampler import Sampler
from core.settings.config import ModelConfig, SamplingConfig, configure
from tests.core.sampling.test_batch_sampling import ALPHABET, network_of

PLAY = "HARPAGON.\n\nAu voleur!\nÀ l'assassin!\n\nMAÎTRE JACQUES, bas.\n\n(Il sort.)\n\nVALÈRE. Quoi?\n\nFin.\n\n"


def until_its_end(generated: Iterable[str], ending: Ending, prompt: str = "") -> str:
    """What is generated up to the end, with it; all if there is none."""
    finder, text = EndFinder(ending, prompt), ""
    for character in generated:
        text += character
        if finder.add(character):
            break
    return text


@pytest.mark.parametrize(
    ("stops", "text", "ended"),
    [
        (("la",), "voilà la lune", "voilà la"),
        (("lune", "là"), "voilà la lune", "voilà"),
        (("aab",), "aaab", "aaab"),  # the first a does not hide the second
        (("e\u0301",), "abé", "abé"),  # an accent in two pieces
        (("\n\n",), "\n\nOui", "\n\n"),
        (("never",), "nevenever!", "nevenever"),
        (("never",), "neve", "neve"),
    ],
)
def test_a_text_ends_right_after_a_stop_text(stops: tuple[str, ...], text: str, ended: str) -> None:
    assert until_its_end(text, Ending(stops=stops)) == ended


def test_the_prompt_is_no_stop_nor_a_part_of_one() -> None:
    assert until_its_end("top, stop.", Ending(stops=("stop",)), "stop s") == "top, stop"
    assert until_its_end("\nOui.\n\nNon.", Ending(until="empty line"), "HARPAGON.\n") == "\nOui.\n\n"
    assert until_its_end("\n\nOui.\n\nNon.", Ending(until="speech"), "HARPAGON. Ah!") == "\n\nOui.\n\n"


@pytest.mark.parametrize(
    ("prompt", "ended"),
    [
        ("", "HARPAGON.\n\nAu voleur!\nÀ l'assassin!\n\n"),
        ("HARPAGON.\n\n", "Au voleur!\nÀ l'assassin!\n\n"),
        ("HARP", "AGON.\n\nAu voleur!\nÀ l'assassin!\n\n"),
        (PLAY[: PLAY.index("bas")], "bas.\n\n(Il sort.)\n\nVALÈRE. Quoi?\n\n"),
    ],
)
def test_a_speech_ends_at_the_empty_line_after_more_than_a_name_or_a_direction(prompt: str, ended: str) -> None:
    assert until_its_end(PLAY.removeprefix(PLAY[: PLAY.index(ended)]), Ending(until="speech"), prompt) == ended


def test_a_paragraph_without_words_is_no_speech() -> None:
    assert until_its_end("..\n\nUn mot.\n\nDeux.", Ending(until="speech")) == "..\n\nUn mot.\n\n"


def test_the_name_of_a_speaker_ends_at_an_empty_line_but_is_no_speech() -> None:
    assert until_its_end(PLAY, Ending(until="empty line")) == "HARPAGON.\n\n"
    assert until_its_end("ROMÉO:\nSalut,\nami.\n\nMERCUTIO:\n", Ending(until="speech")) == "ROMÉO:\nSalut,\nami.\n\n"
    assert until_its_end("  \n \nUn mot.\n  \nDeux.", Ending(until="speech")) == "  \n \nUn mot.\n  \n", (
        "blank is empty"
    )


def test_a_paragraph_without_end_is_not_remembered_whole() -> None:
    finder = EndFinder(Ending(until="speech"))
    assert not any(finder.add(character) for character in "(" + "a" * 3 * LONGEST_DIRECTION + ")\n")
    assert len(finder._paragraph) <= LONGEST_DIRECTION + 1
    assert finder.add("\n"), "a parenthesis that long is no stage direction"


def test_an_end_that_can_never_come_is_refused() -> None:
    known = Vocabulary("abc")
    Ending(stops=("abba",)).check(known)
    with pytest.raises(UserError, match="The model does not know z ⏎, so it can never generate the stop text az⏎"):
        Ending(stops=("ab", "az\n")).check(known)
    with pytest.raises(UserError, match="at least one character"):
        Ending(stops=("a", "")).check(known)
    for until in ("empty line", "speech"):
        with pytest.raises(UserError, match="does not know the new line"):
            Ending(until=until).check(known)
    with pytest.raises(UserError, match="can never generate"):
        next(
            iter(write_texts(network_of(4), ALPHABET, SamplingConfig(), length=3, count=2, ending=Ending(stops=("Z",))))
        )


ENDINGS = [Ending(stops=("e", "th")), Ending(stops=("qu", ".")), Ending(until="empty line"), Ending(until="speech")]


def alone(network: CharLSTM, seed: int, ending: Ending, length: int, prompt: str) -> str:
    sampler = Sampler(network, ALPHABET, SamplingConfig(seed=seed), prompt)
    drawn = (next(sampler).character for _ in range(length))
    return until_its_end(drawn, ending, prompt)


def texts(network: CharLSTM, ending: Ending, *, length: int, count: int, prompt: str = "") -> list[Text]:
    events = write_texts(network, ALPHABET, SamplingConfig(), prompt, length=length, count=count, ending=ending)
    return [event for event in events if isinstance(event, Text)]


@pytest.mark.parametrize("ending", ENDINGS, ids=str)
@pytest.mark.parametrize("length", [120, 2_100])
def test_each_of_many_texts_ends_where_it_ends_alone(ending: Ending, length: int) -> None:
    network = network_of(hidden=16)
    made = texts(network, ending, length=length, count=12 if length < 1_000 else 3, prompt="the cat\n")
    assert len({len(text.text) for text in made}) > 1, "they end at different places"
    for text in made:
        assert text.text == alone(network, text.seed, ending, length, "the cat\n")
        assert text.ended_by == "stop" or len(text.text) == length


def test_a_text_that_reaches_its_length_says_so() -> None:
    (text,) = texts(network_of(hidden=4), Ending(), length=7, count=1)
    assert (len(text.text), text.ended_by) == (7, "length")


@pytest.mark.parametrize("wrong", [0, 5, 30])
def test_an_end_after_a_draw_that_rounding_decided_wrongly_is_found_again(
    wrong: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other characters are drawn in each text, and said to be doubtful, as if rounding had decided them."""
    network, real, calls = network_of(), batch_draws.draw, 0
    config, ending = configure(SamplingConfig(), {"top_p": 0.95}), Ending(stops=("e",))
    expected = []
    for seed in range(8):
        sampler = Sampler(network, ALPHABET, configure(config, {"seed": seed}))
        before = takewhile(lambda character: character != "e", (next(sampler).character for _ in range(150)))
        expected.append("".join(before)[:150])

    def draw_wrongly(*arguments: Any) -> Any:
        nonlocal calls
        chosen, doubts = real(*arguments)
        if calls == wrong:
            chosen[:], doubts[:] = (chosen + 1) % len(ALPHABET), True
        calls += 1
        return chosen, doubts

    monkeypatch.setattr(batch_sampling, "draw", draw_wrongly)
    events = write_texts(network, ALPHABET, config, length=150, count=8, ending=ending)
    made = [event for event in events if isinstance(event, Text)]
    assert [text.text.removesuffix("e") for text in made] == expected
    assert all(text.text.endswith("e") is (text.ended_by == "stop") for text in made)


def test_a_text_is_not_computed_beyond_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    real = NumpyLSTM.step

    def count(self: object, ids: object) -> object:
        nonlocal steps
        steps += 1
        return real(self, ids)  # type: ignore[arg-type]

    monkeypatch.setattr(NumpyLSTM, "step", count)
    network = CharLSTM(ModelConfig(embedding_size=2, hidden_size=2, num_layers=1), len(ALPHABET))
    network.initialise(torch.Generator().manual_seed(1))
    made = texts(network, Ending(stops=tuple(ALPHABET.characters[:20])), length=1_900, count=5)
    assert max(len(text.text) for text in made) < 60
    assert steps < 150
