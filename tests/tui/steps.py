"""What people do on the Train screen, in the words of tests."""

from pathlib import Path

from textual.widgets import Input, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.widgets.common.setting_input import SettingInput


def setting(app: CharLSTMApp, name: str) -> Input:
    return app.screen.query_one(f"#setting-{name}", SettingInput).input


def hint(app: CharLSTMApp) -> str:
    return str(app.screen.query_one("#hint", Static).content)


def reason(app: CharLSTMApp, name: str) -> str:
    """What is said beneath a setting."""
    return str(app.screen.query_one(f"#setting-{name} .reason", Static).content)


def written(app: CharLSTMApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).content)


def set_up(app: CharLSTMApp, text: Path, *, epochs: int) -> None:
    app.screen.query_one("#corpus", Input).value = str(text)
    make_small(app, epochs=epochs)


def make_small(app: CharLSTMApp, *, epochs: int) -> None:
    for name, value in {"hidden_size": 8, "streams": 2, "window": 10, "epochs": epochs}.items():
        setting(app, name).value = str(value)
