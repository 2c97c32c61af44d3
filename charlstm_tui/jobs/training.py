"""The jobs of the Train screen, for `LatestJob.start`: each a generator of what the engine says."""

import contextlib
import gc
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from charlstm_tui.state.compared_runs import PastRun
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, open_corpus
from core.data.download import FetchProgress, fetch
from core.data.encodings import Errors
from core.data.known_texts import MOLIERE
from core.data.preview import Preview, preview
from core.data.splits import Part
from core.data.windows import check_length
from core.errors import UserError
from core.events import SampleDrawn
from core.runs.recorder import record
from core.runs.run import RunConfig
from core.runs.store import RunStore
from core.runs.summary import epochs_of, summarise
from core.settings import forecast as core_forecast
from core.settings.presets import expected_of

if TYPE_CHECKING:
    from core.model.device import ComputeSettings
    from core.reports.results import Baselines
    from core.settings.forecast import Forecast

TRAINING_INTERVAL = 1 / 4
"""Seconds between two looks at a training run: what is drawn takes its time from the training."""
PATIENCE = 0.5
"""Seconds that settings stay the same before it is measured what they would take: who types wants none of it."""
KEPT_CHOICE = 60.0
"""Seconds for which what was chosen to compute with is taken again: what the machine does beside it may change."""
WRITING_INTERVAL = 1 / 30
"""Seconds between two looks at a text that is being written: often enough to look fluid."""
CONSIDERATE_INTERVAL = 1 / 8
"""The same while a run is trained, from whose time the drawing is taken."""


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
    """What a run that goes on wrote before."""

    samples: tuple[SampleDrawn, ...]


class Fetching(Struct, frozen=True):
    """How much of a text has been fetched: a share, 0 to 1."""

    done: float


def fetch_moliere(control: Control) -> Iterator[Fetching]:
    """Fetch Molière's plays. Yields how far it is."""
    with closing(fetch(MOLIERE)) as events:
        for event in events:
            if control.stopped:
                return
            yield Fetching(event.received / event.size if isinstance(event, FetchProgress) else 1.0)


def look_at(
    control: Control,
    source: str,
    *,
    limit: int | None,
    validation: float,
    encoding: str | None = None,
    encoding_errors: Errors = "strict",
) -> Iterator[Preview]:
    """Look at the text that was named, as a run with these settings would read and cut it."""
    if not control.stopped:
        yield preview(source, limit=limit, validation=validation, encoding=encoding, encoding_errors=encoding_errors)


def foresee(control: Control, config: RunConfig) -> "Iterator[Forecast | Doing | Baselines]":
    """Tell what a run would take, first as computed, then with the speed as it is measured; last, what counting gives.

    Yields forecasts, each with more in it, `Doing` while nothing is known of the speed, and what n-grams achieve.
    """
    training, corpus = config.training, config.corpus
    told = core_forecast.foresee(corpus, config.model, training)
    yield told
    control.wait(PATIENCE)
    if control.stopped or not told.is_possible:
        return
    yield Doing("loading PyTorch")
    from core.training.throughput import measure_speed

    choice = yield from _choose(control, config, told.vocabulary)
    if choice is None:
        return
    yield Doing("timing steps")
    speeds = measure_speed(
        choice,
        config.model,
        training,
        told.vocabulary,
        control,
        validation_characters=told.validation_characters,
    )
    for speed in speeds:
        yield msgspec.structs.replace(told, speed=speed)
    if control.stopped:
        return
    parts: list[Part] = [_compared_part(training.validation)]
    expected = expected_of(config.preset, corpus, config.model, training)
    if expected is not None and "test" not in parts:
        parts.append("test")  # which the preset's figure is of
    yield from count_ngrams(control, corpus, training.validation, parts)


@cache
def _chosen() -> dict[object, tuple[float, "ComputeSettings"]]:
    """What was chosen to compute with, by what it depends on, and when."""
    return {}


