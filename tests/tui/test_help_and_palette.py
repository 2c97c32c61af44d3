"""Every action has a key, an entry in the palette and a line in the help."""

from pathlib import Path

import pytest
from textual.command import CommandList
from textual.containers import VerticalScroll
from textual.widgets import Collapsible, Footer, Input, Markdown

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.help import PAGES, HelpScreen
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.state.modes import MODES
from charlstm_tui.widgets.common.key_list import KeyList
from charlstm_tui.widgets.common.setting_input import SettingInput
from tests.tui.conftest import until
from tests.tui.views import finished, running


def palette(app: CharLSTMApp) -> dict[str, str]:
    return {command.title: command.help for command in app.get_system_commands(app.screen)}


def listed_keys(app: CharLSTMApp) -> list[tuple[str, str]]:
    """Return the keys on a help page, with their descriptions."""
    return [row for listed in app.screen.query(KeyList) for row in listed.rows]


async def test_the_keys_of_a_run_are_in_the_palette_and_do_the_same_there(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        assert palette(app)["Start"] == "the same as s"
        assert "Pause" not in palette(app)
        app.training = running(3)
        await until(lambda: "Earlier sample" in palette(app))
        offered = palette(app)
        for what in ("Pause", "Stop", "Sample", "New", "Runs", "Help", "Quit", "Earlier sample", "Draw with ascii"):
            assert what in offered
        smoothing = next(c for c in app.get_system_commands(app.screen) if c.title.startswith("Smoothing"))
        await smoothing.callback()
        await pilot.pause()
        assert app.preferences.smoothing == "strong"
        blocks = next(c for c in app.get_system_commands(app.screen) if c.title == "Draw with blocks")
        blocks.callback()
        assert app.preferences.glyphs == "blocks"


async def test_help_explains_each_screen_and_lists_its_keys(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        for mode in reversed(MODES):
            await app.switch_mode(mode)
            await pilot.press("f1")
            await until(lambda: isinstance(app.screen, HelpScreen))
            assert app.screen.query(Markdown).first().source.startswith(f"# {MODES[mode]}")
            assert ("F1", "Help") in listed_keys(app)
            if mode == "train":
                await until(lambda: app.screen.query_one(VerticalScroll).max_scroll_y > 0)
                await pilot.press("pagedown")
                await until(lambda: app.screen.query_one(VerticalScroll).scroll_offset.y > 0)
            await pilot.press("escape")
            await until(lambda: not isinstance(app.screen, HelpScreen))


async def test_all_settings_are_a_tab_away_from_their_key(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape", "a")
        await until(lambda: len(app.screen.query(SettingInput)) > 10)
        await pilot.press("tab")
        assert isinstance(app.screen.focused, Input)
        assert app.screen.query_one(Collapsible) in app.screen.focused.ancestors
        await pilot.press("escape", "a")
        assert app.screen.query_one(Collapsible).collapsed


async def test_a_french_help_page_describes_the_keys_in_french(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.change_language("fr")
        await pilot.press("escape", "f1")
        await until(lambda: isinstance(app.screen, HelpScreen))
        keys = listed_keys(app)
        assert ("s", "Start\u00a0: lancer l’entraînement") in keys
        assert len(keys) > 10
        assert [does for _, does in keys if "\u00a0: " not in does] == []


@pytest.mark.parametrize(("key", "own"), [("l", "Back"), ("o", "Folder above")])
async def test_the_lists_of_runs_and_texts_have_help_too(app: CharLSTMApp, key: str, own: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape", key)
        listed = app.screen
        await pilot.press("f1")
        await until(lambda: isinstance(app.screen, HelpScreen))
        assert own in [does for _, does in listed_keys(app)]
        await pilot.press("escape")
        await until(lambda: app.screen is listed)


def test_the_help_of_train_explains_each_number_and_the_gates() -> None:
    page = (PAGES / "train.md").read_text(encoding="utf-8")
    for word in ("train, mean", "validation", "in bits", "perplexity", "rate", "gradient", "speed", "memory"):
        assert f"- **{word}**" in page
    for gate in ("forget gate", "input gate", "output gate", "cell state"):
        assert f"**{gate}**" in page


async def test_the_palette_begins_with_the_screens_own_actions(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 40)) as pilot:
        app.training = running(3)
        await until(lambda: "Earlier sample" in palette(app))
        await pilot.press("ctrl+p")
        offered = app.screen.query_one(CommandList)
        await until(lambda: offered.option_count > 10)
        titles = [str(option.prompt).splitlines()[0] for option in offered.options]
        assert titles[:3] == ["Pause", "Stop", "Sample"]
        assert titles.index("Earlier sample") < titles.index("Help") < titles.index("Draw with ascii")
        assert titles.index("Draw with ascii") < titles.index("Theme")
        assert len(titles) == len(set(titles))
        for editing in ("Move cursor left", "Go to end", "Paste text from the clipboard", "Exit the command palette"):
            assert editing not in titles
        await pilot.press(*"smoothing")
        await until(lambda: offered.option_count == 1)
        await pilot.press("enter")
        await until(lambda: app.preferences.smoothing == "strong")


async def test_from_a_field_the_palette_and_the_help_offer_the_keys_of_the_screen(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("tab", "tab")
        assert isinstance(app.focused, Input)
        assert palette(app)["Start"] == "the same as s"
        await pilot.press("f1")
        await until(lambda: isinstance(app.screen, HelpScreen))
        of_screen, of_all = app.screen.query(KeyList)
        assert ("s", "Start") in of_screen.rows
        assert ("F1", "Help") in of_all.rows


async def test_every_action_of_the_train_screen_has_words(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)):
        for binding in TrainingScreen.BINDINGS:
            assert binding.description  # type: ignore[union-attr]


async def test_what_matters_is_in_the_footer_at_80_columns(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        for view in (None, running(3), finished(), finished("stopped")):
            if view is not None:
                app.training = view
            await pilot.pause()
            footer = app.screen.query_one(Footer)
            assert footer.max_scroll_x <= 0, f"the footer is wider than the screen: {view and view.phase}"


def shown_lines(app: CharLSTMApp) -> list[str]:
    return [strip.text.strip(" │") for strip in app.screen._compositor.render_strips()]


@pytest.mark.parametrize("width", [61, 80, 97, 120])
async def test_no_line_of_a_french_page_begins_with_its_punctuation(app: CharLSTMApp, width: int) -> None:
    async with app.run_test(size=(width, 400)) as pilot:
        app.change_language("fr")
        await pilot.press("f1")
        await until(lambda: isinstance(app.screen, HelpScreen))
        await until(lambda: "Les touches de cet écran" in shown_lines(app))
        await until(lambda: not [line for line in shown_lines(app) if line.startswith((":", ";", "!", "?", "»"))])
        shown = " ".join(" ".join(shown_lines(app)).split())
        assert "est expliqué en dessous : ce qu’il signifie, et l’effet" in shown, "nothing is lost"
