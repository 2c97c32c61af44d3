"""Each key that the footer or F1 names does what can be seen, or says why not: in each state of each screen."""

import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.evaluation import EvaluationScreen
from charlstm_tui.screens.experiments import ExperimentsScreen
from charlstm_tui.screens.generation import GenerationScreen
from charlstm_tui.screens.inspection import InspectionScreen
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.state.experiment import ExperimentView
from charlstm_tui.state.job_events import Doing
from charlstm_tui.state.keys import Key, keys_of
from charlstm_tui.state.messages import StartTraining
from charlstm_tui.state.training import TrainingView
from charlstm_tui.widgets.common.next_char_bars import NextCharBars
from charlstm_tui.widgets.common.setting_input import SettingInput
from core.control import Control
from core.events import Paused, Resumed, RunFinished, SampleDrawn
from core.runs.run import Run
from tests.conftest import one_of_each_kind
from tests.tui.conftest import until
from tests.tui.experiments import experiment_view
from tests.tui.views import STARTED, WRITTEN, finished, running

Prepare = Callable[[Pilot[None]], Awaitable[None]]
ELSEWHERE = {"q", "ctrl+q", "ctrl+c", "super+c", "ctrl+z"}
"""Keys that end or suspend the app have tests of their own."""
RELEASED = threading.Event()
"""Lets the run that does not heed a stop end at last."""


def seen(app: CharLSTMApp) -> object:
    """All that a person sees: what is drawn, where the focus is, and what is announced."""
    drawn = tuple(
        tuple((segment.text, str(segment.style)) for segment in strip)
        for strip in app.screen._compositor.render_strips()
    )
    return drawn, id(app.focused), tuple(notice.message for notice in app._notifications), len(app.screen_stack)


def run_that_waits(control: Control, **_: object) -> Iterator[object]:
    """A training run in which nothing happens but what is asked for."""
    view = running(3)
    assert view.started is not None
    assert view.steps is not None
    yield from (view.started, *view.epochs, *view.samples, view.steps)
    paused = False
    while not control.stopped:
        if control.paused is not paused:
            paused = control.paused
            yield Paused() if paused else Resumed()
        if control.takes_sample():
            yield SampleDrawn(epoch=3, total_steps=700, prompt="", text=WRITTEN[1], asked=True)
        control.wait(0.01)
    yield RunFinished(reason="stopped", epochs=3, elapsed_seconds=5.0, run="quick-1")


def run_that_is_prepared(control: Control, **_: object) -> Iterator[object]:
    """A run that never gets to its first step."""
    yield Doing("building the network")
    while not control.stopped:
        control.wait(0.01)


def run_that_stops_late(control: Control, **_: object) -> Iterator[object]:
    """A run that takes its time to stop."""
    view = running(3)
    assert view.started is not None
    yield from (view.started, *view.epochs)
    while not (control.stopped and RELEASED.is_set()):
        RELEASED.wait(0.01)


def job_that_waits(*arguments: object, **_: object) -> Iterator[object]:
    """Some other long job, which ends when it is told to."""
    control = next(one for one in arguments if isinstance(one, Control))
    yield Doing("reading")
    while not control.stopped:
        control.wait(0.01)


def job_that_says_nothing(control: Control, **_: object) -> Iterator[object]:
    """A job without a result."""
    return iter(())


async def back_to(pilot: Pilot[None], mode: str) -> CharLSTMApp:
    """Leave all dialogs, and the field, for a screen."""
    app = pilot.app
    assert isinstance(app, CharLSTMApp)
    while len(app.screen_stack) > 1:
        app.pop_screen()
        await pilot.pause()
    await app.switch_mode(mode)
    app.screen.set_focus(None)
    app.clear_notifications()
    await pilot.pause()
    return app


# --- states of the Train screen


async def settings(pilot: Pilot[None]) -> None:
    app = await back_to(pilot, "train")
    app.training = TrainingView()
    await pilot.pause()


async def wrong_settings(pilot: Pilot[None]) -> None:
    await settings(pilot)
    pilot.app.screen.query_one("#setting-window", SettingInput).input.value = "1,000"
    pilot.app.screen.query_one("#limit", Input).value = "1,5"
    await pilot.pause()


def under_way(phase: str, key: str = "") -> Prepare:
    async def prepare(pilot: Pilot[None]) -> None:
        app = await back_to(pilot, "train")
        assert STARTED.config is not None
        if not app.training.alive:
            app.post_message(StartTraining(STARTED.config))
            await until(lambda: app.training.phase in ("training", "preparing") and app.training.doing != "starting")
        control = app.run_controller.control
        held = control is not None and control.paused  # the screen may not have heard of it yet
        if held is not (phase == "paused"):
            await until(lambda: (app.training.phase == "paused") is held)
            await pilot.press("p")
        elif app.training.phase != phase and key:
            await pilot.press(*key.split())
        await until(lambda: app.training.phase == phase)
        await pilot.pause()

    return prepare