def _choose(
    control: Control, config: RunConfig, vocabulary_size: int
) -> Generator[Doing, None, "ComputeSettings | None"]:
    """Choose what to compute with, or take what was chosen for the same a moment ago; None when told to stop."""
    from core.model.device import Trial, choosing

    training = config.training
    same = (config.model, vocabulary_size, training.streams, training.window)
    key = (*same, training.device, training.precision, training.threads)
    when, choice = _chosen().get(key, (-KEPT_CHOICE, None))
    if choice is not None and time.monotonic() - when < KEPT_CHOICE:
        return choice
    yield Doing("choosing precision and threads")
    for event in choosing(config.model, vocabulary_size, training):
        if control.stopped:
            return None
        if not isinstance(event, Trial):
            _chosen()[key] = time.monotonic(), event
            return event
        yield Doing(event.doing)
    return None


def _compared_part(validation: float) -> Part:
    """Return the part that a run's losses are compared with n-grams on."""
    return "validation" if validation else "test"


def count_ngrams(
    control: Control, config: CorpusConfig, validation: float, parts: Sequence[Part] = ()
) -> "Iterator[Baselines]":
    """Measure what n-grams achieve on some parts: on the one that a run validates on, or on the test part, if none."""
    from core.evaluation.ngram import BaselineProgress, measure_baselines

    corpus: Corpus | None = None
    with closing(open_corpus(config)) as events:
        for event in events:
            if control.stopped:
                return
            corpus = event if isinstance(event, Corpus) else None
    if corpus is None:
        return
    for wanted in parts or [_compared_part(validation)]:
        part: Part = wanted if len(corpus.part(wanted, validation)) else "test"
        with contextlib.suppress(UserError):  # too long to count: then there is no such line
            for counted in measure_baselines(corpus, part, validation):
                if control.stopped:
                    return
                if not isinstance(counted, BaselineProgress):
                    yield counted


def _read(control: Control, config: CorpusConfig) -> Generator[object, None, Corpus | None]:
    """Load a text. Yields `Doing` and `TextRead`; returns None when told to stop."""
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


def train(control: Control, store: RunStore, config: RunConfig) -> Iterator[object]:
    """Load the text, train, and record the run. Yields `Doing`, then the run's events."""
    corpus = yield from _read(control, config.corpus)
    if corpus is None:
        return
    check_length(
        len(corpus.part("train", config.training.validation)),
        streams=config.training.streams,
        window=config.training.window,
    )
    yield Doing("loading PyTorch")
    from core.training.trainer import Trainer

    if control.stopped:
        return
    config = msgspec.structs.replace(config, corpus=corpus.config)
    choice = yield from _choose(control, config, len(corpus.characters))
    if choice is None:
        return
    yield Doing("building the network")
    trainer = Trainer(corpus, config.model, config.training, choice)
    spare_the_collector()
    if not control.stopped:
        yield from record(store.create(config), trainer, control)


@cache  # once in a process: nearly all of it is PyTorch's modules
def spare_the_collector() -> None:
    """Have Python's collector pass by all that PyTorch has made: else it holds up the screen for 0.3 s now and then."""
    gc.collect()
    gc.freeze()


def resume(control: Control, store: RunStore, name: str, epochs: int | None = None) -> Iterator[object]:
    """Resume a run, to have so many epochs in all if they are given, and record it. Yields `Doing`, then its events."""
    yield Doing("loading PyTorch")
    from core.training.resume import resume

    run = store.get(name)
    with run.locked():
        yield Doing("loading the run")
        resumption = resume(store, name, run, {} if epochs is None else {"epochs": epochs})
        corpus = yield from _read(control, resumption.config.corpus)
        if corpus is None:
            return
        choice = resumption.choice or (yield from _choose(control, resumption.config, len(corpus.characters)))
        if choice is None:
            return
        yield Doing("building the network")
        trainer = resumption.trainer(corpus, choice)
        spare_the_collector()
        if not control.stopped:
            yield Earlier(tuple(event for event in run.events() if isinstance(event, SampleDrawn)))
            yield from record(resumption.begin(store), trainer, control)


def past_runs(control: Control, store: RunStore) -> Iterator[PastRun]:
    """Look at the runs there are, newest first; a damaged one cannot be shown."""
    for run in store.all():
        if control.stopped:
            return
        with contextlib.suppress(UserError):
            events = run.events()
            yield PastRun(summary=summarise(run, events), config=run.config(), epochs=tuple(epochs_of(events)))
