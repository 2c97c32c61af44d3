"""The eight lessons: the same in both languages, short enough for their panel, and true to the app."""

import re
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from charlstm_tui.formatting.key_names import key_in_words
from charlstm_tui.lessons.expression import placeholders_of
from charlstm_tui.lessons.lesson import Lesson, Step
from charlstm_tui.lessons.places import PLACES
from charlstm_tui.screens.all_keys import all_actions
from core.checkpoints.checkpoint import load_checkpoint
from core.data.corpus import CorpusConfig
from core.data.known_texts import KNOWN, MOLIERE
from core.data.splits import PARTS, SPLITS
from core.inspection.probes import PROPERTIES
from core.reports.reference_losses import published_for
from core.runs import bundled_model
from core.settings.cell_kinds import QUANTITIES
from core.settings.config import ModelConfig, SamplingConfig, TrainingConfig, fields_of
from core.settings.presets import ALL_PRESETS
from tests.test_words import INSTEAD
from tests.tui.lessons.course_files import (
    ENGLISH,
    ENGLISH_STEPS,
    FOLDER,
    FRENCH,
    LESSONS,
    NAMES,
    STEPS,
    keys_in,
    named,
    names_in,
)

SPACE = "\u00a0"
COLUMNS = 76
"""Columns of the panel at the bottom of a window of 80."""
ROWS = {"say": 5, "ask": 3, "text": 2, "why": 4}
"""Most rows of each sentence there."""
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
ENGLISH_WORDS = ("the", "is", "are", "of", "and", "with", "which", "that", "to", "it", "this", "from", "Press")
SOURCE = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("widgets", "screens", "formatting")
    for path in sorted((FOLDER.parent / folder).rglob("*.py"))
) + (FOLDER.parents[1] / "core/reports/results.py").read_text(encoding="utf-8")
PUBLISHED = published_for(CorpusConfig(source=MOLIERE.name, limit=100_000, sha256=MOLIERE.sha256), "test")
COMPUTED = {
    *(field.title for config in (ModelConfig, TrainingConfig, SamplingConfig) for field in fields_of(config)),
    *(quantity.name for quantity in QUANTITIES["lstm"]),
    *(quantity.symbol for quantity in QUANTITIES["lstm"]),
    *ALL_PRESETS, *SPLITS, *PARTS, *KNOWN, *PROPERTIES, "lstm", "rnn", "length",
    f"{bundled_model.NAME} · bundled",
    *(one.name for one in PUBLISHED),
}  # fmt: skip
"""Names on the screens that are made from the settings, the texts and the quantities."""


def prose(text: str) -> str:
    """Return a text without its keys, names and facts."""
    return re.sub(r"`[^`]+`|\*[^*]+\*|\{[^{}]+\}", "x", text)


def french_texts(lesson: Lesson) -> list[str]:
    return [lesson.title, lesson.goal, *(text for step in lesson.steps for text in step.texts)]


def test_there_are_eight_lessons_in_each_language() -> None:
    for language in ("en", "fr"):
        assert sorted(path.name for path in (FOLDER / language).iterdir()) == NAMES
    assert [lesson.number for lesson in ENGLISH.values()] == list(range(1, 9))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_named_after_its_lesson(name: str) -> None:
    for language, lesson in (("en", ENGLISH[name]), ("fr", FRENCH[name])):
        assert (f"{lesson.number}-{lesson.id}.toml", lesson.language) == (name, language)


@pytest.mark.parametrize("lesson", LESSONS, ids=named)
def test_a_lesson_has_five_to_eight_steps_and_takes_five_to_ten_minutes(lesson: Lesson) -> None:
    assert 5 <= len(lesson.steps) <= 8
    assert 5 <= lesson.minutes <= 10


@pytest.mark.parametrize("name", NAMES)
def test_a_french_lesson_has_the_steps_and_conditions_of_the_english_one(name: str) -> None:
    def conditions(lesson: Lesson) -> list[object]:
        return [
            (
                step.id, step.screen, step.point, step.done,
                [choice.right for choice in step.question.choices] if step.question else None,
            )
            for step in lesson.steps
        ]  # fmt: skip

    assert conditions(FRENCH[name]) == conditions(ENGLISH[name])
    assert FRENCH[name].minutes == ENGLISH[name].minutes


@pytest.mark.parametrize("name", NAMES)
def test_a_french_lesson_has_the_keys_names_and_facts_of_the_english_one(name: str) -> None:
    for english, french in zip(ENGLISH[name].steps, FRENCH[name].steps, strict=True):
        for one, other in zip(english.texts, french.texts, strict=True):
            assert keys_in(one) == keys_in(other)
            assert names_in(one) == names_in(other)
            assert Counter(placeholders_of(one)) == Counter(placeholders_of(other))


