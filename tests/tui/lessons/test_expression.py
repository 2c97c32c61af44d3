"""Conditions and sentences of lessons: what they may say, what they mean, and that no code can hide in them."""

import math
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charlstm_tui.lessons.expression import (
    MAX_LENGTH,
    UNKNOWN,
    check_condition,
    check_sentence,
    filled,
    holds,
    placeholders_of,
)
from charlstm_tui.lessons.facts import FACTS, GROUPS, Value, nested
from core.errors import UserError

KNOWN: dict[str, Value] = {
    "run.epochs": 20.0, "run.last_train_loss": 1.1036, "run.state": "finished", "evaluation.copies": False,
    "next.characters": 1_687_290.0, "evaluation.accuracy": 0.571, "evaluation.gained": -0.2,
}  # fmt: skip

PIECES = [
    *("run.epochs", "run.state", "evaluation.copies", "'finished'", "1", "0", "2.5", "true", "(", ")", ",", "{", "["),
    *("+", "-", "*", "/", "**", "<", "==", "!=", "in", "not", "and", "or", "__import__", ".", "lambda:", " "),
]


def refusal_of(condition: str) -> str:
    """Return why a condition is refused; empty if it is not."""
    try:
        check_condition(condition)
    except UserError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("run.epochs >= 20", True),
        ("run.epochs > 20", False),
        ("5 < run.epochs < 30", True),
        ("run.last_train_loss - 1 < 0.2 and run.state == 'finished'", True),
        ("run.state in ('finished', 'stopped')", True),
        ("run.state not in ('finished', 'stopped')", False),
        ("not evaluation.copies", True),
        ("evaluation.copies in (true, false)", True),
        ("run.epochs * run.epochs == 400 and -run.epochs / 2 == -10", True),
        ("true", True),
        ("false or run.epochs == 3", False),
        ("run.epochs / (run.epochs - 20) > 1", False),
        ("run.state > 3", False),
    ],
)
def test_a_condition_means_what_it_says(condition: str, expected: bool) -> None:
    check_condition(condition)
    assert holds(condition, KNOWN) is expected


@pytest.mark.parametrize(
    "condition",
    [
        "run.best_val_loss < 9",
        "run.name != 'x'",
        "not generation.repeated",
        "run.name == ''",
        "not run.best_val_loss > 1",
    ],
)
def test_no_condition_holds_by_a_fact_that_is_not_known(condition: str) -> None:
    check_condition(condition)
    assert not holds(condition, KNOWN)
    assert not holds(condition, {"run.best_val_loss": None, "run.name": None, "generation.repeated": None})


def test_a_known_fact_is_sufficient_where_either_would_be() -> None:
    assert holds("run.epochs >= 3 or run.best_val_loss < 1", KNOWN)


@pytest.mark.parametrize(
    "condition",
    [
        "__import__('os').system('true')",
        "__import__('os')",
        "().__class__",
        "run.__class__",
        "run.epochs.real",
        "'a'.upper() == 'A'",
        "run['epochs']",
        "[run.epochs]",
        "{run.epochs}",
        "9**9**9",
        "10.0**400 > 1",
        "1 << 10000000",
        "'a' * 100000000 == 'b'",
        "(lambda: 1)()",
        "[x for x in (1, 2)]",
        "f'{run.epochs}'",
        "'%s' % run.epochs",
        "run.epochs if true else 1",
        "(x := 1)",
        "run.epochs is None",
        "*run.epochs",
        "await run.epochs",
        "import os",
        "run.epochs = 3",
        "run.epochs; 1",
        "",
        " ",
        "run.epochs >=",
        "run.epochs > 1 #\n1",
        "\x00",
        "(" * 250,
        "-" * 290 + "1",
        "not " * 70 + "true",
        "run.epochs > 1 and " * 40 + "true",
    ],
)
def test_what_is_no_condition_is_refused_at_once_or_harmless(condition: str) -> None:
    start = time.perf_counter()
    reason = refusal_of(condition)
    if not reason:
        assert condition.startswith(("-", "not ", "run.epochs > 1 #"))
        assert holds(condition, KNOWN) in (True, False)
    assert len(reason) < 600
    assert time.perf_counter() - start < 1


