from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Offset
from textual.selection import Selection

from charlstm_tui.formatting.surprisal import PERSON, legend, level_of
from charlstm_tui.widgets.common.stream_pane import StreamPane


class PaneApp(App[None]):
    animation_level = "none"

    def compose(self) -> ComposeResult:
        yield StreamPane("type something")


async def test_growing_character_by_character_is_the_same_as_at_once() -> None:
    text = "Ah! monsieur, je vous demande pardon\nde la peine que je vous donne, " * 4
    app = PaneApp()
    async with app.run_test(size=(30, 10)):
        pane = app.query_one(StreamPane)
        pane.begin("MOI. ")
        for character in text:
            pane.append(character)
        grown = list(pane._rows)
        pane.rewrap()
        assert grown == pane._rows
        assert pane.text == "MOI. " + text


async def test_what_is_taken_back_leaves_the_rows_of_the_shorter_text() -> None:
    text = "Ah! monsieur,\n\nje vous demande\tpardon de la peine, extraordinairement\n" * 2
    app = PaneApp()
    async with app.run_test(size=(24, 10)):
        pane = app.query_one(StreamPane)
        pane.begin("MOI. ")
        pane.append(text, bytes(place % 5 for place in range(len(text))))
        for place in range(len(text) - 1, -1, -1):
            pane.take_back(text[place])
            shortened = list(pane._rows)
            pane.rewrap()
            assert shortened == pane._rows
            assert len(pane._levels) == len(pane.text)
        assert pane.text == "MOI. "
        pane.take_back(". ")
        assert (pane.text, pane._prompt_length) == ("MOI", 3)


async def test_another_prompt_leaves_the_text_after_it() -> None:
    app = PaneApp()
    async with app.run_test(size=(24, 10)):
        pane = app.query_one(StreamPane)
        pane.begin("MO☃I. ")
        pane.append("Ah!", bytes([1, 2, PERSON + 3]))
        pane.replace_prompt("MOI. ")
        assert pane.text == "MOI. Ah!"
        assert list(pane._levels[-3:]) == [1, 2, PERSON + 3]


async def test_the_caret_is_after_the_last_character() -> None:
    app = PaneApp()
    async with app.run_test(size=(24, 10)) as pilot:
        pane = app.query_one(StreamPane)
        pane.begin("MOI. ")
        pane.has_caret = True
        for text, row, cell in (("Ah!", 0, 8), ("\n", 1, 0), ("日本", 1, 4)):
            pane.append(text)
            await pilot.pause()
            strip = pane.render_line(row)
            assert [segment.text for segment in strip if segment.style and segment.style.reverse] == [" "]
            assert strip.crop(0, cell).text == ("MOI. Ah!", "", "日本")[("Ah!", "\n", "日本").index(text)]


async def test_it_follows_the_end_until_the_reader_scrolls_up_and_again_at_the_end() -> None:
    app = PaneApp()
    async with app.run_test(size=(30, 10)) as pilot:
        pane = app.query_one(StreamPane)
        pane.begin("")
        pane.append("a line\n" * 50)
        await pilot.pause()
        assert pane.scroll_offset.y == pane.max_scroll_y > 0
        pane.focus()
        await pilot.press("pageup")
        await pilot.pause()
        assert not pane.following
        where = pane.scroll_offset.y
        pane.append("a line\n" * 50)
        await pilot.pause()
        assert pane.scroll_offset.y == where, "new text does not pull the reader away"
        assert "End" in str(pane.border_subtitle)
        await pilot.press("end")
        await pilot.pause()
        assert pane.following
        pane.append("a line\n" * 50)
        await pilot.pause()
        assert pane.scroll_offset.y == pane.max_scroll_y


async def test_a_new_width_wraps_everything_anew() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 10)) as pilot:
        pane = app.query_one(StreamPane)
        pane.begin("")
        pane.append("mot " * 100)
        wide = len(pane._rows)
        await pilot.resize_terminal(30, 10)
        await pilot.pause()
        assert len(pane._rows) > wide
        assert all(cell_len(text.rstrip()) <= pane.scrollable_content_region.width for _, text in pane._rows)
        assert pane.scroll_offset.y == pane.max_scroll_y, "it still shows the end"


async def test_foreign_text_is_harmless() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 10)) as pilot:
        pane = app.query_one(StreamPane)
        pane.begin("[/b]\x1b]0;x\x07")
        pane.append("[@click=app.quit]\u202e")
        await pilot.pause()
        assert pane.text == "[/b]␛]0;x␇[@click=app.quit]\ufffd"
        shown = "".join(segment.text for segment in pane.render_line(0))
        assert shown.startswith(pane.text)


async def test_each_character_is_tinted_by_how_little_it_was_expected() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        pane = app.query_one(StreamPane)
        pane.begin(">")
        pane.append("ab\tc", bytes([0, 4, 2, 1]))
        pane.tinted = True
        await pilot.pause()
        shown = [(segment.text, segment.style) for segment in pane.render_line(0)][:5]
        assert [text for text, _ in shown] == [">", "a", "b", "    ", "c"]
        underlined = [style is not None and bool(style.underline) for _, style in shown]
        assert underlined == [False, False, True, False, False], "seen without colour, too"
        assert Content.from_markup(str(pane.border_subtitle)).plain == legend(34).plain != ""


async def test_text_is_selected_as_it_is_and_not_as_it_is_broken() -> None:
    app = PaneApp()
    async with app.run_test(size=(20, 10)) as pilot:
        pane = app.query_one(StreamPane)
        pane.begin("")
        pane.append("one two three four five six\nseven")
        await pilot.pause()
        assert [text for _, text in pane._rows] == ["one two three", "four five six", "seven"]
        selection = Selection(Offset(4, 0), Offset(3, 2))
        assert pane.get_selection(selection) == ("two three four five six\nsev", "\n")
        app.screen.selections = {pane: selection}
        await pilot.pause()
        plain, chosen = pane.render_line(0)._segments[:2]
        assert (plain.text, chosen.text) == ("one ", "two three")
        assert chosen.style != plain.style
        assert pane.get_selection(Selection(None, None)) == (pane.text, "\n")


def test_levels_rise_with_the_surprise() -> None:
    assert [level_of(surprise) for surprise in (0.0, 0.5, 2.0, 3.5, 9.0)] == [0, 1, 2, 3, 4]


def test_one_legend_says_what_the_tints_mean_from_0_to_7_nats() -> None:
    assert legend(80).plain == "surprisal  0–0.5  0.5–1.5  1.5–3  3–4.5  4.5–7  nats"
    for width in range(80):
        assert len(legend(width).plain) <= width
