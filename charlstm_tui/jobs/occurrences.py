"""The jobs of the screen "Where else": record a few cells over a part of the model's text, and search it."""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from charlstm_tui.jobs.process import spare_the_collector
from charlstm_tui.state.job_events import Doing
from core.control import Control
from core.data.corpus import Corpus, open_corpus
from core.data.splits import Part
from core.errors import UserError
from core.text import count_of

if TYPE_CHECKING:
    from charlstm_tui.jobs.inspection import Activations
    from core.checkpoints.checkpoint import Checkpoint
    from core.inspection.cell_values import PartValues
    from core.inspection.kept_values import ValuesOf
    from core.inspection.occurrences import CellOn as CellOn  # types for the screen
    from core.inspection.occurrences import InCommon as InCommon
    from core.inspection.occurrences import Occurrences as Occurrences
    from core.inspection.occurrences import Place as Place

MAX_CHARACTERS = 1_000_000
"""Maximum number of characters of a part that are read."""


class Subject(Struct, frozen=True, kw_only=True):
    """A stretch of Inspect's text, and the quantity of a layer that is looked at."""

    name: str
    """The model's name on screen."""
    checkpoint: "Checkpoint"
    """The model that has read the text: the file of a run may be replaced meanwhile."""
    activations: "Activations"
    begin: int
    end: int
    """Index after the last character of the stretch."""
    layer: int
    """Number of the layer, from 0."""
    symbol: str
    """Symbol of the quantity."""

    @property
    def stretch(self) -> str:
        """The characters of the stretch."""
        return self.activations.text[self.begin : self.end]

    @property
    def quantity(self) -> str:
        """Name of the quantity."""
        return next(one.name for one in self.activations.quantities if one.symbol == self.symbol)


class Reading(Struct, frozen=True):
    """The share of the part that was read, 0 to 1."""

    done: float


class Unkept(Struct, frozen=True):
    """The values could not be stored in the cache: the next search has to read the text again."""

    why: str


class PartRead(Struct, frozen=True, kw_only=True):
    """The values of some cells over a part of the text, or over its first characters."""

    part: Part
    of: int
    """Number of characters of the part; the characters that are read are fewer if it is very long."""
    text: str
    """The characters that are read."""
    values: "PartValues"

    def has(self, cells: Iterable[int]) -> bool:
        """Return whether these cells were recorded."""
        return {*cells} <= {*self.values.cells}

    @property
    def is_complete(self) -> bool:
        """Whether all characters were read that are to be read."""
        return self.values.characters == self.values.of


class Asked(Struct, frozen=True, kw_only=True):
    """What to look for."""

    cells: tuple["CellOn", ...]
    threshold: float
    bounded: bool
    """Whether the cells must be off right before and right after a place."""
    stretch: str


class Found(Struct, frozen=True, kw_only=True):
    """The places at which the most of the cells are on."""

    asked: Asked
    read: PartRead
    occurrences: "Occurrences"
    common: "InCommon | None"
    """What most of the places have in common."""

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        cells, read, places = len(self.asked.cells), self.read, self.occurrences.places
        best = places[0].agreeing if places else 0
        if self.occurrences.complete:
            every = "The cell is" if cells == 1 else "Both cells are" if cells == 2 else f"All {cells} cells are"
            positions = count_of(read.values.characters - len(self.asked.stretch) + 1, "place")
            said = [f"{every} on throughout at {self.occurrences.complete:,} of {positions}."]
        elif best:
            these = "both cells" if cells == 2 else f"all {cells} cells"
            said = [f"At no place are {these} on throughout; at the best one, {best} {'is' if best == 1 else 'are'}."]
        else:
            said = ["Nowhere is one of these cells on throughout as many characters."]
        if self.common is not None:
            share = f"{self.common.share:.1%}" if self.common.share >= 0.001 else "less than 0.1%"
            these = f"{self.common.places} of the {self.common.of} best places"
            verb = "are" if self.common.what.startswith("are ") else "do"
            said.append(f"{these} {self.common.what}, as {share} of all places {verb}.")
        if not read.is_complete:
            said.append(f"{read.values.characters:,} of {read.values.of:,} characters were read.")
        elif read.values.of < read.of:
            said.append(f"The first {read.values.of:,} of {read.of:,} characters are searched.")
        return " ".join(said)


def default_threshold() -> float:
    """Return the value from which a cell is on, unless the reader chooses another."""
    from core.inspection.occurrences import THRESHOLD

    return THRESHOLD


def cells_of(subject: Subject, threshold: float, *, bounded: bool) -> list["CellOn"]:
    """Return the cells that are on throughout the stretch, the most selective first."""
    from core.inspection.occurrences import cells_on

    values = subject.activations.values(subject.layer, subject.symbol)
    return cells_on(values, subject.begin, subject.end, threshold, bounded=bounded)


