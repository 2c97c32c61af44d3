"""What a run would take, told before it begins."""

import re
from pathlib import Path

import pytest
from textual.widgets import Input

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.widgets.forecast_panel import ForecastPanel
from core.model import CharLSTM
from tests.tui.conftest import until
from tests.tui.steps import set_up, setting, written


def told(app: CharLSTMApp) -> str:
    return str(app.screen.query_one(ForecastPanel).content)


@pytest.mark.forecast
async def test_parameters_steps_time_and_the_loss_to_beat(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)):
        set_up(app, small_text, epochs=6)
        await until(lambda: "gram on validation" in told(app))
        config = app.screen.query_one("SettingsForm").read()  # type: ignore[attr-defined]
        assert f"{CharLSTM(config.model, 26).count_parameters():,} parameters" in told(app)
        assert re.search(r"59 steps an epoch", told(app))
        assert re.search(r"[\d.]+ s an epoch here", told(app))
        assert "MB of memory" in told(app)
        assert app.training.phase == "idle"


@pytest.mark.forecast
async def test_what_does_not_fit_is_told_and_not_tried(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)):
        app.screen.query_one("#corpus", Input).value = str(small_text)
        setting(app, "hidden_size").value = "8192"
        setting(app, "num_layers").value = "16"
        await until(lambda: "it does not fit" in told(app))
        setting(app, "num_layers").value = "1"
        setting(app, "hidden_size").value = "8"
        setting(app, "window").value = "5000"
        await until(lambda: "too short a text" in told(app))
        setting(app, "window").value = "none"
        await until(lambda: "once the settings will do" in told(app))  # nothing can be told of what is no number


async def test_a_text_that_will_not_do_is_said_beneath_its_box(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)):
        text = app.screen.query_one("#corpus", Input)
        text.value = "/nowhere/[b]at-all[/b].txt"
        await until(lambda: "There is no file /nowhere/[b]at-all[/b].txt" in written(app, "#text-reason"))
        text.value = str(small_text)
        await until(lambda: written(app, "#text-reason") == "")
        app.screen.query_one("#limit", Input).value = "many"
        await until(lambda: "characters must be a whole number" in written(app, "#limit-reason"))
