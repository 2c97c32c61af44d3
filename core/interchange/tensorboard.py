"""A run for TensorBoard: losses, learning rate, gradient norm and speed as curves, samples and settings as text.

A `Dashboard` is a listener of the recorder (`core.runs.recorder.Listener`), and a run on disk is given to it as the
same events. Steps are those of the whole run.
"""

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core.errors import UserError
from core.events import EpochCompleted, Event, RunFinished, RunStarted, SampleDrawn, SavingFailed
from core.interchange.event_file import EventFile
from core.interchange.new_folder import new_folder
from core.runs.checkpoint_writer import RETRY_SECONDS
from core.runs.run import Run, RunConfig
from core.runs.step_rows import StepRow, StepRows, rows_of
from core.runs.summary import epochs_of
from core.text import shortened

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary

MISSING = (
    "TensorBoard's package is missing. Install it with the extra `tensorboard`: pip install -e '.[tensorboard]' in a "
    "checkout, otherwise pip install 'charlstm-tui[tensorboard]'."
)


class Dashboard:
    """Writes the events of one run into a folder that TensorBoard shows as a run. It raises no error for a full disk.

    A resumed run appends a file. Its first event has TensorBoard drop what an earlier process wrote about later steps,
    so that no curve has a step twice.
    """

    def __init__(self, folder: Path, config: RunConfig, now: Callable[[], float] = time.time) -> None:
        """Prepare a file in `folder`, which is created with the first event. `now` returns the time of an event.

        Raises:
            UserError: the package tensorboard is missing.
        """
        try:
            self._file = EventFile(folder)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "tensorboard":
                raise
            raise UserError(MISSING) from error
        self._config = config
        self._now = now
        self._rows = StepRows()
        self._last_step = 0
        self._resumed_after: int | None = None
        self.steps_per_epoch = 0
        """Steps of an epoch, for epochs that were recorded without the number of steps before their end."""

    def take(self, event: Event) -> Iterator[SavingFailed]:
        """Write an event; yield `SavingFailed` if that fails, once until it succeeds again."""
        failed_before = bool(self._file.failure)
        self.add(event)
        self._file.write(now=isinstance(event, RunFinished))
        if self._file.failure and not failed_before:
            yield SavingFailed(path=str(self._file.folder), why=self._file.failure, again_after=RETRY_SECONDS)

    def add_row(self, row: StepRow) -> None:
        """Add the losses of some steps."""
        if row.first_step <= self._last_step:  # the run has returned to the start of the epoch
            self._drop_from(row.first_step)
        self._last_step = row.total_steps
        numbers = {
            "loss/steps": row.loss,
            "learning_rate": row.learning_rate,
            "gradient_norm": row.gradient_norm,
            "characters_per_second": row.chars_per_second,
        }
        self._add_numbers(row.total_steps, numbers)

    def write(self) -> None:
        """Write what was added.

        Raises:
            OSError: it cannot be written.
        """
        self._file.write(now=True)
        if self._file.failure:
            raise OSError(errno.EIO, self._file.failure)

    def begin(self, resumed_after: int | None = None, history: Sequence[EpochCompleted] = ()) -> None:
        """Add the settings of a run, after dropping what is there: of an earlier run of its name, or of later steps.

        Args:
            resumed_after: number of steps after which the run is resumed; None for a new run.
            history: completed epochs. They are added if a resumed run had no dashboard before.
        """
        self._last_step, self._resumed_after = resumed_after or 0, resumed_after
        first = 0 if resumed_after is None else resumed_after + 1
        self._drop_from(first)
        if not self._file.follows_others:
            for epoch in history:
                self._add_epoch(epoch)
        self._add_settings(first)

    def add(self, event: Event) -> None:
        """Add an event, and the losses of the steps that it completes."""
        if (row := self._rows.take(event)) is not None:
            self.add_row(row)
        match event:
            case RunStarted():
                self.steps_per_epoch = event.steps_per_epoch
                resumed = bool(event.epochs_done or event.elapsed_seconds)
                self.begin(event.total_steps if resumed else None, event.history)
            case EpochCompleted():
                if event.total_steps == self._resumed_after:  # this epoch is validated a second time
                    self._drop_from(event.total_steps)
                    self._add_settings(event.total_steps)
                self._add_epoch(event)
            case SampleDrawn():
                self._add_text("sample", event.total_steps, _as_code(event.prompt + event.text))

    def _add_epoch(self, epoch: EpochCompleted) -> None:
        losses = {"loss/epoch": epoch.train_loss, "loss/validation": epoch.val_loss}
        self._add_numbers(epoch.total_steps or epoch.epoch * self.steps_per_epoch, losses)

    def _add_settings(self, step: int) -> None:
        self._add_text("settings", step, _table(settings_of(self._config)))
        self._add_summary(step, _hyperparameters(self._config))

    def _add_numbers(self, step: int, numbers: dict[str, float | None]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in numbers.items() if value is not None]
        self._add_summary(step, Summary(value=values))

    def _add_text(self, tag: str, step: int, markdown: str) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
        from tensorboard.compat.proto.types_pb2 import DT_STRING

        content = markdown.encode("utf-8", "replace")
        text = TensorProto(dtype=DT_STRING, string_val=[content], tensor_shape=TensorShapeProto())
        metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
        self._add_summary(step, Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=text)]))

    def _add_summary(self, step: int, summary: "Summary") -> None:
        from tensorboard.compat.proto.event_pb2 import Event as Message

        self._file.add(Message(wall_time=self._now(), step=step, summary=summary))

    def _drop_from(self, step: int) -> None:
        """Have TensorBoard drop what was written about this step and later ones."""
        from tensorboard.compat.proto.event_pb2 import Event as Message
        from tensorboard.compat.proto.event_pb2 import SessionLog

        start = SessionLog(status=SessionLog.START)
        self._file.add(Message(wall_time=self._now(), step=step, session_log=start))


