"""The full evaluation of a model on a text: builds the report step by step, the most important results first."""

from collections.abc import Generator, Sequence
from itertools import islice

import msgspec

from core.checkpoints.checkpoint import Checkpoint
from core.data.corpus import Corpus, open_corpus
from core.data.splits import Part
from core.errors import UserError
from core.evaluation.evaluator import evaluate, part_losses, part_of
from core.evaluation.memorization import CopyingProgress, copying
from core.evaluation.ngram import BaselineProgress, evaluate_baselines
from core.evaluation.surprisal import Surprisals
from core.events import EpochCompleted
from core.reports.reference_losses import published_for
from core.reports.report import Report, SampleCopying
from core.reports.results import Baselines, Copying, EvaluationProgress, PartLoss, Stage
from core.sampling.sampler import Sampler
from core.settings.config import SamplingConfig

SAMPLE = 5_000
"""Length in characters of the sample that is generated to look for copies of the training text."""
EXTRACTS = 5
"""Number of passages that the report shows, both of the least expected and of the most expected."""
MAX_SEARCHED = 8_000_000
"""Maximum length in characters of a training part that is searched for copies: each takes about 40 bytes of memory."""
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
    """Evaluate a model on a part of a corpus. Yields stages and, whenever it has grown, the report so far.

    To cancel, stop iterating. The sections that need the text that the model was trained on are omitted if that text
    is not available.

    Args:
        name: the name of the model.
        checkpoint: the model.
        corpus: the text to evaluate on.
        part: the part of it to evaluate on.
        keep: records the loss of every character; by default a new `Surprisals`.
        history: the completed epochs of the model's run, if they are known.

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
    own = yield from _open_training_text(checkpoint, corpus)
    if own is None:
        return
    validation = checkpoint.training.validation
    report = msgspec.structs.replace(report, baselines=(yield from _baselines(own, corpus, part, validation)))
    yield report
    losses: list[PartLoss] = []
    for progress in part_losses(checkpoint, own):
        if isinstance(progress, PartLoss):
            losses.append(progress)
        else:
            yield Stage(doing="reading the other parts, quickly", done=progress.scored / progress.characters)
    report = msgspec.structs.replace(report, parts=tuple(losses))
    if report.loss_on("validation") is not None:
        baselines = yield from _baselines(own, own, "validation", validation)
        report = msgspec.structs.replace(report, validation_baselines=baselines)
    yield report
    yield msgspec.structs.replace(report, copying=(yield from _sample_copying(checkpoint, own)))


def surprisals_for(checkpoint: Checkpoint, corpus: Corpus, part: Part) -> Surprisals:
    """Return an empty `Surprisals` for the characters of a part.

    Raises:
        UserError: the part is empty.
    """
    return Surprisals(checkpoint.vocabulary.characters, part_of(checkpoint, corpus, part))


def _open_training_text(checkpoint: Checkpoint, corpus: Corpus) -> Generator[Stage, None, Corpus | None]:
    """Return the text that the model was trained on, with the same split; None if it is missing or has changed."""
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


def _baselines(own: Corpus, corpus: Corpus, part: Part, validation: float) -> Generator[Stage, None, Baselines | None]:
    """Return the n-gram baselines; None if the text is too long or too short for them."""
    try:
        for event in evaluate_baselines(corpus, part, validation, counted_in=own):
            if not isinstance(event, BaselineProgress):
                return event
            yield Stage(doing="counting n-grams", done=event.done)
    except UserError:
        pass
    return None


def _sample_copying(checkpoint: Checkpoint, own: Corpus) -> Generator[Stage, None, SampleCopying | None]:
    """Generate a sample and return how much of it occurs in the training part; None if that part is too long."""
    train = own.part("train", checkpoint.training.validation)
    if not 0 < len(train) <= MAX_SEARCHED:
        return None
    config = SamplingConfig()
    drawn: list[str] = []
    for character in islice(Sampler(checkpoint.model, checkpoint.vocabulary, config), SAMPLE):
        drawn.append(character.character)
        if len(drawn) % _SAY_EVERY == 0:
            yield Stage(doing="generating a sample", done=len(drawn) / SAMPLE)
    text = str(train)
    test = own.part("test")
    held_out = str(test.cut(0, min(len(test), SAMPLE)))
    found: list[Copying] = []
    for sample, what in (("".join(drawn), "the sample"), (held_out, "held-out text")):
        found.append((yield from _find_copies(sample, text, f"looking for copies in {what}")))
    return SampleCopying(
        characters=SAMPLE,
        temperature=config.temperature,
        seed=config.seed,
        sample=found[0],
        held_out=found[1] if held_out else None,
    )


def _find_copies(sample: str, text: str, doing: str) -> Generator[Stage, None, Copying]:
    for event in copying(sample, text):
        if isinstance(event, CopyingProgress):
            yield Stage(doing=doing, done=event.done)
        else:
            found = event
    return found
