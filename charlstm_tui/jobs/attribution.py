"""The job behind "What mattered": how much each earlier character changed the probability of the next one."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

from charlstm_tui.state.job_events import Doing
from core.control import Control

if TYPE_CHECKING:
    from core.checkpoints.checkpoint import Checkpoint as Checkpoint  # types for the widgets
    from core.inspection.activations import Activations as Activations
    from core.inspection.attribution import Attribution

Method = Literal["gradient", "without"]
"""By gradient times input, or exactly, without each character in turn."""


class Explained(NamedTuple):
    """The character whose probability is explained."""

    character: str
    probability: float
    came_next: bool
    """Whether it is the actual next character; otherwise it is the most probable one at the end of the text."""


class Asked(Struct, frozen=True, kw_only=True):
    """Which prediction to explain, and how."""

    checkpoint: "Checkpoint"
    activations: "Activations"
    """What the model computed when it read the text."""
    place: int
    """Index of the last character that was read before the prediction."""
    method: Method
    considerate: bool = False
    """Whether a run is in training, which has priority on the CPU."""


class Mattered(Struct, frozen=True):
    """The attribution of a prediction to the earlier characters."""

    asked: Asked
    attribution: "Attribution"


def explained_at(activations: "Activations", place: int) -> Explained:
    """Return the character after a place whose probability is explained: the actual one if the text continues."""
    probability = activations.given(place)
    if probability is not None and place + 1 < activations.read:
        return Explained(activations.text[place + 1], probability, True)
    return Explained(*activations.expected(place)[0], False)


def attribute(control: Control, asked: Asked) -> Iterator[object]:
    """Explain a prediction. Yields `Doing` and, last, `Mattered`.

    Raises:
        UserError: an attribution is not finite.
    """
    from core.inspection.attribution import (
        first_attributed,
        gradient_times_input,
        state_after,
        without_each_character,
    )

    checkpoint, activations, length = asked.checkpoint, asked.activations, asked.place + 1
    explained = explained_at(activations, asked.place)
    ids = checkpoint.vocabulary.encode(activations.text[:length] + explained.character)
    method = gradient_times_input if asked.method == "gradient" else without_each_character
    before = state_after(activations, first_attributed(length) - 1)
    threads = 1 if asked.considerate else None
    with closing(method(checkpoint.model, ids[:length], int(ids[length]), before, threads=threads)) as items:
        for item in items:
            if control.stopped:
                return
            yield Doing(f"computing, {item:.0%}") if isinstance(item, float) else Mattered(asked, item)
