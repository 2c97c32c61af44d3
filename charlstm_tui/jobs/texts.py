"""Jobs on texts: fetch one, preview one, read one to train on."""

from collections.abc import Generator, Iterator
from contextlib import closing

from msgspec import Struct

from charlstm_tui.state.job_events import Doing, TextRead
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, open_corpus
from core.data.download import FetchProgress, fetch
from core.data.encodings import Errors
from core.data.known_texts import MOLIERE
from core.data.preview import Preview, preview


class Fetching(Struct, frozen=True):
    """How much of a text has been fetched: a share, 0 to 1."""

    done: float


def fetch_moliere(control: Control) -> Iterator[Fetching]:
    """Fetch Molière's plays. Yields the progress."""
    with closing(fetch(MOLIERE)) as events:
        for event in events:
            if control.stopped:
                return
            yield Fetching(event.received / event.size if isinstance(event, FetchProgress) else 1.0)


def preview_text(
    control: Control,
    source: str,
    *,
    limit: int | None,
    validation: float,
    encoding: str | None = None,
    encoding_errors: Errors = "strict",
) -> Iterator[Preview]:
    """Preview the named text, as a run with these settings would read and cut it."""
    if not control.stopped:
        yield preview(source, limit=limit, validation=validation, encoding=encoding, encoding_errors=encoding_errors)


def read_corpus(control: Control, config: CorpusConfig) -> Generator[object, None, Corpus | None]:
    """Read a text. Yields `Doing` and `TextRead`; returns None when told to stop."""
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
        yield TextRead(corpus.config, corpus.text.encoding)
    return corpus
