"""The progress of a student: what was done in each lesson, in a file that the app remembers."""

import contextlib
from itertools import count
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from charlstm_tui.lessons.lesson import Lesson
from charlstm_tui.lessons.session import LessonSession, StepResult
from core.errors import UserError
from core.files import write_atomically
from core.folders import data_folder
from core.reports.class_files import Evaluated


class LessonResult(Struct, frozen=True, kw_only=True):
    """What was done in a lesson."""

    steps: dict[str, StepResult] = {}
    """By the id of the step."""
    runs: tuple[str, ...] = ()
    """Names of the runs that were started in it."""
    evaluations: tuple[Evaluated, ...] = ()


class Progress(Struct, frozen=True, kw_only=True):
    """Results of all lessons."""

    format: Literal[1] = 1
    """Version of the file. A newer one is kept under another name, and not changed."""
    lessons: dict[str, LessonResult] = {}
    """By the id of the lesson."""
    open: str = ""
    """Id of the lesson that is open, or was when the program was left; empty if it was closed."""
    offered: bool = False
    """Whether the lessons were offered: they are then never mentioned again."""

    def of(self, lesson: str) -> dict[str, StepResult]:
        """Return the results of a lesson, by step; empty if it was never opened."""
        return self.lessons.get(lesson, LessonResult()).steps

    def session_of(self, lesson: Lesson) -> LessonSession:
        """Return a session that continues a lesson at its first open step, or begins one that is over again."""
        if self.steps_over(lesson) == len(lesson.steps):
            return LessonSession(lesson)
        result = self.lessons.get(lesson.id, LessonResult())
        return LessonSession(lesson, result.steps, earlier_runs=result.runs)

    def steps_over(self, lesson: Lesson) -> int:
        """Return how many steps of a lesson are done or skipped."""
        results = self.of(lesson.id)
        return sum(step.id in results and results[step.id].over for step in lesson.steps)

    def having(self, session: LessonSession) -> "Progress":
        """Return this progress with the results of a lesson in progress. What was achieved before is not lost."""
        before = self.lessons.get(session.lesson.id, LessonResult())
        known = {(one.model, one.basis.key) for one in session.evaluations}
        earlier = tuple(one for one in before.evaluations if (one.model, one.basis.key) not in known)
        result = LessonResult(
            steps={
                step: before.steps.get(step, StepResult()).best_with(later) for step, later in session.results.items()
            },
            runs=(*before.runs, *(name for name in session.runs if name not in before.runs)),
            evaluations=(*earlier, *session.evaluations),
        )
        return msgspec.structs.replace(
            self, open=session.lesson.id, lessons={**self.lessons, session.lesson.id: result}
        )


def is_first_time() -> bool:
    """Return whether the program was never used before: nothing is remembered, and no lesson was offered."""
    try:
        used = (data_folder() / "preferences.json").exists()
    except UserError:
        return False
    return not used and load_progress() == Progress()


def load_progress() -> Progress:
    """Read the progress; return an empty one if there is none, or if it cannot be read."""
    with contextlib.suppress(OSError, ValueError, RecursionError, UserError):
        return msgspec.json.decode(_path().read_bytes(), type=Progress)
    return Progress()


def save_progress(progress: Progress) -> None:
    """Save the progress. Errors are ignored: if the file cannot be written, the next session has the old one.

    A file that is damaged, or from a newer version of the program, is kept under another name. One that cannot be read
    at present is not replaced.
    """
    with contextlib.suppress(OSError, UserError):
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            msgspec.json.decode(path.read_bytes(), type=Progress)
        except FileNotFoundError:
            pass
        except (ValueError, RecursionError):
            path.replace(_unused(path))
        write_atomically(path, msgspec.json.format(msgspec.json.encode(progress)) + b"\n")


def _unused(path: Path) -> Path:
    """Return the name under which a file is kept that another one replaces."""
    names = (path.with_name(f"lessons.damaged{number or ''}.json") for number in count())
    return next(name for name in names if not name.exists())


def _path() -> Path:
    return data_folder() / "lessons.json"
