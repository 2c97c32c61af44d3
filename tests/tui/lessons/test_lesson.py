"""Reading a lesson: a good file, and every way in which a file can be bad."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlstm_tui.lessons.lesson import MAX_FILE, read_lesson
from core.errors import UserError

GOOD = """\
format = 1
id = "first"
title = "First"
minutes = 5
goal = "A goal."

[[steps]]
id = "start"
screen = "train"
point = "train.start"
say = "Press `s`. It has {run.epochs} epochs."
done = "run.epochs >= 1"

[steps.question]
ask = "What fell?"
choices = [
    { text = "the loss", right = "run.last_train_loss < run.first_train_loss", why = "To {run.last_train_loss:.2f}." },
    { text = "the rate", why = "It stays." },
]

[[steps]]
id = "end"
say = "Look."
done = "true"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lesson.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_a_lesson_is_read(file: Path) -> None:
    lesson = read_lesson(file)
    assert (lesson.id, lesson.language, lesson.number, lesson.minutes) == ("first", "en", 0, 5)
    start, end = lesson.steps
    assert (start.screen, start.point, end.screen, end.question) == ("train", "train.start", "", None)
    assert start.placeholders == ["run.epochs", "run.last_train_loss:.2f"]
    assert start.question is not None
    assert [choice.right for choice in start.question.choices][1] == "false"
    assert start.texts[:2] == [start.say, "What fell?"]


def test_letters_of_all_languages_are_kept(file: Path) -> None:
    file.write_text(GOOD.replace("A goal.", "L’œuvre : 日本語 🎭"), encoding="utf-8")
    assert read_lesson(file).goal == "L’œuvre : 日本語 🎭"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("format = 1", "format = 2", "newer version of this program"),
        ("format = 1\n", "", "format"),
        ("minutes = 5", "minutes = 5\nhours = 1", "hours"),
        ("minutes = 5", 'minutes = "five"', "minutes"),
        ("minutes = 5", "minutes = 0", "minutes"),
        ('id = "first"', 'id = "First lesson"', "id"),
        ('goal = "A goal."', 'goal = ""', "goal"),
        ('screen = "train"', 'screen = "kitchen"', "step start: There is no screen called kitchen"),
        ('point = "train.start"', 'point = "train.door"', "step start: There is no place called train.door"),
        ('id = "end"', 'id = "start"', "two steps have the same id"),
        ("run.epochs >= 1", "run.epoch >= 1", "step start: There is no fact called run.epoch. Did you mean run.epochs"),
        ("run.epochs >= 1", "__import__('os')", "step start: The condition"),
        ("run.epochs >= 1", "run['epochs']", "step start: The condition"),
        ("run.epochs >= 1", "9**9**9", "step start: The condition"),
        ("run.epochs >= 1", "", "step start: '' is not a condition"),
        ("run.epochs >= 1", "true and " * 40 + "true", "longer than"),
        ("{run.epochs}", "{run.epoch}", "step start: There is no fact called run.epoch"),
        ("{run.last_train_loss:.2f}", "{run.last_train_loss:99f}", "step start: The format"),
        ("{run.epochs}", "{run.epochs", "step start: A brace stands alone"),
        ("run.last_train_loss < run.first_train_loss", "false", "step start: No choice of its question can be right"),
        ("run.last_train_loss < run.first_train_loss", "os.exit()", "step start: The condition"),
        ('{ text = "the rate", why = "It stays." },', "", "choices"),
        ('why = "It stays."', 'because = "It stays."', "because"),
        ('say = "Look."', f'say = "{"Look. " * 100}"', "say"),
        ('text = "the rate"', f'text = "{"r" * 121}"', "text"),
        ('done = "true"', "", "done"),
        ('done = "true"', "done = true", "done"),
        ('id = "end"\nsay = "Look."\ndone = "true"', "", "steps"),
        ("[[steps]]", "[[steps", "not a TOML file"),
        (GOOD, "", "not a lesson"),
        (GOOD, "A lesson about losses.", "not a TOML file"),
        (GOOD, "steps = " + "[" * 50_000, "not a TOML file"),
        (GOOD, "format = 1979-05-27", "not a lesson"),
    ],
)
def test_a_bad_lesson_is_refused_in_a_sentence_that_names_the_place(
    file: Path, before: str, after: str, expected: str
) -> None:
    assert before in GOOD
    file.write_text(GOOD.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(UserError) as refused:
        read_lesson(file)
    assert expected in str(refused.value)
    assert "lesson.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe\x00binary\x00", "not a TOML file"),
        (bytes(range(256)), "not a TOML file"),
        (GOOD.encode("utf-16"), "not a TOML file"),
        (GOOD.encode()[:-90], "not a"),
        (b"#" * (2 << 20), "too large"),
    ],
)
def test_a_binary_or_huge_or_truncated_file_is_refused(file: Path, content: bytes, expected: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UserError, match=expected):
        read_lesson(file)


def test_a_file_of_the_greatest_size_is_read(file: Path) -> None:
    file.write_text(GOOD + "#" * (MAX_FILE - len(GOOD.encode())), encoding="utf-8")
    assert read_lesson(file).id == "first"


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_lesson(tmp_path / "gone.toml")
    with pytest.raises(UserError, match="not a file"):
        read_lesson(tmp_path)
    with pytest.raises(UserError):
        read_lesson(tmp_path / ("n" * 5_000))
    with pytest.raises(UserError):
        read_lesson(tmp_path / "a\x00b")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes have no path there")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(UserError, match="not a file"):
        read_lesson(tmp_path / "pipe.toml")


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: (GOOD + text).encode("utf-8", "replace")))
def test_any_bytes_are_a_lesson_or_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    try:
        said = str(read_lesson(path).steps)
    except UserError as error:
        said = str(error).partition("any.toml")[1]
    assert said
