"""A window that is too small, and what is still there when it grows."""

import pytest
from textual.events import Resize
from textual.geometry import Size
from textual.pilot import Pilot
from textual.widgets import Footer, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.dialogs import AskAboutRun
from charlstm_tui.screens.generation import GenerationScreen
from charlstm_tui.screens.too_small import LEAST, MoreRoom
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.widgets.common.prompt_input import PromptInput
from tests.tui.conftest import SnapCompare, still, until
from tests.tui.views import running


async def resize(pilot: Pilot[None], width: int, height: int) -> None:
    await pilot.resize_terminal(width, height)
    await pilot.pause()


@pytest.mark.parametrize("size", [(40, 12), (LEAST.width - 1, 40), (120, LEAST.height - 1), (10, 3), (1, 1)])
async def test_a_window_too_small_gets_a_sentence_and_q_leaves(app: CharLSTMApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        assert isinstance(app.screen, MoreRoom)
        said = str(app.screen.query_one("#request", Static).content)
        assert f"60 columns by 15 rows. This window has {size[0]} by {size[1]}" in said
        await pilot.press("2", "f1", "ctrl+p", "s")
        assert isinstance(app.screen, MoreRoom), "no key leads to a screen that cannot be seen"
        assert not app.training.alive
        await pilot.press("q")
        await until(lambda: not app.is_running)
    assert app.return_code == 0


async def test_what_it_covers_is_as_it_was(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(lambda: isinstance(app.focused, PromptInput))
        await pilot.press(*"abc", "left")
        prompt = app.focused
        await resize(pilot, 30, 10)
        assert isinstance(app.screen, MoreRoom)
        await resize(pilot, 35, 11)
        assert "This window has 35 by 11" in str(app.screen.query_one("#request", Static).content)
        await resize(pilot, LEAST.width, LEAST.height)
        assert isinstance(app.screen, GenerationScreen)
        assert app.focused is prompt
        await pilot.press("d")
        assert app.screen.query_one(PromptInput).value == "abdc"


async def test_a_dialog_can_be_answered_where_the_screen_cannot_be_shown(app: CharLSTMApp) -> None:
    async with app.run_test(size=(40, 12)) as pilot:
        app.training = running(2)
        await pilot.press("q")
        assert isinstance(app.screen, AskAboutRun)
        await resize(pilot, 80, 24)
        assert isinstance(app.screen, AskAboutRun)
        await pilot.press("g")
        await until(lambda: isinstance(app.screen, TrainingScreen))
        assert app.run_controller.leaving is None


@pytest.mark.parametrize("dialog", [False, True])
def test_how_it_looks(app: CharLSTMApp, snap_compare: SnapCompare, dialog: bool) -> None:
    async def before(pilot: Pilot[None]) -> None:
        app.training = running(2)
        if dialog:
            await pilot.press("q")
        await still(pilot)

    assert snap_compare(app, terminal_size=(40, 12), run_before=before)


async def test_a_size_that_is_no_longer_the_windows_is_passed_over(app: CharLSTMApp) -> None:
    """Textual's screen posts each size to itself again: two sizes in its queue would alternate forever."""
    async with app.run_test(size=(80, 24)) as pilot:
        screen, widths = app.screen, set[int]()
        footer = screen.query_one(Footer)
        screen.screen_layout_refresh_signal.subscribe(footer, lambda _: widths.add(footer.size.width))
        screen.post_message(Resize(Size(100, 30), Size(100, 30)))
        screen.call_later(lambda: None)  # two that follow each other directly are one
        screen.post_message(Resize(Size(70, 20), Size(70, 20)))
        screen.call_later(footer.refresh, layout=True)
        await until(lambda: bool(widths))
        await pilot.pause(0.1)
        assert widths == {80}
