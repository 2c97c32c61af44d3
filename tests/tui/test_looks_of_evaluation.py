"""What the Evaluate screen looks like, each state at the sizes it is designed for; see `test_looks.py`."""

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import TabbedContent

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.evaluation import EvaluationScreen
from charlstm_tui.widgets.evaluation.surprisal_map import SurprisalMap
from core.reports.results import Estimate, Stage
from core.runs.run import Run
from tests.tui import reports
from tests.tui.conftest import SIZES, SnapCompare, still

pytestmark = pytest.mark.opens("evaluate")


async def evaluation(pilot: Pilot[None]) -> EvaluationScreen:
    await pilot.press("f3")
    assert isinstance(pilot.app.screen, EvaluationScreen)
    return pilot.app.screen


@pytest.mark.parametrize("size", [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.thorough)])
def test_without_a_run(app: CharLSTMApp, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await evaluation(pilot)
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_amid_the_reading(app: CharLSTMApp, trained: Run, snap_compare: SnapCompare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        screen = await evaluation(pilot)
        screen.add_class("-evaluating")
        screen._follow((Estimate(loss=1.4711, characters=14_496, of=168_729), Stage(doing="reading", done=0.42)))
        await still(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


@pytest.mark.parametrize(
    ("page", "size"),
    [
        *(
            pytest.param(page, SIZES[0], id=f"{page}-size0")
            for page in ("baselines", "breakdown", "passages", "text", "copying", "comparison")
        ),
        pytest.param("text", SIZES[1], id="text-size1"),  # another layout, as for the two below
        *(
            pytest.param(page, SIZES[1], id=f"{page}-size1", marks=pytest.mark.thorough)
            for page in ("baselines", "breakdown")
        ),
    ],
)
def test_each_page(app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int], page: str) -> None:
    async def before(pilot: Pilot[None]) -> None:
        screen = await evaluation(pilot)
        screen.pages.show_text(reports.surprisals())
        screen.show(reports.report())
        screen.pages.finish()
        if page == "comparison":
            screen.pages.show_comparison(("quick-1", "the other one"), reports.COMPARISON)
        screen.query_one(TabbedContent).active = page
        await pilot.pause()
        if page == "text":
            screen.query_one(SurprisalMap).focus()
            await pilot.press("down", "down", "right", "right", "right", "right")
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_what_fine_tuning_changed(
    app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int]
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        screen = await evaluation(pilot)
        screen.show(msgspec.structs.replace(reports.report(), fine_tuning=reports.FINE_TUNING))
        screen.pages.finish()
        screen.query_one(TabbedContent).active = "before"
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_the_first_report_and_one_without_the_training_text(
    app: CharLSTMApp, trained: Run, snap_compare: SnapCompare
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        screen = await evaluation(pilot)
        screen.show(reports.report(complete=False))
        screen.pages.finish()
        await still(pilot)

    assert snap_compare(app, terminal_size=(120, 40), run_before=before)


def test_the_map_on_a_light_theme(app: CharLSTMApp, trained: Run, snap_compare: SnapCompare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        app.theme = "textual-light"
        screen = await evaluation(pilot)
        screen.pages.show_text(reports.surprisals())
        screen.show(reports.report())
        screen.pages.finish()
        await pilot.press("t")
        await still(pilot)

    assert snap_compare(app, terminal_size=(120, 40), run_before=before)
