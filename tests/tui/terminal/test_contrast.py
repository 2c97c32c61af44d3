"""Every colour that is drawn can be told from what it stands on, in each of Textual's themes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.pilot import Pilot
from textual.theme import BUILTIN_THEMES
from textual.widgets._progress_bar import Bar
from textual.widgets._tabs import Underline

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.terminal.contrast import MARKS, TEXT, ContrastFilter, _over, contrast, readable
from core.runs.run import Run
from tests.conftest import one_of_each_kind
from tests.tui.states import STATES

if TYPE_CHECKING:
    from textual.widget import Widget

THEMES = [name for name, theme in BUILTIN_THEMES.items() if not theme.ansi]
"""The others have the terminal's own colours, which a program cannot know."""
LOOKED_AT = [
    "all settings", "list of choices", "notices", "running", "finished", "failed", "what becomes of a run", "help",
    "palette", "texts", "runs", "reading", "page baselines", "page breakdown", "page passages", "page text",
    "page comparison",
    "generated", "tinted", "inspected",
]  # fmt: skip
FRAMES = set("─│╭╮╰╯┌┐└┘├┤┬┴┼")
"""Lines that say nothing."""
TRACKS = set("━╸╺")
"""A bar of progress, or the line below tabs: the part that is not filled says nothing, the filled part does."""


def test_ratios_are_those_of_the_standard() -> None:
    white, black = Color(255, 255, 255), Color(0, 0, 0)
    assert contrast(white, black) == pytest.approx(21)
    assert contrast(white, white) == 1
    assert contrast(Color.parse("#777777"), white) == pytest.approx(4.48, abs=0.01)
    assert contrast(Color.parse("#ffa500"), white) == pytest.approx(1.97, abs=0.01)


COLORS = st.builds(Color, *[st.integers(0, 255)] * 3)


@given(COLORS, COLORS, st.sampled_from([TEXT, MARKS]))
def test_any_pair_of_colours_becomes_readable_and_one_that_is_stays(
    color: Color, background: Color, ratio: float
) -> None:
    made = readable(color, background, ratio)
    assert contrast(made, background) >= ratio
    assert made == color or contrast(color, background) < ratio


def test_orange_on_light_grey_stays_orange() -> None:
    made = readable(Color.parse("#ffa62b"), Color.parse("#efefef"), TEXT)
    assert made.r > 1.4 * made.g > 1.4 * made.b


def test_frames_and_the_terminal_s_own_colours_stay() -> None:
    style, own = Style.parse("#fff0f0 on #ffffff"), Style.parse("yellow on white")
    kept = [Segment("╭──", style), Segment("  ", style), Segment("text", own), Segment("text", None)]
    assert ContrastFilter().apply(kept, Color(255, 255, 255)) == kept


def drawn(app: CharLSTMApp) -> Iterator[tuple[str, Color, Color]]:
    """What is on the screen: pieces with their colour and that of their ground, where both are known."""
    screen, region = app.screen, app.screen.region
    if screen.is_modal and screen.styles.background.a < 1:
        region = screen.children[0].region  # what shines through beneath a dialog is out of use, as its paleness says
    for strip in screen._compositor.render_strips()[region.y : region.bottom]:
        for segment in strip.crop(region.x, region.right):
            style = segment.style
            if segment.text.strip() and style is not None and style.color is not None and style.bgcolor is not None:
                assert style.color.triplet is not None, f"{segment.text!r} has a colour of the terminal's: {style}"
                assert style.bgcolor.triplet is not None, f"{segment.text!r} is on a colour of the terminal's: {style}"
                yield segment.text, Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)


def needed(text: str) -> float:
    """The contrast that a piece needs."""
    characters = set(text) - {" ", "\u00a0"}
    if characters <= FRAMES:
        return 1.0
    return 3.0 if all(_is_mark(character) for character in characters) else 4.5


def _is_mark(character: str) -> bool:
    return "\u2500" <= character <= "\u259f" or "\u2800" <= character <= "\u28ff"


def tracks(app: CharLSTMApp) -> set[Color]:
    """The colours of what is not filled of a bar of progress, and of the line below tabs."""
    parts: list[tuple[Widget, str]] = [
        (bar, f"bar--{part}") for bar in app.screen.query(Bar) for part in ("bar", "complete", "indeterminate")
    ]
    parts += ((line, "underline--bar") for line in app.screen.query(Underline))
    grounds = [widget.get_component_rich_style(name).bgcolor for widget, name in parts]
    return {Color.from_rich_color(ground) for ground in grounds if ground is not None}


async def worst_pairs(pilot: Pilot[None], themes: list[str]) -> dict[str, tuple[float, str]]:
    """For each theme, what is nearest to being too little, or the furthest below: its share of what is needed."""
    app, worst = pilot.app, dict[str, tuple[float, str]]()
    assert isinstance(app, CharLSTMApp)
    for theme in themes:
        app.theme = theme
        await pilot.pause()
        unfilled = tracks(app)
        for text, color, ground in drawn(app):
            if needed(text) > 1 and not (set(text) <= TRACKS and color in unfilled):
                ratio = contrast(color, ground)
                pair = ratio / needed(text), f"{theme}: {text!r}, {color.hex} on {ground.hex}, {ratio:.2f}:1"
                worst[theme] = min(worst.get(theme, pair), pair)
    return worst


@pytest.mark.parametrize("themes", ["one", pytest.param("all", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("state", one_of_each_kind(LOOKED_AT[::2], LOOKED_AT))
async def test_all_that_is_drawn_can_be_read(app: CharLSTMApp, trained: Run, state: str, themes: str) -> None:
    """In one theme for each state, so that each theme has a state: a theme takes a second."""
    turn = LOOKED_AT.index(state) % len(THEMES)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await STATES[state](pilot)
        worst = await worst_pairs(pilot, THEMES if themes == "all" else [THEMES[turn]])
    wrong = [what for share, what in worst.values() if share < 1]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("theme", THEMES)
def test_lines_and_scrollbars_can_be_seen(theme: str, app: CharLSTMApp) -> None:
    """They are no text: the frame of what has the focus, what is filled of a bar, and two surfaces."""
    app.theme = theme
    ground = Color.parse(app.get_css_variables()["background"])
    found = {name: _over(ground, value) for name, value in app.get_css_variables().items() if value.startswith("#")}
    for name in ("background", "surface", "panel"):
        assert contrast(found["accent"], found[name]) >= (TEXT if name == "background" else MARKS), name
    for state in ("", "-hover", "-active"):
        thumb, track = found[f"scrollbar{state}"], found[f"scrollbar-background{state}"]
        assert contrast(thumb, track) >= MARKS, state


async def test_a_chart_and_its_legend_take_the_colours_of_another_theme(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await STATES["finished"](pilot)
        before = {color.hex for text, color, _ in drawn(app) if text in ("━", "◆")}
        app.theme = "textual-light"
        await pilot.pause()
        after = {color.hex for text, color, _ in drawn(app) if text in ("━", "◆")}
        assert before
        assert after
        assert not before & after
