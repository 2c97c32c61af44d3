"""Fixtures of the screen tests: an app with its own store, and functions that wait for it."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from textual._wait import wait_for_idle
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.widgets import Input

import charlstm_tui.jobs.training
from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.training import TrainingScreen
from core.control import Control
from core.data.corpus import CorpusConfig, load_corpus
from core.data.preview import preview
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.settings.config import ModelConfig, TrainingConfig
from core.settings.forecast import Forecast, Span, Speed
from core.training.trainer import Trainer
from tests.conftest import SMALL_TEXT, TINY_MODEL, TINY_TRAINING
from tests.waiting import DEADLINE

if TYPE_CHECKING:
    from textual._queue import Queue
    from textual.message import Message

SIZES = [(80, 24), (120, 40)]
"""Window sizes that the screens are designed for."""
SnapCompare = Callable[..., bool]
MAX_TURNS = 30
"""Most rounds that a pilot waits for the widgets' messages: a run in progress sends new ones all the time."""

FORECAST = Forecast(
    parameters=1_369_301, steps_per_epoch=89, memory_bytes=496_000_000, available_bytes=16_000_000_000,
    speed=Speed(step=Span(0.12, 0.12)),
)  # fmt: skip


@pytest.fixture(autouse=True)
def constant_forecast(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Replace the forecast, which takes a second or two, by a constant; a test marked `forecast` has the real one."""

    def estimate_run(control: Control, config: RunConfig) -> Iterator[Forecast]:
        preview(config.corpus.source, limit=config.corpus.limit)  # raises the error of an unsuitable text
        yield FORECAST

    if "forecast" not in request.keywords:
        monkeypatch.setattr("charlstm_tui.jobs.forecast.estimate_run", estimate_run)


@pytest.fixture(autouse=True)
def one_thread_without_trials(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Train with one thread in single precision, without timing the choices; a test marked `forecast` times them.

    With the usual settings a run would use both cores, and another test needs one of them.
    """
    import core.model.device

    choosing = core.model.device.choosing

    def choose_the_least(
        model: ModelConfig, vocabulary_size: int, config: TrainingConfig
    ) -> Iterator[core.model.device.Trial | core.model.device.ComputeSettings]:
        precision = "fp32" if config.precision == "auto" else config.precision
        least = msgspec.structs.replace(config, threads=config.threads or 1, precision=precision)
        yield from choosing(model, vocabulary_size, least)

    if "forecast" not in request.keywords:
        monkeypatch.setattr("core.model.device.choosing", choose_the_least)


def with_pauses(produce: Callable[..., Iterator[object]]) -> Callable[..., Iterator[object]]:
    """Return the same job with a rest after each item."""

    def pause_after_each(*arguments: object, **named: object) -> Iterator[object]:
        for event in produce(*arguments, **named):
            yield event
            time.sleep(0.02)

    return pause_after_each


@pytest.fixture(autouse=True)
def slowed_training_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rest after each event of a run: a tiny run sends hundreds per second, and each is drawn."""
    for name in ("train", "resume"):
        monkeypatch.setattr(
            f"charlstm_tui.jobs.training.{name}", with_pauses(getattr(charlstm_tui.jobs.training, name))
        )


@pytest.fixture(autouse=True, scope="session")
def rules_hashed_by_identity() -> Iterator[None]:
    """Hash style rules by identity: Textual matches each widget with every rule, and the rules' own hash is slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RuleSet, "__hash__", object.__hash__)  # by identity, as Textual's own
        yield


@pytest.fixture(autouse=True, scope="session")
def styles_parsed_once() -> Iterator[None]:
    """Parse the styles once: parsing them again for each app took a sixth of the time of a screen test."""
    parse, parsed = Stylesheet._parse_rules, dict[object, list[RuleSet]]()

    def parse_once(self: Stylesheet, *arguments: object, **named: object) -> list[RuleSet]:
        key = (arguments, tuple(named.items()), tuple(self._variables.items()))
        if key not in parsed:
            parsed[key] = parse(self, *arguments, **named)  # type: ignore[arg-type]
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield


@pytest.fixture(autouse=True, scope="session")
def without_animations() -> Iterator[None]:
    """Scroll and fold at once: each animation draws up to thirty pictures, an eighth of the time of a screen test.

    The tests in a real terminal have them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")
        yield


@pytest.fixture(autouse=True)
def all_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw with all colours, whatever the terminal of the tests is."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show lessons and help pages in English, whatever the locale of the tests is."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture(autouse=True)
def without_offer(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Do not offer the lessons; a test marked `first_time` opens the program for the first time."""
    if "first_time" not in request.keywords:
        monkeypatch.setattr("charlstm_tui.lessons.progress.is_first_time", lambda: False)


@pytest.fixture(autouse=True)
def short_wait_after_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pilot's wait for an idle process after each key: during training the process is never idle."""
    for module in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{module}.wait_for_idle", partial(wait_for_idle, max_sleep=0.1))


def rests(app: App[None]) -> bool:
    """Whether the app and each widget of its screen wait for a message, and nothing is to be called after a refresh.

    Textual's pilot asks each of a screen's hundred widgets for an answer instead, which costs as much as a key does.
    """
    pumps: list[MessagePump] = [app, *app.screen.walk_children(with_self=True)]
    return not app.screen._callbacks and all(_waits_for_a_message(pump) for pump in pumps)


def _waits_for_a_message(pump: MessagePump) -> bool:
    if pump._closing or pump._closed:
        return True
    queue: Queue[Message | None] = pump._message_queue
    waiting = any(not future.done() for future in queue.ready_event._waiters)
    return waiting and queue.empty() and not pump._next_callbacks


@pytest.fixture(autouse=True)
def pilot_waits_for_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait, also after each key, until the form is laid out and no widget has a message waiting.

    Textual's own pilot waits until the process uses little CPU time. On a busy machine that is always so, too early.
    """
    wait, press = Pilot._wait_for_screen, Pilot.press

    async def wait_for_messages(pilot: Pilot[None], timeout: float = DEADLINE) -> bool:
        if isinstance(pilot.app.screen, TrainingScreen):
            screen = pilot.app.screen
            await until(lambda: screen.laid_out or not pilot.app.is_running, timeout)
        for turn in range(MAX_TURNS):
            await asyncio.sleep(0.005 if turn else 0)
            if not pilot.app.screen_stack:
                return False
            if rests(pilot.app):
                return True
        return await wait(pilot, timeout)

    async def press_one_by_one(pilot: Pilot[None], *keys: str) -> None:
        for key in keys:
            await press(pilot, key)

    monkeypatch.setattr(Pilot, "_wait_for_screen", wait_for_messages)
    monkeypatch.setattr(Pilot, "press", press_one_by_one)


@pytest.fixture
def app(store: RunStore, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> CharLSTMApp:
    """The app, which opens with Train, or with the screen that the marker `opens` names."""
    if opens := request.node.get_closest_marker("opens"):
        monkeypatch.setattr(CharLSTMApp, "DEFAULT_MODE", opens.args[0])
    return CharLSTMApp(store)


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run and its training text; tests copy it."""
    folder = tmp_path_factory.mktemp("trained")
    text = folder / "moutons.txt"
    text.write_text(SMALL_TEXT, encoding="utf-8")
    corpus = load_corpus(CorpusConfig(source=str(text)))
    config = RunConfig(preset="quick", corpus=corpus.config, model=TINY_MODEL, training=TINY_TRAINING)
    run = RunStore(folder).create(config, "sheep")
    for _ in record(run, Trainer(corpus, TINY_MODEL, TINY_TRAINING)):
        pass
    return folder


@pytest.fixture
def trained(trained_once: Path, store: RunStore) -> Run:
    """An existing run, trained before the app opens."""
    (trained_once / "moutons.txt").write_text(SMALL_TEXT, encoding="utf-8")  # a test may have deleted it
    shutil.copytree(trained_once / "sheep", store.root / "sheep")
    return store.get("sheep")


async def until(condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
    """Wait until the condition is true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        await asyncio.sleep(0.02)


@pytest.fixture
def snap_compare(snap_compare: SnapCompare) -> SnapCompare:
    """Compare the screen with its snapshot once it is complete."""

    def compare(app: CharLSTMApp, *, run_before: Callable[[Pilot[None]], Awaitable[None]], **kwargs: object) -> bool:
        async def before(pilot: Pilot[None]) -> None:
            await pilot.pause()
            await run_before(pilot)

        return snap_compare(app, run_before=before, **kwargs)

    return compare


async def still(pilot: Pilot[None]) -> None:
    """Stop cursors from blinking, and wait until nothing changes."""
    for box in pilot.app.screen.query(Input):
        box.cursor_blink = False
    await pilot.pause()
    await wait_for_idle(0, max_sleep=5)
    before: list[str] = []
    for _ in range(MAX_TURNS):  # on a busy machine a layout may come later than that
        drawn = [strip.text for strip in pilot.app.screen._compositor.render_strips()]
        if drawn == before:
            return
        before = drawn
        await asyncio.sleep(0.05)
