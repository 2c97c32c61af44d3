"""At every size, each label is drawn whole: only names are shortened, and in their middle."""

import msgspec
import pytest
from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.formatting.characters import shorten_middle
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.state.modes import MODES
from charlstm_tui.state.training import TrainingView
from charlstm_tui.widgets.common.top_bar import TopBar
from charlstm_tui.widgets.training.filmstrip import Filmstrip
from charlstm_tui.widgets.training.settings_form import SettingsForm
from charlstm_tui.widgets.training.text_preview import TextPreview
from core.data.corpus import CorpusConfig
from core.events import Diverged, Paused, RunFinished
from core.runs.run import Run
from tests.conftest import one_of_each_kind
from tests.tui.conftest import until
from tests.tui.screens.test_tiny_windows import resize
from tests.tui.states import STATES as OF_ALL_SCREENS
from tests.tui.views import STARTED, finished, running

ALL_SIZES = [(80, 24), (100, 30), (70, 50), (60, 15), (120, 40)]
SIZES = one_of_each_kind([(60, 15), (120, 40)], ALL_SIZES)
LONG = "un-tres-long-nom-de-fichier-pour-un-texte-de-moliere"
DIVERGED = running(2).after(
    [Diverged(epoch=3, step=71), RunFinished(reason="failed", epochs=2, elapsed_seconds=4.0, run="quick-1")]
)
STATES = {
    "preparing": STARTED,
    "training": running(3),
    "paused": running(3).after([Paused()]),
    "stopping": running(3).stopping(),
    "finished": finished(),
    "stopped": finished("stopped"),
    "diverged": DIVERGED,
    "failed": running(2).failed("This machine has not enough memory for that."),
}


def named(view: TrainingView, name: str) -> TrainingView:
    """The same run of a text with another name."""
    assert view.config is not None
    corpus = CorpusConfig(source=f"/textes/{name}.txt", limit=view.config.corpus.limit)
    return msgspec.structs.replace(view, config=msgspec.structs.replace(view.config, corpus=corpus))


def lines(app: CharLSTMApp) -> list[str]:
    """What is drawn, line by line."""
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]


def cut(app: CharLSTMApp) -> list[str]:
    """The texts on screen for which their boxes have no room; what can be scrolled is no such text."""
    found = []
    for box in app.screen.query(Static):
        if not box.size or not box.region or not is_shown(box) or isinstance(box, TextPreview | Filmstrip):
            continue
        text = str(box.content)
        width, height = box.content_size
        if box.styles.text_wrap == "nowrap":
            if any(cell_len(line) > width for line in text.splitlines()):
                found.append(f"{box.id or box.classes}: {text!r} in {width} columns")
        elif (
            isinstance(box.content, Content | str)
            and (needs := box.get_content_height(app.size, app.size, width)) > height
        ):
            found.append(f"{box.id or box.classes}: {text!r} needs {needs} rows of {width}, and has {height}")
    return found


def is_shown(widget: Widget) -> bool:
    return all(one.display for one in widget.ancestors_with_self if isinstance(one, Widget)) and widget.is_on_screen


def ellipses(app: CharLSTMApp, *, names: tuple[str, ...] = ()) -> list[str]:
    """Lines with a … that stands for neither a part of a name nor what the model or the text wrote."""
    left = []
    for line in lines(app):
        rest = line
        for name in names:
            for columns in range(5, cell_len(name)):
                rest = rest.replace(shorten_middle(name, columns), "")
        if "…" in rest:
            left.append(line)
    return left


