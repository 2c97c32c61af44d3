"""Peak memory of a run of each preset, measured in separate processes and compared with the forecast.

python -m tests.benchmarks.memory FILE [notebook] [quick] [small] [standard] [best] [--headless] [--whole] [--json]

FILE is a copy of Molière's plays: the first 100,000 characters are for notebook, quick and small, the whole text for
the others. Each run is shortened to the parts that reach the peak: an epoch of a few steps, a validation, the saves
after it, and a stop during the next epoch, which saves the current state and the state at the epoch's start. `--whole`
runs a preset unchanged.

The forecast is for the app, which measures the speed, counts n-grams and draws, so the app is measured. `--headless`
measures the command `train`.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from core.settings.presets import PRESETS

FIRST = 100_000
SHORT = ("notebook", "quick", "small")
STEPS = 8
"""Number of steps of the first epoch."""


def limit_of(name: str) -> int | None:
    """Return the number of characters that a preset is measured on; None for the whole text."""
    return FIRST if name in SHORT else None


def peak() -> int:
    """Return the peak resident memory of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def shorten() -> None:
    """Make only the first epoch end, after a few steps."""
    from core.training.trainer import Trainer

    def is_over(self: Trainer, plan: object, steps: int) -> bool:
        return self._live.counters.epochs == 0 and self._live.counters.epoch_steps >= STEPS

    Trainer._epoch_is_over = is_over  # type: ignore[method-assign]


def run_headless(file: Path, name: str, *, whole: bool) -> dict[str, Any]:
    """Train as the command line does."""
    from core.control import Control
    from core.data.corpus import CorpusConfig, load_corpus
    from core.events import CheckpointSaved
    from core.runs.recorder import record
    from core.runs.run import RunConfig
    from core.runs.store import RunStore
    from core.settings.forecast import forecast

    preset = PRESETS[name]
    corpus = load_corpus(CorpusConfig.typed(str(file), limit_of(name)))
    from core.training.trainer import Trainer

    trainer = Trainer(corpus, preset.model, preset.training)
    config = RunConfig(preset=name, corpus=corpus.config, model=preset.model, training=preset.training)
    run = RunStore(Path(os.environ["CHARLSTM_RUNS"])).create(config)
    control = Control()
    if not whole:
        shorten()
    for event in record(run, trainer, control):
        if isinstance(event, CheckpointSaved) and event.kind == "last" and not whole:
            control.stop()
    train = len(corpus.part("train", preset.training.validation))
    told = forecast(preset.model, preset.training, len(corpus.characters), train)
    chosen = f"{trainer.compute.precision}, {trainer.compute.threads}"
    return {"forecast": told.memory_bytes, "peak": peak(), "computed_in": chosen}


async def run_in_app(file: Path, name: str, *, whole: bool) -> dict[str, Any]:
    """Train in the app, once the forecast is complete."""
    from textual.widgets import Input, Select

    from charlstm_tui.app import CharLSTMApp
    from charlstm_tui.widgets.training.forecast_panel import ForecastPanel
    from charlstm_tui.widgets.training.settings_form import SettingsForm
    from core.runs.store import RunStore

    app = CharLSTMApp(RunStore(Path(os.environ["CHARLSTM_RUNS"])))
    async with app.run_test(size=(120, 40)) as pilot:
        while not app.screen.query("SettingsForm"):
            await asyncio.sleep(0.1)
        await pilot.pause()
        app.screen.query_one("#corpus", Input).value = str(file)
        app.screen.query_one("#limit", Input).value = str(limit_of(name) or "")
        await pilot.pause()
        app.screen.query_one("#preset", Select).value = name
        await pilot.pause()
        asked = app.screen.query_one(SettingsForm).read()
        assert (asked.preset, asked.corpus.limit, asked.model) == (name, limit_of(name), PRESETS[name].model)
        panel = app.screen.query_one(ForecastPanel)
        while panel.config != asked or panel.is_working or panel.told is None:
            await asyncio.sleep(0.1)
        told, before = panel.told.memory_bytes, peak()
        if not whole:
            shorten()
        app.set_focus(None)
        await pilot.press("s")
        while app.training.finished is None:
            await asyncio.sleep(0.2)
            run = app.training.started.run if app.training.started is not None else ""
            if not whole and run and (Path(os.environ["CHARLSTM_RUNS"]) / run / "last.safetensors").exists():
                await asyncio.sleep(3)  # as a run continues for a while after a save
                app.run_controller.stop()
                while app.training.finished is None:
                    await asyncio.sleep(0.2)
        started = app.training.started
        chosen = f"{started.precision}, {started.threads}" if started is not None else ""
        return {"forecast": told, "peak": peak(), "before": before, "computed_in": chosen}


def main() -> None:
    """Print one row per preset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("what", nargs="*", default=list(PRESETS))
    parser.add_argument("--headless", action="store_true")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run = run_headless if options.headless else lambda *a, **k: asyncio.run(run_in_app(*a, **k))
        print(json.dumps(run(options.file.absolute(), options.what[0], whole=options.whole)))
        return
    for name in options.what:
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"CHARLSTM_RUNS": f"{folder}/runs", "CHARLSTM_DATA": f"{folder}/data"}
            flags = [flag for flag in ("headless", "whole") if getattr(options, flag)]
            command = [sys.executable, "-m", "tests.benchmarks.memory", str(options.file), name, "--one"]
            command += [f"--{flag}" for flag in flags]
            said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if said.returncode:
            print(said.stderr, file=sys.stderr)
            sys.exit(1)
        found = json.loads(said.stdout.splitlines()[-1])
        if options.json:
            print(json.dumps({"preset": name, **found}), flush=True)
            continue
        ratio = found["forecast"] / found["peak"]
        print(
            f"{name:10} forecast {found['forecast'] / 1e6:7.0f} MB   took {found['peak'] / 1e6:7.0f} MB   "
            f"ratio {ratio:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
