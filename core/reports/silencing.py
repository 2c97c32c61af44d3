"""Records of what silenced cells change: the loss of a text with and without them, by kind of character and place."""

import math
from typing import Literal, NamedTuple

from msgspec import Struct

from core.errors import UserError
from core.text import shortened

MAX_VALUE = 1e6
"""Largest absolute value that a memory is set to."""
ClampKind = Literal["zero", "mean", "value"]


class Clamp(NamedTuple):
    """The value that the memory of a silenced cell is set to at every character."""

    kind: ClampKind = "zero"
    value: float = 0.0
    """The value, if the kind is `value`."""

    @classmethod
    def typed(cls, text: str) -> "Clamp":
        """Return the clamp to a value that a user typed.

        Raises:
            UserError: it is not a number, or too large.
        """
        try:
            value = float(text.strip().replace(",", ".").replace("\N{MINUS SIGN}", "-"))
        except ValueError:
            value = math.nan
        if not abs(value) <= MAX_VALUE:
            raise UserError(f"The value must be a number such as 0.5 or -1, not {shortened(text) or 'nothing'}.")
        return cls("value", value)

    @property
    def shown(self) -> str:
        """The clamp in words."""
        match self.kind:
            case "zero":
                return "0"
            case "mean":
                return "its mean over the text"
            case "value":
                return f"{self.value:g}"


class CellId(NamedTuple):
    """A cell of a network."""

    layer: int
    """Number of its layer, from 0."""
    cell: int
    """Its number in the layer, from 0."""


class GroupCost(Struct, frozen=True, kw_only=True):
    """Characters of one kind, or at one distance from the last newline, and their loss."""

    name: str
    characters: int
    """Number of characters."""
    before: float
    """Mean loss of the network as it is, in nats per character."""
    after: float
    """Mean loss with the cells silenced, in nats per character."""

    @property
    def difference(self) -> float:
        """Loss that the silencing adds, in nats per character."""
        return self.after - self.before


class CharacterCost(Struct, frozen=True, kw_only=True):
    """One character, and its loss."""

    place: int
    """Index of the character in the text."""
    before: float
    """Loss of the network as it is, in nats."""
    after: float
    """Loss with the cells silenced, in nats."""

    @property
    def difference(self) -> float:
        """Loss that the silencing adds, in nats."""
        return self.after - self.before


class SilencingEffect(Struct, frozen=True, kw_only=True):
    """The loss of a text without and with silenced cells."""

    cells: tuple[CellId, ...]
    """The silenced cells."""
    clamp: Clamp
    characters: int
    """Number of characters that are predicted: all but the first."""
    before: float
    """Mean loss of the network as it is, in nats per character."""
    after: float
    """Mean loss with the cells silenced, in nats per character."""
    standard_error: float | None
    """Standard error of the difference, from the means of blocks of the text; None if the text is too short."""
    kinds: tuple[GroupCost, ...]
    """By kind of character (`core.evaluation.character_classes`), for kinds that occur."""
    distances: tuple[GroupCost, ...]
    """By distance from the last newline, for distances that occur."""
    worst: tuple[CharacterCost, ...]
    """The characters that lose most, the worst first."""

    @property
    def difference(self) -> float:
        """Loss that the silencing adds, in nats per character."""
        return self.after - self.before

    @property
    def is_short(self) -> bool:
        """Whether the text is too short to tell the difference from chance."""
        return self.standard_error is None


class RankedCell(NamedTuple):
    """A cell, and what its silencing costs on a text."""

    cell: int
    """Number of the cell, from 0."""
    estimate: float
    """First-order estimate of the loss that its silencing adds, in nats, for the whole text."""
    exact: float | None
    """The loss that its silencing adds, in nats, for the whole text; None if it was not computed."""
