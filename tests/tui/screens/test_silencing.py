"""Silencing cells of the network that Inspect shows."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from textual.pilot import Pilot
from textual.widgets import Input, Select, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.formatting.silencing_content import effect_content, lines_figures, named, signed
from charlstm_tui.jobs.silencing import Grown, Ranking, Silencer, Subject, TextsBegun
from charlstm_tui.screens.inspection import InspectionScreen
from charlstm_tui.screens.silencing import HINT, SilencingScreen
from charlstm_tui.state.job_events import Doing
from charlstm_tui.widgets.inspection.activations_view import ActivationsView
from charlstm_tui.widgets.inspection.cell_ranking import CellRanking
from charlstm_tui.widgets.inspection.silencing_pane import SilencingPane
from charlstm_tui.widgets.inspection.two_texts import TwoTexts
from core.checkpoints.checkpoint import load_checkpoint
from core.control import Control
from core.errors import UserError
from core.inspection.silencing import TextReading, compared, effect_of, read_text
from core.reports.silencing import CellId, Clamp, RankedCell, SilencingEffect
from core.runs.run import Run
from core.sampling.sampler import Sampler
from core.settings.config import SamplingConfig
from tests.conftest import SMALL_TEXT, one_of_each_kind
from tests.tui.conftest import SIZES, SnapCompare, still, until
from tests.tui.screens.test_tiny_windows import resize
from tests.tui.test_no_key_is_dead import Prepare, back_to, every_key

pytestmark = pytest.mark.opens("inspect")

TEXT = SMALL_TEXT[:110]
GENERATED = 200
LONG = SMALL_TEXT[:450]
"""Long enough for a standard error."""


@pytest.fixture(autouse=True)
def short_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generate few characters."""
    monkeypatch.setattr("charlstm_tui.jobs.silencing.GENERATED", GENERATED)


async def through_inspect(pilot: Pilot[None], text: str) -> InspectionScreen:
    """Have a text read in Inspect."""
    await pilot.press("f5")
    inspect = pilot.app.screen
    assert isinstance(inspect, InspectionScreen)
    inspect.query_one("#prompt", Input).value = text.replace("\n", "\\n")
    await pilot.press("enter")
    await until(lambda: inspect._activations is not None and not inspect._job.running)
    return inspect


async def opened(pilot: Pilot[None], run: Run, text: str = TEXT) -> SilencingScreen:
    """The screen for a text, without the detour through Inspect."""
    screen = SilencingScreen(subject_of(run, text))
    pilot.app.push_screen(screen)
    await pilot.pause()
    return screen


async def computed(pilot: Pilot[None], run: Run, text: str = TEXT) -> SilencingScreen:
    """The screen once nothing is left to compute."""
    screen = await opened(pilot, run, text)
    await done(pilot)
    return screen


async def done(pilot: Pilot[None]) -> None:
    """Wait until nothing is left to compute."""
    await pilot.pause()  # a changed box tells the screen a little later
    screen = pilot.app.screen
    assert isinstance(screen, SilencingScreen)
    await until(lambda: not screen._job.running and screen._silencer.is_complete)
    await pilot.pause()


def rows(screen: SilencingScreen) -> list[str]:
    """The lines of the list, without its heading."""
    ranking = screen.query_one(CellRanking)
    return [ranking.render_line(y).text for y in range(1, ranking.content_size.height)]


def told(screen: SilencingScreen) -> str:
    return str(screen.query_one(SilencingPane).query_one(Static).content)


def hint(screen: SilencingScreen) -> str:
    return str(screen.query_one("#silencing-hint", Static).content)


def effect_by_engine(run: Run, cells: tuple[CellId, ...], clamp: Clamp, text: str = TEXT) -> SilencingEffect:
    checkpoint = load_checkpoint(run.best_path)
    reading = last(read_text(checkpoint.model, checkpoint.vocabulary, text))
    assert isinstance(reading, TextReading)
    effect = last(effect_of(checkpoint.model, reading, cells, clamp))
    assert isinstance(effect, SilencingEffect)
    return effect


def last(computing: Iterator[object]) -> object:
    while True:
        try:
            next(computing)
        except StopIteration as end:
            return end.value


