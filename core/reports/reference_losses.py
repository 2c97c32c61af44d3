"""Losses that others published, to stand beside one of ours: only on the same text, cut the same way."""

from msgspec import Struct

from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE
from core.data.splits import Part


class Published(Struct, frozen=True, kw_only=True):
    """A loss that somebody reached."""

    name: str
    loss: float
    """Mean cross-entropy on the test part, nats per character."""
    source: str


_COURSE = "Simon Thomine, Cours de Deep Learning, chapter 05_NLP"
_FIGURES: dict[int | None, tuple[Published, ...]] = {
    # by the limit of the text, all of them on the tail split's test part
    100_000: (Published(name="the course's LSTM", loss=1.5117, source=f"{_COURSE}, notebook of the LSTM"),),
    None: (Published(name="the course's GPT", loss=1.4835, source=f"{_COURSE}, the small GPT of 632,149 parameters"),),
}


def published_for(corpus: CorpusConfig, part: Part) -> tuple[Published, ...]:
    """Return what is published on exactly this part of exactly this text."""
    if corpus.sha256 != MOLIERE.sha256 or corpus.split != "tail" or part != "test":
        return ()
    return _FIGURES.get(corpus.limit, ())