def test_a_wrong_name_is_answered_by_a_near_one() -> None:
    with pytest.raises(UserError, match=r"no fact called run\.epoch\. Did you mean run\.epochs\?"):
        check_condition("run.epoch > 1")
    with pytest.raises(UserError, match="no fact called x"):
        check_condition("x > 1")


def test_a_condition_has_a_greatest_length() -> None:
    check_condition("true".ljust(MAX_LENGTH))
    with pytest.raises(UserError, match="longer than"):
        check_condition("true".ljust(MAX_LENGTH + 1))


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
@example("1e999 > run.epochs")
@example("9" * 290)
@example("\ud800")
def test_any_text_is_a_condition_or_is_refused_in_a_sentence(text: str) -> None:
    if not refusal_of(text):
        assert holds(text, {}) in (True, False)
        assert holds(text, KNOWN) in (True, False)


@given(st.text(max_size=60) | st.lists(st.sampled_from(["{", "}", ":", "run.epochs", ".2f", "%", "a"])).map("".join))
def test_any_text_is_a_sentence_or_is_refused(text: str) -> None:
    try:
        check_sentence(text)
    except UserError:
        return
    assert isinstance(filled(text, KNOWN), str)
    assert filled(text, {}).count(UNKNOWN) >= len(placeholders_of(text))


@pytest.mark.parametrize(
    ("text", "english", "french"),
    [
        ("{run.epochs} epochs", "20 epochs", "20 epochs"),
        ("to {run.last_train_loss:.2f}", "to 1.10", "to 1,10"),
        ("{run.last_train_loss}", "1.1036", "1,1036"),
        ("{next.characters:,}", "1,687,290", "1\u00a0687\u00a0290"),
        ("{next.characters}", "1,687,290", "1\u00a0687\u00a0290"),
        ("{evaluation.accuracy:.1%}", "57.1%", "57,1\u00a0%"),
        ("{evaluation.gained:.2f}", "−0.20", "−0,20"),
        ("{run.state}, {run.name}", "finished, –", "finished, –"),
        ("no fact, 100 %", "no fact, 100 %", "no fact, 100 %"),
    ],
)
def test_a_sentence_shows_facts_as_its_language_writes_them(text: str, english: str, french: str) -> None:
    check_sentence(text)
    assert filled(text, KNOWN) == english
    assert filled(text, KNOWN, "fr") == french


@pytest.mark.parametrize(
    "text",
    [
        "{run.epoch}", "{}", "{run.epochs:>100000000}", "{run.state:.2f}", "{run.epochs!r}", "{run.epochs.real}",
        "{run.epochs:.9f}", "a { brace", "a } brace", "{{run.epochs}}", "{run.epochs", "{0}", "{run[epochs]}",
    ],
)  # fmt: skip
def test_a_wrong_placeholder_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        check_sentence(text)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 0.0, -0.0, 1e300])
def test_strange_numbers_can_be_shown(value: float) -> None:
    for form in ("", ":,", ":.2f", ":.1%"):
        for language in ("en", "fr"):
            assert filled(f"{{run.last_train_loss{form}}}", {"run.last_train_loss": value}, language)


def test_each_fact_has_a_kind_a_meaning_and_a_group() -> None:
    for name, fact in FACTS.items():
        assert name.partition(".")[0] in GROUPS
        assert fact.kind in (float, str, bool)
        assert fact.meaning
        assert not fact.meaning.endswith(".")


def test_facts_are_nested_by_their_group() -> None:
    assert nested({"run.epochs": 3.0, "run.name": None, "unknown": 1.0})["run"] == {"epochs": 3.0}