async def test_it_begins_with_inspect_s_cell_and_shows_its_effect_and_its_rank(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        inspect = await through_inspect(pilot, LONG)
        await pilot.press("right_square_bracket", "x")
        screen = app.screen
        assert isinstance(screen, SilencingScreen)
        await done(pilot)
        cell = inspect.query_one(ActivationsView).cell
        assert screen.ranking.cell == cell
        effect = effect_by_engine(trained, (CellId(0, cell),), Clamp(), LONG)
        assert f"loss {effect.before:.4f} → {effect.after:.4f} nats/char" in told(screen)
        assert f"{signed(effect.difference, 4)} ± {effect.standard_error:.4f}" in told(screen)
        assert "newline" in told(screen)
        assert "characters that lose most" in told(screen)
        listed = rows(screen)
        own = next(row for row in listed if "●" in row)
        assert own.startswith(f"▸● {cell:>5}")
        costs = {row[3:8].strip(): float(row.split()[-1].replace("−", "-")) for row in listed if row.strip()}
        assert costs[str(cell)] == pytest.approx(effect.difference * effect.characters, abs=0.02), "nats for the text"
        assert len(costs) == 8
        assert list(costs.values()) == sorted(costs.values(), reverse=True)
        assert hint(screen) == HINT


async def test_space_silences_several_and_c_sets_them_to_another_value(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await computed(pilot, trained)
        first = screen.ranking.cell
        await pilot.press("up" if screen.ranking.rank else "down")
        second = screen.ranking.cell
        await pilot.press("space")
        await done(pilot)
        both = tuple(sorted((CellId(0, first), CellId(0, second))))
        assert f"→ {effect_by_engine(trained, both, Clamp()).after:.4f}" in told(screen)
        assert sum("●" in row for row in rows(screen)) == 2
        await pilot.press("c")
        await done(pilot)
        assert screen.query_one("#clamp", Select).value == "mean"
        assert f"→ {effect_by_engine(trained, both, Clamp('mean')).after:.4f}" in told(screen)
        await pilot.press("c")
        box = screen.query_one("#clamp-value", Input)
        await until(lambda: box.display)
        box.value = "0,25"
        await done(pilot)
        assert f"→ {effect_by_engine(trained, both, Clamp('value', 0.25)).after:.4f}" in told(screen)
        assert "set to 0.25" in str(screen.query_one(SilencingPane).border_title)
        box.value = "much"
        await until(lambda: "must be a number" in hint(screen))
        assert screen._silencer.clamp == Clamp("value", 0.25), "what is wrong changes nothing"
        box.value = "1"
        await done(pilot)
        await until(lambda: hint(screen) == HINT)
        box.focus()
        await pilot.press("enter")
        assert screen.ranking.has_focus
        await pilot.press("space")
        await pilot.press("down" if screen.ranking.cell == second else "up")


async def test_it_says_that_no_cell_is_silenced_and_that_a_text_is_short(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await computed(pilot, trained, "2 moutons.\n")
        assert "The text is short, 10 predicted characters" in told(screen)
        await pilot.press("space")
        await until(lambda: told(screen) == "No cell is silenced.")
        assert screen.check_action("generate", ()) is False
        await pilot.press("space")
        await until(lambda: told(screen).startswith("loss"))


async def test_two_texts_are_generated_from_one_seed(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await computed(pilot, trained)
        texts = screen.query_one(TwoTexts)
        await pilot.press("g")
        await until(lambda: len(texts.texts[1]) == GENERATED and not screen._job.running)
        checkpoint = load_checkpoint(trained.best_path)
        usual = Sampler(checkpoint.model, checkpoint.vocabulary, SamplingConfig(seed=0), TEXT)
        assert texts.texts[0] == "".join(next(usual).character for _ in range(GENERATED)), "as Generate's"
        assert texts.texts[1] != texts.texts[0]
        assert texts.display
        assert not screen.ranking.display or not screen.query_one("#cells-and-effect").display
        assert texts._panes[0].text.startswith(TEXT[-200:])
        assert "seed 0" in str(texts._panes[0].border_title)
        before = list(texts.texts)
        await pilot.press("g")
        await until(lambda: len(texts.texts[1]) == GENERATED and not screen._job.running and texts.texts != before)
        assert "seed 1" in str(texts._panes[0].border_title)
        await pilot.press("t")
        assert not texts.display
        assert screen.ranking.has_focus
        await pilot.press("t")
        assert texts.display


def work_until_stopped(silencer: Silencer, control: Control) -> Iterator[object]:
    """A job that takes long."""
    yield Doing("reading the text, 5%")
    while not control.stopped:
        control.wait(0.01)


async def test_escape_stops_first_and_then_returns(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Silencer.work
    monkeypatch.setattr(Silencer, "work", work_until_stopped)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, trained)
        await until(lambda: hint(screen) == "reading the text, 5%")
        await pilot.press("escape")
        await until(lambda: hint(screen) == "Stopped. r resumes.")
        assert app.screen is screen
        monkeypatch.setattr(Silencer, "work", work)
        await pilot.press("r")
        await done(pilot)
        assert told(screen).startswith("loss")
        assert screen.check_action("resume", ()) is False
        await pilot.press("escape")
        await until(lambda: app.screen is not screen)


async def test_a_change_while_it_stops_is_computed_afterwards(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Silencer.work
    monkeypatch.setattr(Silencer, "work", work_until_stopped)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, trained)
        await until(lambda: hint(screen) == "reading the text, 5%")
        monkeypatch.setattr(Silencer, "work", work)
        screen.action_stop()
        screen.action_mark()
        screen.action_mark()
        await until(lambda: not screen._job.running and told(screen).startswith("loss"))
        assert screen.check_action("resume", ()) is True, "the ranking was stopped, and is resumed by its key only"
        assert not any("+" in row or "−" in row for row in rows(screen))


async def test_another_layer_is_ranked_and_cells_of_both_are_silenced(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await computed(pilot, trained)
        cell = CellId(0, screen._subject.cell)
        await pilot.press("l")
        await done(pilot)
        assert screen._silencer.layer == 1
        assert not [row for row in rows(screen) if "●" in row], "the silenced cell is in the other layer"
        await pilot.press("space")
        await done(pilot)
        both = (cell, CellId(1, screen.ranking.cell))
        assert f"→ {effect_by_engine(trained, both, Clamp()).after:.4f}" in told(screen)
        assert f"{cell.cell} of layer 1" in str(screen.query_one(SilencingPane).border_title)
        await pilot.press("l")
        await done(pilot)
        assert sum("●" in row for row in rows(screen)) == 1


async def test_the_list_is_moved_through_by_keys_and_by_the_mouse_and_fits_any_window(
    app: CharLSTMApp, trained: Run
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await computed(pilot, trained)
        ranking = screen.ranking
        await pilot.press("home")
        assert ranking.rank == 0
        await pilot.press("down", "down", "up")
        assert ranking.rank == 1
        await pilot.press("end")
        assert ranking.rank == 7
        assert ranking.border_subtitle == "8 of 8"
        await pilot.press("pageup")
        assert ranking.rank == 0
        await pilot.click(CellRanking, offset=(6, 5))
        assert ranking.rank == 3
        marked = screen._silencer.cells
        await pilot.click(CellRanking, offset=(6, 5))
        await until(lambda: screen._silencer.cells != marked)
        await done(pilot)
        for size in ((1, 1), (5, 3), (60, 15)):
            await resize(pilot, *size)
            assert app.is_running


async def test_one_character_has_no_loss_to_compare(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        inspect = await through_inspect(pilot, "2")
        assert inspect.check_action("silence", ()) is False


async def test_the_model_that_read_the_text_is_used_even_if_its_file_is_gone(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        subject = subject_of(trained)
        trained.best_path.unlink()
        screen = SilencingScreen(subject)
        app.push_screen(screen)
        await pilot.pause()
        await until(lambda: not screen._job.running)
        assert not screen.query_one("#silencing-hint").has_class("-trouble")
        assert screen._silencer.is_complete
        await pilot.press("escape")
        await until(lambda: app.screen is not screen)


# --- keys


def silencing(run: Run) -> Prepare:
    async def prepare(pilot: Pilot[None]) -> None:
        while len(pilot.app.screen_stack) > 1 and not isinstance(pilot.app.screen, SilencingScreen):
            pilot.app.pop_screen()
            await pilot.pause()
        if not isinstance(pilot.app.screen, SilencingScreen):
            await back_to(pilot, "inspect")
            await opened(pilot, run, "2 moutons.\n3 moutons, 4 chèvres.")
        pilot.app.screen.query_one(CellRanking).focus()
        await done(pilot)

    return prepare


def with_texts(run: Run) -> Prepare:
    async def prepare(pilot: Pilot[None]) -> None:
        await silencing(run)(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, SilencingScreen)
        if not screen.has_class("-generated"):
            screen.action_generate()
        await until(lambda: bool(screen.query_one(TwoTexts).texts[1]))
        await done(pilot)
        screen.add_class("-texts")
        screen.query_one(TwoTexts).focus_text()
        await pilot.pause()

    return prepare


def stopped(run: Run) -> Prepare:
    async def prepare(pilot: Pilot[None]) -> None:
        await back_to(pilot, "inspect")
        screen = await computed(pilot, run, "2 moutons.\n3 moutons, 4 chèvres.")
        screen._silencer._costs.clear()
        screen.refresh_bindings()
        await pilot.pause()

    return prepare


@pytest.mark.parametrize("state", one_of_each_kind([with_texts], [silencing, with_texts, stopped]))
async def test_no_key_is_dead(app: CharLSTMApp, trained: Run, state: Callable[[Run], Prepare]) -> None:
    assert await every_key(app, state(trained)) == []


# --- the job


def subject_of(run: Run, text: str = TEXT, cell: int = 2) -> Subject:
    checkpoint = load_checkpoint(run.best_path)
    return Subject(name="sheep", checkpoint=checkpoint, config=checkpoint.model.config, text=text, layer=0, cell=cell)


def test_the_job_reports_the_effect_then_estimates_then_exact_costs(trained: Run) -> None:
    silencer = Silencer(subject_of(trained))
    items = list(silencer.work(Control()))
    results = [item for item in items if not isinstance(item, Doing)]
    assert [type(item) for item in results] == [SilencingEffect, Ranking, Ranking]
    estimated, exact = (item.cells for item in results if isinstance(item, Ranking))
    assert all(one.exact is None for one in estimated)
    assert all(one.exact is not None for one in exact)
    assert silencer.is_complete
    assert list(silencer.work(Control())) == [], "nothing is left"
    silencer.change(clamp=Clamp("mean"))
    again = list(silencer.work(Control()))
    silencer.change(clamp=Clamp())
    known = [item for item in silencer.work(Control()) if not isinstance(item, Doing)]
    assert not [item for item in again if isinstance(item, Doing) and "estimat" in item.what], "one pass for all values"
    assert known == [results[0], results[2]], "what was computed before is reported at once"


def test_stopped_anywhere_it_can_be_resumed(trained: Run) -> None:
    silencer = Silencer(subject_of(trained))
    expected = [item for item in Silencer(subject_of(trained)).work(Control()) if isinstance(item, Ranking)][-1]
    for word in ("loading", "reading the", "reading it", "estimating", "silencing each"):
        control = Control()
        for item in silencer.work(control):
            if isinstance(item, Doing) and item.what.startswith(word):
                control.stop()
        assert control.stopped, word
        assert not silencer.is_complete
    assert [item for item in silencer.work(Control()) if isinstance(item, Ranking)][-1] == expected


def test_a_new_effect_does_not_wait_for_the_ranking(trained: Run) -> None:
    silencer = Silencer(subject_of(trained))
    seen: list[object] = []
    for item in silencer.work(Control()):
        if isinstance(item, Doing) and item.what.startswith("silencing each") and len(silencer.cells) == 1:
            silencer.change(cells=(CellId(0, 1), CellId(1, 3)))
        if not isinstance(item, Doing):
            seen.append(item)
    assert [type(item) for item in seen] == [SilencingEffect, Ranking, SilencingEffect, Ranking, Ranking]
    assert silencer.is_complete


def test_a_text_that_is_stopped_ends_with_what_there_is(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charlstm_tui.jobs.silencing.GENERATED", 1_000_000)
    silencer = Silencer(subject_of(trained))
    list(silencer.work(Control()))
    silencer.seed = 5
    control = Control()
    items = []
    for item in silencer.work(control):
        items.append(item)
        if isinstance(item, Doing) and item.what.startswith("generating"):
            control.stop()
    assert isinstance(items[0], TextsBegun)
    grown = [item for item in items if isinstance(item, Grown)]
    assert 0 < sum(len(one.without) for one in grown) < 1_000_000
    assert silencer.seed is None
    assert not silencer.is_generating


def test_weights_that_are_not_numbers_are_an_error_in_words(trained: Run) -> None:
    checkpoint = load_checkpoint(trained.best_path)
    with torch.no_grad():
        checkpoint.model.output.bias[0] = float("nan")
    subject = Subject(name="broken", checkpoint=checkpoint, config=checkpoint.model.config, text=TEXT, layer=0, cell=0)
    with pytest.raises(UserError, match="NaN"):
        list(Silencer(subject).work(Control()))


# --- words and numbers


@pytest.mark.parametrize(("typed", "value"), [("0.5", 0.5), (" -1 ", -1.0), ("−2", -2.0), ("0,25", 0.25)])
def test_a_value_is_read_as_it_is_typed(typed: str, value: float) -> None:
    assert Clamp.typed(typed) == Clamp("value", value)


@pytest.mark.parametrize("typed", ["", "much", "nan", "inf", "1e9"])
def test_what_is_no_value_is_refused(typed: str) -> None:
    with pytest.raises(UserError, match="must be a number"):
        Clamp.typed(typed)


def test_cells_are_named_with_their_layer_only_if_there_are_several() -> None:
    cells = [CellId(0, 3), CellId(1, 817)]
    assert named(cells[:1], layers=1) == "cell 3"
    assert named(cells, layers=2) == "cells 3 of layer 1, 817 of layer 2"
    assert named([CellId(0, cell) for cell in range(9)], layers=1, most=2) == "cells 0, 1 and 7 more"
    assert named([], layers=1) == "no cell"


@pytest.mark.parametrize("width", [23, 24, 36, 44, 60, 100])
def test_the_effect_fits_its_width(width: int) -> None:
    text = "Oh, l’âne\t漢\n" + "x" * 80 + "\n" + "y" * 400
    before = np.ones(len(text) - 1)
    reading = TextReading(text, np.zeros(len(text), dtype=np.int64), before, np.zeros((1, 1)))
    after = before + np.linspace(3, -1, len(before))
    drawn = effect_content(compared(reading, after, (CellId(0, 0),), Clamp()), text, width)
    lines = drawn.split("\n")
    assert any("accented letter" in line.plain for line in lines)
    assert all(line.cell_length <= width for line in lines if "standard errors" not in line.plain), (
        "only a sentence is wrapped"
    )


def test_lines_are_described_in_the_room_there_is() -> None:
    text = "a" * 40 + "\n\n" + "b" * 60 + "\nrest"
    assert lines_figures(text, 80) == "2 lines of 50 characters on average, the longest 60"
    assert lines_figures(text, 30) == "lines: mean 50, longest 60"
    assert lines_figures(text, 5) == ""
    assert lines_figures("no line", 80) == ""


def test_a_difference_that_is_rounded_to_nothing_has_no_sign() -> None:
    assert [signed(value, 2) for value in (0.004, -0.004, 0.006, -1.0)] == ["0.00", "0.00", "+0.01", "−1.00"]


def test_ranked_cells_with_a_large_cost_stay_in_their_columns() -> None:
    ranking = CellRanking(3, 0)
    ranking.show([RankedCell(2, 12_345.6, -4321.0), RankedCell(0, -1.0, None), RankedCell(1, -2.0, None)])
    assert ranking.cell == 0, "the cursor stays at its cell"
    assert ranking.rank == 1


# --- looks


@pytest.mark.parametrize("size", one_of_each_kind(SIZES[:1], SIZES))
def test_how_it_looks(app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await computed(pilot, trained, LONG)
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", one_of_each_kind(SIZES[1:], SIZES))
def test_how_two_texts_look(app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        screen = await computed(pilot, trained)
        await pilot.press("g")
        await until(lambda: len(screen.query_one(TwoTexts).texts[1]) == GENERATED and not screen._job.running)
        for pane in screen.query_one(TwoTexts)._panes:
            pane.rewrap()
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)
