"""A model to start from on the Train screen, and what Evaluate says of the run."""

from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input, Select, Static, TabbedContent

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.evaluation import EvaluationScreen
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.widgets.training.settings_form import SettingsForm
from charlstm_tui.widgets.training.start_model import StartModel
from core.checkpoints.checkpoint import load_checkpoint
from core.data.corpus import load_corpus
from core.runs.origin import sha256_of
from core.runs.recorder import record
from core.runs.run import Run
from core.runs.store import RunStore
from core.settings.presets import FINE_TUNE
from core.training.resume import resume
from tests.tui.conftest import until
from tests.tui.steps import hint, setting


def start_of(app: CharLSTMApp) -> StartModel:
    return app.screen.query_one(StartModel)


def open_text(app: CharLSTMApp, text: Path) -> None:
    app.screen.query_one("#corpus", Input).value = str(text)


def preset_of(app: CharLSTMApp) -> str:
    return str(app.screen.query_one("#preset", Select).value)


async def choose(app: CharLSTMApp, place: Path) -> None:
    start_of(app)._select.refresh_runs()
    start_of(app)._select.value = place
    await until(lambda: start_of(app).origin is not None and preset_of(app) == FINE_TUNE.name)


def make_short(app: CharLSTMApp) -> None:
    for name, value in {"epochs": "2", "streams": "2", "window": "10"}.items():
        setting(app, name).value = value


async def test_a_run_starts_from_the_chosen_model(
    app: CharLSTMApp, store: RunStore, trained: Run, tmp_path: Path
) -> None:
    text = tmp_path / "loups.txt"
    text.write_text("".join(f"{number} loups! {number * 5 % 17} chèvres\n" for number in range(60)), encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        open_text(app, text)
        await choose(app, trained.path)
        await pilot.pause()
        assert setting(app, "hidden_size").value == "8"
        assert setting(app, "learning_rate").value == f"{FINE_TUNE.training.learning_rate:g}"
        make_short(app)
        await pilot.press("escape", "s")
        await until(lambda: app.training.phase == "finished")
        run = store.get("fine-tune-1")
        origin = run.config().origin
        assert origin is not None
        assert (origin.name, origin.sha256) == ("sheep", sha256_of(trained.best_path))
        assert load_checkpoint(run.best_path).origin == origin
        assert app.training.started is not None
        assert app.training.started.origin == "sheep"
        await pilot.press("e")
        assert isinstance(app.screen, EvaluationScreen)
        screen = app.screen
        await until(lambda: not screen._busy)
        screen.query_one(TabbedContent).active = "before"
        await pilot.pause()
        shown = str(screen.query_one("#effects", Static).content)
        assert "On the new text, loups" in shown
        assert "old text: moutons" in shown


async def test_the_network_of_a_model_cannot_be_changed_until_random_weights_are_chosen(
    app: CharLSTMApp, trained: Run, small_text: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        open_text(app, small_text)
        await pilot.pause()
        await choose(app, trained.path)
        await pilot.pause()
        boxes = [setting(app, name) for name in ("num_layers", "hidden_size")]
        assert all(box.disabled or box.parent.parent.disabled for box in boxes)  # type: ignore[union-attr]
        start_of(app)._select.clear()
        await until(lambda: start_of(app).origin is None and preset_of(app) == "small")
        await pilot.pause()
        assert not any(box.disabled or box.parent.parent.disabled for box in boxes)  # type: ignore[union-attr]
        assert app.screen.query_one(SettingsForm).read().origin is None
        assert setting(app, "hidden_size").value == "512"


async def test_the_preset_for_it_needs_a_model(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        open_text(app, small_text)
        app.screen.query_one("#preset", Select).value = FINE_TUNE.name
        await pilot.pause()
        await pilot.press("escape", "s")
        await pilot.pause()
        assert "needs a model to start from" in hint(app)
        assert not app.training.alive


@pytest.mark.shipped
async def test_the_preset_for_it_chooses_the_bundled_model(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        open_text(app, small_text)
        app.screen.query_one("#preset", Select).value = FINE_TUNE.name
        await until(lambda: start_of(app).origin is not None)
        await pilot.pause()
        origin = app.screen.query_one(SettingsForm).read().origin
        assert origin is not None
        assert origin.name == "moliere"
        assert preset_of(app) == FINE_TUNE.name


async def test_a_model_that_was_trained_further_since_it_was_chosen_is_used_as_it_is_now(
    app: CharLSTMApp, store: RunStore, trained: Run, small_text: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        open_text(app, small_text)
        await choose(app, trained.path)
        make_short(app)
        before = sha256_of(trained.best_path)
        resumption = resume(store, trained.name, trained, {"epochs": 4, "threads": 1})
        for _ in record(resumption.begin(store), resumption.trainer(load_corpus(resumption.config.corpus))):
            pass
        await pilot.press("escape", "s")
        await until(lambda: app.training.phase == "finished")
        origin = store.get("fine-tune-1").config().origin
        assert origin is not None
        assert origin.sha256 == sha256_of(trained.best_path) != before


async def test_the_model_is_shown_again_for_the_next_run_and_after_a_restart(
    app: CharLSTMApp, store: RunStore, trained: Run, small_text: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        open_text(app, small_text)
        await choose(app, trained.path)
        make_short(app)
        await pilot.press("escape", "s")
        await until(lambda: app.training.phase == "finished")
        await pilot.press("n")
        await pilot.pause()
        assert start_of(app)._select.chosen_name == "sheep"
        assert isinstance(app.screen, TrainingScreen)
    again = CharLSTMApp(store)
    async with again.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert start_of(again)._select.chosen_name == "sheep"
        assert preset_of(again) == FINE_TUNE.name
        read = again.screen.query_one(SettingsForm).read()
        assert read.origin is not None
        assert msgspec.structs.replace(read.model) == trained.config().model
