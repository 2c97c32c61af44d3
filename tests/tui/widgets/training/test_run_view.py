"""What stands around a run's chart: what the sparkline's bars are, what was reached, and what does not compare."""

import msgspec
from textual.pilot import Pilot

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.state.compared_runs import ComparedRun, PastRun
from charlstm_tui.state.training import TrainingView
from charlstm_tui.widgets.training.loss_chart import LossChart
from core.data.corpus import CorpusConfig
from core.events import ThreadsChanged
from core.runs.summary import RunSummary
from tests.tui.charts import picture
from tests.tui.conftest import until
from tests.tui.steps import written
from tests.tui.views import finished, running


def other(name: str, source: str) -> PastRun:
    """An earlier run on some text."""
    view = finished()
    assert view.config is not None
    summary = RunSummary(
        name=name, created=None, corpus="", preset="quick", epochs=6, train_loss=1.2, best_val_loss=1.6, size=1,
        state="finished",
    )  # fmt: skip
    config = msgspec.structs.replace(view.config, corpus=CorpusConfig(source=source, limit=100_000))
    return PastRun(summary=summary, config=config, epochs=view.epochs)


async def show(app: CharLSTMApp, pilot: Pilot[None], view: TrainingView) -> None:
    app.training = view
    await until(lambda: bool(app.screen.query(LossChart)) and bool(written(app, "#legend")))
    await pilot.pause()


async def test_the_sparkline_says_what_its_tallest_and_its_smallest_bar_are(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await show(app, pilot, running(1))
        assert written(app, "#sparkline-ends") == "", "one bar has no ends"
        await show(app, pilot, running(5))
        assert written(app, "#sparkline-ends") == "█ 2.0913  ▁ 1.3047"


async def test_what_a_run_reached_is_written_beneath_its_chart_where_there_is_room(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await show(app, pilot, running(3))
        assert written(app, "#chart-note") == "Not yet below the 5-gram (1.679)."
        await show(app, pilot, running(5))
        assert written(app, "#chart-note") == "First below the 5-gram (1.679) after epoch 4."
        assert "✓" in "".join(picture(app.screen.query_one(LossChart)))
    async with CharLSTMApp(app.store).run_test(size=(80, 24)) as pilot:
        assert isinstance(pilot.app, CharLSTMApp)
        await show(pilot.app, pilot, running(5))
        assert written(pilot.app, "#chart-note") == "", "a low chart keeps its rows"
        assert "✓" in "".join(picture(pilot.app.screen.query_one(LossChart)))


async def test_a_run_of_another_text_beside_this_one_is_warned_of_in_any_window(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        assert isinstance(app.screen, TrainingScreen)
        app.screen.compared = (
            ComparedRun("A", other("goats", "/textes/moliere.txt")),
            ComparedRun("B", other("sheep", "/textes/lune.txt")),
        )
        await show(app, pilot, running(5))
        assert written(app, "#chart-note") == "B does not compare with this run: another text (lune)."
        assert app.screen.query_one("#chart-note").region.height == 1
        drawn = picture(app.screen.query_one(LossChart))
        assert any("A" in row or "B" in row for row in drawn)


async def test_b_draws_by_steps_epochs_characters_and_seconds_in_turn(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await show(app, pilot, running(5))
        for by, unit in [("epochs", "epochs"), ("characters", "char"), ("seconds", "time"), ("steps", "steps")]:
            await pilot.press("b")
            await until(lambda by=by: f"loss by {by}" in written(app, "#legend"))  # type: ignore[misc]
            assert picture(app.screen.query_one(LossChart))[-1].split()[-1].startswith((unit, by))


async def test_fewer_threads_are_written_under_the_chart(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        fewer = ThreadsChanged(threads=1, before=2, total_steps=10, elapsed_seconds=3.0)
        await show(app, pilot, running(2).after([fewer]))
        assert "1 thread instead of 2" in written(app, "#message")
