"""Stop, discard, start another run, quit: the questions, and the effect of each answer."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher, Input

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.dialogs import AskAboutRun
from charlstm_tui.widgets.training.sample_view import SampleView
from core.control import Control
from core.runs.store import RunStore
from core.runs.summary import summarise
from tests.tui.conftest import until
from tests.tui.steps import set_up, setting, written
from tests.tui.views import COUNTED
from tests.waiting import DEADLINE


async def begin(app: CharLSTMApp, pilot: Pilot[None], text: Path, *, epochs: int = 100_000) -> None:
    set_up(app, text, epochs=epochs)
    await pilot.press("escape", "s")
    await until(lambda: len(app.training.epochs) >= 1)


async def test_a_stop_asks_first_and_the_run_continues_meanwhile(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, small_text)
        await pilot.press("x")
        assert isinstance(app.screen, AskAboutRun)
        epochs = len(app.training.epochs)
        await until(lambda: len(app.training.epochs) > epochs)
        await pilot.press("escape")
        assert not isinstance(app.screen, AskAboutRun)
        assert app.training.phase == "training"
        await pilot.press("x")
        await pilot.click("#save")
        await until(lambda: app.training.phase == "stopped")
        assert app.training.doing == "stopped, saved"


async def test_a_discarded_run_is_deleted_and_the_settings_are_shown(
    app: CharLSTMApp, store: RunStore, small_text: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, small_text)
        assert len(store.all()) == 1
        await pilot.press("x", "d")
        await until(lambda: app.training.phase == "idle")
        await pilot.pause()
        assert app.screen.query_one(ContentSwitcher).current == "settings"
        assert app.screen.query_one("#corpus", Input).value == str(small_text)
    assert store.all() == []
    assert list(store.root.iterdir()) == []


async def test_the_question_closes_when_the_run_ends_by_itself(
    app: CharLSTMApp, small_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = threading.Event()
    monkeypatch.setattr("core.training.trainer.Trainer._is_out_of_patience", lambda trainer: ends.is_set())
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, small_text)
        await pilot.press("x")
        assert isinstance(app.screen, AskAboutRun)
        ends.set()
        await until(lambda: app.training.phase == "finished")
        await pilot.pause()
        assert not isinstance(app.screen, AskAboutRun)


@pytest.mark.parametrize(("answer", "left"), [("s", 1), ("d", 0)])
async def test_quitting_during_a_run_asks(
    app: CharLSTMApp, store: RunStore, small_text: Path, answer: str, left: int
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, small_text)
        await pilot.press("q", "escape")
        await pilot.pause()
        assert app.training.phase == "training"
        assert app.is_running
        await pilot.press("3", "ctrl+q")
        assert isinstance(app.screen, AskAboutRun), "on every screen, also with an input"
        await pilot.press(answer)
        await until(lambda: app.return_code == 0)
    assert [summarise(run).state for run in store.all()] == ["stopped"] * left


async def test_quitting_without_a_run_does_not_ask(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
    assert app.return_code == 0


async def test_a_new_run_starts_with_the_settings_of_the_stopped_one(
    app: CharLSTMApp, store: RunStore, small_text: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, small_text)
        await pilot.press("n")
        assert isinstance(app.screen, AskAboutRun)
        await pilot.press("s")
        await until(lambda: app.training.phase == "stopped")
        await pilot.pause()
        assert app.screen.query_one(ContentSwitcher).current == "settings"
        assert setting(app, "hidden_size").value == "8"
        setting(app, "epochs").value = "2"
        await pilot.press("escape", "s")
        await until(lambda: app.training.phase == "finished")
    assert summarise(store.all()[0]).epochs == 2


async def test_a_sample_can_be_asked_for_and_stepped_through(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, small_text)
        await pilot.press("m")
        await until(lambda: any(sample.asked for sample in app.training.samples))
        await pilot.press("p")
        await until(lambda: app.training.phase == "paused")
        await pilot.press("m")
        await until(lambda: app.training.samples[-1].asked)
        await pilot.pause()
        view = app.screen.query_one(SampleView)
        assert view.shown is app.training.samples[-1]
        assert "requested" in written(app, "SampleView .which")
        for _ in app.training.samples:
            await pilot.press("left")
        assert view.shown is app.training.samples[0]
        assert "before the first step" in written(app, "SampleView .which")
        await pilot.press("right")
        assert view.shown is app.training.samples[1]
        await pilot.press("p")
        seen = len(app.training.samples)
        await until(lambda: len(app.training.samples) > seen)
        assert view.shown is app.training.samples[1], "the shown sample stays"
        await pilot.press("x", "d")
        await until(lambda: not app.training.alive)


async def test_after_a_run_one_key_evaluates_it_and_one_generates_from_it(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=3)
        await pilot.press("escape", "s")
        await until(lambda: app.training.phase == "finished")
        await pilot.pause()
        assert "of 3: validation" in written(app, "#summary-best")
        assert "e evaluate" in written(app, "#summary-next")
        await pilot.press("e")
        await until(lambda: app.current_mode == "evaluate")
        await until(lambda: "small-1 on moutons" in written(app, "#about"))
        await pilot.press("1", "g")
        await until(lambda: app.current_mode == "generate")
        await until(lambda: app.focused is not None and app.focused.id == "prompt")


async def test_n_grams_are_counted_during_the_run(app: CharLSTMApp, small_text: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=100_000)
        await pilot.press("escape", "s")
        await until(lambda: app.training.baselines is not None)
        assert app.training.baselines.part == "validation"
        best = app.training.baselines.best
        await until(lambda: f"{best.name} {best.loss:.3f}" in written(app, "#legend"))
        await pilot.press("x", "d")
        await until(lambda: not app.training.alive)


async def test_a_count_that_ends_late_does_not_affect_the_next_run(
    app: CharLSTMApp, small_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[Control] = []
    may_end = threading.Event()

    def late(control: Control, **_: object) -> Iterator[object]:
        counts.append(control)
        if len(counts) == 1:
            may_end.wait(DEADLINE)  # counting checks for a stop only now and then
        yield COUNTED

    monkeypatch.setattr("charlstm_tui.jobs.ngrams.count_ngrams", late)
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, small_text)
        await until(lambda: len(counts) == 1)
        await pilot.press("x", "d")
        await until(lambda: app.training.phase == "idle")
        await begin(app, pilot, small_text)
        await until(lambda: app.training.baselines is not None)
        app.training = msgspec.structs.replace(app.training, baselines=None)  # to detect a late result
        may_end.set()
        await until(lambda: all(not worker.is_running for worker in app.workers if worker.name == "count"))
        epochs = len(app.training.epochs)
        await until(lambda: len(app.training.epochs) > epochs)
        assert app.training.phase == "training"
        assert app.training.baselines is None
        await pilot.press("x", "d")
        await until(lambda: app.training.phase == "idle")
        assert not any(worker.is_running for worker in app.workers if worker.name == "train")


async def test_a_run_out_of_memory_shows_an_error_message(
    app: CharLSTMApp, small_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hungry(control: Control, **_: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:119] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("charlstm_tui.jobs.training.train", hungry)
    async with app.run_test(size=(80, 24)) as pilot:
        set_up(app, small_text, epochs=3)
        await pilot.press("escape", "s")
        await until(lambda: app.training.phase == "failed")
        await pilot.pause()
        assert "memory" in written(app, "#hint")
        assert "Traceback" not in written(app, "#hint")
        assert "alloc_cpu" not in written(app, "#hint")
