"""A window of any size, down to one cell, ends nothing."""

from itertools import product

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.events import Resize
from textual.geometry import Size
from textual.pilot import Pilot

from charlstm_tui.app import CharLSTMApp
from core.runs.run import Run
from tests.conftest import one_of_each_kind
from tests.tui.conftest import until
from tests.tui.states import STATES

WIDTHS, HEIGHTS = (1, 2, 3, 4, 5, 6, 8, 10), (1, 2, 4, 10)
EVERYDAY = [(1, 1), (4, 2), (10, 10), (2, 4), (1, 50), (200, 1), (59, 14)]
"""A single cell, a few cells, a single row, a single column, and the largest window that is still too small."""
SIZES = [*product(WIDTHS, HEIGHTS), (1, 50), (200, 1), (59, 14)]
ALIKE = {"paused", "stopping", "stopped", "diverged", "cannot save", "delete?", "page copying", "page comparison"}
"""States that have no widget which the others have not."""
SEEN_EVERY_DAY = [
    "all settings", "list of choices", "running", "finished", "help", "palette", "texts", "runs", "page breakdown",
    "page text", "three texts", "inspected",
]  # fmt: skip


async def resize(pilot: Pilot[None], width: int, height: int) -> None:
    """Give the window a size, and wait until all of the app has heard of it."""
    size, app = Size(width, height), pilot.app
    assert isinstance(app._driver, HeadlessDriver)
    app._driver._size = size
    app.post_message(Resize(size, size))
    await until(lambda: app.size == size or not app.is_running)
    await pilot.pause(0)


@pytest.mark.parametrize("sizes", [EVERYDAY, pytest.param(SIZES, marks=pytest.mark.thorough)], ids=["few", "all"])
@pytest.mark.parametrize("state", one_of_each_kind(SEEN_EVERY_DAY, [state for state in STATES if state not in ALIKE]))
async def test_no_window_is_too_small(app: CharLSTMApp, trained: Run, state: str, sizes: list[tuple[int, int]]) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await STATES[state](pilot)
        for size in sizes:
            await resize(pilot, *size)
            assert app.is_running, f"a window of {size[0]} by {size[1]} ended it"
        await resize(pilot, 80, 24)
        assert app.is_running
