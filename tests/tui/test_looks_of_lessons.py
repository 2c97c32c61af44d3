"""What the lessons look like, each state at the sizes they are designed for; see `test_looks.py`."""

import pytest
from textual.pilot import Pilot

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.lessons.course import course
from tests.tui.conftest import SIZES, SnapCompare, still, until
from tests.tui.lessons.test_session import LESSON, RUN


@pytest.mark.parametrize("size", SIZES)
def test_a_step_of_a_lesson(app: CharLSTMApp, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await app.open_lesson(course("en")[2])
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_a_question_with_a_wrong_answer(app: CharLSTMApp, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await app.open_lesson(LESSON)
        assert app.session is not None
        app.session.move(1)
        app.learn(RUN)
        await pilot.press("f7", "enter")
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_the_list_of_lessons(app: CharLSTMApp, snap_compare: SnapCompare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("f7")
        await still(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


@pytest.mark.first_time
def test_the_offer_of_the_first_time(app: CharLSTMApp, snap_compare: SnapCompare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await until(lambda: bool(app.screen.query("LessonOffer")))
        await still(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)
