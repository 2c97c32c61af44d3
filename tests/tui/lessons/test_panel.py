"""The panel of a lesson on the real screens."""

from pathlib import Path

import msgspec
import pytest
from textual.containers import VerticalScroll
from textual.widgets import Input, OptionList, Select, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.lessons.course import FOLDER, lesson_named
from charlstm_tui.lessons.lesson import Lesson
from charlstm_tui.lessons.progress import LessonResult, Progress, load_progress, save_progress
from charlstm_tui.lessons.session import LessonSession, StepResult
from charlstm_tui.screens.help import HelpScreen
from charlstm_tui.screens.lesson_list import LessonList
from charlstm_tui.state.keys import keys_of
from charlstm_tui.widgets.lessons.lesson_offer import LessonOffer
from charlstm_tui.widgets.lessons.lesson_panel import LessonPanel
from charlstm_tui.widgets.training.settings_panel import SettingsPanel
from core.runs.run import Run
from tests.tui.conftest import SIZES, until
from tests.tui.lessons.test_session import LESSON
from tests.tui.steps import make_small


def session_of(app: CharLSTMApp) -> LessonSession:
    assert app.session is not None
    return app.session


def said(app: CharLSTMApp, part: str) -> str:
    return str(app.screen.query_one(f"#lesson-{part}", Static).content)


