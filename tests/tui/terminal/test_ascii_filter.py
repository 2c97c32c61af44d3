import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.state.preferences import Preferences, save_preferences
from charlstm_tui.terminal.ascii_filter import AsciiFilter, to_ascii
from core.runs.store import RunStore
from tests.tui.conftest import until
from tests.tui.views import finished, running


@pytest.mark.parametrize(
    ("drawn", "plain"),
    [
        ("┌──┐│╌", "+--+|~"), ("▁▃▅█", "_-=#"), ("⠉⣀⣿⠀", "'.: "), ("● training", "o training"),
        ("−0.5 ␣⇥⍽□", "-0.5 _>_#"), ("▏▎▍▌▋▊▉█", "||||####"),
        ("Molière, œuvres", "Moliere, ?uvres"), ("“çà” …", '"ca" .'), ("日x", "??x"), ("plain", "plain"),
    ],
)  # fmt: skip
def test_each_drawn_character_has_an_ascii_equivalent(drawn: str, plain: str) -> None:
    assert to_ascii(drawn) == plain


def test_no_character_changes_the_width_of_a_line() -> None:
    for code in [*range(0x20, 0x3000), *range(0x4E00, 0x4E40), *range(0x1F600, 0x1F640)]:
        character = chr(code)
        if character.isprintable() and cell_len(character):
            assert to_ascii(character).isascii()
            assert cell_len(to_ascii(character)) == cell_len(character), hex(code)


def test_styles_stay() -> None:
    (segment,) = AsciiFilter().apply([Segment("━━", None)], Color(0, 0, 0))
    assert segment.text == "--"


async def test_the_app_shows_nothing_but_ascii_when_told_to(store: RunStore) -> None:
    save_preferences(Preferences(glyphs="ascii"))
    app = CharLSTMApp(store)
    async with app.run_test(size=(120, 40)) as pilot:
        for view in (None, running(3), finished()):
            if view is not None:
                app.training = view
            await pilot.pause()
            strips = app.screen._compositor.render_strips()
            text = "\n".join(segment.text for strip in strips for segment in strip.apply_filter(
                app.get_line_filters()[-1], Color(0, 0, 0)))  # fmt: skip
            assert text.isascii()
            assert view is None or view.phase in text


async def test_without_colour_every_screen_of_a_run_can_be_drawn_in_greys(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = CharLSTMApp(store)
    async with app.run_test(size=(80, 24)) as pilot:
        for view in (running(3), finished()):
            app.training = view
            await until(lambda: bool(app.screen.query("#chart")))
            await pilot.pause()
            strips = app.screen._compositor.render_strips()
            for strip in strips:
                for line_filter in app.get_line_filters():
                    strip = strip.apply_filter(line_filter, Color(0, 0, 0))
                for segment in strip:
                    for color in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                        if color is not None and color.triplet is not None:
                            assert len(set(color.triplet)) == 1, f"{color} is no grey"
