"""The full evaluation of a model on a text: builds the report step by step, the most important results first."""

from collections.abc import Generator, Iterator, Sequence
from itertools import islice

import msgspec

from core.checkpoints.checkpoint import Checkpoint
from core.data.corpus import Corpus
from core.data.splits import PARTS, Part
from core.errors import UserError
from core.evaluation.estimate import estimate_loss
from core.evaluation.evaluator import evaluate, part_losses, part_of
from core.evaluation.fine_tuning import fine_tuning_effect
from core.evaluation.memorization import CopyingProgress, copying
from core.evaluation.ngram import BaselineProgress, evaluate_baselines
from core.evaluation.surprisal import Surprisals
from core.evaluation.training_text import open_unchanged
from core.events import EpochCompleted
from core.reports.reference_losses import published_for
from core.reports.report import Report, SampleCopying
from core.reports.results import Baselines, Copying, Estimate, EvaluationProgress, PartLoss, Stage
from core.sampling.sampler import Sampler
from core.settings.config import SamplingConfig

SAMPLE = 5_000
"""Length in characters of the sample that is generated to look for copies of the training text."""
EXTRACTS = 5
"""Number of passages that the report shows, both of the least expected and of the most expected."""
MAX_SEARCHED = 8_000_000
"""Maximum length in characters of a training part that is searched for copies: each takes about 40 bytes of memory."""
MIN_ESTIMATED, MAX_ESTIMATED = 2_000, 20_000
"""Minimum and maximum number of characters that the first estimate of the loss is computed from."""
_PRODUCTS = 3e10  # number of multiplications for the estimate: about half a second on two cores
_SAY_EVERY = 100


def assess(
    name: str,
    checkpoint: Checkpoint,
    corpus: Corpus,
    part: Part,
    keep: Surprisals | None = None,
    *,
    history: Sequence[EpochCompleted] = (),
) -> Generator[Stage | Estimate | Report, None, None]:
    """Evaluate a model on a part of a corpus. Yields stages and, whenever it has grown, the report so far.

    If the text is long, an estimate of its loss comes first.

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
    yield from _estimate(checkpoint, corpus, part)
    for event in evaluate(checkpoint, corpus, part, keep):
        if isinstance(event, EvaluationProgress):
            yield Stage(doing="reading", done=event.scored / event.characters)
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
        if (effect := (yield from fine_tuning_effect(checkpoint, None))) is not None:
            yield msgspec.structs.replace(report, fine_tuning=effect)
        return
    validation = checkpoint.training.validation
    counted = yield from _baselines(own, corpus, part, validation)
    report = msgspec.structs.replace(report, baselines=counted[-1] if counted else None)
    yield report
    losses: list[PartLoss] = []
    exact = _exact_loss(report, corpus, own)
    for progress in part_losses(checkpoint, own, exact):
        if isinstance(progress, PartLoss):
            losses.append(progress)
        else:
            yield Stage(doing="reading the other parts, quickly", done=progress.scored / progress.characters)
    report = msgspec.structs.replace(report, parts=tuple(losses))
    if report.loss_on("validation") is not None and counted:
        report = msgspec.structs.replace(report, validation_baselines=counted[0])
    yield report
    if (effect := (yield from fine_tuning_effect(checkpoint, own))) is not None:
        report = msgspec.structs.replace(report, fine_tuning=effect)
        yield report
    yield msgspec.structs.replace(report, copying=(yield from _sample_copying(checkpoint, own)))


def _estimate(checkpoint: Checkpoint, corpus: Corpus, part: Part) -> Iterator[Stage | Estimate]:
    """Yield stages and an estimate of the loss; nothing if the exact one does not take much longer."""
    passage = part_of(checkpoint, corpus, part)
    most = min(max(int(_PRODUCTS / checkpoint.model.count_parameters()), MIN_ESTIMATED), MAX_ESTIMATED)
    if len(passage) <= most:
        return
    ids = passage.ids(checkpoint.vocabulary)
    estimating = estimate_loss(checkpoint.model, ids, checkpoint.vocabulary.start_id, most)
    try:
        while True:
            progress = next(estimating)
            yield Stage(doing="estimating the loss", done=progress.scored / progress.characters)
    except StopIteration as end:
        if end.value is not None:
            yield end.value


def _exact_loss(report: Report, corpus: Corpus, own: Corpus) -> PartLoss | None:
    """Return the loss of the report if it is that of a part of the text that the model was trained on."""
    evaluation = report.evaluation
    cuts = [(one.text.sha256, len(one), one.config.split_name) for one in (corpus, own)]
    if evaluation.part not in PARTS or cuts[0] != cuts[1]:
        return None
    count = evaluation.characters
    return PartLoss(part=evaluation.part, characters=count, of=count, loss=evaluation.score.loss)


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
    return (yield from open_unchanged(config, "reading the text it was trained on"))


def _baselines(own: Corpus, corpus: Corpus, part: Part, validation: float) -> Generator[Stage, None, list[Baselines]]:
    """Return the n-gram baselines on the validation part of the training text, unless it is empty, and on the part.

    Nothing if the text is too long or too short for them.
    """
    found: list[Baselines] = []
    try:
        for event in evaluate_baselines(corpus, part, validation, counted_in=own, also="validation"):
            if isinstance(event, BaselineProgress):
                yield Stage(doing="counting n-grams", done=event.done)
            else:
                found.append(event)
    except UserError:
        pass
    return found


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
