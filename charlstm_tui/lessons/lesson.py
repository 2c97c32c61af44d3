"""A lesson: a TOML file with steps. Each says what to do and why, and how the app notices that it was done.

format = 1
id = "first-training"
language = "en"
number = 3
title = "The first training"
minutes = 8
goal = "You train the network of the course and read its curve."

[[steps]]
id = "start"
screen = "train"
point = "train.start"
say = "Press `s`. The network reads the text for the first time …"
done = "run.epochs >= 1"

[steps.question]
ask = "What fell?"
choices = [
    { text = "the loss", right = "run.last_train_loss < run.first_train_loss", why = "…" },
    { text = "the learning rate", right = "false", why = "…" },
]
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from charlstm_tui.lessons.expression import check_condition, check_sentence, placeholders_of
from charlstm_tui.lessons.places import PLACES, SCREENS
from core.errors import UserError
from core.text import in_one_line, sanitise, shortened

MAX_FILE = 1 << 20
Language = Literal["en", "fr"]
Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Line = Annotated[str, Meta(min_length=1, max_length=120)]


class Choice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer to a question."""

    text: Line
    right: str = "false"
    """Condition on what the run really gave: whether this is a right answer."""
    why: Annotated[str, Meta(min_length=1, max_length=320)]
    """Explanation that is shown when it is chosen."""


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question about what came out."""

    ask: Annotated[str, Meta(min_length=1, max_length=240)]
    choices: Annotated[tuple[Choice, ...], Meta(min_length=2, max_length=5)]


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing to do."""

    id: Id
    screen: str = ""
    """Screen on which it takes place; empty for any."""
    point: str = ""
    """Place that is highlighted; empty for none."""
    say: Annotated[str, Meta(min_length=1, max_length=480)]
    """What to do and why, in two or three sentences. Keys stand in `backquotes`."""
    done: str
    """Condition that holds once it was done."""
    question: Question | None = None

    @property
    def texts(self) -> list[str]:
        """All sentences of the step, in order."""
        asked = self.question
        if asked is None:
            return [self.say]
        return [self.say, asked.ask, *(text for choice in asked.choices for text in (choice.text, choice.why))]

    @property
    def placeholders(self) -> list[str]:
        """Facts that the sentences show, sorted."""
        return sorted(name for text in self.texts for name in placeholders_of(text))


class Lesson(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lesson in one language."""

    format: Literal[1]
    id: Id
    """Name of the lesson, the same in all languages."""
    language: Annotated[str, Meta(pattern=r"^[a-z]{2}$")] = "en"
    number: Annotated[int, Meta(ge=0, le=99)] = 0
    """Place in the course; 0 for a lesson of its own."""
    title: Annotated[str, Meta(min_length=1, max_length=60)]
    minutes: Annotated[int, Meta(ge=1, le=120)]
    """How long it takes, about."""
    goal: Annotated[str, Meta(min_length=1, max_length=240)]
    """What a student can do or knows afterwards."""
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=30)]

    def is_same(self, other: "Lesson") -> bool:
        """Return whether another lesson is this one, perhaps in another language: it has the same id and steps."""
        return (self.id, [step.id for step in self.steps]) == (other.id, [step.id for step in other.steps])


def read_lesson(path: Path) -> Lesson:
    """Read and check a lesson.

    Raises:
        UserError: the file cannot be read, is no TOML, or is not a lesson; the message names the step.
    """
    shown = shortened(path)
    try:
        if path.exists() and not path.is_file():  # a pipe or a device would be read without an end
            raise UserError(f"{shown} is not a file.")
        if path.stat().st_size > MAX_FILE:
            raise UserError(f"{shown} is too large for a lesson.")
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{shown} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, or not TOML
        raise UserError(f"{shown} is not a TOML file: {shortened(error)}.") from None
    version = content.get("format")
    if isinstance(version, int) and version > 1:
        raise UserError(f"{shown} has format {version}, which is for a newer version of this program. Update it.")
    try:
        lesson = msgspec.convert(content, Lesson)
    except msgspec.ValidationError as error:
        raise UserError(f"{shown} is not a lesson: {shortened(error)}.") from None
    if any(in_one_line(text) != text for text in (lesson.title, lesson.goal)):
        raise UserError(f"{shown}: title and goal must be one line each, without control characters.")
    for step in lesson.steps:
        try:
            _check_step(step)
        except UserError as error:
            raise UserError(f"{shown}, step {step.id}: {error}") from None
    if len({step.id for step in lesson.steps}) < len(lesson.steps):
        raise UserError(f"{shown}: two steps have the same id.")
    return lesson


def _check_step(step: Step) -> None:
    if step.screen and step.screen not in SCREENS:
        raise UserError(f"There is no screen called {step.screen}. The screens are: {', '.join(SCREENS)}.")
    if step.point and step.point not in PLACES:
        raise UserError(f"There is no place called {step.point}. The places are: {', '.join(PLACES)}.")
    check_condition(step.done)
    for text in step.texts:
        if sanitise(text) != text:
            raise UserError("It has a character that is not for text, such as an escape character. Remove it.")
        check_sentence(text)
    if step.question is not None:
        for choice in step.question.choices:
            check_condition(choice.right)
        if all(choice.right.strip() == "false" for choice in step.question.choices):
            raise UserError("No choice of its question can be right.")
