"""A lesson in progress: when a step is done, what is asked, and what is remembered."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from charlstm_tui.lessons.lesson import Choice, Lesson, Question, Step
from charlstm_tui.lessons.progress import LessonResult, Progress, load_progress, save_progress
from charlstm_tui.lessons.session import LessonSession, StepResult
from core.folders import data_folder

FELL = Question(
    ask="What happened to the loss?",
    choices=(
        Choice(
            text="it rose", right="run.last_train_loss > run.first_train_loss", why="It is {run.last_train_loss:.2f}."
        ),
        Choice(text="it fell", right="run.last_train_loss < run.first_train_loss", why="To {run.last_train_loss:.2f}."),
    ),
)
if TYPE_CHECKING:
    from charlstm_tui.lessons.facts import Value

LESSON = Lesson(
    format=1, id="short", title="Short", minutes=5, goal="Try it.",
    steps=(
        Step(id="choose", say="Choose a preset.", done="next.preset == 'quick'"),
        Step(id="train", say="Train. It has {run.epochs} epochs.", done="run.epochs >= 2", question=FELL),
        Step(id="generate", say="Generate twice.", done="generation.count >= 2"),
    ),
)  # fmt: skip
RUN = {"run.epochs": 2.0, "run.first_train_loss": 2.5, "run.last_train_loss": 1.9}


@pytest.fixture
def session() -> LessonSession:
    return LessonSession(LESSON)


def test_a_step_is_done_when_its_condition_holds(session: LessonSession) -> None:
    assert not session.learn({"next.preset": "small"})
    assert not session.result.done
    assert session.learn({"next.preset": "quick"})
    assert session.result.done
    assert not session.learn({"next.preset": "quick"}), "it is done once"
    session.learn({"next.preset": "small"})
    assert session.result.done, "what was done stays done"


def test_what_was_done_earlier_counts_when_its_step_comes(session: LessonSession) -> None:
    session.learn(RUN)
    assert session.step.id == "choose"
    session.skip()
    assert session.step.id == "train"
    assert session.result.done


def test_an_answer_is_right_by_what_the_run_gave(session: LessonSession) -> None:
    session.move(1)
    assert not session.asks
    session.learn(RUN)
    assert session.asks
    wrong = session.answer(0)
    assert (session.shown(wrong.why), session.result.right) == ("It is 1.90.", False)
    session.answer(1)
    assert session.result.right
    assert session.result.answers == (0, 1)
    assert (session.answered, session.questions) == (1, 1)


def test_a_question_is_about_the_run_that_did_the_step_and_not_about_a_later_one(session: LessonSession) -> None:
    session.move(1)
    session.learn(RUN)
    session.learn({"run.first_train_loss": 1.0, "run.last_train_loss": 3.0})
    session.answer(1)
    assert session.result.right
    assert session.shown(FELL.choices[1].why) == "To 1.90."


def test_a_question_without_a_right_answer_is_not_asked(session: LessonSession) -> None:
    session.move(1)
    session.learn({"run.epochs": 2.0})
    assert session.result.done
    assert not session.asks


def test_counts_are_of_this_lesson(session: LessonSession) -> None:
    session.move(2)
    session.count(["generation.count"])
    assert not session.result.done
    assert session.count(["generation.count"])


def test_a_step_can_be_skipped_repeated_and_visited(session: LessonSession) -> None:
    session.skip()
    assert (session.results["choose"].skipped, session.step.id) == (True, "train")
    session.move(-5)
    assert session.step.id == "choose"
    session.learn({"next.preset": "quick"})
    assert not session.results["choose"].skipped
    session.repeat()
    assert session.result == StepResult()
    session.move(9)
    assert session.step.id == "generate"
    assert not session.is_over


def test_a_lesson_begins_again_where_it_was_left(session: LessonSession) -> None:
    session.learn({"next.preset": "quick"})
    again = LessonSession(LESSON, session.results)
    assert again.step.id == "train"
    for step in LESSON.steps:
        again.results[step.id] = StepResult(done=True, right=True, answers=(1,) if step.question else ())
    over = LessonSession(LESSON, again.results)
    assert over.is_over
    assert over.step.id == "choose"


def test_a_step_without_its_right_answer_is_done_again() -> None:
    done = StepResult(done=True)
    session = LessonSession(LESSON, {"choose": done, "train": StepResult(done=True, answers=(0,)), "generate": done})
    assert session.step.id == "train"
    assert session.result == StepResult(answers=(0,), texts=("",))
    skipped = LessonSession(LESSON, {"choose": done, "train": StepResult(skipped=True)})
    assert skipped.step.id == "generate"


def test_results_of_steps_that_no_longer_exist_are_dropped() -> None:
    assert LessonSession(LESSON, {"gone": StepResult(done=True)}).results.keys() == {"choose", "train", "generate"}


def test_progress_is_remembered() -> None:
    assert load_progress() == Progress()
    session = LessonSession(LESSON, {"choose": StepResult(done=True, answers=(1, 0), right=True)})
    session.learn({"run.state": "idle", "run.name": None})
    session.learn({"run.state": "training", "run.name": "quick-1"})
    of_text = {"model": "quick-1", "text": "t", "sha256": "a", "split": "tail", "part": "test"}
    told: dict[str, Value] = {**of_text, "loss": 1.5}
    session.learn({f"evaluation.{name}": value for name, value in told.items()})
    session.learn({f"evaluation.{name}": value for name, value in (told | {"loss": 1.4}).items()})
    progress = Progress().having(session)
    save_progress(progress)
    result = load_progress().lessons["short"]
    assert result.runs == ("quick-1",)
    assert [one.loss for one in result.evaluations] == [1.4], "the last of the same model on the same text"
    assert load_progress() == progress
    assert load_progress().of("short")["choose"].done
    assert load_progress().of("other") == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"lessons": 3}', b"[" * 100_000])
def test_a_damaged_file_of_progress_is_an_empty_one(content: bytes) -> None:
    data_folder().mkdir(parents=True)
    (data_folder() / "lessons.json").write_bytes(content)
    assert load_progress() == Progress()


def test_a_damaged_file_is_kept_when_another_takes_its_place() -> None:
    path = data_folder() / "lessons.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"lessons": "of a newer version"}')
    save_progress(Progress(offered=True))
    assert load_progress() == Progress(offered=True)
    assert path.with_name("lessons.damaged.json").read_bytes() == b'{"lessons": "of a newer version"}'


def test_a_file_that_cannot_be_read_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    save_progress(Progress(offered=True))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda self: (_ for _ in ()).throw(PermissionError(13, "denied")))
        save_progress(Progress())
    assert load_progress() == Progress(offered=True)


@pytest.mark.parametrize("answers", [(99, -5), (2, 3), (-1,)])
def test_answers_that_a_changed_lesson_no_longer_has_are_dropped(answers: tuple[int, ...]) -> None:
    session = LessonSession(LESSON, {"train": StepResult(done=True, answers=(*answers, 1), right=True)})
    assert session.results["train"].answers == (1,)
    session = LessonSession(LESSON, {"train": StepResult(done=True, answers=answers, right=True)})
    assert session.results["train"] == StepResult()


@pytest.mark.parametrize("texts", [(), ("one",), ("one", "two", "three")])
def test_no_answer_is_lost_in_a_file_whose_texts_are_not_as_many(texts: tuple[str, ...]) -> None:
    result = StepResult(done=True, answers=(0, 1), texts=texts, right=True)
    assert [number for number, _ in result.given] == [0, 1]
    assert [text for _, text in result.given] == [*texts[:2], "", ""][:2]
    session = LessonSession(LESSON, {"train": result})
    assert session.results["train"].answers == (0, 1)
    assert len(session.results["train"].texts) == 2


def test_a_newer_file_is_kept_whole_each_time() -> None:
    path = data_folder() / "lessons.json"
    path.parent.mkdir(parents=True)
    for number in range(2):
        newer = f'{{"format": 2, "badges": {number}}}'.encode()
        path.write_bytes(newer)
        save_progress(Progress(offered=True))
    kept = sorted(one.read_bytes() for one in path.parent.glob("lessons.damaged*.json"))
    assert kept == [b'{"format": 2, "badges": 0}', b'{"format": 2, "badges": 1}']


def test_moves_are_counted_from_the_beginning_of_each_step() -> None:
    steps = tuple(Step(id=name, say="Move.", done="inspection.step_moves >= 2") for name in ("first", "second"))
    session = LessonSession(Lesson(format=1, id="moves", title="Moves", minutes=5, goal="Move.", steps=steps))
    for _ in range(3):
        session.count(["inspection.moves"])
    assert session.result.done
    session.move(1)
    assert not session.result.done, "moves of the step before do not count"
    session.count(["inspection.moves"])
    assert session.count(["inspection.moves"])
    assert session.known("inspection.moves") == 5.0


def test_what_was_achieved_is_not_lost_when_a_lesson_is_opened_again() -> None:
    right = StepResult(done=True, right=True, answers=(0, 1))
    results = {"choose": StepResult(done=True), "train": right, "generate": StepResult(skipped=True)}
    progress = Progress(lessons={LESSON.id: LessonResult(steps=results, runs=("quick-1",))})
    again = progress.session_of(LESSON)
    assert again.step.id == "choose"
    assert not again.result.done, "a lesson that is over begins again"
    assert progress.having(again).lessons[LESSON.id].steps == results
    again.learn({"generation.count": 2.0, **RUN})
    again.move(1)
    assert again.result.done
    again.answer(0)
    again.move(1)
    kept = progress.having(again).lessons[LESSON.id]
    assert kept.steps["train"] == right, "the wrong answer of today does not replace the right one"
    assert kept.steps["generate"] == StepResult(done=True)
    assert kept.runs == ("quick-1",)


def test_a_step_that_waits_for_its_right_answer_stays_done_in_what_is_saved() -> None:
    results = {"choose": StepResult(done=True), "train": StepResult(done=True, answers=(0,))}
    progress = Progress(lessons={LESSON.id: LessonResult(steps=results, runs=("quick-1",))})
    session = progress.session_of(LESSON)
    assert (session.step.id, session.result.done, session.earlier_runs) == ("train", False, ("quick-1",))
    assert progress.having(session).lessons[LESSON.id].steps["train"].done