class PartReader:
    """Records cells over a part of a model's text. It keeps the model and its text for the next time."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._checkpoint: Checkpoint | None = None
        self._corpus: Corpus | None = None
        self._sha256 = ""  # of the model

    def read(self, control: Control, part: Part, cells: Sequence[int]) -> Iterator[object]:
        """Record cells over a part. Yields `Doing`, `Reading`, `Unkept`, and `PartRead` after each piece of it.

        Raises:
            UserError: the model or its text cannot be read, or the text has no such part.
        """
        yield Doing("loading PyTorch")
        import numpy as np

        from core.data.text_slice import UNKNOWN
        from core.evaluation.evaluator import part_of
        from core.inspection.cell_values import NotKept, PartValues, read_cells

        if (checkpoint := (yield from self._model(control))) is None:
            return
        if (corpus := (yield from self._text(control, checkpoint))) is None:
            return
        passage = part_of(checkpoint, corpus, part)
        of = len(passage)
        passage = passage.cut(0, min(of, MAX_CHARACTERS))
        ids = passage.ids(checkpoint.vocabulary).take(np.arange(len(passage)))
        ids, text = ids[ids != UNKNOWN], str(passage)
        if len(ids) < len(passage):  # what the model does not know is skipped, as in an evaluation
            text = "".join(character for character in text if character in checkpoint.vocabulary)
        if not len(ids):
            raise UserError(f"The {part} part of this text has no character that the model knows.")
        named = self._values_of(corpus, checkpoint, part, len(ids))
        with closing(read_cells(checkpoint.model, ids, cells, named)) as events:  # type: ignore[type-var]
            for event in events:
                match event:
                    case float(done):
                        yield Reading(done)
                    case NotKept(why=why):
                        yield Unkept(why)
                    case PartValues():
                        yield PartRead(part=part, of=of, text=text, values=event)
                if control.stopped:
                    return

    def _model(self, control: Control) -> Generator[Doing, None, "Checkpoint | None"]:
        """Prepare the model. Yields `Doing`; returns None when stopped."""
        if self._checkpoint is None and not control.stopped:
            yield Doing("preparing the model")
            self._checkpoint = self._subject.checkpoint
            self._sha256 = _sha256(self._checkpoint)
            spare_the_collector()
        return None if control.stopped else self._checkpoint

    def _text(self, control: Control, checkpoint: "Checkpoint") -> Generator[Doing, None, Corpus | None]:
        """Read the text that the model was trained on. Yields `Doing`; returns None when stopped."""
        if self._corpus is not None:
            return self._corpus
        yield Doing("reading the text")
        with closing(open_corpus(checkpoint.corpus)) as events:
            for event in events:
                if control.stopped:
                    return None
                if isinstance(event, Corpus):
                    self._corpus = event
                    return event
                yield Doing(f"reading the text, {event.done:.0%}")
        return None

    def _values_of(self, corpus: Corpus, checkpoint: "Checkpoint", part: Part, characters: int) -> "ValuesOf":
        from core.data.encoded_cache import reading_name
        from core.inspection.kept_values import ValuesOf

        return ValuesOf(
            model=self._sha256, text=corpus.text.sha256, reading=reading_name(*corpus.config.reading),
            limit=corpus.config.limit, split=corpus.config.split_name, validation=checkpoint.training.validation,
            part=part, characters=characters, layer=self._subject.layer, symbol=self._subject.symbol,
        )  # fmt: skip


def search(control: Control, read: PartRead, asked: Asked) -> Iterator[object]:
    """Look for the places at which the most of the chosen cells are on. Yields `Found`, unless it is stopped."""
    from core.inspection.occurrences import find_places, in_common

    rows = dict(zip(read.values.cells, read.values.values, strict=True))
    length = len(asked.stretch)
    occurrences = find_places(
        [rows[one.cell] for one in asked.cells], [one.mean for one in asked.cells], length, asked.threshold,
        bounded=asked.bounded,
    )  # fmt: skip
    if control.stopped:
        return
    begins = [place.begin for place in occurrences.places]
    common = in_common(read.text[: read.values.characters], begins, length, asked.stretch)
    yield Found(asked=asked, read=read, occurrences=occurrences, common=common)


def _sha256(checkpoint: "Checkpoint") -> str:
    """Return the SHA-256 of a model: its configuration, its vocabulary and its weights."""
    about = msgspec.json.encode((checkpoint.model.config, checkpoint.vocabulary.characters))
    found = hashlib.sha256(about)
    for name, weight in checkpoint.model.named_parameters():
        found.update(name.encode())
        found.update(weight.detach().float().cpu().contiguous().numpy().data)
    return found.hexdigest()