def write_dashboard(run: Run, path: Path) -> None:
    """Write a run on disk into the new folder `path`, as its training would have.

    Raises:
        UserError: the package tensorboard is missing, the run has no losses or cannot be read, or the folder exists
            already or cannot be written.
    """
    config, events, rows = run.config(), run.events(), rows_of(run)
    epochs = epochs_of(events)
    if not epochs and not rows:
        raise UserError(f"The run {shortened(run.name)} has no losses: none of its steps was recorded.")
    began = config.created.timestamp() if config.created else run.config_path.stat().st_mtime
    elapsed = 0.0
    with new_folder(path) as folder:
        dashboard = Dashboard(folder, config, lambda: began + elapsed)
        dashboard.steps_per_epoch = max(
            (event.steps_per_epoch for event in events if isinstance(event, RunStarted)), default=0
        )
        dashboard.begin()
        parts: list[StepRow | EpochCompleted | SampleDrawn] = [*rows, *epochs, *_samples_of(events)]
        for one in sorted(parts, key=_order):
            elapsed = elapsed if isinstance(one, SampleDrawn) else one.elapsed_seconds
            if isinstance(one, StepRow):
                dashboard.add_row(one)
            else:
                dashboard.add(one)
        dashboard.write()


def _order(one: "StepRow | EpochCompleted | SampleDrawn") -> tuple[int, int]:
    return one.total_steps, (StepRow, EpochCompleted, SampleDrawn).index(type(one))


def _samples_of(events: list[Event]) -> list[SampleDrawn]:
    """Return the samples, without those of steps that were repeated after the run was resumed."""
    samples: list[SampleDrawn] = []
    for event in events:
        match event:
            case RunStarted(epochs_done=epochs, total_steps=steps):
                samples = [one for one in samples if one.epoch <= epochs and (not steps or one.total_steps <= steps)]
            case SampleDrawn():
                samples.append(event)
    return samples


def settings_of(config: RunConfig) -> dict[str, str | float]:
    """Return the settings of a run by name: of its text, its network and its training."""
    text = {"text": config.corpus.title, "split": config.corpus.split_name, "preset": config.preset}
    return text | msgspec.structs.asdict(config.model) | msgspec.structs.asdict(config.training)


def _table(settings: dict[str, str | float]) -> str:
    """Return settings as a Markdown table."""
    rows = [f"| {name} | {_cell(value)} |" for name, value in settings.items()]
    return "\n".join(["| setting | value |", "| --- | --- |", *rows])


def _cell(value: str | float) -> str:
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return shown.replace("\n", "⏎").replace("|", "\\|")


def _as_code(text: str) -> str:
    """Return a text as Markdown that shows it with its line breaks, whatever it contains."""
    return "\n".join(f"    {line}" for line in text.split("\n"))


def _hyperparameters(config: RunConfig) -> "Summary":
    """Return the settings as TensorBoard's page HPARAMS compares them."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams.metadata import NULL_TENSOR, SESSION_START_INFO_TAG, create_summary_metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    info = SessionStartInfo()
    for name, value in settings_of(config).items():
        if isinstance(value, str):
            info.hparams[name].string_value = value
        else:
            info.hparams[name].number_value = value
    metadata: SummaryMetadata = create_summary_metadata(HParamsPluginData(session_start_info=info))
    return Summary(value=[Summary.Value(tag=SESSION_START_INFO_TAG, metadata=metadata, tensor=NULL_TENSOR)])
