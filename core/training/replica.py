"""What every process of a run has: the network with its optimizer, the windows it reads, and the state it carries.

A run is usually one process, with one `Replica`. Under torchrun, each process has one that reads its share of the
streams; that of rank 0 is a `LeadingReplica`, which makes the others do what it does.
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from core.data.corpus import Corpus
from core.data.renamed_speakers import RenamedSpeakers
from core.data.streams import Streams
from core.data.text_slice import Ids
from core.data.vocabulary import Vocabulary
from core.data.window_loader import WindowLoader
from core.evaluation.validation_loss import quick_loss
from core.model.char_lstm import State
from core.reports.results import EvaluationProgress
from core.settings.config import TrainingConfig
from core.training.learner import Learner
from core.training.process_group import Command, ProcessGroup

Position = dict[str, int]
"""The next window: the state of a `WindowLoader`."""


def training_streams(
    corpus: Corpus, vocabulary: Vocabulary, config: TrainingConfig, group: ProcessGroup | None
) -> Streams:
    """Return the streams of the training part that a process reads.

    Raises:
        UserError: the text is too short for the streams and the window.
    """
    passage = corpus.part("train", config.validation)
    share = config.rename_speakers
    return Streams(
        passage.ids(vocabulary),
        in_pass=RenamedSpeakers(passage, vocabulary, share, config.seed).in_pass if share else None,
        streams=config.streams,
        window=config.window,
        columns=slice(None) if group is None else group.columns(config.streams),
    )


class Replica:
    """The network of one process, trained on its streams."""

    def __init__(self, learner: Learner, streams: Streams, group: ProcessGroup | None = None) -> None:
        """Start at the first window; `group` contains the processes of the run, None if this is the only one."""
        self.learner = learner
        self._windows = WindowLoader(streams, learner.config.seed, learner.compute.device)
        self._group = group
        self._carried: State | None = None  # state after the last window

    @property
    def position(self) -> Position:
        """The next window."""
        return self._windows.state_dict()

    @property
    def characters(self) -> int:
        """Number of characters in a window over the streams of all processes."""
        return self._windows.characters

    def steps_of(self, reading: int) -> int:
        """Return the number of windows in a pass through the text, counted from 1."""
        return self._windows.steps_of(reading)

    def step(self, rate: float) -> Tensor:
        """Take one training step on the next window; return its mean loss over all streams, on the device."""
        window = self._windows.next()
        state = None if window.begins else self._carried
        loss, self._carried = self.learner.step(window.inputs, window.targets, state, rate)
        return loss if self._group is None else self._group.mean(loss)

    def validate(self, ids: Ids, start_id: int) -> Iterator[EvaluationProgress | float]:
        """Yield progress and, last, the loss on the validation part, as `quick_loss` does."""
        readings = quick_loss(self.learner.kept, ids, start_id, self._group)
        while True:
            with self.learner.compute.autocast():  # only here: it must not be active while the caller runs
                reading = next(readings)
            yield reading
            if isinstance(reading, float):
                return

    def state(self) -> dict[str, Tensor]:
        """Return everything that steps change, as tensors: the replica's own, not copies."""
        return self.learner.state() | self._carried_tensors()

    def restore(self, tensors: Mapping[str, Tensor], position: Position, steps: int) -> None:
        """Restore what `state` returned, for the streams of all processes, after `steps` steps."""
        self.learner.restore(tensors, steps)
        self._windows.load_state_dict(position)
        self._carried = None
        if "state.hidden" in tensors:
            columns = self._group.columns(self.learner.config.streams) if self._group is not None else slice(None)
            compute = self.learner.compute
            hidden, cell = (tensors[name][:, columns].to(compute.device) for name in ("state.hidden", "state.cell"))
            if compute.precision == "fp32":
                hidden, cell = hidden.float(), cell.float()
            self._carried = State(hidden, cell)

    def is_asked_to_stop(self) -> bool:
        """Return whether another process has asked to stop the run."""
        return self._group is not None and self._group.is_asked_to_stop()

    def own_state(self) -> dict[str, Tensor]:
        """Return the part of `state` that the other processes do not have: carried state and random numbers."""
        return self.learner.generator_state() | self._carried_tensors()

    def _carried_tensors(self) -> dict[str, Tensor]:
        if self._carried is None:
            return {}
        return {"state.hidden": self._carried.hidden, "state.cell": self._carried.cell}


class LeadingReplica(Replica):
    """The network of rank 0. Before it does something, the other processes are told to do the same."""

    def __init__(self, learner: Learner, streams: Streams, group: ProcessGroup) -> None:
        super().__init__(learner, streams, group)
        self._processes = group

    def step(self, rate: float) -> Tensor:
        """Take one training step in all processes."""
        self._processes.send(Command.STEP, rate)
        return super().step(rate)

    def validate(self, ids: Ids, start_id: int) -> Iterator[EvaluationProgress | float]:
        """Compute the validation loss in all processes, each on its share of the text, piece by piece."""
        readings = super().validate(ids, start_id)
        begins = True
        while True:
            self._processes.send(Command.VALIDATE, float(begins))
            begins = False
            reading = next(readings)
            yield reading
            if isinstance(reading, float):
                return

    def state(self) -> dict[str, Tensor]:
        """Return everything that steps change, with the carried states of all streams and all random numbers."""
        self._processes.send(Command.GATHER)
        parts = self._processes.gather(self.own_state())
        tensors = self.learner.state()
        for part in parts:
            tensors |= {name: tensor for name, tensor in part.items() if not name.startswith("state.")}
        carried = ("state.hidden", "state.cell") if "state.hidden" in parts[0] else ()
        return tensors | {name: torch.cat([part[name] for part in parts], dim=1) for name in carried}

    def restore(self, tensors: Mapping[str, Tensor], position: Position, steps: int) -> None:
        """Restore a state in all processes."""
        self._processes.send(Command.RESTORE)
        self._processes.broadcast((dict(tensors), position, steps))
        super().restore(tensors, position, steps)
