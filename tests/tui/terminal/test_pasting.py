"""Text is pasted into each box: a megabyte, lines, control characters."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.widgets.common.prompt_input import MAX_PROMPT
from charlstm_tui.widgets.common.setting_input import MAX_NUMBER, MAX_TEXT
from charlstm_tui.widgets.common.text_input import MAX_CHARACTERS
from charlstm_tui.widgets.generation.together_panel import TogetherPanel
from core.runs.run import Run
from tests.conftest import one_of_each_kind
from tests.tui.conftest import until
from tests.tui.states import STATES

pytest.importorskip("pexpect", reason="no pseudo-terminals on this system")
from tests.tui.real_terminal import Terminal
from tests.tui.settings import remember_small_settings
from tests.tui.terminal.test_real_terminal import environment

MEGABYTE = "Où est l'argent ? " * 55_000
HARMFUL = "\x1bq\x03\x11\x1b[A\x1b\x1b\x1bOP\r"
"""Keys that leave the app, open the help, and start or submit something."""
BOXES = {
    "form": ["#corpus", "#limit"],
    "all settings": ["#setting-hidden_size Input", "#setting-sample_prompt Input", "#setting-learning_rate Input"],
    "name?": ["Input"],
    "file?": ["Input"],
    "generate": ["#prompt", "#setting-temperature Input"],
    "inspect": ["#prompt"],
    "experiment form": ["#experiment-name"],
    "silencing": ["#clamp-value"],
    "where else": ["#threshold"],
}
"""Boxes by the state of the app that shows them."""


async def paste(pilot: Pilot[None], text: str) -> None:
    """Paste a text where the focus is, as the driver does."""
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


def notices(app: CharLSTMApp) -> list[str]:
    return [notice.message for notice in app._notifications]


@pytest.mark.parametrize("state", one_of_each_kind(["form", "name?", "generate"], BOXES))
async def test_a_megabyte_is_refused_and_controls_are_text(app: CharLSTMApp, trained: Run, state: str) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await STATES[state](pilot)
        screen = app.screen
        for selector in BOXES[state]:
            app.clear_notifications()
            box = screen.query_one(selector, Input)
            box.focus()
            box.value = ""
            await pilot.pause()
            await paste(pilot, MEGABYTE)
            assert box.value == ""
            limit = box.max_length
            assert limit in (MAX_CHARACTERS, MAX_PROMPT, MAX_NUMBER, MAX_TEXT)
            assert notices(app)[-1] == (
                f"Nothing was pasted: this box takes at most {limit:,} characters, not {len(MEGABYTE):,}."
            )
            await paste(pilot, "9" * limit)
            assert box.value == "9" * limit
            await pilot.press("9")
            assert len(box.value) == limit
            box.selection = box.selection.__class__(0, limit)
            await paste(pilot, HARMFUL)
            assert "\x1b" not in box.value
            assert box.value.startswith("␛q␃␑␛[A␛␛␛OP")
            assert app.screen is screen, "no key was pressed"
            assert app.is_running


@pytest.mark.parametrize("selector", ["#corpus", "#limit"])
async def test_a_box_takes_the_first_line_that_is_not_blank(app: CharLSTMApp, selector: str) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        box = app.screen.query_one(selector, Input)
        box.focus()
        for text, expected in (("\n  \n123\n", "123"), ("123", "123"), ("\n", ""), ("", "")):
            box.value = ""
            await paste(pilot, text)
            assert box.value == expected
            assert not notices(app)
        await paste(pilot, "4\n\n5\n6\n")
        assert box.value == "4"
        assert notices(app) == ["Only the first of 3 lines was pasted: this box takes one line."]


@pytest.mark.parametrize(("mode", "selector"), [("generate", "#prompt"), ("train", "#setting-sample_prompt Input")])
async def test_a_prompt_takes_all_lines(app: CharLSTMApp, trained: Run, mode: str, selector: str) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await (STATES["all settings"](pilot) if mode == "train" else app.switch_mode(mode))
        await pilot.pause()
        box = app.screen.query_one(selector, Input)
        box.focus()
        await pilot.pause()
        box.value = "ab"
        box.cursor_position = 1
        await paste(pilot, "LE MEUNIER.\n\n\tMon âne\n")
        assert box.value == r"aLE MEUNIER.\n\n\tMon âne\nb"
        box.selection = box.selection.__class__(1, len(box.value) - 1)
        app.copy_to_clipboard("x\ny")
        await pilot.press("ctrl+v")
        assert box.value == r"ax\nyb"


@pytest.mark.thorough
async def test_a_megabyte_pasted_while_writing_together_can_be_stopped(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await STATES["writing together"](pilot)
        panel = app.screen.query_one(TogetherPanel)
        await paste(pilot, "2 moutons, " * 90_000)
        doing = app.screen.query_one("#together-doing")
        await until(lambda: "reading" in str(doing.render()))
        await pilot.press("escape")
        await until(lambda: not panel.has_class("-doing"))
        assert panel.is_active
        await pilot.press("escape")
        await until(lambda: not panel.is_active)


@pytest.fixture
def terminal(own_runs: Path) -> Iterator[Terminal]:
    remember_small_settings()
    terminal = Terminal(sys.executable, ["-m", "charlstm_tui"], environment())
    yield terminal
    terminal.close()


def test_a_real_terminal_pastes_text_and_no_keys(terminal: Terminal) -> None:
    terminal.until_shown("s Start")
    terminal.send("\x1bOS")
    terminal.until_shown("prompt ▸")
    for text, shown in ((HARMFUL, r"prompt ▸ ␛q␃␑␛\[A␛␛␛OP\\n"), (MEGABYTE, "Nothing was pasted: this box takes")):
        terminal.send(f"\x1b[200~{text}\x1b[201~")
        terminal.until(lambda screen, shown=shown: re.search(shown, screen) is not None)  # type: ignore[misc]
    terminal.send("\x11")
    assert terminal.exit_code() == 0


@pytest.mark.thorough
def test_keys_are_keys_again_after_a_paste_without_its_end(terminal: Terminal) -> None:
    terminal.until_shown("s Start")
    terminal.send("\x1bOS")
    terminal.until_shown("prompt ▸")
    terminal.send("\x1b[200~unfinished")
    terminal.read(0.5)
    terminal.send("x")  # may be part of the text
    terminal.until_shown("prompt ▸ unfinishedx")
    terminal.send("\x11")
    assert terminal.exit_code() == 0