def over(view: TrainingView) -> Prepare:
    async def prepare(pilot: Pilot[None]) -> None:
        app = await back_to(pilot, "train")
        app.training = running(2)
        await pilot.pause()
        app.training = view
        await pilot.pause()

    return prepare


async def list_of_runs(pilot: Pilot[None]) -> None:
    await settings(pilot)
    await pilot.press("l")
    await pilot.pause(0.2)


async def list_with_a_run(pilot: Pilot[None]) -> None:
    await settings(pilot)
    await pilot.press("l")
    await until(lambda: pilot.app.screen.query_one("#runs", OptionList).option_count == 1)
    await pilot.pause()


def dialog(key: str, *, during: TrainingView | None = None) -> Prepare:
    async def prepare(pilot: Pilot[None]) -> None:
        await settings(pilot)
        if during is not None:
            await over(during)(pilot)
        await pilot.press(*key.split())
        await pilot.pause()
        assert len(pilot.app.screen_stack) > 1

    return prepare


# --- states of the other screens


def empty(mode: str) -> Prepare:
    async def prepare(pilot: Pilot[None]) -> None:
        await back_to(pilot, mode)

    return prepare


def working(mode: str) -> Prepare:
    async def prepare(pilot: Pilot[None]) -> None:
        app = await back_to(pilot, mode)
        screen = app.screen
        if isinstance(screen, EvaluationScreen):
            if not screen._busy:
                screen.action_evaluate()
        elif isinstance(screen, GenerationScreen):
            await screen.action_write()
        elif isinstance(screen, InspectionScreen):
            screen.action_read()
        screen.set_focus(None)
        await pilot.pause(0.3)

    return prepare


def with_result(mode: str) -> Prepare:
    async def prepare(pilot: Pilot[None]) -> None:
        app = await back_to(pilot, mode)
        screen = app.screen
        if isinstance(screen, EvaluationScreen):
            if screen.pages.report is None and not screen._busy:
                screen.action_evaluate()
            await until(lambda: not screen._busy and screen.pages.report is not None)
        elif isinstance(screen, GenerationScreen):
            for name, value in {"length": "40", "pace": "0"}.items():
                screen.query_one(f"#setting-{name}", SettingInput).input.value = value
            if not screen._texts.shown:
                await screen.action_write()
            await until(lambda: screen._texts.shown > 0 and not screen._job.running)
        elif isinstance(screen, InspectionScreen):
            if screen._activations is None:
                screen.query_one("#prompt", Input).value = "2 moutons"
                screen.action_read()
            await until(lambda: screen._activations is not None and not screen._job.running)
            screen.query_one("#prompt", Input).value = "3 moutons"  # the same text again would look the same
        screen.set_focus(None)
        await pilot.pause()

    return prepare


async def every_key(app: CharLSTMApp, prepare: Prepare, *, also_of_app: bool = False) -> list[str]:
    """Press each key that a screen offers in a state; return those that do nothing."""
    dead = []
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await prepare(pilot)
        pressed = {binding.key for binding in _offered(app) if also_of_app or binding.of_screen}
        for turn, key in enumerate(sorted(pressed)):
            if turn:
                await prepare(pilot)
            if key not in {binding.key for binding in _offered(app)}:
                continue  # nothing to do with it after what was done before
            before = seen(app)
            await pilot.press(key)
            try:
                await until(lambda before=before: seen(app) != before, 3)  # type: ignore[misc]
            except AssertionError:
                dead.append(key)
        RELEASED.set()
        await back_to(pilot, "train")
    return dead


def _offered(app: CharLSTMApp) -> list[Key]:
    return [one for one in keys_of(app.screen, app) if one.key not in ELSEWHERE]


TRAIN = {
    "settings": settings,
    "wrong settings": wrong_settings,
    "finished": over(finished()),
    "stopped": over(finished("stopped")),
    "failed": over(running(2).failed("This machine has not enough memory for that.")),
    "runs": list_of_runs,
    "texts": dialog("o"),
    "help": dialog("f1"),
    "more epochs": dialog("r", during=finished()),
    "stop?": dialog("x", during=running(3)),
}


SEEN_EVERY_DAY = ["settings", "wrong settings", "finished", "texts", "help"]


@pytest.mark.parametrize("state", one_of_each_kind(SEEN_EVERY_DAY, TRAIN))
async def test_no_key_of_train_is_dead(app: CharLSTMApp, state: str) -> None:
    assert await every_key(app, TRAIN[state], also_of_app=state == "settings") == []


