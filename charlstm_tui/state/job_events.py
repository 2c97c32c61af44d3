"""Events that jobs yield and screens show, in addition to those of `core.events`."""

from msgspec import Struct

from core.data.corpus import CorpusConfig
from core.events import SampleDrawn


class Doing(Struct, frozen=True):
    """The next step of a job, in words, when it may take a while."""

    what: str


class Prompted(Struct, frozen=True):
    """The model has read the prompt and is about to generate."""

    notice: str
    """Message about the characters of the prompt that were dropped; empty if none were."""


class TextRead(Struct, frozen=True):
    """A text was read. `corpus` now includes the hash of its file, or its files with theirs."""

    corpus: CorpusConfig
    encoding: str
    passed_over: tuple[str, ...] = ()
    """Sentences about the files that were not read."""


class Earlier(Struct, frozen=True):
    """The samples that a resumed run drew before it was stopped."""

    samples: tuple[SampleDrawn, ...]
