"""On a terminal with a light background, the app has a light theme, unless the user has chosen one."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.state.preferences import load_preferences, save_preferences
from charlstm_tui.terminal.background import QUESTION, Background, is_light, light_by_environment
from core.runs.store import RunStore

pytest.importorskip("pexpect", reason="no pseudo-terminals on this system")
from tests.tui.real_terminal import Terminal
from tests.tui.settings import remember_small_settings
from tests.tui.terminal.test_real_terminal import environment

LIGHT, DARK = "\x1b]11;rgb:ffff/fafa/f0f0\x1b\\", "\x1b]11;rgb:1e1e/1e1e/2e2e\x07"
_BACKGROUND = re.compile(r"48;2;(\d+);(\d+);(\d+)m")


@pytest.mark.parametrize(
    ("answer", "light"),
    [
        ("11;rgb:ffff/ffff/ffff", True), ("11;rgb:0000/0000/0000", False), ("11;rgb:fd/f6/e3", True),
        ("11;rgb:00/2b/36", False), ("11;rgb:f/f/e", True), ("11;rgb:fff/000/000", False),
        ("11;rgba:FFFF/FFFF/FFFF/8000", True), ("11;#ffffff", True), ("11;#002b36", False),
        ("11;#ffffffff0000", True), ("11;?", None), ("10;rgb:ffff/ffff/ffff", None), ("11;rgb:", None),
        ("11;white", None), ("11;#fff", None), ("", None), ("11;rgb:gggg/0000/0000", None),
    ],
)  # fmt: skip
def test_the_colour_in_an_answer_is_light_or_dark(answer: str, light: bool | None) -> None:
    assert is_light(answer.encode()) is light


@pytest.mark.parametrize(
    ("value", "light"),
    [("0;15", True), ("15;0", False), ("0;default;15", True), ("12;8", False), ("0;7", True), ("15;default", None),
     ("", None), ("0;255", None), ("0;-1", None), ("x", None), (None, None)],
)  # fmt: skip
def test_the_environment_names_the_colours_of_some_terminals(
    monkeypatch: pytest.MonkeyPatch, value: str | None, light: bool | None
) -> None:
    monkeypatch.delenv("COLORFGBG", raising=False)
    if value is not None:
        monkeypatch.setenv("COLORFGBG", value)
    assert light_by_environment() is light


def test_the_terminal_s_answer_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORFGBG", "15;0")
    told, written = list[bool](), list[str]()
    background = Background(told.append)
    background.begin(written.append)
    background.take(b"11;rgb:ffff/ffff/ffff")
    assert not told
    assert not written, "the app does not want to know it"
    background.wanted = True
    background.begin(written.append)
    background.take(b"11;?")
    background.take(b"11;rgb:ffff/ffff/ffff")
    assert told == [False, True]
    assert written == [QUESTION]


async def test_the_theme_fits_the_background_and_is_not_remembered(app: CharLSTMApp) -> None:
    async with app.run_test() as pilot:
        for light, theme in ((True, "textual-light"), (False, "textual-dark"), (True, "textual-light")):
            app._background._tell(light)  # as the driver does
            await pilot.pause()
            assert app.theme == theme
        assert load_preferences().theme == ""
        app.theme = "nord"  # the user chooses one
        await pilot.pause()
        assert load_preferences().theme == "nord"
        app._background._tell(True)  # a late answer
        await pilot.pause()
        assert app.theme == "nord"
        app.theme = "textual-light"
        await pilot.pause()
        assert load_preferences().theme == "textual-light"


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TEXTUAL_THEME": "nord"}, False),
     ({"COLORTERM": "", "TERM": "xterm"}, False), ({"COLORTERM": "", "TERM": "dumb"}, False),
     ({"COLORTERM": "", "TERM": "xterm-256color"}, True)],
)  # fmt: skip
def test_the_terminal_is_asked_only_if_the_app_can_use_the_answer(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], wanted: bool
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert CharLSTMApp(store)._background.wanted is wanted


def test_it_is_not_asked_once_a_theme_is_chosen(store: RunStore) -> None:
    save_preferences(msgspec.structs.replace(load_preferences(), theme="nord"))
    assert not CharLSTMApp(store)._background.wanted
    save_preferences(msgspec.structs.replace(load_preferences(), theme="a theme of a later version"))
    assert CharLSTMApp(store)._background.wanted


class AnsweringTerminal(Terminal):
    """A terminal that answers the question about its background when it is told to."""

    def answer(self, answer: str) -> None:
        """Wait for the question, and answer it."""
        self.until(lambda screen: QUESTION in self.everything)
        self.send(answer)

    @property
    def is_light(self) -> bool:
        """Whether the last background that was drawn is light."""
        colors = _BACKGROUND.findall(self.everything)
        return bool(colors) and sum(map(int, colors[-1])) > 3 * 128


@pytest.fixture
def open_app(own_runs: Path) -> Iterator[Callable[..., AnsweringTerminal]]:
    remember_small_settings()
    opened: list[AnsweringTerminal] = []

    def open_one(**changes: str) -> AnsweringTerminal:
        changes = {"COLORTERM": "truecolor", "COLORFGBG": ""} | changes
        opened.append(AnsweringTerminal(sys.executable, ["-m", "charlstm_tui"], environment(**changes)))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.close()


def test_a_terminal_that_answers_at_once_gets_a_light_theme_that_is_not_remembered(
    open_app: Callable[..., AnsweringTerminal],
) -> None:
    terminal = open_app()
    terminal.answer(LIGHT)
    terminal.until_shown("s Start")
    terminal.until(lambda screen: terminal.is_light)
    terminal.send("q")
    assert terminal.exit_code() == 0
    assert load_preferences().theme == ""


def test_a_late_answer_changes_the_theme_and_is_not_typed_into_a_box(
    open_app: Callable[..., AnsweringTerminal],
) -> None:
    terminal = open_app()
    terminal.until_shown("s Start")
    assert not terminal.is_light
    terminal.send("\x1bOS")
    terminal.until_shown("prompt ▸")
    terminal.send("Où")
    terminal.until_shown("prompt ▸ Où")
    terminal.answer(LIGHT[:9])
    terminal.read(0.3)  # the rest comes later still
    terminal.send(f"{LIGHT[9:]} est")
    terminal.until(lambda screen: terminal.is_light and "prompt ▸ Où est " in screen)
    terminal.answer(DARK)
    terminal.until(lambda screen: not terminal.is_light)
    terminal.send("!")
    terminal.until_shown("prompt ▸ Où est!")


def test_a_terminal_that_never_answers_is_dark_unless_the_environment_says_light(
    open_app: Callable[..., AnsweringTerminal],
) -> None:
    terminal = open_app(COLORFGBG="0;15")
    terminal.until_shown("s Start")
    terminal.until(lambda screen: terminal.is_light)
    assert "11;" not in terminal.text, "nothing of the question is shown"
