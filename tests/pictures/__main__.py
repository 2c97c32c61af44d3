"""Draws the README's pictures: trains, measures, writes and inspects in the real app, and saves what its screens show.

    python -m tests.pictures moliere.txt

Five and a half minutes on two cores (AMD EPYC). What is trained is the play that comes with the program, and it is that
play's text that the map of surprise shows: no line of Molière's gets into the repository by a picture.
"""

import argparse
import asyncio
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import TabbedContent

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.common.stream_pane import StreamPane
from charlstm_tui.widgets.evaluation.report_pages import ReportPages
from core.events import StepsCompleted
from core.runs.bundled_model import shipped_path
from core.runs.store import RunStore

FOLDER = Path(__file__).parent
SIZE = (120, 34)
"""Columns and rows: wide enough for everything that a screen has, and still to be read in a page of text."""
EPOCH = 27
"""In the midst of it the training is shown."""
CHARACTERS = 560
"""Written when the writing is shown."""
INSIDE = 40
"""The place in the text at which the cells are shown."""
FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


async def draw(moliere: Path, folder: Path) -> None:
    """Draw all of them, with runs and data in a folder of their own."""
    os.environ |= {
        "CHARLSTM_RUNS": str(folder / "runs"),
        "CHARLSTM_DATA": str(folder / "data"),
        "COLORTERM": "truecolor",
    }
    app = CharLSTMApp(RunStore(folder / "runs"))
    async with app.run_test(size=SIZE) as pilot:
        await train(app, pilot)
        await look_at_the_run(app, pilot)
        texts = folder / "data" / "texts"
        texts.mkdir(parents=True)
        shutil.copy(moliere, texts / "moliere.txt")  # as `charlstm-tui corpus fetch` leaves it
        await measure(app, pilot)
        await write(app, pilot)
        await look_inside(app, pilot)


async def train(app: CharLSTMApp, pilot: Pilot[None]) -> None:
    """Train the play with what the app proposes, and look at it in mid-run."""
    await until(lambda: app.screen.check_action("start", ()) is True)
    await pilot.press("s")
    await until(lambda: len(app.training.epochs) >= EPOCH - 1)
    await until(lambda: _amid(app.training.steps))
    await pilot.pause(0.5)
    save(app, "train")
    await until(lambda: app.training.phase == "finished")
    await pilot.pause(1)


def _amid(steps: StepsCompleted | None) -> bool:
    return steps is not None and steps.epoch >= EPOCH and 2 * steps.step > steps.steps


async def look_at_the_run(app: CharLSTMApp, pilot: Pilot[None]) -> None:
    """See where it fails, on a map of its test part."""
    await pilot.press("e")
    await measured(app)
    await pilot.press("t", "n", "n", "n", "n")
    await pilot.pause(0.5)
    save(app, "surprise")


async def measure(app: CharLSTMApp, pilot: Pilot[None]) -> None:
    """Measure the model that comes with the program."""
    app.screen.query_one("#model", CheckpointSelect).value = shipped()
    await pilot.pause()
    await pilot.press("escape", "e")
    await measured(app)
    app.screen.query_one(ReportPages).query_one(TabbedContent).active = "baselines"  # a page without the text
    await pilot.pause(0.5)
    save(app, "evaluate")


async def write(app: CharLSTMApp, pilot: Pilot[None]) -> None:
    """Have it write, tinted by surprise."""
    await pilot.press("f4")
    await pilot.pause()
    app.screen.query_one(CheckpointSelect).value = shipped()
    await pilot.press(*r"HARPAGON.\n\n", "enter")
    pane = app.screen.query_one(StreamPane)
    await until(lambda: len(pane.text) > CHARACTERS // 2)
    await pilot.press("t")
    await until(lambda: len(pane.text) > CHARACTERS)
    save(app, "generate")
    await pilot.press("escape")


async def look_inside(app: CharLSTMApp, pilot: Pilot[None]) -> None:
    """Look inside it while it reads what it wrote, at the cells that follow the length of the line."""
    await pilot.press("f5")
    await pilot.pause()
    app.screen.query_one(CheckpointSelect).value = shipped()
    await pilot.press("enter")
    await until(lambda: app.screen.check_action("save", ()) is True)
    await pilot.pause()
    await pilot.press("f", *["right"] * INSIDE)
    await pilot.pause(0.5)
    save(app, "inspect")


def save(app: CharLSTMApp, name: str) -> None:
    """Save what is shown, in fonts that need no fetching."""
    drawn = app.export_screenshot(title="charlstm-tui")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    drawn = drawn.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
    (FOLDER / f"{name}.svg").write_text(drawn, encoding="utf-8")
    print(f"{name}.svg")


def shipped() -> Path:
    """Return the model that comes with the program."""
    if (path := shipped_path()) is None:
        raise FileNotFoundError("checkpoints/moliere.safetensors")
    return path


async def measured(app: CharLSTMApp) -> None:
    """Wait until a measurement has begun, and is done."""
    await until(lambda: app.screen.check_action("stop", ()) is True)
    await until(lambda: app.screen.check_action("stop", ()) is not True)


async def until(condition: Callable[[], bool], seconds: float = 600) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("this did not come to be")
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("moliere", type=Path, help="as `charlstm-tui corpus path moliere` tells")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(draw(arguments.moliere, Path(temporary)))
