"""The lessons that come with the program, by language."""

from functools import cache
from pathlib import Path

from msgspec import structs

from charlstm_tui.lessons.lesson import Lesson, read_lesson
from core.errors import UserError
from core.files import user_path
from core.text import shortened

FOLDER = Path(__file__).parent


@cache
def course(language: str) -> tuple[Lesson, ...]:
    """Return the lessons in a language, in their order."""
    lessons = [read_lesson(path) for path in sorted((FOLDER / language).glob("*.toml"))]
    return tuple(sorted(lessons, key=lambda lesson: lesson.number))


def lesson_named(named: str, language: str) -> Lesson:
    """Return a lesson by its number or id, or one of the user's own by the path of its file.

    The id of a lesson of the user's own begins with "own-", so that its progress is not taken for that of a lesson of
    the program, of which it may be a changed copy.

    Raises:
        UserError: there is no such lesson, or the file is not a lesson.
    """
    lessons = course(language)
    for lesson in lessons:
        if named in (str(lesson.number), lesson.id):
            return lesson
    if not named.strip():
        raise UserError(f"No lesson was named. The lessons are 1 to {len(lessons)}, or a .toml file.")
    path = user_path(named)
    if named.isdecimal() or (path.suffix != ".toml" and not path.exists()):
        raise UserError(f"There is no lesson {shortened(named)}. The lessons are 1 to {len(lessons)}, or a .toml file.")
    own = read_lesson(path)
    return structs.replace(own, id=f"own-{own.id}")
