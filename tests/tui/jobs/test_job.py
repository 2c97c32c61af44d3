"""`LatestJob` delivers the items of the latest job only."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Static

from charlstm_tui.jobs.job import Ending, LatestJob
from core.control import Control
from core.errors import UserError
from tests.tui.conftest import until
from tests.waiting import DEADLINE

OFTEN = 1 / 50


class Place(App[None]):
    """Records the items of its latest job."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[object] = []
        self.endings: list[Ending] = []
        self.job = LatestJob(self, on_items=self.items.extend, on_end=self.endings.append)


async def test_all_items_of_a_job_arrive_before_its_end() -> None:
    app = Place()
    async with app.run_test():
        app.job.start(lambda control: iter(range(5000)), name="count", interval=OFTEN)
        await until(lambda: not app.job.running)
        assert app.items == list(range(5000))
        assert app.endings == [Ending("", stopped=False)]


async def test_an_older_job_is_stopped_and_its_items_are_ignored() -> None:
    app = Place()
    told_to_stop, may_end = threading.Event(), threading.Event()

    def older(control: Control) -> Iterator[object]:
        yield "older"
        while not control.stopped:
            control.wait(0.01)
        told_to_stop.set()
        may_end.wait(DEADLINE)
        yield "the older one's last words"
        raise UserError("The older job failed.")

    def newer(control: Control) -> Iterator[object]:
        yield "newer"
        while not control.stopped:
            control.wait(0.01)

    async with app.run_test() as pilot:
        app.job.start(older, name="one", interval=OFTEN)
        await until(lambda: app.items == ["older"])
        app.job.start(newer, name="two", interval=OFTEN)
        await until(lambda: told_to_stop.is_set() and "newer" in app.items)
        may_end.set()
        await until(lambda: not [worker for worker in app.workers if worker.name == "one" and worker.is_running])
        await pilot.pause(5 * OFTEN)
        assert app.items == ["older", "newer"]
        assert app.endings == []
        assert app.job.running
        app.job.stop()
        await until(lambda: not app.job.running)
        assert app.endings == [Ending("", stopped=True)]


async def test_a_dropped_job_ends_and_delivers_nothing_more() -> None:
    app = Place()

    def produce(control: Control) -> Iterator[object]:
        while not control.stopped:
            yield "again"
            control.wait(0.01)

    async with app.run_test() as pilot:
        app.job.start(produce, name="one", interval=OFTEN)
        await until(lambda: bool(app.items))
        app.job.drop()
        said = len(app.items)
        assert not app.job.running
        await until(lambda: not any(worker.is_running for worker in app.workers))
        await pilot.pause(5 * OFTEN)
        assert len(app.items) == said
        assert app.endings == []


async def test_an_error_message_arrives_after_the_items() -> None:
    app = Place()

    def produce(control: Control) -> Iterator[object]:
        yield 1
        raise UserError("There is no such file.")

    async with app.run_test():
        app.job.start(produce, name="one", interval=OFTEN)
        await until(lambda: not app.job.running)
        assert app.items == [1]
        assert app.endings == [Ending("There is no such file.", stopped=False)]


async def test_the_end_of_a_job_may_start_another() -> None:
    app = Place()

    def hear(items: tuple[object, ...]) -> None:
        app.items.extend(items)
        if items[-1] == "first":
            app.job.start(lambda control: iter(["second"]), name="two", interval=OFTEN)

    app.job = LatestJob(app, on_items=hear, on_end=app.endings.append)
    async with app.run_test():
        app.job.start(lambda control: iter(["first"]), name="one", interval=OFTEN)
        await until(lambda: not app.job.running)
        assert app.items == ["first", "second"]
        assert app.endings == [Ending("", stopped=False)]


class SlowToGo(Vertical):
    """Takes a while to be removed, when its own parts are gone already."""

    async def on_unmount(self) -> None:
        await asyncio.sleep(10 * OFTEN)


class Page(Screen[None]):
    """Shows the items of its job."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[object] = []
        self.job = LatestJob(self, on_items=self.show_items, on_end=self.shown.append)

    def compose(self) -> ComposeResult:
        with SlowToGo():
            yield Static(id="items")

    def on_unmount(self) -> None:
        self.job.drop()

    def show_items(self, items: tuple[object, ...]) -> None:
        self.query_one("#items", Static).update(str(items))
        self.shown.extend(items)


@pytest.mark.parametrize("leaving", ["the screen", "the app"])
async def test_a_screen_that_is_being_closed_receives_nothing_more(leaving: str) -> None:
    app, page = Place(), Page()

    def produce(control: Control) -> Iterator[object]:
        while not control.stopped:
            yield "again"
            control.wait(0.01)

    async with app.run_test():
        await app.push_screen(page)
        page.job.start(produce, name="one", interval=OFTEN)
        await until(lambda: bool(page.shown))
        if leaving == "the screen":
            page.dismiss()
            await until(lambda: not page.is_running)
    await until(lambda: not page.job.running)
    assert set(page.shown) == {"again"}
