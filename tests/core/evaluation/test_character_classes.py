import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.vocabulary import Vocabulary
from core.evaluation.character_classes import KINDS, kind_of, kinds_of


@pytest.mark.parametrize(
    ("characters", "kind"),
    [
        ("amzß", "small letter"),
        ("éàçüñæœ", "accented letter"),
        ("AMZ", "capital"),
        ("ÉÀÇÆŒǅ", "capital"),
        ("059٣½²", "digit"),
        (" \t\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}", "space"),
        ("\n", "newline"),
        (".,;:!?'’«»-—()…", "punctuation"),
        ("+=$€°\N{COMBINING ACUTE ACCENT}\x07😀", "other"),
    ],
)
def test_each_character_has_its_class(characters: str, kind: str) -> None:
    assert {character: KINDS[kind_of(character)] for character in characters} == dict.fromkeys(characters, kind)


def test_a_letter_of_a_script_without_accents_is_not_accented() -> None:
    assert KINDS[kind_of("한")] != "accented letter"


@given(st.characters())
def test_any_character_has_a_class(character: str) -> None:
    assert kind_of(character) in range(len(KINDS))


def test_the_classes_of_a_vocabulary_are_in_the_order_of_its_ids() -> None:
    vocabulary = Vocabulary("a. \néA7+")
    kinds = kinds_of(vocabulary)
    assert kinds.dtype == np.intp
    assert [KINDS[kind] for kind in kinds] == [
        "newline", "space", "other", "punctuation", "digit", "capital", "small letter", "accented letter",
    ]  # fmt: skip
    assert vocabulary.characters == "\n +.7Aaé"