@pytest.mark.parametrize("size", SIZES)
async def test_a_lesson_is_followed_to_its_end_on_the_real_screens(
    app: CharLSTMApp, small_text: Path, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await app.open_lesson(LESSON)
        await pilot.pause()
        assert said(app, "title") == "Short · 1/3"
        assert "not done yet" in said(app, "state")
        app.screen.query_one("#corpus", Input).value = str(small_text)
        app.screen.query_one("#preset", Select).value = "quick"
        await until(lambda: session_of(app).result.done)
        await pilot.pause()
        assert said(app, "state") == "✓ done"
        await pilot.press("escape", "f7", "enter")
        assert said(app, "title") == "Short · 2/3"
        make_small(app, epochs=2)
        await pilot.press("s")
        await until(lambda: app.training.phase == "finished" and session_of(app).result.done)
        await pilot.press("f7", "down", "enter")
        await pilot.pause()
        assert isinstance(app.screen.focused, OptionList | LessonPanel)
        losses = [epoch.train_loss for epoch in app.training.epochs]
        assert losses[-1] < losses[0]
        assert said(app, "why") == f"✓ To {losses[-1]:.2f}."
        assert session_of(app).result.right
        await pilot.press("enter", "f7", "n")
        await until(lambda: isinstance(app.screen, LessonList))
        assert said(app, "over") == "Short: the lesson is over. 1 of 1 questions answered right, 1 of them at once."
    result = load_progress().lessons["short"]
    assert result.steps["choose"].done
    assert result.steps["train"].right
    assert result.runs == ("quick-1",)


async def test_the_end_says_how_many_answers_were_right_at_once(app: CharLSTMApp) -> None:
    session = LessonSession(LESSON, {
        "choose": StepResult(done=True), "train": StepResult(done=True, answers=(0, 1), right=True),
    })  # fmt: skip
    assert (session.answered, session.answered_at_once, session.questions) == (1, 0, 1)


async def test_a_wrong_answer_is_explained_and_can_be_corrected(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open_lesson(LESSON)
        session_of(app).move(1)
        app.learn({"run.epochs": 2.0, "run.first_train_loss": 2.5, "run.last_train_loss": 1.9})
        await pilot.press("f7", "enter")
        await pilot.pause()
        assert said(app, "why") == "✗ It is 1.90."
        await pilot.press("down", "enter")
        await pilot.pause()
        assert said(app, "why") == "✓ To 1.90."
        assert session_of(app).result.answers == (0, 1)


async def test_enter_leads_on_only_from_a_step_that_is_done(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open_lesson(LESSON)
        await pilot.press("f7", "enter")
        assert session_of(app).step.id == "choose"
        app.learn({"next.preset": "quick"})
        await pilot.press("enter")
        assert session_of(app).step.id == "train"
        assert not app.screen.query_one(LessonPanel).is_used, "letters are keys of the screen again"
        app.learn({"run.epochs": 2.0, "run.first_train_loss": 2.5, "run.last_train_loss": 1.9})
        await pilot.press("f7", "down", "enter")
        assert session_of(app).step.id == "train", "the explanation of the answer is read first"
        await pilot.press("enter")
        assert session_of(app).step.id == "generate"
        await pilot.press("f7", "n")
        await until(lambda: isinstance(app.screen, LessonList))
        assert app.session is None


async def test_the_focus_returns_to_where_it_was(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open_lesson(LESSON)
        box = app.screen.query_one("#corpus", Input)
        box.focus()
        await pilot.press("f7")
        assert app.screen.focused is not box
        await pilot.press("escape")
        assert app.screen.focused is box
        await pilot.press("f7", "f3")
        await pilot.press("f2")
        await until(lambda: app.screen.focused is box)


async def test_steps_can_be_skipped_repeated_and_the_lesson_left(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open_lesson(LESSON)
        await pilot.press("f7", "n", "n")
        assert session_of(app).step.id == "generate"
        await pilot.press("b", "b")
        assert session_of(app).step.id == "choose"
        assert "skipped" in said(app, "state")
        await pilot.press("r")
        assert "not done yet" in said(app, "state")
        await pilot.press("x")
        await pilot.pause()
        assert app.session is None
        assert not app.screen.query(LessonPanel)
    assert load_progress().of("short")["train"].skipped


@pytest.mark.parametrize("key", ["f3", "f4", "f5", "f6"])
async def test_the_panel_stays_on_every_screen(app: CharLSTMApp, trained: Run, key: str) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await app.open_lesson(LESSON)
        await pilot.press(key)
        await until(lambda: bool(app.screen.query(LessonPanel)))
        await pilot.pause()
        assert said(app, "title") == "Short · 1/3"
        assert app.screen.has_class("-narrow"), "the screen is laid out for the columns that are left"
        await app._close_lesson()
        await pilot.pause()
        assert app.screen.has_class("-wide")
        await pilot.press("f2")
        await pilot.pause()
        assert not app.screen.query(LessonPanel)


async def test_a_resized_window_moves_the_panel(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await app.open_lesson(LESSON)
        await pilot.pause()
        assert not app.screen.query_one(LessonPanel).has_class("-bottom")
        await pilot.resize_terminal(80, 24)
        await until(lambda: app.screen.query_one(LessonPanel).has_class("-bottom"))
        await pilot.press("f7", "f")
        await pilot.pause()
        assert app.screen.query_one(LessonPanel).size.height <= 2
        await pilot.resize_terminal(120, 40)
        await until(lambda: app.screen.size.width == 120)
        await pilot.pause()
        assert app.screen.query_one(SettingsPanel).size.width > 110, "folded, it leaves the whole width to the screen"
        await pilot.press("f7")
        await until(lambda: not app.screen.query_one(LessonPanel).has_class("-bottom"))
        await until(lambda: app.screen.query_one(SettingsPanel).size.width < 80)


async def test_tab_leads_through_the_screen_or_through_the_panel(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await app.open_lesson(LESSON)
        await pilot.press("escape")
        panel = app.screen.query_one(LessonPanel)
        fields = len(app.screen.focus_chain)
        assert fields > 5
        for _ in range(fields + 1):
            await pilot.press("tab")
            assert app.focused is not None
            assert not panel.is_used
        await pilot.press("f7", "tab", "tab")
        assert panel.is_used


async def test_after_the_right_answer_the_panel_says_how_to_continue(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open_lesson(LESSON)
        session_of(app)._change(done=True)
        app._show()
        await pilot.press("f7")
        assert said(app, "keys") == "Enter leads to the next step"


async def test_a_lesson_opened_during_a_run_knows_the_run(app: CharLSTMApp, small_text: Path) -> None:
    lesson = Lesson(format=1, id="late", title="Late", minutes=5, goal="-", steps=LESSON.steps[1:])
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.query_one("#corpus", Input).value = str(small_text)
        make_small(app, epochs=100_000)
        await pilot.press("escape", "s")
        await until(lambda: len(app.training.epochs) >= 1)
        await app.open_lesson(lesson)
        await until(lambda: session_of(app).result.done)
        await pilot.press("x", "s")
        await until(lambda: app.training.phase == "stopped")
        assert session_of(app).result.done


@pytest.mark.first_time
async def test_the_lessons_are_offered_once_in_a_line_that_can_be_removed(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: bool(app.screen.query(LessonOffer)))
        named = {key.action: key.does for key in keys_of(app.screen, app)}
        assert named["decline_offer"] == "Remove the line"
        assert "leave_field" not in named
        await pilot.press("escape")
        await pilot.pause()
        assert not app.screen.query(LessonOffer)
    again = CharLSTMApp(app.store)
    async with again.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert not again.screen.query(LessonOffer)


def offered(app: CharLSTMApp) -> str:
    return "".join(str(offer.content) for offer in app.screen.query(LessonOffer))


async def test_a_lesson_that_was_open_at_the_end_is_offered_at_the_next_start(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f7", "down", "enter")
        await until(lambda: app.session is not None)
        await pilot.press("f7", "n")
    again = CharLSTMApp(app.store)
    async with again.run_test(size=(80, 24)) as pilot:
        await until(lambda: bool(offered(again)))
        assert "continues What a loss means, step 2 of 7" in offered(again)
        await pilot.press("f7")
        await until(lambda: again.session is not None)
        assert (session_of(again).lesson.number, session_of(again).place) == (2, 1)
        assert not offered(again)
        await pilot.press("f7", "x")
        await until(lambda: again.session is None)
    last = CharLSTMApp(app.store)
    async with last.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert not offered(last), "it was closed"


async def test_a_lesson_that_is_declined_is_not_offered_again(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f7", "enter")
        await until(lambda: app.session is not None)
    again = CharLSTMApp(app.store)
    async with again.run_test(size=(80, 24)) as pilot:
        await until(lambda: bool(offered(again)))
        await pilot.press("escape")
        await until(lambda: not offered(again))
        assert load_progress().open == ""


async def test_a_run_of_an_earlier_session_is_compared(app: CharLSTMApp, trained: Run) -> None:
    progress = LessonResult(steps={"choose": StepResult(done=True)}, runs=(trained.name,))
    save_progress(Progress(lessons={LESSON.id: progress}))
    async with app.run_test(size=(80, 24)):
        await app.open_lesson(LESSON)
        assert session_of(app).known("run.name") == trained.name
        assert session_of(app).known("run.count") == 1.0
        assert session_of(app).result.done


async def test_the_list_of_lessons_is_in_the_language_of_the_lessons(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.change_language("fr")
        await pilot.press("f7", "enter")
        await until(lambda: app.session is not None)
        await pilot.press("f7", "n", "l")
        await until(lambda: isinstance(app.screen, LessonList))
        lessons = app.screen.query_one(OptionList)
        assert lessons.border_title == "leçons"
        assert "1 sur 7" in str(lessons.get_option_at_index(0).prompt)


@pytest.mark.first_time
async def test_f7_accepts_the_offer(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: bool(app.screen.query(LessonOffer)))
        await pilot.press("f7")
        await until(lambda: isinstance(app.screen, LessonList))
        assert app.screen.query_one(OptionList).option_count == 8
        await pilot.press("enter")
        await until(lambda: app.session is not None)
        assert session_of(app).lesson.number == 1
        assert not app.screen.query(LessonOffer)


async def test_the_language_can_be_changed_in_the_middle_of_a_lesson(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f7", "enter")
        await until(lambda: app.session is not None)
        assert session_of(app).lesson.language == "en"
        app.change_language("fr")
        await pilot.pause()
        assert session_of(app).lesson.language == "fr"
        assert app.preferences.language == "fr"
        await pilot.press("f1")
        await until(lambda: isinstance(app.screen, HelpScreen))
        assert isinstance(app.screen, HelpScreen)
        assert app.screen._page.startswith("# Train (")


async def test_a_report_is_saved_from_the_list(app: CharLSTMApp, tmp_path: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f7", "enter")
        await until(lambda: app.session is not None)
        await pilot.press("f7", "n", "l")
        await until(lambda: isinstance(app.screen, LessonList))
        await pilot.press("s")
        await pilot.pause()
        app.screen.query_one(Input).value = str(tmp_path / "mine.md")
        await pilot.press("enter")
        await until(lambda: (tmp_path / "mine.md").exists())
    page = (tmp_path / "mine.md").read_text(encoding="utf-8")
    assert "| 1 Characters and numbers | 0 of" in page
    assert "skipped" in page


async def test_a_screen_is_laid_out_for_the_columns_that_are_left_after_a_resize_too(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await app.open_lesson(LESSON)
        await until(lambda: app.screen.has_class("-narrow"))
        for size in ((126, 40), (150, 40), (118, 40)):
            await pilot.resize_terminal(*size)
            wide = size[0] - app.screen.query_one(LessonPanel).size.width >= 102
            await until(lambda wide=wide: app.screen.has_class("-wide") is wide)  # type: ignore[misc]
            await pilot.pause()
            assert app.screen.has_class("-wide") is wide
            assert app.screen.has_class("-narrow") is not wide


async def test_facts_do_not_scroll_the_panel(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        long = msgspec.structs.replace(LESSON.steps[0], say="Read. " * 79)
        await app.open_lesson(msgspec.structs.replace(LESSON, steps=(long,)))
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        scroll = app.screen.query_one(LessonPanel).query_one(VerticalScroll)
        scroll.scroll_to(y=2, animate=False)
        await until(lambda: scroll.scroll_y == 2)
        app.learn({"run.seconds": 1.0})
        await pilot.pause()
        assert scroll.scroll_y == 2


async def test_a_changed_copy_of_a_lesson_has_its_own_progress_and_language(app: CharLSTMApp, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    text = (FOLDER / "en" / "3-first-training.toml").read_text(encoding="utf-8")
    own.write_text(text.replace('id = "recipe"', 'id = "my-recipe"'), encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open_lesson(lesson_named(str(own), "en"))
        await pilot.press("f7", "n")
        app.change_language("fr")
        await pilot.pause()
        assert session_of(app).lesson.language == "en"
        assert session_of(app).results["my-recipe"].skipped
    assert load_progress().lessons.keys() == {"own-first-training"}


async def test_a_folded_panel_takes_no_answer_and_f7_unfolds_it(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open_lesson(LESSON)
        session_of(app).move(1)
        app.learn({"run.epochs": 2.0, "run.first_train_loss": 2.5, "run.last_train_loss": 1.9})
        await pilot.press("f7", "f")
        panel = app.screen.query_one(LessonPanel)
        assert panel.has_class("-folded")
        assert not panel.is_used
        assert said(app, "title").endswith("F7")
        await pilot.press("f7")
        await pilot.pause()
        assert not panel.has_class("-folded")
        assert panel.is_used
        assert session_of(app).result.answers == ()


async def test_page_keys_scroll_the_panel_from_the_answers(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        long = msgspec.structs.replace(LESSON.steps[1], say="Read. " * 79)
        await app.open_lesson(msgspec.structs.replace(LESSON, steps=(long,)))
        app.learn({"run.epochs": 2.0, "run.first_train_loss": 2.5, "run.last_train_loss": 1.9})
        await pilot.press("f7")
        await pilot.pause()
        scroll = app.screen.query_one(LessonPanel).query_one(VerticalScroll)
        await until(lambda: scroll.max_scroll_y > 0)
        await pilot.press("pageup", "pageup", "pageup")
        assert scroll.scroll_y == 0
        await pilot.press("pagedown")
        assert scroll.scroll_y > 0


async def test_the_panel_names_the_keys_that_there_are(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open_lesson(LESSON)
        session_of(app).move(1)
        app.learn({"run.epochs": 2.0, "run.first_train_loss": 2.5, "run.last_train_loss": 1.9})
        await pilot.pause()
        assert said(app, "keys").startswith("F7 leads here")
        await pilot.press("f7")
        assert said(app, "keys") == "↑ ↓ and Enter answer"
        app.screen.query_one("#corpus", Input).focus()  # as a click does
        await pilot.pause()
        assert said(app, "keys").startswith("F7 leads here")
        await pilot.press("f7", "down", "enter")
        await pilot.pause()
        assert said(app, "keys") == "Enter leads to the next step", "it is answered: the footer has the other keys"
