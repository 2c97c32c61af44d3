"""`lesson`: the list, the report page, and what a lesson can ask for; `--lesson` and `--language`."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from charlstm_tui.lessons.course import FOLDER, course, lesson_named
from charlstm_tui.lessons.facts import FACTS, Value
from charlstm_tui.lessons.progress import Progress, load_progress, save_progress
from charlstm_tui.lessons.report_words import report_words_of
from charlstm_tui.lessons.session import LessonSession
from core.checkpoints.checkpoint import load_checkpoint
from core.runs.store import RunStore
from tests.cli.test_commands import call


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def worked(trained: str, store: RunStore) -> LessonSession:
    """A student has answered the first question of lesson 1 twice, skipped the second step, trained and evaluated."""
    lesson = course("en")[0]
    session = LessonSession(lesson)
    session.learn({"run.state": "idle", "run.name": None})
    session.learn({"run.state": "finished", "run.name": trained})
    session._change(done=True)
    question = lesson.steps[0].question
    assert question is not None
    session.answer(1)
    session.answer(0)
    session.move(1)
    session.skip()
    checkpoint = load_checkpoint(store.get(trained).best_path)
    told = {"model": trained, "text": "moutons", "sha256": checkpoint.corpus.sha256, "split": "tail", "part": "test"}
    facts: dict[str, Value] = {**told, "loss": 1.25}
    session.learn({f"evaluation.{name}": value for name, value in facts.items()})
    save_progress(Progress().having(session))
    return session


def test_the_lessons_are_listed_with_the_progress(worked: LessonSession) -> None:
    lines = call("lesson", "list").stdout.splitlines()
    assert len(lines) == 9
    assert lines[1].split()[-3:] == ["2", "of", str(len(worked.lesson.steps))]
    assert "Temperature" in lines[7]
    french = call("lesson", "list", "--language", "fr").stdout
    assert course("fr")[0].title in french


def test_the_report_has_steps_answers_runs_losses_and_the_machine(
    worked: LessonSession, trained: str, store: RunStore, tmp_path: Path
) -> None:
    path = tmp_path / "ali.md"
    result = call("lesson", "report", "--output", path)
    assert result.exit_code == 0
    page = path.read_text(encoding="utf-8")
    assert f"| 1 of {len(worked.lesson.steps)} | 1 |" in page
    question = worked.lesson.steps[0].question
    assert question is not None
    answers = f"Answer: “{question.choices[1].text}”, then “{question.choices[0].text}” (wrong)."
    assert f"1. done. Question: “{question.ask}” {answers}" in page.replace("\\", "")
    config = store.get(trained).config()
    assert config.corpus.sha256[:12] in page
    assert f"seed {config.training.seed}" in page
    assert "1.2500" in page
    assert "torch" in page
    assert call("lesson", "report", "--output", path).exit_code == 2, "a file is not overwritten"


def test_a_class_gathers_lesson_reports_and_saved_evaluations(
    worked: LessonSession, trained: str, tmp_path: Path
) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    call("lesson", "report", "--output", folder / "ali.md")
    call("evaluate", trained, "--save", folder / "zoe.json")
    tables = json.loads(call("class", folder, "--json").stdout)
    (table,) = tables
    assert {result["student"] for result in table["results"]} == {"ali", "zoe"}
    assert next(one for one in table["results"] if one["student"] == "ali")["settings"].startswith("small: lstm")


def test_the_report_on_french_lessons_is_in_french_and_a_class_reads_it(
    worked: LessonSession, trained: str, store: RunStore, tmp_path: Path
) -> None:
    path = tmp_path / "zoé.md"
    call("lesson", "report", "--language", "fr", "--output", path)
    store.delete(trained)
    page = path.read_text(encoding="utf-8") + call("lesson", "report", "--language", "fr").stdout
    assert f"| 1 sur {len(worked.lesson.steps)} | 1 |" in page
    assert "2. passée\n" in page
    assert "», puis «" in page
    assert "| supprimé |" in page
    assert "| 1,2500 | –" in page
    english, french = report_words_of("en"), report_words_of("fr")
    for word in (english.title, english.runs, english.not_done, *english.runs_table[5:], english.then):
        assert word not in page
    for word in (french.title, french.runs, french.evaluations, french.not_done, *french.runs_table):
        assert word in page
    (table,) = json.loads(call("class", tmp_path, "--json").stdout)
    assert [result["student"] for result in table["results"]] == ["zoé"]


def test_without_an_opened_lesson_there_is_no_report() -> None:
    result = call("lesson", "report")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No lesson was opened yet" in result.stderr


def test_all_facts_and_places_are_listed() -> None:
    shown = call("lesson", "facts").stdout
    assert all(name in shown for name in FACTS)
    listed = json.loads(call("lesson", "facts", "--json").stdout)
    assert listed["facts"].keys() == FACTS.keys()
    assert "train.preset" in listed["places"]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("9", "There is no lesson 9. The lessons are 1 to 8"),
        ("nothing", "There is no lesson nothing"),
        ("missing.toml", "cannot be read"),
        ("", "No lesson was named"),
    ],
)
def test_a_lesson_that_does_not_exist_is_refused_before_the_app_opens(
    monkeypatch: pytest.MonkeyPatch, named: str, said: str
) -> None:
    monkeypatch.setattr("charlstm_tui.cli._check_terminal", lambda: None)
    result = call("--lesson", named)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_lesson_cannot_be_combined_with_a_command() -> None:
    result = call("--lesson", "1", "presets")
    assert result.exit_code == 2
    assert "cannot be combined" in result.stderr


def test_a_lesson_of_one_s_own_is_in_the_report(tmp_path: Path) -> None:
    lesson = lesson_named("1", "en")
    session = LessonSession(msgspec.structs.replace(lesson, id="own-mine"))
    session.skip()
    save_progress(Progress().having(session))
    page = call("lesson", "report").stdout.replace("\\", "")
    assert f"| own-mine | 0 of {len(lesson.steps)} | 1 |" in page


@pytest.mark.parametrize("field", ["title", "goal", "say", "ask", "text", "why"])
def test_a_lesson_cannot_act_on_the_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str) -> None:
    content = (FOLDER / "en" / "3-first-training.toml").read_text(encoding="utf-8")
    changed = re.sub(rf'^{field} = "', rf'{field} = "\\u001b]0;x\\u0007', content, count=1, flags=re.MULTILINE)
    assert changed != content
    path = tmp_path / "hostile.toml"
    path.write_text(changed, encoding="utf-8")
    monkeypatch.setattr("charlstm_tui.cli._check_terminal", lambda: None)
    result = call("--lesson", path)
    assert result.exit_code == 2
    assert "control character" in result.stderr or "escape character" in result.stderr
    assert "\x1b" not in result.output


def test_a_lesson_for_a_newer_program_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "newer.toml"
    path.write_text("format = 2", encoding="utf-8")
    monkeypatch.setattr("charlstm_tui.cli._check_terminal", lambda: None)
    assert "newer version of this program" in call("--lesson", path).stderr


@pytest.mark.parametrize("of_earlier_version", [False, True])
def test_the_report_shows_answers_as_the_student_saw_them(store: RunStore, of_earlier_version: bool) -> None:
    lesson = course("fr")[0]
    session = LessonSession(lesson)
    session.place = [step.id for step in lesson.steps].index("outputs")
    assert session.step.question is not None
    (number,) = (n for n, choice in enumerate(session.step.question.choices) if "{next.distinct}" in choice.text)
    session.learn({"next.distinct": 76.0})
    session._change(done=True)
    session.answer(number)
    if of_earlier_version:
        session._change(asked="", texts=())
    save_progress(Progress().having(session))
    page = call("lesson", "report", "--language", "fr").stdout
    (line,) = (line for line in page.splitlines() if "Réponse" in line)
    assert "{" not in line
    assert ("– nombres" if of_earlier_version else "76 nombres") in line
    again = load_progress().session_of(lesson)
    assert len(again.results["outputs"].texts) == 1
