"""Benchmark of the pane of generated text with a million characters: append, scroll, and wrap to another width.

    python -m tests.benchmarks.pane

Each time is from the call until the screen is drawn, without a terminal.
"""

import asyncio
import gc
import random
import statistics
import time
from collections.abc import Callable

from textual.app import App, ComposeResult

from charlstm_tui.widgets.common.stream_pane import StreamPane

CHARACTERS = 1_000_000
TIMES = 300
WORDS = ["le", "pauvre", "homme", "monsieur,", "vous", "êtes", "l'amour", "qu'il", "faut", "ah!\n", "SGANARELLE.\n\n"]


class PaneApp(App[None]):
    """An app with a pane only."""

    animation_level = "none"

    def compose(self) -> ComposeResult:
        """Yield the pane."""
        yield StreamPane()


async def measure() -> None:
    """Print the times of each operation."""
    app = PaneApp()
    source = random.Random(0)
    async with app.run_test(size=(120, 40)) as pilot:
        pane = app.query_one(StreamPane)
        pane.tinted = False
        gc.collect()
        gc.freeze()  # as the app does before it generates

        async def taken(act: Callable[[int], object]) -> list[float]:
            times = []
            for number in range(TIMES):
                started = time.perf_counter()
                act(number)
                await asyncio.sleep(0)
                app.screen._on_timer_update()
                times.append(1_000 * (time.perf_counter() - started))
                await asyncio.sleep(0.001)
            return times

        def tell(what: str, times: list[float]) -> None:
            worst = sorted(times)[int(0.99 * len(times))]
            print(f"{what:44} median {statistics.median(times):6.2f} ms   99 % under {worst:6.2f} ms")

        def append(number: int) -> None:
            text = " ".join(source.choices(WORDS, k=100))[:500]  # the text of 1/60 s at 30,000 characters per second
            pane.append(text, bytes(source.choices(range(5), weights=[60, 20, 10, 7, 3], k=len(text))))

        pane.begin("HARPAGON.\n\n")
        tell("to append 500 characters to the first", await taken(append))
        while pane._length < CHARACTERS:
            append(0)
        await pilot.pause()
        tell(f"to append 500 to {pane._length:,}", await taken(append))
        height = pane.max_scroll_y
        tell("to scroll by a page", await taken(lambda number: pane.scroll_to(y=height - 38 * number, animate=False)))
        tell("to scroll anywhere", await taken(lambda _: pane.scroll_to(y=source.random() * height, animate=False)))
        started = time.perf_counter()
        pane.rewrap()
        print(f"{'to wrap all of it again':44} {1_000 * (time.perf_counter() - started):13.1f} ms")


if __name__ == "__main__":
    asyncio.run(measure())