@pytest.mark.parametrize("name", NAMES)
def test_a_french_lesson_has_the_figures_of_the_english_one(name: str) -> None:
    def figures(text: str, thousands: str) -> list[str]:
        plain = re.sub(rf"(?<=\d){thousands}(?=\d{{3}}(?!\d))", "", re.sub(r"\{[^{}]*\}", "x", text))
        return sorted(figure.replace(",", ".") for figure in NUMBER.findall(plain))

    for english, french in zip(ENGLISH[name].steps, FRENCH[name].steps, strict=True):
        for one, other in zip(english.texts, french.texts, strict=True):
            assert figures(one, ",") == figures(other, SPACE)


@pytest.mark.parametrize(("lesson", "step"), STEPS, ids=named)
def test_a_step_fits_the_panel(lesson: Lesson, step: Step) -> None:
    def rows(text: str) -> int:
        shown = re.sub(r"[`*]", "", re.sub(r"\{[^{}]*\}", "0.000", text))
        return len(textwrap.wrap(shown, COLUMNS))

    assert rows(step.say) <= ROWS["say"]
    if step.question is not None:
        assert rows(step.question.ask) <= ROWS["ask"]
        assert max(rows(choice.text) for choice in step.question.choices) <= ROWS["text"]
        assert max(rows(choice.why) for choice in step.question.choices) <= ROWS["why"]


@pytest.mark.parametrize(("lesson", "step"), ENGLISH_STEPS, ids=named)
def test_a_step_points_at_its_own_screen_and_asks(lesson: Lesson, step: Step) -> None:
    assert step.screen
    if step.point:
        assert PLACES[step.point].screen == step.screen
    assert step.question is not None
    assert step.done not in ("true", "false")


@pytest.mark.parametrize(("lesson", "step"), ENGLISH_STEPS, ids=named)
def test_each_key_is_one_of_the_app(lesson: Lesson, step: Step) -> None:
    keys = {key_in_words(key) for action in all_actions() for key in action.keys} | {"Tab"}
    named_keys = {key for text in step.texts for key in keys_in(text)}
    assert named_keys <= keys


@pytest.mark.parametrize(("lesson", "step"), ENGLISH_STEPS, ids=named)
def test_each_name_stands_on_a_screen(lesson: Lesson, step: Step) -> None:
    unknown = [
        name
        for text in step.texts
        for name in names_in(text) - COMPUTED
        if not re.search(rf"[\"'`\s]{re.escape(name)}[\"'`\s,{{]", SOURCE)
    ]
    assert unknown == []


@pytest.mark.parametrize(("lesson", "step"), STEPS, ids=named)
def test_answers_begin_with_a_capital_unless_with_a_number(lesson: Lesson, step: Step) -> None:
    assert step.question is not None
    assert [choice.text for choice in step.question.choices if choice.text[0].islower()] == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pattern", INSTEAD)
def test_english_words_are_those_of_the_program(name: str, pattern: str) -> None:
    text = (FOLDER / "en" / name).read_text(encoding="utf-8")
    assert re.findall(rf".{{0,30}}{pattern}", text, re.IGNORECASE) == [], INSTEAD[pattern]


@pytest.mark.parametrize("lesson", FRENCH.values(), ids=named)
def test_no_break_spaces_stand_where_french_has_them(lesson: Lesson) -> None:
    for text in map(prose, french_texts(lesson)):
        assert not re.findall(rf".{{0,20}}[^{SPACE}][:;!?»%](?=\W|$)", text), "a no-break space is missing"
        assert not re.findall(rf"«[^{SPACE}]|{SPACE}(?: |$)| {SPACE}", text)
        assert not re.findall(r"\d \d{3}(?!\d)", text), "an ordinary space between thousands"
        assert "\u202f" not in text


@pytest.mark.parametrize("lesson", FRENCH.values(), ids=named)
def test_french_sentences_have_french_apostrophes_and_words(lesson: Lesson) -> None:
    for text in map(prose, french_texts(lesson)):
        assert not re.findall(r".{0,20}['\"“”].{0,20}", text)
        assert not re.findall(rf"\b(?:{'|'.join(ENGLISH_WORDS)})\b", text)


@pytest.mark.shipped
def test_the_learning_rate_of_the_bundled_model_is_named_truly() -> None:
    path = bundled_model.shipped_path()
    assert path is not None
    rate = load_checkpoint(path).training.learning_rate
    (step,) = (step for step in ENGLISH["8-your-own-text.toml"].steps if step.id == "start-from")
    assert step.question is not None
    assert f"which trained this model, has {rate}." in step.question.ask


def test_no_lesson_file_has_spaces_at_the_ends_of_lines() -> None:
    for path in (Path(FOLDER / language / name) for language in ("en", "fr") for name in NAMES):
        assert [line for line in path.read_text(encoding="utf-8").splitlines() if line != line.rstrip(" ")] == []
