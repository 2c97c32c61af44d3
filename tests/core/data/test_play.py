"""The bundled play is long enough, varied enough, in the alphabet of Molière's plays, and copied from no one."""

import lzma
import re
from pathlib import Path

import pytest

import core

PLAY = Path(core.__file__).parent / "plays" / "l-homme-aux-contrats.txt"
MOLIERE_ALPHABET = set("\n !'(),-.:;?ABCDEFGHIJKLMNOPQRSTUVXYZabcdefghijlmnopqrstuvxyz«»ÇÈÉÊÏàâæçèéêëìîïòôùûŒœ")


@pytest.fixture(scope="module")
def play() -> str:
    return PLAY.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def words(play: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", play.lower())


def test_it_is_long_enough_for_the_course_s_hundred_thousand_characters(play: str) -> None:
    assert len(play) >= 100_000


def test_its_alphabet_is_that_of_moliere_s_plays(play: str) -> None:
    assert set(play) <= MOLIERE_ALPHABET


def test_the_alphabet_in_this_module_is_that_of_moliere_s_plays(moliere: Path) -> None:
    assert set(moliere.read_text(encoding="utf-8")) == MOLIERE_ALPHABET


def test_hardly_any_line_occurs_twice(play: str) -> None:
    lines = [line for line in play.split("\n") if len(line) > 20]
    assert len(set(lines)) >= 0.98 * len(lines)


def test_hardly_any_sequence_of_five_words_occurs_twice(words: list[str]) -> None:
    runs = [tuple(words[place : place + 5]) for place in range(len(words) - 4)]
    assert len(set(runs)) >= 0.97 * len(runs)


def test_a_fifth_of_its_words_are_distinct_counted_between_white_space(play: str) -> None:
    """If words are sequences of letters only, the share is 15.7 %; slices of Molière's plays have 15.1 to 15.8 %."""
    words = play.lower().split()
    assert len(set(words)) >= 0.2 * len(words)


def test_it_is_as_hard_to_compress_as_natural_text(play: str) -> None:
    packed = lzma.compress(play.encode(), preset=9 | lzma.PRESET_EXTREME)
    assert 8 * len(packed) / len(play) >= 2.4


def test_it_has_the_form_of_moliere_s_plays(play: str) -> None:
    speeches = re.findall(r"^[A-ZÇÈÉÊÏŒ' ]{3,}(?:, [^\n]+)?\.\n\n", play, re.MULTILINE)
    assert len(speeches) > 500
    assert max(map(len, play.split("\n"))) <= 78


def test_it_shares_no_forty_characters_with_moliere(play: str, moliere: Path) -> None:
    text = moliere.read_text(encoding="utf-8")
    his = {text[place : place + 40] for place in range(len(text) - 39)}
    assert not [play[place : place + 40] for place in range(len(play) - 39) if play[place : place + 40] in his]
