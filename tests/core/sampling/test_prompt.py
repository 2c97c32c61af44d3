import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.vocabulary import Vocabulary
from core.sampling.prompt import fit

KNOWN = Vocabulary("abcdeéosHARPGON .,'-\n")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("d\u2019abord", "d'abod"),  # a curly quote, and an r, which the vocabulary lacks in any case
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
def test_an_unknown_character_is_replaced_by_the_nearest_known_one(typed: str, read: str) -> None:
    assert fit(typed, KNOWN).read == read.replace("abod", "aboRd")


def test_a_character_without_an_equivalent_is_dropped_and_the_notice_lists_all_changes() -> None:
    prompt = fit("É☃, ê日☃", KNOWN)
    assert prompt.read == "é, e"
    assert prompt.replaced == {"É": "é", "ê": "e"}
    assert prompt.left_out == ("☃", "日")
    assert prompt.notice == (
        "Replaced in the prompt, unknown to the model: É by é, ê by e. "
        "Dropped from the prompt, unknown to the model: ☃ 日"
    )
    assert fit("abc", KNOWN).notice == ""


def test_straight_quotes_become_curly_if_the_text_has_only_those() -> None:
    assert fit("l'âne", Vocabulary("lane’")).read == "l’ane"


@given(st.text(max_size=30))
def test_the_adapted_prompt_is_known_and_every_change_is_listed(typed: str) -> None:
    prompt = fit(typed, KNOWN)
    assert set(prompt.read) <= set(KNOWN.characters)
    for character in prompt.typed:
        assert character in KNOWN or character in prompt.replaced or character in prompt.left_out
