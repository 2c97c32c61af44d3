"""How far back networks remember, as plain records, and what it means in sentences."""

from collections.abc import Sequence

from msgspec import Struct

from core.data.splits import Part
from core.settings.config import Cell
from core.text import count_of, joined

SMALL = 0.01
"""Share of the gradient at distance 0 below which it counts as vanished, and difference in nats below which two losses
count as equal."""
MAX_MODELS = 4
"""Maximum number of networks that are compared."""
LONG = 50.0
"""Time constant in characters from which a cell counts as one that remembers for long."""


class Spread(Struct, frozen=True):
    """A quantity over many places of a text."""

    mean: float
    low: float
    """Lower quartile."""
    median: float
    high: float
    """Upper quartile."""


class ContextLoss(Struct, frozen=True):
    """Mean loss of characters that are predicted from the `context` characters before them, and from no others."""

    context: int
    loss: float
    """In nats per character."""
    standard_error: float


class TimeConstant(Struct, frozen=True):
    """How long a cell of an LSTM remembers: its cell state decays by a factor e in `characters` characters."""

    layer: int
    """From 0."""
    cell: int
    """From 0."""
    characters: float


class ModelMemory(Struct, frozen=True, kw_only=True):
    """How far back one network remembers."""

    name: str
    cell: Cell
    parameters: int
    hidden: tuple[Spread, ...]
    """Norm of the gradient of a character's loss with respect to the hidden state k characters before, for k = 0, 1, …
    The norm is over all layers."""
    cell_state: tuple[Spread, ...] = ()
    """The same for the cell state of an LSTM."""
    inputs: tuple[Spread, ...] = ()
    """The same for the embedding of the character that was read there."""
    contexts: tuple[ContextLoss, ...] = ()
    time_constants: tuple[TimeConstant, ...] = ()
    """Of every cell of an LSTM, the longest first."""

    @property
    def carried(self) -> tuple[Spread, ...]:
        """The gradient with respect to the state that a layer carries along: the cell state if it has one."""
        return self.cell_state or self.hidden

    @property
    def state(self) -> str:
        """Name of that state."""
        return "cell state" if self.cell_state else "hidden state"

    @property
    def vanished_at(self) -> int | None:
        """Smallest distance from which on the mean of `carried` is below `SMALL` of that at distance 0, or None."""
        limit = SMALL * self.carried[0].mean
        last = max((k for k, norm in enumerate(self.carried) if norm.mean >= limit), default=0)
        return last + 1 if last + 1 < len(self.carried) else None

    @property
    def used_context(self) -> ContextLoss:
        """The shortest context from which on the loss is within `SMALL` of that with the longest."""
        best = self.contexts[-1].loss
        last = max((number for number, one in enumerate(self.contexts) if one.loss > best + SMALL), default=-1)
        return self.contexts[last + 1]

    @property
    def long_cells(self) -> int:
        """Number of cells with a time constant of at least `LONG`."""
        return sum(one.characters >= LONG for one in self.time_constants)


class MemoryReport(Struct, frozen=True, kw_only=True):
    """How far back one or several networks remember, measured on the same characters of one text."""

    corpus: str
    part: Part
    places: int
    """Number of places over which gradients are averaged."""
    characters: int
    """Number of characters whose loss is computed for each context."""
    models: tuple[ModelMemory, ...]
    ngrams: tuple[ContextLoss, ...] = ()
    """n-gram models with the same contexts: for a context of k characters, the order is k + 1."""
    learnt_characters: int = 0
    """Number of characters of the part that are also in the training part of one of the networks."""
    skipped_characters: int = 0
    """Number of characters of the part that a model does not know; they were removed from the text."""

    @property
    def sentences(self) -> list[str]:
        """What the figures say: how far the gradient reaches, how much context is used, and which cells last."""
        said = [_on_gradients(self.models), _on_contexts(self.models)]
        if self.ngrams:
            best = min(self.ngrams, key=lambda one: one.loss)
            gains = f"No n-gram gains from more than {count_of(best.context, 'character')}"
            said.append(f"{gains}: its loss is {best.loss:.2f}.")
        for model in self.models:
            if model.time_constants:
                longest = model.time_constants[0]
                layer = f" of layer {longest.layer + 1}" if any(one.layer for one in model.time_constants) else ""
                said.append(
                    f"In {model.name}, {model.long_cells:,} of {len(model.time_constants):,} cells "
                    f"{'has' if model.long_cells == 1 else 'have'} a time constant of {LONG:.0f} characters or more; "
                    f"the longest is {characters_shown(longest.characters)} (cell {longest.cell}{layer})."
                )
        return said


def _on_gradients(models: Sequence[ModelMemory]) -> str:
    """Say at which distance each network's gradient vanishes."""
    reach = len(models[0].hidden) - 1
    vanish = [(count_of(at, "character"), model.name) for model in models if (at := model.vanished_at) is not None]
    stay = [model.name for model in models if model.vanished_at is None]
    states = {model.state for model in models}
    of = states.pop() if len(states) == 1 else "state that is carried along"
    gradient = f"The gradient with respect to the {of}"
    falls = f"{gradient} falls below {100 * SMALL:.0f} % of its size after "
    if not vanish:
        return f"{gradient} does not fall below {100 * SMALL:.0f} % of its size within {reach} characters."
    if len(models) == 1:
        return f"{falls}{vanish[0][0]}."
    said = falls + joined([f"{at} in {name}" for at, name in vanish])
    return f"{said}; in {joined(stay)} it does not within {reach} characters." if stay else f"{said}."


def _on_contexts(models: Sequence[ModelMemory]) -> str:
    longest = models[0].contexts[-1].context
    if len(models) == 1:
        used = models[0].used_context
        return (
            f"About {count_of(used.context, 'character')} of context {'is' if used.context == 1 else 'are'} used: the "
            f"loss is {used.loss:.3f} with {used.context}, and {models[0].contexts[-1].loss:.3f} with {longest}."
        )
    named = joined([f"{model.used_context.context} in {model.name}" for model in models])
    losses = joined([f"{model.contexts[-1].loss:.2f}" for model in models])
    return f"Characters of context that are used: about {named}. With {longest}, the losses are {losses}."


def characters_shown(count: float) -> str:
    """Return a time constant in characters, with one decimal below 10."""
    return f"{count:.1f}" if count < 10 else f"{count:,.0f}"
