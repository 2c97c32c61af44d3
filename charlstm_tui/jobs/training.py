"""The training jobs: start a run, and resume one."""

from collections.abc import Iterator

import msgspec

from charlstm_tui.jobs.compute import choose_compute
from charlstm_tui.jobs.process import spare_the_collector
from charlstm_tui.jobs.texts import read_corpus
from charlstm_tui.state.job_events import Doing, Earlier
from core.control import Control
from core.data.windows import check_length
from core.events import SampleDrawn
from core.runs.origin import hashed
from core.runs.recorder import record
from core.runs.run import RunConfig
from core.runs.store import RunStore


def train(control: Control, store: RunStore, config: RunConfig) -> Iterator[object]:
    """Read the text, train a model, and record the run. Yields `Doing`, then the run's events."""
    corpus = yield from read_corpus(control, config.corpus)
    if corpus is None:
        return
    check_length(
        len(corpus.part("train", config.training.validation)),
        streams=config.training.streams,
        window=config.training.window,
    )
    yield Doing("loading PyTorch")
    from core.training.starting_model import start_of
    from core.training.trainer import Trainer

    if control.stopped:
        return
    config = msgspec.structs.replace(config, corpus=corpus.config)
    compute = yield from choose_compute(control, config, len(corpus.characters))
    if compute is None:
        return
    yield Doing("building the network")
    if config.origin is not None:
        config = msgspec.structs.replace(config, origin=hashed(config.origin))
    trainer = Trainer(corpus, config.model, config.training, compute, start=start_of(config, corpus))
    spare_the_collector()
    if not control.stopped:
        yield from record(store.create(config), trainer, control)


def resume(control: Control, store: RunStore, name: str, epochs: int | None = None) -> Iterator[object]:
    """Resume a run and record it; `epochs`, if given, is its new total of epochs. Yields `Doing`, then its events."""
    yield Doing("loading PyTorch")
    from core.training.resume import resume

    run = store.get(name)
    with run.locked():
        yield Doing("loading the run")
        resumption = resume(store, name, run, {} if epochs is None else {"epochs": epochs})
        corpus = yield from read_corpus(control, resumption.config.corpus)
        if corpus is None:
            return
        compute = resumption.compute or (yield from choose_compute(control, resumption.config, len(corpus.characters)))
        if compute is None:
            return
        yield Doing("building the network")
        trainer = resumption.trainer(corpus, compute)
        spare_the_collector()
        if not control.stopped:
            yield Earlier(tuple(event for event in run.events() if isinstance(event, SampleDrawn)))
            yield from record(resumption.begin(store), trainer, control)
