"""Everything there is to find out about a model on a text, one thing after another, the most important first."""

from collections.abc import Generator, Sequence
from itertools import islice

import msgspec

from core.checkpoints.checkpoint import Checkpoint
from core.data.corpus import Corpus, open_corpus
from core.data.splits import Part
from core.errors import UserError
from core.evaluation.evaluator import evaluate, part_losses, part_of
from core.evaluation.memorization import CopyingProgress, copying
from core.evaluation.ngram import BaselineProgress, measure_baselines
from core.evaluation.surprisal import Surprisals
from core.events import EpochCompleted
from core.reports.reference_losses import published_for
from core.reports.report import Report, SampleCopying
from core.reports.results import Baselines, Copying, EvaluationProgress, PartLoss, Stage
from core.sampling.sampler import Sampler
from core.settings.config import SamplingConfig

SAMPLE = 5_000
"""Characters that are written to see whether they are copied."""
EXTRACTS = 5
"""Passages that are shown, of the least and of the most expected."""
MAX_SEARCHED = 8_000_000
"""Characters of a training part to look for copies in: memory of some 40 bytes each."""
_SAY_EVERY = 100


def assess(
    name: str,
    checkpoint: Checkpoint,
    corpus: Corpus,
    part: Part,
    keep: Surprisals | None = None,
    *,
    history: Sequence[EpochCompleted] = (),
) -> Generator[Stage | Report, None, None]:
    """Assess a model on a part of a corpus. Yields stages and, each time there is more to it, the report so far.

    `name` is what the model is called; `keep` is told of every character; `history` is that of the model's run, where
    it is known. What takes the text that the model was trained on is left out where that is not here. To stop, stop
    asking.

    Raises:
        UserError: as for `evaluate`.
    """
    keep = keep or surprisals_for(checkpoint, corpus, part)
    for event in evaluate(checkpoint, corpus, part, keep):
        if isinstance(event, EvaluationProgress):
            share = event.scored / event.characters
            yield Stage(doing="reading", done=share, loss=event.loss, scored=event.scored)
        else:
            least, most = keep.extremes(EXTRACTS)
            report = Report(
                model=name,
                evaluation=event,
                published=published_for(corpus.config, part),
                least_expected=tuple(least),
                most_expected=tuple(most),
                history=tuple(history),
                vocabulary_size=len(checkpoint.vocabulary),
                has_dropout=checkpoint.training.has_dropout,
            )
    yield report
    own = yield from _own(checkpoint, corpus)
    if own is None:
        return
    validation = checkpoint.training.validation
    report = msgspec.structs.replace(report, baselines=(yield from _counted(own, corpus, part, validation)))
    yield report
    losses: list[PartLoss] = []
    for progress in part_losses(checkpoint, own):
        if isinstance(progress, PartLoss):
            losses.append(progress)
        else:
            yield Stage(doing="reading the other parts, quickly", done=progress.scored / progress.characters)
    report = msgspec.structs.replace(report, parts=tuple(losses))
    if report.loss_on("validation") is not None:
        counted = yield from _counted(own, own, "validation", validation)
        report = msgspec.structs.replace(report, validation_baselines=counted)
    yield report
    yield msgspec.structs.replace(report, copying=(yield from _copied(checkpoint, own)))


def surprisals_for(checkpoint: Checkpoint, corpus: Corpus, part: Part) -> Surprisals:
    """Return what can keep what the model makes of each character of a part.

    Raises:
        UserError: the part is empty.
    """
    return Surprisals(checkpoint.vocabulary.characters, part_of(checkpoint, corpus, part))


def _own(checkpoint: Checkpoint, corpus: Corpus) -> Generator[Stage, None, Corpus | None]:
    """Return the text that the model was trained on, cut as it was; None where it is gone, or another one now."""
    config = checkpoint.corpus
    if corpus.text.sha256 == config.sha256:
        return Corpus(config, corpus.text)
    if not config.sha256:
        return None
    try:
        for event in open_corpus(config):
            if isinstance(event, Corpus):
                return event if event.text.sha256 == config.sha256 else None
            yield Stage(doing="reading the text it was trained on", done=event.done)
    except UserError:
        pass
    return None


def _counted(own: Corpus, corpus: Corpus, part: Part, validation: float) -> Generator[Stage, None, Baselines | None]:
    """Measure the n-gram models; None where the text is too long, or too short, to be counted."""
    try:
        for event in measure_baselines(corpus, part, validation, counted_in=own):
            if not isinstance(event, BaselineProgress):
                return event
            yield Stage(doing="counting n-grams", done=event.done)
    except UserError:
        pass
    return None


def _copied(checkpoint: Checkpoint, own: Corpus) -> Generator[Stage, None, SampleCopying | None]:
    """Have the model write, and look how much of it stands in its training part; None where that is too long."""
    train = own.part("train", checkpoint.training.validation)
    if not 0 < len(train) <= MAX_SEARCHED:
        return None
    config = SamplingConfig()
    drawn: list[str] = []
    for character in islice(Sampler(checkpoint.model, checkpoint.vocabulary, config), SAMPLE):
        drawn.append(character.character)
        if len(drawn) % _SAY_EVERY == 0:
            yield Stage(doing="writing a sample", done=len(drawn) / SAMPLE)
    text = str(train)
    test = own.part("test")
    held_out = str(test.cut(0, min(len(test), SAMPLE)))
    found: list[Copying] = []
    for sample, what in (("".join(drawn), "the sample"), (held_out, "held-out text")):
        found.append((yield from _looked_for(sample, text, f"looking for copies in {what}")))
    return SampleCopying(
        characters=SAMPLE,
        temperature=config.temperature,
        seed=config.seed,
        sample=found[0],
        held_out=found[1] if held_out else None,
    )


def _looked_for(sample: str, text: str, doing: str) -> Generator[Stage, None, Copying]:
    for event in copying(sample, text):
        if isinstance(event, CopyingProgress):
            yield Stage(doing=doing, done=event.done)
        else:
            found = event
    return found
