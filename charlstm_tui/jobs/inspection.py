"""The job of the Inspect screen: run a model over a text and record its activations."""

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from charlstm_tui.jobs.process import blas_on_one_thread, spare_the_collector
from charlstm_tui.state.job_events import Doing, Prompted
from core.control import Control
from core.errors import UserError
from core.settings.config import SamplingConfig
from core.text import count_of

if TYPE_CHECKING:
    from core.checkpoints.checkpoint import Checkpoint
    from core.inspection.activations import Activations as Activations  # types for the screen
    from core.inspection.activations import Cells as Cells

WRITTEN = 400
"""Number of characters that the model generates if it is given no text."""


class Looked(Struct, frozen=True, kw_only=True):
    """Which model to inspect, on which text."""

    name: str = ""
    """The model's name on screen."""
    path: Path
    """Path of the checkpoint."""
    text: str = ""
    written: int = 0
    """Number of characters that the model generates first and that are then read after `text`."""
    seed: int = 0
    """Seed of the generated text."""
    known: int = 0
    """Number of characters that an earlier job has already read; a result with fewer is not reported."""
    considerate: bool = False
    """Whether a run is in training, which has priority on the CPU."""


class Seen(Struct, frozen=True):
    """The activations of a model over a text, or over the part that was read before it was stopped."""

    what: Looked
    checkpoint: "Checkpoint"
    """The model that read the text; its file may be replaced later, by a run in training."""
    activations: "Activations"
    begin: int
    """Index of the first generated character after the given text; 0 if all or none of the text is generated."""


def properties() -> list[str]:
    """Return the names of the text properties that cells are correlated with."""
    from core.inspection.probes import PROPERTIES

    return list(PROPERTIES)


def relation(cell: int, name: str, r: float) -> str:
    """Return a sentence on the correlation `r` of a cell with the property of that name."""
    from core.inspection import probes

    return probes.relation(cell, name, r)


def inspect_model(control: Control, what: Looked) -> Iterator[object]:
    """Record a model's activations. Yields `Doing`, `Prompted` and, last, `Seen`."""
    yield Doing("loading PyTorch")
    from core.checkpoints.checkpoint import load_checkpoint
    from core.inspection.activations import Activations, most_characters
    from core.inspection.record_activations import record_activations
    from core.sampling.prompt import fit

    if control.stopped:
        return
    yield Doing("loading the model")
    checkpoint = load_checkpoint(what.path)
    spare_the_collector()
    prompt = fit(what.text, checkpoint.vocabulary)
    if what.text and not prompt.read:
        raise UserError("None of these characters is in the model's vocabulary.")
    most = most_characters(checkpoint.model.config)
    notice = prompt.notice
    if len(prompt.read) > most:
        notice += f" The first {most:,} of {count_of(len(prompt.read), 'character')} are read."
    yield Prompted(notice.strip())
    given = text = prompt.read[:most]
    with blas_on_one_thread() if what.considerate else contextlib.nullcontext():
        if what.written or not given:
            count = min(what.written or WRITTEN, most - max(len(given), 1))
            text = yield from _written_on(control, checkpoint, given, count, what.seed)
        activations = Activations(checkpoint.model.config, checkpoint.vocabulary.characters, text)
        for done in record_activations(checkpoint.model, checkpoint.vocabulary, activations):
            if control.stopped:
                break
            yield Doing(f"reading, {done:.0%}")
    if activations.read > what.known:
        yield Seen(what, checkpoint, activations, len(given) if len(given) < activations.read else 0)


def _written_on(
    control: Control, checkpoint: "Checkpoint", text: str, count: int, seed: int
) -> Generator[Doing, None, str]:
    """Return the text with `count` generated characters after it. Yields `Doing`; returns "" when stopped."""
    from core.inspection.record_activations import write_on

    config = SamplingConfig(seed=seed)
    for event in write_on(checkpoint.model, checkpoint.vocabulary, config, text, count):
        if isinstance(event, str):
            return event
        yield Doing(f"generating, {event:.0%}")
        if control.stopped:
            break
    return ""
