"""Values that jobs yield and screens show: a step under way, a text that was read, the samples of a resumed run."""

from msgspec import Struct

from core.data.corpus import CorpusConfig
from core.events import SampleDrawn


class Doing(Struct, frozen=True):
    """What a job is about to do, in words, when it may take a moment."""

    what: str


class Prompted(Struct, frozen=True):
    """A model has read the prompt and is about to write."""

    notice: str
    """What of the prompt was left out, in words; empty if nothing was."""


class TextRead(Struct, frozen=True):
    """A text was read; its configuration now has the hash of its file."""

    corpus: CorpusConfig
    encoding: str


class Earlier(Struct, frozen=True):
    """The samples that a resumed run wrote before it was stopped."""

    samples: tuple[SampleDrawn, ...]