UNDER_WAY = {
    "preparing": (run_that_is_prepared, under_way("preparing")),
    "training": (run_that_waits, under_way("training")),
    "paused": (run_that_waits, under_way("paused")),
    "stopping": (run_that_stops_late, under_way("stopping", "x s")),
}


@pytest.mark.parametrize("state", one_of_each_kind(["training", "paused"], UNDER_WAY))
async def test_no_key_is_dead_during_a_run(app: CharLSTMApp, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    produce, prepare = UNDER_WAY[state]
    RELEASED.clear()
    monkeypatch.setattr("charlstm_tui.jobs.training.train", produce)
    monkeypatch.setattr("charlstm_tui.jobs.ngrams.count_ngrams", job_that_says_nothing)
    assert await every_key(app, prepare, also_of_app=state == "training") == []


async def test_no_key_of_the_list_of_runs_is_dead(app: CharLSTMApp, trained: Run) -> None:
    assert await every_key(app, list_with_a_run) == []


@pytest.mark.parametrize("mode", ["evaluate", "generate", "inspect"])
async def test_no_key_is_dead_where_there_is_no_model(app: CharLSTMApp, mode: str) -> None:
    assert await every_key(app, empty(mode)) == []


@pytest.mark.thorough
@pytest.mark.parametrize("mode", ["evaluate", "generate", "inspect"])
async def test_no_key_is_dead_where_there_is_a_model(app: CharLSTMApp, trained: Run, mode: str) -> None:
    assert await every_key(app, empty(mode)) == []


@pytest.mark.parametrize("mode", ["evaluate", "generate", "inspect"])
async def test_no_key_is_dead_while_a_screen_works(
    app: CharLSTMApp, trained: Run, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charlstm_tui.screens.evaluation.assess_model", job_that_waits)
    monkeypatch.setattr("charlstm_tui.screens.inspection.inspect_model", job_that_waits)
    monkeypatch.setattr("charlstm_tui.screens.generation.Writer.write", job_that_waits)
    assert await every_key(app, working(mode)) == []


@pytest.mark.parametrize("mode", ["evaluate", "generate", "inspect"])
async def test_no_key_is_dead_beside_a_result(app: CharLSTMApp, trained: Run, mode: str) -> None:
    assert await every_key(app, with_result(mode)) == []


async def writing_together(pilot: Pilot[None]) -> None:
    app = await back_to(pilot, "generate")
    screen = app.screen
    assert isinstance(screen, GenerationScreen)
    screen.together.leave()
    await until(lambda: not screen.together.is_active and not screen.has_class("-together"))
    await screen.action_write_together()
    pane = screen.panes.panes[0]
    lines = pane.text.count("\n2 mou")
    screen.together.post_message(Paste("\n2 mou" * 30))
    await until(lambda: pane.text.count("\n2 mou") >= lines + 30)
    await until(lambda: screen.query_one("#choices", NextCharBars).count > 0)
    await pilot.press("pageup")
    await until(lambda: not pane.following)


async def test_no_key_is_dead_while_a_person_writes_with_the_model(app: CharLSTMApp, trained: Run) -> None:
    assert await every_key(app, writing_together) == []


async def experiment_form(pilot: Pilot[None]) -> None:
    await back_to(pilot, "experiments")
    screen = pilot.app.screen
    assert isinstance(screen, ExperimentsScreen)
    await until(lambda: not screen._job.running)
    screen._switch("form")
    await pilot.pause()


def experiment(view: ExperimentView) -> Prepare:
    async def prepare(pilot: Pilot[None]) -> None:
        await experiment_form(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, ExperimentsScreen)
        screen._switch("experiment")
        screen.view = view
        await pilot.pause()

    return prepare


EXPERIMENTS = {
    "form": experiment_form,
    "running": experiment(experiment_view(over=5, alive=True)),
    "stopped": experiment(experiment_view(over=5)),
    "finished": experiment(experiment_view()),
}


@pytest.mark.parametrize("state", one_of_each_kind(["form", "finished"], EXPERIMENTS))
async def test_no_key_of_experiments_is_dead(app: CharLSTMApp, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charlstm_tui.jobs.experiments.run_experiment", job_that_waits)
    assert await every_key(app, EXPERIMENTS[state]) == []


async def test_the_list_of_texts_opens_while_any_field_is_wrong(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await wrong_settings(pilot)
        pilot.app.screen.query_one("#corpus", Input).value = "~nosuch/x"
        await pilot.pause()
        await pilot.press("o")
        await until(lambda: not isinstance(app.screen, TrainingScreen))
