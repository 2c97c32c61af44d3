"""The user's own keys in the app: what a key does, what is shown, and a file with an error."""

from pathlib import Path

import pytest
from textual.widgets import Input

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.help import HelpScreen
from charlstm_tui.state.keymap import keymap_path
from charlstm_tui.state.keys import keys_of
from charlstm_tui.widgets.common.key_list import KeyList
from charlstm_tui.widgets.common.top_bar import TopBar
from core.errors import UserError
from tests.tui.conftest import until
from tests.tui.views import running


@pytest.fixture
def keys_file(own_runs: Path) -> Path:
    path = keymap_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def does(app: CharLSTMApp) -> dict[str, str]:
    return {key.does: key.shown for key in keys_of(app.screen, app)}


async def test_own_keys_work_and_are_shown(app: CharLSTMApp, keys_file: Path) -> None:
    keys_file.write_text('[app]\nevaluate = ["ctrl+e", "é"]\n[train]\npause = "é"\nstop = "f9"\n', encoding="utf-8")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: any("é would be both" in notice.message for notice in app._notifications))
        assert does(app)["Start"] == "s"
    keys_file.write_text('[app]\nevaluate = ["f8", "é"]\n[train]\nstop = "f9"\nsmoothing = "h"\n', encoding="utf-8")
    app = CharLSTMApp(app.store)
    async with app.run_test(size=(120, 40)) as pilot:
        app.training = running(3)
        await until(lambda: "Stop" in does(app))
        assert does(app)["Stop"] == "F9"
        assert "F8 Evaluate" in " ".join(str(tab.render()) for tab in app.screen.query_one(TopBar).children)
        smoothing = app.preferences.smoothing
        await pilot.press("h")
        await until(lambda: app.preferences.smoothing != smoothing)
        changed = app.preferences.smoothing
        await pilot.press("v")
        await pilot.pause()
        assert app.preferences.smoothing == changed, "the key of before does nothing"
        await pilot.press("f1")
        await until(lambda: isinstance(app.screen, HelpScreen))
        keys = dict(row for listed in app.screen.query(KeyList) for row in listed.rows)
        assert keys["F9"] == "Stop"
        assert keys["h"].startswith("Smoothing")
        await pilot.press("escape", "é")
        await until(lambda: app.current_mode == "evaluate")


async def test_a_letter_of_the_users_keys_can_still_be_typed_in_a_field(app: CharLSTMApp, keys_file: Path) -> None:
    keys_file.write_text('[app]\nevaluate = "z"\n', encoding="utf-8")
    async with app.run_test(size=(120, 40)) as pilot:
        await app.switch_mode("generate")
        await until(lambda: isinstance(app.focused, Input) or app.focused is not None)
        await pilot.press("i")
        await until(lambda: app.focused is not None and "Prompt" in type(app.focused).__name__)
        await pilot.press("z")
        await pilot.pause()
        assert app.current_mode == "generate"
        await pilot.press("escape", "z")
        await until(lambda: app.current_mode == "evaluate")


@pytest.mark.parametrize("text", ["[train", '[train]\nstart = "tab"', "\x00"])
async def test_a_file_with_an_error_is_a_notice_and_all_keys_stay(app: CharLSTMApp, keys_file: Path, text: str) -> None:
    keys_file.write_text(text, encoding="utf-8")
    async with app.run_test(size=(80, 24)):
        await until(lambda: any("Your keys are not used" in notice.message for notice in app._notifications))
        assert does(app)["Start"] == "s"


async def test_without_a_folder_for_the_file_the_app_starts_with_its_own_keys(
    app: CharLSTMApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_folder() -> Path:
        raise UserError("There is no home folder.")

    monkeypatch.setattr("charlstm_tui.screens.personal_app.keymap_path", no_folder)
    async with app.run_test(size=(80, 24)):
        await until(lambda: any("Your keys are not used" in notice.message for notice in app._notifications))
        assert does(app)["Start"] == "s"


@pytest.mark.parametrize(
    ("alive", "said"), [(True, "The experiment's workers are not suspended. `fg` returns to them."), (False, "")]
)
def test_a_suspended_app_says_that_an_experiment_is_not_held(app: CharLSTMApp, alive: bool, said: str) -> None:
    app.set_reactive(CharLSTMApp.experiment_is_alive, alive)
    assert app.suspension_notice() == said
