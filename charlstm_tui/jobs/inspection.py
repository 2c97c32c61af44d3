"""The job of the Inspect screen: let a model read a text, and record its activations."""

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
    from core.inspection.activations import Activations as Activations  # for the screen and its widgets, as types alone
    from core.inspection.activations import Cells as Cells

WRITTEN = 400
"""Characters that the model generates where it is given none to read."""


class Looked(Struct, frozen=True, kw_only=True):
    """Which model to inspect, on which text."""

    name: str = ""
    """The model's name on screen."""
    path: Path
    """Of the checkpoint."""
    text: str = ""
    written: int = 0
    """Characters that the model itself generates first, in addition."""
    seed: int = 0
    """The seed of what it generates."""
    known: int = 0
    """Characters from the start that have been read before: fewer would show nothing new."""
    considerate: bool = False
    """Whether a run is being trained, which needs the CPU more."""


class Seen(Struct, frozen=True):
    """A model has read a text, or the part of it until it was stopped."""

    what: Looked
    activations: "Activations"
    begin: int
    """The place where the model's own text begins, after the given one; 0 where all or none of the text is its own."""


def properties() -> list[str]:
    """Return the names of the properties of a text that a cell can follow."""
    from core.inspection.probes import PROPERTIES

    return list(PROPERTIES)


def relation(cell: int, name: str, r: float) -> str:
    """Return in words how closely a cell follows the property of that name."""
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
        raise UserError("The model knows none of these characters.")
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
        yield Seen(what, activations, len(given) if len(given) < activations.read else 0)


def _written_on(
    control: Control, checkpoint: "Checkpoint", text: str, count: int, seed: int
) -> Generator[Doing, None, str]:
    """Continue a text by the model; return nothing when told to stop."""
    from core.inspection.record_activations import write_on

    config = SamplingConfig(seed=seed)
    for event in write_on(checkpoint.model, checkpoint.vocabulary, config, text, count):
        if isinstance(event, str):
            return event
        yield Doing(f"writing, {event:.0%}")
        if control.stopped:
            break
    return ""
