"""The job of the memory screen: measure how far back one to four models remember."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from charlstm_tui.state.job_events import Doing
from core.control import Control
from core.data.corpus import Corpus, open_corpus
from core.reports.results import Stage


class NamedModel(Struct, frozen=True):
    """A model to measure."""

    name: str
    """The model's name on screen."""
    path: Path
    """Path of the checkpoint."""


def measure_models(control: Control, models: Sequence[NamedModel]) -> Iterator[object]:
    """Measure models on the test part of the first one's text. Yields `Doing`, `Stage`s and, last, the report."""
    yield Doing("loading PyTorch")
    from core.checkpoints.checkpoint import load_checkpoint
    from core.inspection.memory import Subject, measure_memory

    subjects = []
    for model in models:
        if control.stopped:
            return
        yield Doing("loading the models" if len(models) > 1 else "loading the model")
        subjects.append(Subject(model.name, load_checkpoint(model.path)))
    corpus: Corpus | None = None
    with closing(open_corpus(subjects[0].checkpoint.corpus)) as reading:
        for event in reading:
            if control.stopped:
                return
            if isinstance(event, Corpus):
                corpus = event
            else:
                yield Stage(doing="reading the text", done=event.done)
    assert corpus is not None
    with closing(measure_memory(subjects, corpus, "test")) as events:
        for found in events:
            yield found
            if control.stopped:
                return
