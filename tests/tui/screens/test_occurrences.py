"""Where else the cells are on that are on in a stretch of Inspect's text."""

from collections.abc import Iterator

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.formatting.concordance import in_context
from charlstm_tui.jobs.job import Ending
from charlstm_tui.jobs.occurrences import MAX_CHARACTERS, Asked, Found, PartRead, PartReader, Subject, Unkept
from charlstm_tui.screens.help import HelpScreen
from charlstm_tui.screens.inspection import InspectionScreen
from charlstm_tui.screens.occurrences import NO_CELLS, NONE_CHOSEN, OccurrencesScreen
from charlstm_tui.state.job_events import Doing
from charlstm_tui.widgets.inspection.cell_text import CellText
from charlstm_tui.widgets.inspection.occurrence_lists import CellList, PlaceList, PlacePane
from core.checkpoints.checkpoint import load_checkpoint
from core.control import Control
from core.inspection.activations import Activations
from core.inspection.cell_values import PartValues
from core.inspection.occurrences import CellOn, InCommon, Occurrences, Place, cells_on
from core.runs.run import Run
from tests.conftest import SMALL_TEXT, one_of_each_kind
from tests.tui.conftest import SIZES, SnapCompare, still, until
from tests.tui.test_no_key_is_dead import every_key

pytestmark = pytest.mark.opens("inspect")

TEXT = "2 moutons.\n3 moutons"
LOW = -10.0
"""A threshold at which all cells are on: a tiny network that has just learnt to count seldom has one above 0.5."""


async def inspected(pilot: Pilot[None], text: str = TEXT) -> InspectionScreen:
    await pilot.press("f5")
    screen = pilot.app.screen
    assert isinstance(screen, InspectionScreen)
    screen.query_one("#prompt", Input).value = text.replace("\n", "\\n")
    await pilot.press("enter")
    await until(lambda: screen._activations is not None and not screen._job.running)
    await pilot.pause()
    return screen


@pytest.fixture
def low_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.inspection.occurrences.THRESHOLD", 0.02)


async def opened(pilot: Pilot[None]) -> OccurrencesScreen:
    """The screen for the word “moutons”, once the part is searched."""
    await inspected(pilot)
    await pilot.press("right", "right", "right", "o")
    screen = pilot.app.screen
    assert isinstance(screen, OccurrencesScreen)
    await searched(pilot, screen)
    return screen


async def searched(pilot: Pilot[None], screen: OccurrencesScreen) -> None:
    await until(lambda: not screen._reading.running and not screen._searching.running)
    await pilot.pause()


def status(screen: OccurrencesScreen) -> str:
    return str(screen.query_one("#occurrences-status", Static).content)


def text_of(screen: InspectionScreen) -> CellText:
    return screen.query_one(CellText)


# --- the stretch


