"""What the tests of the screens share: an app with a store of its own, and ways to wait for it."""

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
"""That the screens are designed for."""
SnapCompare = Callable[..., bool]
MAX_TURNS = 30
"""In which a pilot has every widget work off its messages: a run under way sends new ones again and again."""

FORECAST = Forecast(
    parameters=1_369_301, steps_per_epoch=89, memory_bytes=496_000_000, available_bytes=16_000_000_000,
    speed=Speed(step=Span(0.12, 0.12)),
)  # fmt: skip


@pytest.fixture(autouse=True)
def forecasts_that_take_no_time(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Say what a run would take without trying it, which takes a second or two; mark a test `forecast` to try."""

    def estimate_run(control: Control, config: RunConfig) -> Iterator[Forecast]:
        preview(config.corpus.source, limit=config.corpus.limit)  # complains of a text that will not do
        yield FORECAST

    if "forecast" not in request.keywords:
        monkeypatch.setattr("charlstm_tui.jobs.forecast.estimate_run", estimate_run)


@pytest.fixture(autouse=True)
def nothing_is_timed_before_a_run(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Train with one thread in single precision, instead of timing them all; mark a test `forecast` to have them timed.

    A run of the settings as they are would take both cores, of which another test has one.
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


def unhurried(produce: Callable[..., Iterator[object]]) -> Callable[..., Iterator[object]]:
    """The same job, with a rest after all that it says."""

    def rest_after_each(*arguments: object, **named: object) -> Iterator[object]:
        for event in produce(*arguments, **named):
            yield event
            time.sleep(0.02)

    return rest_after_each


@pytest.fixture(autouse=True)
def runs_that_leave_the_app_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rest after each thing that a run says: a tiny one says hundreds a second, each of which is drawn."""
    for name in ("train", "resume"):
        monkeypatch.setattr(f"charlstm_tui.jobs.training.{name}", unhurried(getattr(charlstm_tui.jobs.training, name)))


@pytest.fixture(autouse=True, scope="session")
def styles_that_are_found_quickly() -> Iterator[None]:
    """Each widget is matched with every rule of the styles, by a hash of the rule that is written in Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RuleSet, "__hash__", object.__hash__)  # by identity, as Textual's own
        yield


@pytest.fixture(autouse=True, scope="session")
def styles_that_are_parsed_once() -> Iterator[None]:
    """Each app parses the same styles anew, which takes a sixth of the time that a test of a screen does."""
    parse, parsed = Stylesheet._parse_rules, dict[object, list[RuleSet]]()

    def parse_once(self: Stylesheet, *arguments: object, **named: object) -> list[RuleSet]:
        key = (arguments, tuple(named.items()), tuple(self._variables.items()))
        if key not in parsed:
            parsed[key] = parse(self, *arguments, **named)  # type: ignore[arg-type]
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield


@pytest.fixture(autouse=True)
def all_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw as for a terminal that has them, whichever one the tests are run in."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture(autouse=True)
def keys_that_do_not_wait_for_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each key Textual's pilot waits until the process rests, a second at most; while it trains it never does."""
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
def pilots_that_wait_for_what_they_caused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait, after each key too, until the form is laid out and no message is on its way from one widget to another.

    Textual's own pilot waits until the process uses little of the processor, which on a busy machine it always does.
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
    """A folder with a run, to be copied, and with the text that it was trained on."""
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
    """A run that was trained before the app opens."""
    (trained_once / "moutons.txt").write_text(SMALL_TEXT, encoding="utf-8")  # a test may have taken it away
    shutil.copytree(trained_once / "sheep", store.root / "sheep")
    return store.get("sheep")


async def until(condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
    """Wait until something is so; fail when it does not come to be."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not come to be in time"
        await asyncio.sleep(0.02)


@pytest.fixture
def snap_compare(snap_compare: SnapCompare) -> SnapCompare:
    """Compare what is there once the screen is whole."""

    def compare(app: CharLSTMApp, *, run_before: Callable[[Pilot[None]], Awaitable[None]], **kwargs: object) -> bool:
        async def before(pilot: Pilot[None]) -> None:
            await pilot.pause()
            await run_before(pilot)

        return snap_compare(app, run_before=before, **kwargs)

    return compare


async def still(pilot: Pilot[None]) -> None:
    """Stop what moves by itself."""
    for box in pilot.app.screen.query(Input):
        box.cursor_blink = False
    await pilot.pause()
    await wait_for_idle(0, max_sleep=5)
