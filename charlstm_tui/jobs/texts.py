"""The jobs on texts: fetch, preview, and read a text for training."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from msgspec import Struct

from charlstm_tui.state.job_events import Doing, TextRead
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, open_corpus
from core.data.download import FetchProgress, fetch
from core.data.encodings import Errors
from core.data.known_texts import MOLIERE
from core.data.preview import Preview, previewing


class Fetching(Struct, frozen=True):
    """Progress of a download."""

    done: float
    """Share of the text that was fetched, 0 to 1."""


def fetch_moliere(control: Control) -> Iterator[Fetching]:
    """Fetch Molière's plays into the data folder. Yields the progress."""
    with closing(fetch(MOLIERE)) as events:
        for event in events:
            if control.stopped:
                return
            yield Fetching(event.received / event.size if isinstance(event, FetchProgress) else 1.0)


def preview_text(
    control: Control,
    source: str | Sequence[str],
    *,
    limit: int | None,
    validation: float,
    encoding: str | None = None,
    encoding_errors: Errors = "strict",
) -> Iterator[Preview]:
    """Yield a preview of the named text, read and split as in a run with these settings.

    Files of a folder that cannot be read are listed in it.
    """
    config = CorpusConfig.typed(source, limit, encoding=encoding, encoding_errors=encoding_errors, skip_unreadable=True)
    for look in previewing(config, validation):
        if control.stopped:
            return
        if look is not None:
            yield look


def read_corpus(control: Control, config: CorpusConfig) -> Generator[object, None, Corpus | None]:
    """Read a text. Yields `Doing` and `TextRead`; returns None when stopped."""
    yield Doing("reading the text")
    corpus: Corpus | None = None
    with closing(open_corpus(config)) as events:
        for event in events:
            if control.stopped:
                return None
            if isinstance(event, Corpus):
                corpus = event
            else:
                yield Doing(f"reading the text, {event.done:.0%}")
    if corpus is not None:
        yield TextRead(corpus.config, corpus.text.encoding, tuple(one.sentence() for one in corpus.text.passed_over))
    return corpus
