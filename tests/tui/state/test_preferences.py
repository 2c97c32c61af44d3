"""Preferences are saved between sessions."""

from pathlib import Path

import pytest
from textual.widgets import Collapsible, Input, Select

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.state.preferences import Preferences, load_preferences, save_preferences
from charlstm_tui.widgets.common.setting_input import SettingInput
from core.folders import data_folder
from core.runs.store import RunStore
from core.settings.config import ModelConfig, TrainingConfig, fields_of
from core.settings.reading_fields import file_fields, reading_fields
from tests.tui.conftest import until
from tests.tui.steps import set_up, setting
from tests.tui.views import running


async def test_settings_and_looks_are_restored_in_the_next_session(
    app: CharLSTMApp, store: RunStore, small_text: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.query_one("#preset", Select).value = "quick"
        await pilot.pause()
        set_up(app, small_text, epochs=2)
        app.screen.query_one("#limit", Input).value = "1 300"
        await pilot.press("a")
        await until(lambda: bool(app.screen.query("#setting-weight_decay")))
        await pilot.pause()
        setting(app, "weight_decay").value = "0.25"
        await pilot.press("escape", "s")
        await until(lambda: app.training.phase == "finished")
        await pilot.press("v", "y")
        app.theme = "textual-light"
        await pilot.pause()
    again = CharLSTMApp(store)
    async with again.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert again.theme == "textual-light"
        assert (again.preferences.smoothing, again.preferences.scale) == ("strong", "log")
        assert again.screen.query_one("#corpus", Input).value == str(small_text)
        assert again.screen.query_one("#limit", Input).value == "1300"
        assert again.screen.query_one("#preset", Select).value == "quick"
        assert setting(again, "hidden_size").value == "8"
        assert again.screen.query_one("#setting-hidden_size", SettingInput).has_class("-changed")
        assert not again.screen.query_one("#setting-learning_rate", SettingInput).has_class("-changed")
        await pilot.press("a")
        await until(lambda: bool(again.screen.query("#setting-weight_decay")))
        await pilot.pause()
        assert setting(again, "weight_decay").value == "0.25", "also a collapsed setting"


async def test_folded_settings_keep_what_was_typed_and_the_others_too(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        setting(app, "epochs").value = "7"
        await pilot.press("escape", "a")
        await until(lambda: bool(app.screen.query("#setting-warmup")))
        await pilot.pause()
        assert setting(app, "epochs").value == "7"
        setting(app, "warmup").value = "0.3"
        await pilot.press("a", "a")
        await pilot.pause()
        assert not app.screen.query_one(Collapsible).collapsed
        assert setting(app, "warmup").value == "0.3"
        names = [box.field.name for box in app.screen.query(SettingInput)]
        settings = [*fields_of(ModelConfig), *fields_of(TrainingConfig), *reading_fields(), *file_fields()]
        assert sorted(names) == sorted(field.name for field in settings), "every setting is there once"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"theme": 3}', b'{"glyphs": "runes"}', b"\xff", b"[]", pytest.param(b"[" * 100_000, id="nested")],
)
def test_damaged_preferences_are_ignored(content: bytes) -> None:
    data_folder().mkdir(parents=True, exist_ok=True)
    (data_folder() / "preferences.json").write_bytes(content)
    assert load_preferences() == Preferences()


async def test_a_theme_that_no_longer_exists_is_ignored(store: RunStore) -> None:
    save_preferences(Preferences(theme="from-the-future"))
    app = CharLSTMApp(store)
    async with app.run_test(size=(80, 24)):
        assert app.theme == "textual-dark"


async def test_preferences_that_cannot_be_written_cause_no_error(app: CharLSTMApp) -> None:
    data_folder().parent.mkdir(parents=True, exist_ok=True)
    data_folder().write_text("a file where the folder would be")
    async with app.run_test(size=(80, 24)) as pilot:
        app.training = running(3)
        await pilot.pause()
        await pilot.press("v")
        await pilot.pause()
        assert app.preferences.smoothing == "strong"
