import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.vocabulary import Vocabulary
from core.sampling.prompt import fit

KNOWN = Vocabulary("abcdeéosHARPGON .,'-\n")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("d\u2019abord", "d'abod"),  # a curly quote, and an r that is not there in any form but R
        ("e\u0301", "é"),  # an accent in two pieces
        ("É", "é"),  # a missing capital
        ("ê", "e"),  # a missing accent
        ("Ê", "e"),  # both
        ("œ", "oe"),
        ("\u00a0—\u202f", " - "),
        ("…", "..."),
        ("ＡＢ", "Ab"),  # full-width letters
        ("HARPAGON.\n\n", "HARPAGON.\n\n"),
    ],
)
def test_what_is_unknown_becomes_what_comes_nearest(typed: str, read: str) -> None:
    assert fit(typed, KNOWN).read == read.replace("abod", "aboRd")


def test_what_has_no_equivalent_is_left_out_and_both_are_told() -> None:
    prompt = fit("É☃, ê日☃", KNOWN)
    assert prompt.read == "é, e"
    assert prompt.replaced == {"É": "é", "ê": "e"}
    assert prompt.left_out == ("☃", "日")
    assert prompt.notice == (
        "Replaced in the prompt, unknown to the model: É by é, ê by e. "
        "Dropped from the prompt, unknown to the model: ☃ 日"
    )
    assert fit("abc", KNOWN).notice == ""


def test_straight_quotes_become_curly_where_the_text_has_only_those() -> None:
    assert fit("l'âne", Vocabulary("lane’")).read == "l’ane"


@given(st.text(max_size=30))
def test_what_is_read_is_known_and_every_change_is_told(typed: str) -> None:
    prompt = fit(typed, KNOWN)
    assert set(prompt.read) <= set(KNOWN.characters)
    for character in prompt.typed:
        assert character in KNOWN or character in prompt.replaced or character in prompt.left_out