async def show(pilot: Pilot[None], view: TrainingView) -> None:
    app = pilot.app
    assert isinstance(app, CharLSTMApp)
    if not view.alive:
        app.training = running(2)
        await pilot.pause()
    app.training = view
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ["moliere", LONG])
async def test_a_run_is_shown_without_a_label_cut(app: CharLSTMApp, size: tuple[int, int], name: str) -> None:
    async with app.run_test(size=size) as pilot:
        for state, plain in STATES.items():
            view = named(plain, name)
            await show(pilot, view)
            assert lines(app)[0].rstrip().endswith(view.state), state
            assert not ellipses(app, names=(name, "moliere")), state
            assert not cut(app), state


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_settings_are_shown_without_a_label_cut(app: CharLSTMApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await until(lambda: "1,369,301" in str(app.screen.query_one("#forecast", Static).content))
        for focus in ("", "#corpus", "#limit", "#split", "#preset", "#setting-hidden_size Input"):
            if focus:
                app.screen.query_one(focus).focus()
            await pilot.pause()
            await pilot.pause()  # the hint's rows are as many as it needs
            assert lines(app)[0].rstrip().endswith("○ no run")
            assert not ellipses(app), focus
            assert not cut(app), focus


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_wrong_value_is_explained_whole_under_its_own_field(app: CharLSTMApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        wrong = {"#setting-window": "1,000", "#setting-learning_rate": "12", "#setting-hidden_size": "9999"}
        form = app.screen.query_one(SettingsForm)
        for setting, typed in wrong.items():
            form.query_one(f"{setting} Input", Input).value = typed
        form.query_one("#limit", Input).value = "90,000"
        form.query_one("#corpus", Input).value = "/nowhere/at-all.txt"
        await until(lambda: "There is no file" in str(form.query_one("#text-reason", Static).content))
        await pilot.pause()
        reasons = {box: form.query_one(f"{box} .reason", Static) for box in wrong}
        fields = {**{form.query_one(f"{box} Input"): reason for box, reason in reasons.items()}}
        fields[form.query_one("#limit")] = form.query_one("#limit-reason", Static)
        fields[form.query_one("#corpus")] = form.query_one("#text-reason", Static)
        assert not ellipses(app)
        for box, reason in fields.items():
            assert reason.virtual_region.height > 0
            assert (
                reason.get_content_height(app.size, app.size, reason.content_size.width) == reason.content_size.height
            )
            beneath = _place(reason).y - _place(box).y
            assert beneath == 1, f"{reason.content} stands {beneath} rows below its field"


def _place(widget: Widget) -> Region:
    """Where a widget is, whether or not it is scrolled into view."""
    region = widget.virtual_region
    for one in widget.ancestors:
        if isinstance(one, SettingsForm) or not isinstance(one, Widget):
            break
        region = region.translate(one.virtual_region.offset)
    return region


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_dialogs_are_shown_without_a_label_cut(app: CharLSTMApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        for view, keys in ((None, ("f1", "l", "o")), (running(3), ("x", "q")), (finished(), ("r",))):
            if view is not None:
                await show(pilot, view)
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
                assert not isinstance(app.screen, TrainingScreen), key
                assert not ellipses(app), key
                assert not cut(app), key
                await pilot.press("escape")
                await until(lambda: isinstance(app.screen, TrainingScreen))


@pytest.mark.parametrize("size", one_of_each_kind([(60, 15)], ALL_SIZES), ids=str)
async def test_each_screen_ends_its_top_line_with_the_whole_state(app: CharLSTMApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        for mode in MODES:
            await app.switch_mode(mode)
            for state, view in STATES.items():
                app.training = named(view, LONG)
                await pilot.pause()
                assert lines(app)[0].rstrip().endswith(view.state), (mode, state)
                assert app.screen.query_one(TopBar).region.width == size[0]


SCREENS = ["evaluate", "page baselines", "page text", "generate", "generated", "three texts", "inspected"]


@pytest.mark.parametrize("state", one_of_each_kind(["page baselines", "three texts", "inspected"], SCREENS))
async def test_the_other_screens_are_shown_without_a_label_cut(app: CharLSTMApp, trained: Run, state: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await OF_ALL_SCREENS[state](pilot)
        for width, height in ALL_SIZES:
            await resize(pilot, width, height)
            await pilot.pause()
            await pilot.pause()  # what is drawn for the room there is comes after it
            title = "quick-1 on moliere, first 100,000 characters · tail · test"
            titles = [shorten_middle(title, columns) for columns in range(30, 60)]
            left = [line.replace("… ▼", "") for line in ellipses(app) if not any(title in line for title in titles)]
            left = [
                line for line in left if "…" in line
            ]  # a box to choose from shows the choices whole when it is open
            assert not left, (width, height)
            assert not [one for one in cut(app) if not one.startswith("label: ")], (width, height)


@pytest.mark.parametrize("columns", range(1, 60))
def test_a_name_is_shortened_in_its_middle(columns: int) -> None:
    short = shorten_middle(LONG, columns)
    assert cell_len(short) <= columns
    if 3 <= columns < len(LONG):
        first, _, last = short.partition("…")
        assert LONG.startswith(first)
        assert LONG.endswith(last)
