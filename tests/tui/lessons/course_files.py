"""The lessons that come with the program, as tests read them: by language and file, and split into their parts."""

import re
from collections import Counter
from pathlib import Path

from charlstm_tui.lessons.lesson import Lesson, Question, Step, read_lesson

FOLDER = Path(__file__).parents[3] / "charlstm_tui" / "lessons"
NAMES = sorted(path.name for path in (FOLDER / "en").glob("*.toml"))
ENGLISH: dict[str, Lesson] = {name: read_lesson(FOLDER / "en" / name) for name in NAMES}
FRENCH: dict[str, Lesson] = {name: read_lesson(FOLDER / "fr" / name) for name in NAMES}
LESSONS = [*ENGLISH.values(), *FRENCH.values()]
STEPS = [(lesson, step) for lesson in LESSONS for step in lesson.steps]
ENGLISH_STEPS = [(lesson, step) for lesson in ENGLISH.values() for step in lesson.steps]
QUESTIONS: list[tuple[Lesson, Step, Question]] = [
    (lesson, step, step.question) for lesson, step in ENGLISH_STEPS if step.question is not None
]


def named(case: object) -> str:
    """Return a name for a test's parameter, such as fr-loss-train."""
    if isinstance(case, Lesson):
        return f"{case.language}-{case.id}"
    return case.id if isinstance(case, Step) else ""


def keys_in(text: str) -> Counter[str]:
    """Return what stands in `backquotes`."""
    return Counter(re.findall(r"`([^`]+)`", text))


def names_in(text: str) -> set[str]:
    """Return what stands in *asterisks*: names on the screen."""
    return set(re.findall(r"\*([^*]+)\*", text))
