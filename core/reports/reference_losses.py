"""Published losses of other models, for comparison: only on the same text with the same split."""

from msgspec import Struct

from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE
from core.data.splits import Part


class Published(Struct, frozen=True, kw_only=True):
    """A published loss."""

    name: str
    """The model that reached it."""
    loss: float
    """Mean cross-entropy on the test part, in nats per character."""
    source: str
    """Where it was published."""


_COURSE = "Simon Thomine, Cours de Deep Learning, chapter 05_NLP"
_FIGURES: dict[int | None, tuple[Published, ...]] = {
    # by the limit of the text; all are on the test part of the tail split
    100_000: (Published(name="the course's LSTM", loss=1.5117, source=f"{_COURSE}, notebook of the LSTM"),),
    None: (Published(name="the course's GPT", loss=1.4835, source=f"{_COURSE}, the small GPT of 632,149 parameters"),),
}


def published_for(corpus: CorpusConfig, part: Part) -> tuple[Published, ...]:
    """Return the losses that were published for exactly this part of exactly this text."""
    if corpus.sha256 != MOLIERE.sha256 or corpus.split != "tail" or part != "test":
        return ()
    return _FIGURES.get(corpus.limit, ())