async def test_shift_and_the_arrow_keys_or_a_mark_choose_a_stretch(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await inspected(pilot)
        text = text_of(screen)
        assert text.stretch is None
        await pilot.press("right", "right", "shift+right", "shift+right")
        assert text.stretch == (2, 5)
        assert text.text[2:5] == "mou"
        assert text.border_subtitle == "stretch of 3 characters: o shows where else"
        await pilot.press("shift+down")
        assert text.stretch == (2, 16), "one row down, in the same column"
        for row, expected in enumerate(["moutons.", "3 mo"]):
            drawn = [part.text for part in text.render_line(row) if part.style and part.style.reverse]
            assert "".join(drawn) == expected, "in reverse video; the cursor is drawn in its own way"
        await pilot.press("shift+up", *["shift+left"] * 4)
        assert text.stretch == (0, 3), "the character at the other end belongs to it"
        await pilot.press("right")
        assert text.stretch is None, "a movement without Shift ends it"
        assert "stretch" not in str(text.border_subtitle)
        assert text.cursor == 1
        await pilot.press("b", "down", "right")
        assert text.stretch == (1, 14), "after b, each movement extends it"
        assert "stretch of 13 characters" in str(text.border_subtitle)
        await pilot.press("home")
        assert text.stretch == (0, 2)
        await pilot.press("b")
        assert text.stretch is None
        words = [text.text[slice(*text.stretch_or_word)]]
        for keys in (["right"], ["right"] * 3, ["end"], ["shift+left"]):
            await pilot.press(*keys)
            words.append(text.text[slice(*text.stretch_or_word)])
        assert words == ["2", " ", "moutons", "moutons", "ns"], "without a stretch, it is the word at the cursor"
        await pilot.press("b", "w")
        await until(lambda: not screen._job.running)
        assert text.stretch is None, "another text has no stretch"


async def test_the_mouse_chooses_a_stretch_and_a_click_ends_it(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        text = text_of(await inspected(pilot))
        await pilot.mouse_down(CellText, offset=(4, 1))
        await pilot.hover(CellText, offset=(8, 1))
        await pilot.mouse_up(CellText, offset=(8, 1))
        await pilot.pause()
        assert text.stretch is not None
        assert text.text[slice(*text.stretch)] == "mouto"
        await pilot.click(CellText, offset=(4, 2))
        assert text.stretch is None
        assert text.cursor == 13
        await pilot.resize_terminal(60, 15)
        await pilot.pause()
        assert app.screen.check_action("mark", ()) is False, "a flat window has the text in the rows only"
        await pilot.press("o")
        assert isinstance(app.screen, OccurrencesScreen)
        assert app.screen._subject.stretch == "moutons"


# --- the screen


@pytest.mark.usefixtures("low_threshold")
async def test_the_cells_and_the_places_are_those_of_the_search(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        subject = screen._subject
        expected = cells_on(subject.activations.values(0, "c"), subject.begin, subject.end, 0.02)
        cells, places, found = screen.query_one(CellList), screen.query_one(PlaceList), screen._found
        assert subject.stretch == "moutons"
        assert list(cells.all) == expected
        assert found is not None
        text = found.read.text
        assert text == SMALL_TEXT[round(len(SMALL_TEXT) * 0.9) :], "the test part"
        assert places.option_count == len(found.occurrences.places) > 0
        first = found.occurrences.places[0]
        line = str(places.get_option_at_index(0).prompt)
        assert line.startswith(f"{first.agreeing:>2} of {len(expected)} ")
        assert text[first.begin : first.begin + 7].replace("\n", "⏎") in line
        assert len(line) <= places.scrollable_content_region.width
        assert len({str(option.prompt).index(" of ") for option in places.options}) == 1
        assert found.sentence in status(screen)
        assert f"{found.occurrences.shares[0]:.1%}" in str(cells.get_option_at_index(0).prompt)

        pane = screen.query_one(PlacePane)
        assert not pane.display
        await pilot.press("tab", "down", "enter")
        await pilot.pause()
        assert pane.display
        place = found.occurrences.places[1]
        assert places.place == place
        assert text[max(place.begin - 20, 0) : place.begin + 27] in str(pane.query_one(Static).content)
        off = [one.cell for one, on in zip(found.asked.cells, place.on, strict=True) if not on]
        assert all(str(cell) in str(pane.border_subtitle) for cell in off)
        await pilot.press("c", "shift+tab")
        assert not pane.display

        await pilot.press("space")
        await searched(pilot, screen)
        assert screen._found is not None
        assert screen._found.asked.cells == cells.all[1:], "a cell that is dropped is not looked for"
        assert str(cells.get_option_at_index(0).prompt).startswith("[ ]")
        for _ in range(len(expected) - 1):
            await pilot.press("down", "enter")
        await searched(pilot, screen)
        assert status(screen) == NONE_CHOSEN
        assert places.option_count == 0
        await pilot.press("space")
        await searched(pilot, screen)
        assert len(screen._found.asked.cells) == 1
        assert "The cell is on throughout at" in status(screen)


@pytest.mark.usefixtures("low_threshold")
async def test_threshold_part_and_what_is_around_can_be_chosen(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        subject, cells, box = screen._subject, screen.query_one(CellList), screen.query_one("#threshold", Input)
        values = subject.activations.values(0, "c")
        await pilot.press("o")
        await searched(pilot, screen)
        assert list(cells.all) == cells_on(values, subject.begin, subject.end, 0.02, bounded=True)
        await pilot.press("o", "p")
        await searched(pilot, screen)
        assert list(cells.all) == cells_on(values, subject.begin, subject.end, 0.02)
        assert screen.query_one("#part", Select).value == "train"
        assert screen._found is not None
        assert SMALL_TEXT.startswith(screen._found.read.text)
        assert "train part" in str(screen.query_one(PlaceList).border_title)

        await pilot.press("t")
        assert box.has_focus
        box.value = "50"
        await pilot.press("enter")
        await pilot.pause()
        assert status(screen) == NO_CELLS
        assert cells.option_count == 0
        assert not screen._reading.running
        await pilot.press("t")
        box.value = str(LOW)
        await pilot.press("enter")
        await searched(pilot, screen)
        assert len(cells.all) == 8, "all cells of the layer"
        assert screen._found.occurrences.complete == len(screen._found.read.text) - 6, "each place has all cells"
        await pilot.press("t")
        box.value = "much"
        await pilot.press("escape")
        await pilot.pause()
        assert "much" in status(screen)
        assert screen.query_one("#occurrences-status").has_class("-trouble")


async def test_without_the_text_of_the_model_it_says_what_to_do(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.inspection.occurrences.THRESHOLD", LOW)
    trained.config().corpus.path.unlink()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert "There is no file" in status(screen)
        assert not screen.has_class("-reading")


def steps_that_wait(self: PartReader, control: Control, part: str, cells: list[int]) -> Iterator[object]:
    yield Doing("reading")
    while not control.stopped:
        control.wait(0.01)


@pytest.mark.usefixtures("low_threshold")
async def test_esc_stops_the_reading_and_returns(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = PartReader.read
    monkeypatch.setattr(PartReader, "read", steps_that_wait)
    async with app.run_test(size=(80, 24)) as pilot:
        inspection = await inspected(pilot)
        await pilot.press("right", "right", "right", "o")
        screen = app.screen
        assert isinstance(screen, OccurrencesScreen)
        await until(lambda: screen.has_class("-reading"))
        assert screen.check_action("read", ()) is False
        await pilot.press("escape")
        await searched(pilot, screen)
        assert len(app.screen_stack) == 2, "the first Esc only stops"
        assert "r reads" in status(screen)
        monkeypatch.setattr(PartReader, "read", read)
        await pilot.press("r")
        await searched(pilot, screen)
        whole = screen._found
        assert whole is not None
        assert screen.check_action("read", ()) is False

        values = whole.read.values
        half = values._replace(values=tuple(one[:60] for one in values.values))
        text = whole.read.text
        screen._follow((Unkept("The disk is full."), PartRead(part="test", of=len(text), text=text, values=half)))
        screen._end(Ending("", stopped=True))
        await searched(pilot, screen)
        assert f"60 of {len(text)} characters were read" in status(screen), "what was read is searched"
        assert "The disk is full. The values are in memory only." in status(screen)
        assert screen.check_action("read", ()) is True

        await pilot.press("f1")
        await until(lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await until(lambda: app.screen is screen)
        await pilot.press("escape")
        await until(lambda: app.screen is inspection)


@pytest.mark.parametrize("reads", one_of_each_kind([False], [False, True]))
@pytest.mark.usefixtures("low_threshold")
async def test_no_key_is_dead(app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch, reads: bool) -> None:
    if reads:
        monkeypatch.setattr(PartReader, "read", steps_that_wait)

    async def prepare(pilot: Pilot[None]) -> None:
        if isinstance(pilot.app.screen, HelpScreen):
            await pilot.press("escape")
        if isinstance(pilot.app.screen, InspectionScreen):
            await inspected(pilot)
            await pilot.press("right", "right", "right", "o")
        elif isinstance(pilot.app.focused, Input):
            await pilot.press("escape")
        screen = pilot.app.screen
        assert isinstance(screen, OccurrencesScreen)
        if not screen.query_one(CellList).option_count:
            await pilot.press("o")  # no cell is off around the stretch
        if reads and not screen._reading.running:
            await pilot.press("r")
        await until(lambda: screen._reading.running is reads and not screen._searching.running)
        await pilot.pause()

    assert await every_key(app, prepare) == []


# --- the jobs


def subject_of(run: Run, begin: int = 0, end: int = 2) -> Subject:
    activations = Activations(run.config().model, "".join(sorted(set(SMALL_TEXT))), "2 moutons")
    return Subject(
        name="sheep", checkpoint=load_checkpoint(run.best_path), activations=activations, begin=begin, end=end, layer=1,
        symbol="h",
    )  # fmt: skip


def test_stopped_before_there_is_a_model_it_reads_nothing(trained: Run) -> None:
    control = Control()
    control.stop()
    assert list(PartReader(subject_of(trained)).read(control, "test", [0])) == [Doing("loading PyTorch")]


def test_a_text_with_other_characters_is_read_without_them(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    path = trained.config().corpus.path
    path.write_text(SMALL_TEXT.replace("moutons", "mou漢tons"), encoding="utf-8")
    *_, read = PartReader(subject_of(trained)).read(Control(), "test", [0, 3])
    assert isinstance(read, PartRead)
    assert read.is_complete
    assert "漢" not in read.text
    assert read.values.characters == len(read.text) < read.of


def test_at_most_a_million_characters_are_read(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_CHARACTERS == 1_000_000
    monkeypatch.setattr("charlstm_tui.jobs.occurrences.MAX_CHARACTERS", 50)
    *_, read = PartReader(subject_of(trained)).read(Control(), "train", [0])
    assert isinstance(read, PartRead)
    assert (read.values.characters, len(read.text)) == (50, 50)
    assert read.of > 50


def found_at(
    *places: Place, complete: int = 0, common: InCommon | None = None, read: int = 250, of: int = 250
) -> Found:
    """What would be found with as many cells as a place has, in a part of 250 characters."""
    cells = len(places[0].on) if places else 2
    values = PartValues(tuple(range(cells)), tuple(np.zeros(read, dtype=np.float16) for _ in range(cells)), of)
    return Found(
        asked=Asked(cells=(CellOn(0, 0.0, 0.5),) * cells, threshold=0.5, bounded=False, stretch="ab"),
        read=PartRead(part="test", of=250, text="x" * of, values=values),
        occurrences=Occurrences(places, complete, (0.1,) * cells), common=common,
    )  # fmt: skip


@pytest.mark.parametrize(("found", "sentence"), [
    (found_at(Place(3, (True,)), complete=7), "The cell is on throughout at 7 of 249 places."),
    (found_at(Place(3, (True, True)), complete=7), "Both cells are on throughout at 7 of 249 places."),
    (found_at(Place(3, (True, False))),
     "At no place are both cells on throughout; at the best one, 1 is."),
    (found_at(), "Nowhere is one of these cells on throughout as many characters."),
    (found_at(Place(3, (True,) * 3), complete=7, common=InCommon("begin a word", 48, 50, 0.1751), read=100, of=100),
     "All 3 cells are on throughout at 7 of 99 places. 48 of the 50 best places begin a word, as 17.5% of all places "
     "do. The first 100 of 250 characters are searched."),
    (found_at(Place(3, (True,) * 3), complete=1, common=InCommon("are in capitals", 50, 50, 0.0004), read=60, of=100),
     "All 3 cells are on throughout at 1 of 59 places. 50 of the 50 best places are in capitals, as less than 0.1% of "
     "all places are. 60 of 100 characters were read."),
])  # fmt: skip
def test_what_was_found_is_said_in_words(found: Found, sentence: str) -> None:
    assert found.sentence == sentence


@pytest.mark.parametrize(("width", "line"), [
    (20, "bonjour le monde ent"), (11, "our le mond"), (12, "jour le mond"),
])  # fmt: skip
def test_a_place_in_a_line_has_the_stretch_in_the_middle(width: int, line: str) -> None:
    made = str(in_context("bonjour ", "le", " monde entier", width))
    assert len(made) == width
    assert made.index("le") == (width - 2) // 2
    assert made.strip() in "  bonjour le monde entier" or line in made


def test_a_place_in_a_line_is_as_wide_as_its_cells() -> None:
    from rich.cells import cell_len

    made = in_context("字字字字字字字", "漢漢漢漢漢漢漢漢漢漢漢漢", "字\n字字\t字字", 21)
    assert cell_len(str(made)) <= 21
    assert "…" in str(made)


@pytest.mark.parametrize("size", one_of_each_kind(SIZES, SIZES))
@pytest.mark.usefixtures("low_threshold")
def test_how_it_looks(app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        if size == SIZES[1]:
            await pilot.press("tab", "down", "c")
        await searched(pilot, screen)
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_how_a_stretch_looks(app: CharLSTMApp, trained: Run, snap_compare: SnapCompare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await inspected(pilot)
        await pilot.press("right", "right", "shift+right", "shift+right", "shift+down")
        await still(pilot)

    assert snap_compare(app, terminal_size=SIZES[0], run_before=before)
