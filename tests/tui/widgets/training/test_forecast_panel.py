"""What a run would take, told before it begins."""

import re
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.widgets.training.forecast_panel import ForecastPanel
from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE
from core.data.splits import Part
from core.model.char_lstm import CharLSTM
from core.reports.results import Baseline, Baselines
from core.runs.run import RunConfig
from core.settings.forecast import Span, Speed
from core.settings.presets import preset_named
from tests.tui.conftest import FORECAST, until
from tests.tui.steps import hint, set_up, setting, written


def drawn(app: CharLSTMApp) -> str:
    return str(app.screen.query_one(ForecastPanel).content)


def told(app: CharLSTMApp) -> str:
    """Return what the panel says, in a line."""
    return " ".join(drawn(app).split())


@pytest.mark.forecast
async def test_parameters_steps_time_and_the_loss_to_beat(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)):
        set_up(app, small_text, epochs=6)
        await until(lambda: "gram on validation" in told(app))
        config = app.screen.query_one("SettingsForm").read()  # type: ignore[attr-defined]
        assert f"{CharLSTM(config.model, 26).count_parameters():,} parameters" in told(app)
        assert re.search(r"59 steps per epoch", told(app))
        assert re.search(r"[\d.]+ s per epoch", told(app))
        assert "MB of memory" in told(app)
        assert app.training.phase == "idle"


async def test_a_long_value_continues_below_itself(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(100, 30)):
        set_up(app, small_text, epochs=6)
        await until(lambda: "in all" in told(app))
        panel = app.screen.query_one(ForecastPanel)
        await until(lambda: panel.content_size.height == len(drawn(app).split("\n")))
        lines = drawn(app).split("\n")
        shown = [strip.text.strip() for strip in map(panel.render_line, range(panel.content_size.height))]
        assert shown == [line.strip() for line in lines], "no line is wrapped once more"
        assert any(line.startswith(" " * 13) and line.strip() for line in lines), "a value has a second line"


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
        await until(lambda: "Choose a longer text, or a window of at most" in told(app))
        setting(app, "window").value = "none"
        await until(lambda: "once all settings are valid" in told(app))  # nothing can be told of what is no number


async def test_a_text_that_will_not_do_is_said_beneath_its_box(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)):
        text = app.screen.query_one("#corpus", Input)
        text.value = "/nowhere/[b]at-all[/b].txt"
        await until(lambda: "There is no file /nowhere/[b]at-all[/b].txt" in written(app, "#text-reason"))
        text.value = str(small_text)
        await until(lambda: written(app, "#text-reason") == "")
        app.screen.query_one("#limit", Input).value = "many"
        await until(lambda: "characters must be a whole number" in written(app, "#limit-reason"))


@pytest.mark.forecast
async def test_a_start_is_refused_in_the_words_of_the_forecast(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        set_up(app, small_text, epochs=1)
        setting(app, "window").value = "5000"
        await until(lambda: "Choose a longer text" in told(app))
        refused = app.screen.query_one(ForecastPanel).told
        assert refused is not None
        await pilot.press("s")
        await until(lambda: refused.trouble in hint(app))
        assert app.training.phase == "failed"


@pytest.mark.forecast
async def test_what_a_preset_reached_is_not_expected_of_another_text(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(120, 40)):
        set_up(app, small_text, epochs=2)
        await until(lambda: "gram on validation" in told(app))
        assert "to beat" in told(app)
        assert "to expect" not in told(app)


async def test_what_is_expected_stands_beside_n_grams_on_the_same_part(app: CharLSTMApp) -> None:
    preset = preset_named("standard")
    corpus = CorpusConfig(source=MOLIERE.name)
    config = RunConfig(preset="standard", corpus=corpus, model=preset.model, training=preset.training)
    async with app.run_test(size=(120, 40)):
        panel = app.screen.query_one(ForecastPanel)
        panel.stop()
        panel._config = config
        counted = [
            Baselines(part=part, characters=9, of=(Baseline(name="6-gram", order=6, loss=loss),))
            for part, loss in ARRIVING
        ]
        panel._take((FORECAST, *counted))
        assert "to beat 1.155 nats/char, a 6-gram on validation to expect" in told(app)
        assert "to expect 1.25 nats/char on test (a 6-gram: 1.648)" in told(app)
        assert all(line[:13].strip() in NAMES for line in drawn(app).splitlines()), "what is too long hangs below"
        changed = msgspec.structs.replace(config.training, epochs=1)
        panel._config = msgspec.structs.replace(config, training=changed)
        panel._show()
        assert "to expect" not in told(app)


NAMES = ("parameters", "an epoch", "", "the run", "memory", "to beat", "to expect")
ARRIVING: list[tuple[Part, float]] = [("validation", 1.155), ("test", 1.648)]


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        (Span(0.12, 0.12), ["10.7 s per epoch", "3:34 in all"]),
        (Span(0.12, 0.36), ["10 to 33 s per epoch", "3 to 11 min in all"]),
    ],
)
async def test_a_time_that_is_not_known_well_is_a_range(
    app: CharLSTMApp, small_text: Path, step: Span, shown: list[str]
) -> None:
    async with app.run_test(size=(80, 24)):
        set_up(app, small_text, epochs=20)
        panel = app.screen.query_one(ForecastPanel)
        await until(lambda: panel.told is not None and panel.config is not None and panel.config.training.epochs == 20)
        told_slowly = msgspec.structs.replace(FORECAST, speed=Speed(step=step, settled=False))
        panel._take((told_slowly,))
        assert "still measuring" in told(app)
        panel._take((msgspec.structs.replace(FORECAST, speed=Speed(step=step)),))
        assert all(words in told(app) for words in shown)
        assert "still measuring" not in told(app)
