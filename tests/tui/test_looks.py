"""What the screens look like, each state at the sizes they are designed for.

After a change that is meant: look at the report that pytest names, then
`pytest tests/tui/test_looks.py --snapshot-update`.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, ProgressBar, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.jobs.generation import Expecting, Written
from charlstm_tui.jobs.texts import Fetching
from charlstm_tui.screens.generation import GenerationScreen
from charlstm_tui.screens.text_picker import Folders
from charlstm_tui.state.compared_runs import PastRun
from charlstm_tui.state.preferences import Preferences, save_preferences
from charlstm_tui.state.training import TrainingView
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.common.stream_pane import StreamPane
from charlstm_tui.widgets.training.fetch_bar import FetchBar
from charlstm_tui.widgets.training.forecast_panel import ForecastPanel
from core.control import Control
from core.events import Diverged, Paused, RunFinished, SavingFailed
from core.runs.run import Run
from core.runs.store import RunStore
from core.runs.summary import RunSummary
from core.sampling.sampler import Alternative
from core.settings.config import configure
from tests.tui.conftest import SIZES, SnapCompare, still, until
from tests.tui.views import STARTED, finished, running

THOROUGH = pytest.mark.thorough
VERY_WIDE = pytest.param((200, 60), marks=THOROUGH)
"""A very wide window, which has a layout of its own."""
SMALL_EVERY_DAY = [SIZES[0], pytest.param(SIZES[1], marks=THOROUGH)]
LARGE_EVERY_DAY = [pytest.param(SIZES[0], marks=THOROUGH), SIZES[1]]
"""A snapshot takes a second: every screen is looked at each day in one of the sizes, and some in both."""


async def forecast(pilot: Pilot[None]) -> None:
    """Wait until it is said what the run would take, and there is room made for it."""

    def told() -> bool:
        panel = pilot.app.screen.query_one(ForecastPanel)
        lines = str(panel.content).splitlines()
        return "1,369,301" in str(panel.content) and panel.content_size.height >= len(lines)

    await until(told)


@pytest.mark.parametrize("size", [*SIZES, VERY_WIDE])
def test_train_before_a_run(app: CharLSTMApp, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await forecast(pilot)
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES[:1])
def test_train_with_a_setting_out_of_bounds(app: CharLSTMApp, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        pilot.app.screen.query_one("#setting-hidden_size", SettingInput).input.focus()
        await pilot.press(*"9999")
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_train_with_all_settings(app: CharLSTMApp, snap_compare: SnapCompare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(lambda: bool(pilot.app.screen.query("#setting-weight_decay")))
        await forecast(pilot)
        await still(pilot)

    assert snap_compare(app, terminal_size=(120, 40), run_before=before)


@pytest.mark.parametrize("size", SMALL_EVERY_DAY)
def test_choosing_a_text(
    app: CharLSTMApp, snap_compare: SnapCompare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    folder = tmp_path / "textes"
    (folder / "anciens").mkdir(parents=True)
    (folder / "moulin.txt").write_text("LE MEUNIER.\n\nMon âne a bu la lune.\n\n" * 40, encoding="utf-8")
    monkeypatch.chdir(folder)

    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("o")
        await until(lambda: len(pilot.app.screen.query_one(Folders).root.children) == 2)
        await pilot.press("tab", "down", "down")
        await until(lambda: "moulin" in str(pilot.app.screen.query_one("#figures", Static).content))
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SMALL_EVERY_DAY)
def test_choosing_a_folder(
    app: CharLSTMApp, snap_compare: SnapCompare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    folder = tmp_path / "textes"
    (folder / "lettres" / "anciennes").mkdir(parents=True)
    for number in (1, 2, 10):
        (folder / "lettres" / f"lettre {number}.txt").write_text("Mon âne a bu la lune.\n" * 400, encoding="utf-8")
    old = folder / "lettres" / "anciennes" / "lettre à une amie que je n'ai pas revue depuis.txt"
    old.write_bytes("Où était la chèvre? derrière la façade.\n".encode("cp1252") * 50)
    (folder / "lettres" / "loup.txt").write_bytes(b"\0\1\2" * 9)
    (folder / "lettres" / "vide.txt").touch()
    monkeypatch.chdir(folder)

    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("o")
        await until(lambda: len(pilot.app.screen.query_one(Folders).root.children) == 1)
        await pilot.press("tab", "down")
        await until(lambda: "lettre 10" in str(pilot.app.screen.query_one("#figures", Static).content))
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_train_while_moliere_is_fetched(
    app: CharLSTMApp, snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetching(control: Control) -> Iterator[Fetching]:
        yield Fetching(0.42)
        while not control.stopped:
            control.wait(0.01)

    monkeypatch.setattr("charlstm_tui.jobs.texts.fetch_moliere", fetching)

    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("f")
        await until(lambda: pilot.app.screen.query_one(FetchBar).query_one(ProgressBar).progress == 0.42)
        await still(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


ASTRAY = running(2).after(
    [Diverged(epoch=3, step=71), RunFinished(reason="failed", epochs=2, elapsed_seconds=4.0, run="quick-1")]
)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(STARTED, id="preparing"),
        pytest.param(running(3), id="running"),
        pytest.param(running(3).after([Paused()]), id="paused", marks=THOROUGH),
        pytest.param(running(3).stopping(), id="stopping", marks=THOROUGH),
        pytest.param(finished(), id="finished"),
        pytest.param(finished("stopped"), id="stopped", marks=THOROUGH),
        pytest.param(ASTRAY, id="diverged", marks=THOROUGH),
        pytest.param(running(2).failed("This machine has not enough memory for that."), id="failed"),
    ],
)
def test_train_during_and_after_a_run(app: CharLSTMApp, snap_compare: SnapCompare, view: TrainingView) -> None:
    assert snap_compare(app, terminal_size=(80, 24), run_before=partial(_show, view))


@pytest.mark.parametrize("size", [SIZES[1], VERY_WIDE])
@pytest.mark.parametrize("view", [pytest.param(running(3), id="running"), pytest.param(finished(), id="finished")])
def test_train_in_a_wide_window(
    app: CharLSTMApp, snap_compare: SnapCompare, view: TrainingView, size: tuple[int, int]
) -> None:
    assert snap_compare(app, terminal_size=size, run_before=partial(_show, view))


async def _show(view: TrainingView, pilot: Pilot[None]) -> None:
    assert isinstance(pilot.app, CharLSTMApp)
    if not view.alive:
        pilot.app.training = running(2)
        await pilot.pause()
    pilot.app.training = view
    await still(pilot)


@pytest.mark.parametrize(
    "preferences",
    [
        pytest.param({"scale": "log", "smoothing": "strong"}, id="log"),
        pytest.param({"range": "recent", "smoothing": "off"}, id="recent", marks=THOROUGH),
        pytest.param({"glyphs": "blocks"}, id="blocks", marks=THOROUGH),
        pytest.param({"glyphs": "ascii"}, id="ascii"),
    ],
)
def test_the_chart_in_other_ways(store: RunStore, snap_compare: SnapCompare, preferences: dict[str, str]) -> None:
    save_preferences(msgspec.structs.replace(Preferences(), **preferences))
    app = CharLSTMApp(store)

    async def before(pilot: Pilot[None]) -> None:
        app.training = running(5)
        await still(pilot)

    assert snap_compare(app, terminal_size=(120, 40), run_before=before)


@pytest.mark.parametrize("size", SIZES[:1])
def test_asking_what_is_to_become_of_a_run(app: CharLSTMApp, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        app.training = running(3)
        await pilot.pause()
        await pilot.press("x")
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_help(app: CharLSTMApp, snap_compare: SnapCompare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("f1")
        await still(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


def test_train_on_a_light_theme(app: CharLSTMApp, snap_compare: SnapCompare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        app.theme = "textual-light"
        app.training = running(3)
        await still(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


@pytest.mark.opens("generate")
@pytest.mark.parametrize("size", LARGE_EVERY_DAY)
def test_generate_at_rest(app: CharLSTMApp, store: RunStore, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("f4")
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.opens("generate")
@pytest.mark.parametrize("size", SMALL_EVERY_DAY)
def test_generate_with_a_text(app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("f4")
        pane = app.screen.query_one(StreamPane)
        pane.begin("LE MEUNIER.\n\n")
        pane.append("Mon âne a bu la lune, et moi je bois l'eau du moulin; chacun sa part, monsieur.\n\n" * 12)
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


async def write(pilot: Pilot[None], key: str) -> None:
    """Have the model write 300 characters."""
    screen = pilot.app.screen
    for name, value in {"length": "300", "pace": "0"}.items():
        screen.query_one(f"#setting-{name}", SettingInput).input.value = value
    await pilot.press("3", "escape", key)
    await until(lambda: "300 characters" in str(screen.query_one("#status", Static).content))
    await until(lambda: screen.check_action("write", ()) is True)
    screen.query_one("#status", Static).update("300 characters")  # without its speed
    for pane in screen.query(StreamPane):
        pane.rewrap()  # on a busy machine the bar of one may still be an eighth of a cell behind
    await pilot.pause()


@pytest.mark.opens("generate")
@pytest.mark.parametrize("size", SIZES[1:], ids=["size1"])
def test_generate_tinted_with_what_comes_next(
    app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int]
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("f4")
        await write(pilot, "enter")
        await pilot.press("t")
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.opens("generate")
@pytest.mark.parametrize("size", SIZES[1:], ids=["size1"])
def test_generate_while_it_writes(
    app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(writer: object, control: Control) -> Iterator[object]:
        yield Expecting(
            (Alternative("a", 0.41), Alternative("\n", 0.22), Alternative(" ", 0.09), Alternative("é", 0.02))
        )
        yield Written(0, "Mon âne a bu la lune, et moi je bois l'eau du moulin.\n\nL'ÂNE.\n\nHi h", bytes(68))
        while not control.stopped:
            control.wait(0.01)

    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("f4", *"LE MEUNIER.", "enter")
        pane = pilot.app.screen.query_one(StreamPane)
        await until(lambda: pane.text.endswith("Hi h"))
        await still(pilot)

    monkeypatch.setattr("charlstm_tui.screens.generation.Writer.write", written)
    monkeypatch.setattr(GenerationScreen, "_count", lambda screen: screen._say("68 characters · 60/s"))
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.opens("generate")
@pytest.mark.parametrize("size", LARGE_EVERY_DAY)
def test_generate_at_three_temperatures(
    app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int]
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("f4")
        await write(pilot, "h")
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.opens("generate")
@pytest.mark.parametrize("size", SIZES[:1])
def test_generate_where_the_reader_has_scrolled_up_and_a_setting_is_wrong(
    app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int]
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("f4")
        pane = app.screen.query_one(StreamPane)
        pane.begin("LE MEUNIER.\n\n")
        pane.append("Mon âne a bu la lune.\n\n" * 40)
        await pilot.pause()
        pane.focus()
        await pilot.press("pageup")
        app.screen.query_one("#setting-top_p", SettingInput).input.value = "7"
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.opens("generate")
def test_saving_a_text(
    app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charlstm_tui.screens.dialogs.Path.cwd", lambda: Path("/home/agnes"))

    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("f4")
        await write(pilot, "enter")
        await pilot.press("s")
        await still(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


def found(control: object, store: object) -> Iterator[PastRun]:
    """Three earlier runs."""
    for number, state in enumerate(("interrupted", "stopped", "finished"), start=1):
        epochs = tuple(
            msgspec.structs.replace(epoch, val_loss=(epoch.val_loss or 0) - 0.05 * number)
            for epoch in running(2 + number, counted=False).epochs
        )
        summary = RunSummary(
            name=f"standard-{number}", created=None, corpus="moliere", preset="standard", epochs=len(epochs),
            train_loss=1.2, best_val_loss=min(epoch.val_loss or 9 for epoch in epochs), size=44_000_000,
            state=state,  # type: ignore[arg-type]
        )  # fmt: skip
        assert STARTED.config is not None
        training = configure(STARTED.config.training, {"streams": 12 * number, "epochs": 6})
        yield PastRun(summary=summary, config=msgspec.structs.replace(STARTED.config, training=training), epochs=epochs)


@pytest.mark.parametrize("size", LARGE_EVERY_DAY)
def test_runs_of_the_past_beside_each_other(
    app: CharLSTMApp, snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr("charlstm_tui.jobs.runs.past_runs", found)

    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("l")
        await until(lambda: app.screen.query_one("#runs", OptionList).option_count == 3)
        await pilot.press("space", "down", "space", "down", "space")
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_a_run_beside_one_of_the_past(
    app: CharLSTMApp, snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charlstm_tui.jobs.runs.past_runs", found)

    async def before(pilot: Pilot[None]) -> None:
        app.training = running(3)
        await pilot.pause()
        await pilot.press("l")
        await until(lambda: app.screen.query_one("#runs", OptionList).option_count == 3)
        await pilot.press("space", "escape")
        await still(pilot)

    assert snap_compare(app, terminal_size=(120, 40), run_before=before)


def test_train_while_nothing_can_be_saved(app: CharLSTMApp, snap_compare: SnapCompare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        failing = SavingFailed(path="/runs/quick-1", why="No space left on device", again_after=10)
        app.training = running(3).after([failing])
        await still(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)
