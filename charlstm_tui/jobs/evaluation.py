"""The jobs of the Evaluate screen: evaluate a model, and compare two."""

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from charlstm_tui.state.job_events import Doing
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, open_corpus, open_whole
from core.data.splits import Part, Split
from core.reports.results import Estimate, Stage

if TYPE_CHECKING:
    from core.checkpoints.checkpoint import Checkpoint
    from core.evaluation.surprisal import CharacterLoss as CharacterLoss  # types for the widgets
    from core.evaluation.surprisal import Surprisals as Surprisals


class Measured(Struct, frozen=True, kw_only=True):
    """What to evaluate, and on which text."""

    name: str
    """The model's name on screen."""
    path: Path
    text: CorpusConfig | None = None
    """The text and its encoding; None for the text that the model was trained on."""
    split: Split | None = None
    """None for the split that the model was trained with."""
    part: Part = "test"


class Read(Struct, frozen=True):
    """The surprisal of each character, once the model has read the text."""

    surprisals: "Surprisals"


def assess_model(control: Control, what: Measured) -> Iterator[object]:
    """Evaluate a model. Yields `Doing`, `Stage`s, an `Estimate` for a long text, one `Read`, and reports, each more
    complete than the previous one.
    """
    yield Doing("loading PyTorch")
    from core.checkpoints.checkpoint import load_checkpoint
    from core.checkpoints.history import history_of
    from core.evaluation.report_builder import assess, surprisals_for

    yield Doing("loading the model")
    checkpoint = load_checkpoint(what.path)
    history = history_of(what.path)
    corpus = yield from _text(control, checkpoint, what)
    if corpus is None:
        return
    surprisals = surprisals_for(checkpoint, corpus, what.part)
    read = False
    with closing(assess(what.name, checkpoint, corpus, what.part, surprisals, history=history)) as events:
        for event in events:
            if not read and not isinstance(event, Stage | Estimate):
                yield Read(surprisals)
                read = True
            yield event
            if control.stopped:
                return


def compare_models(control: Control, what: Measured, other: Path) -> Iterator[object]:
    """Compare two models on the same text. Yields `Doing`, progress, and the comparison."""
    yield Doing("loading PyTorch")
    from core.checkpoints.checkpoint import load_checkpoint
    from core.evaluation.evaluator import part_of
    from core.evaluation.paired_comparison import compare

    yield Doing("loading the models")
    first, second = load_checkpoint(what.path), load_checkpoint(other)
    corpus = yield from _text(control, first, what)
    if corpus is None:
        return
    yield Doing("evaluating both models")
    for event in compare(first, second, part_of(first, corpus, what.part)):
        if control.stopped:
            return
        yield event


def _text(control: Control, checkpoint: "Checkpoint", what: Measured) -> Generator[Doing, None, Corpus | None]:
    """Read the text to evaluate on. Yields `Doing`; returns None when stopped."""
    config = (what.text or checkpoint.corpus).split_like(checkpoint.corpus)
    if what.split is not None:
        config = msgspec.structs.replace(config, split=what.split)
    yield Doing("reading the text")
    with closing(open_whole(config) if what.part == "whole" else open_corpus(config)) as events:
        for event in events:
            if control.stopped:
                return None
            if isinstance(event, Corpus):
                return event
            yield Doing(f"reading the text, {event.done:.0%}")
    return None
