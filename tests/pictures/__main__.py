"""Draws the README's screenshots: trains, evaluates, generates and inspects in the app, and saves its screens as SVG.

    python -m tests.pictures moliere.txt

Takes five and a half minutes on two cores (AMD EPYC). The app trains on the bundled play, and the surprisal map shows
that play's text: so no line of Molière's gets into the repository through a picture.
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
"""Columns and rows: large enough for everything on a screen, and still readable in a page of text."""
EPOCH = 27
"""Epoch in which the training screen is saved."""
CHARACTERS = 560
"""Number of generated characters when the Generate screen is saved."""
INSIDE = 40
"""Position in the text at which the cells are shown."""
FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


async def draw(moliere: Path, folder: Path) -> None:
    """Draw all screenshots, with runs and data in a temporary folder."""
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
    """Train on the play with the default settings; save the screen during the run."""
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
    """Show the surprisal map of the test part."""
    await pilot.press("e")
    await measured(app)
    await pilot.press("t", "n", "n", "n", "n")
    await pilot.pause(0.5)
    save(app, "surprise")


async def measure(app: CharLSTMApp, pilot: Pilot[None]) -> None:
    """Evaluate the bundled model."""
    app.screen.query_one("#model", CheckpointSelect).value = shipped()
    await pilot.pause()
    await pilot.press("escape", "e")
    await measured(app)
    app.screen.query_one(ReportPages).query_one(TabbedContent).active = "baselines"  # a page without the text
    await pilot.pause(0.5)
    save(app, "evaluate")


async def write(app: CharLSTMApp, pilot: Pilot[None]) -> None:
    """Generate a text, tinted by surprisal."""
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
    """Show the activations over the generated text, with the cells that follow the length of the line."""
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
    """Save the screen as SVG, with fonts that need no download."""
    drawn = app.export_screenshot(title="charlstm-tui")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    drawn = drawn.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
    (FOLDER / f"{name}.svg").write_text(drawn, encoding="utf-8")
    print(f"{name}.svg")


def shipped() -> Path:
    """Return the bundled model."""
    if (path := shipped_path()) is None:
        raise FileNotFoundError("checkpoints/moliere.safetensors")
    return path


async def measured(app: CharLSTMApp) -> None:
    """Wait until an evaluation has started and ended."""
    await until(lambda: app.screen.check_action("stop", ()) is True)
    await until(lambda: app.screen.check_action("stop", ()) is not True)


async def until(condition: Callable[[], bool], seconds: float = 600) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition did not become true")
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("moliere", type=Path, help="the path that `charlstm-tui corpus path moliere` prints")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(draw(arguments.moliere, Path(temporary)))
