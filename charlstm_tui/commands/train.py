"""`charlstm-tui train`: the trainer's events as progress bars and lines, or as JSON."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from charlstm_tui.commands.options import given, json_option, runs_option, setting_options
from charlstm_tui.commands.streams import is_terminal
from charlstm_tui.commands.texts import TEXTS, about_moliere, limit_option, read_text, split_option
from charlstm_tui.numbers import count_of
from core.catalogue import MOLIERE, default_name
from core.config import ModelConfig, TrainingConfig, configure
from core.control import Control
from core.corpus import CorpusConfig, Split
from core.events import (
    Diverged,
    EpochCompleted,
    Event,
    RateHalved,
    RunFinished,
    RunStarted,
    StepsCompleted,
    to_json,
)
from core.files import user_path
from core.presets import DEFAULT_PRESET, PRESETS, SMALL_TEXT, preset_for, preset_named
from core.runs import RunConfig, RunStore
from core.settings_file import Settings, read_settings
from core.text import sanitise


@click.command("train", short_help="Train a model on a text.")
@click.option("--corpus", metavar="TEXT", help=f"What to learn: {TEXTS} [else moliere once fetched, else the play].")
@limit_option
@split_option
@click.option(
    "--preset",
    metavar="NAME",
    help=f"Where settings that are not given come from: {', '.join(PRESETS)} (charlstm-tui presets tells of each). "
    f"[else {DEFAULT_PRESET}, or small for a text under {SMALL_TEXT:,} characters]",
)
@click.option(
    "--config",
    "settings_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A TOML file of settings; the options given here count more.",
)
@setting_options(TrainingConfig, show_defaults=False)
@setting_options(ModelConfig, show_defaults=False)
@click.option("--name", metavar="RUN", help="What to call the run; else the preset's name and a number.")
@runs_option
@json_option
@click.pass_context
def train_command(
    ctx: click.Context,
    /,
    corpus: str | None,
    limit: int | None,
    split: Split | None,
    preset: str | None,
    settings_path: Path | None,
    name: str | None,
    store: RunStore,
    as_json: bool,
    **settings: Any,
) -> None:
    """Train a model on a text, and keep it as a run. Ctrl-C stops, saves and leaves with exit code 130."""
    said = read_settings(user_path(str(settings_path))) if settings_path is not None else Settings()
    name_of_preset = _first(preset, said.preset)
    model = said.model | given(settings, ModelConfig)
    training = said.training | given(settings, TrainingConfig)
    for config_class, changed in ((ModelConfig, model), (TrainingConfig, training)):
        configure(config_class(), changed)  # what is wrong is said before a large text is read
    base = preset_named(name_of_preset) if name_of_preset is not None else None
    corpus = _first(corpus, said.corpus)
    corpus_config = CorpusConfig.typed(
        _first(corpus, default_name()), _first(limit, said.limit), _first(split, said.split, "tail")
    )
    if corpus is None and not MOLIERE.here:
        click.echo(f"Learning from the play that comes with the program. {about_moliere()}", err=True)
    text = read_text(corpus_config)
    base = base or preset_for(len(text))
    config = RunConfig(
        preset=base.name,
        corpus=text.config,
        model=configure(base.model, model),
        training=configure(base.training, training),
    )
    renderer = _Renderer(as_json=as_json)
    with renderer:
        renderer.say("loading PyTorch")
        from core.training import Trainer

        trainer = Trainer(text, config.model, config.training)
        run = store.create(config, name)
        control = Control()
        with _stopping_on_interrupt(control, renderer):
            for event in run.record(trainer, control):
                renderer.show(event)
    if isinstance(event, RunFinished):
        ctx.exit({"finished": 0, "failed": 1, "stopped": 130}[event.reason])


def _first(*values: Any) -> Any:
    """Return the first value that is there, else the last one."""
    return next((value for value in values if value is not None), values[-1])


@contextmanager
def _stopping_on_interrupt(control: Control, renderer: "_Renderer") -> Iterator[None]:
    """Make the first ctrl-C end the run in order, and the second one leave at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        control.stop()
        renderer.say("stopping")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Renderer:
    """Shows a run's events: bars and lines on stderr and the outcome on stdout, or JSON lines on stdout."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
            # JSON lines and a live bar on one terminal would write over each other.
            disable=not is_terminal(sys.stderr) or (as_json and is_terminal(sys.stdout)),
        )
        self._task: TaskID = self._progress.add_task("", total=None, numbers="")
        self._epochs = 0

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def say(self, status: str) -> None:
        """Show in a word or two what goes on."""
        self._progress.update(self._task, description=status)

    def show(self, event: Event) -> None:
        """Show one event."""
        if self._as_json:
            click.echo(sanitise(to_json(event)))
        match event:
            case RunStarted():
                self._epochs = event.epochs
                self._line(
                    f"{event.run}: {event.parameters:,} parameters, {event.vocabulary} distinct characters; "
                    f"{event.train_characters:,} characters to train on, {event.validation_characters:,} to validate, "
                    f"{event.test_characters:,} kept for the test\n"
                    f"on {event.device} in {event.precision}, {count_of(event.threads, 'thread')}"
                )
            case StepsCompleted():
                done = event.epoch - 1 + event.step / event.steps
                self._progress.update(
                    self._task,
                    total=self._epochs,
                    completed=done,
                    description=f"epoch {event.epoch}/{self._epochs}",
                    numbers=f"loss {event.loss:.4f}  {event.chars_per_second:,.0f} char/s",
                )
            case EpochCompleted():
                width = len(str(self._epochs))
                validation = f"  validation {event.val_loss:.4f}" if event.val_loss is not None else ""
                best = "  best so far" if event.best and event.val_loss is not None else ""
                self._line(
                    f"epoch {event.epoch:{width}}/{self._epochs}  train {event.train_loss:.4f}{validation}"
                    f"  {event.seconds:6.1f} s  {event.chars_per_second:9,.0f} char/s{best}"
                )
            case RateHalved() | Diverged():
                self._line(event.advice)
            case RunFinished():
                self._progress.stop()
                if not self._as_json:
                    click.echo(sanitise(_outcome(event)))

    def _line(self, text: str) -> None:
        if not self._as_json:
            self._console.print(text, markup=False, soft_wrap=True)


def _outcome(event: RunFinished) -> str:
    checkpoint = event.best_checkpoint or event.last_checkpoint
    saved = f"saved in {checkpoint}" if checkpoint else "nothing was saved"
    return f"{event.run}: {event.reason} after {event.epochs} epochs and {event.elapsed_seconds:.1f} s, {saved}"
