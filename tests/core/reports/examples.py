"""Example reports for tests."""

import math
from typing import get_args

import msgspec

from core.data.corpus import CorpusConfig
from core.data.splits import Part
from core.reports.reference_losses import Published
from core.reports.report import Report, SampleCopying
from core.reports.results import (
    NGRAM_NAMES,
    Baseline,
    Baselines,
    Copying,
    Evaluation,
    Extract,
    Group,
    PartLoss,
    Score,
)


def score(loss: float = 1.5, standard_error: float | None = 0.01) -> Score:
    return Score(
        scored=990,
        loss=loss,
        standard_error=standard_error,
        accuracy=0.5,
        accuracy_of_five=0.875,
        kinds=(
            Group(name="small letter", characters=900, loss=1.0, share=0.6),
            Group(name="newline", characters=90, loss=6.5, share=0.4),
        ),
        roles=(Group(name="speech", characters=990, loss=1.5, share=1.0),),
    )


def evaluation(
    loss: float = 1.5,
    standard_error: float | None = 0.01,
    *,
    part: Part = "test",
    characters: int = 1_000,
    unknown: int = 10,
    limit: int | None = None,
) -> Evaluation:
    return Evaluation(
        corpus=CorpusConfig(source="/somewhere/moutons.txt", limit=limit),
        part=part,
        characters=characters,
        unknown_characters=unknown,
        learnt_characters=7,
        score=score(loss, standard_error),
    )


def baselines(losses: dict[str, float], part: Part = "test") -> Baselines:
    """Return n-gram models with these losses, and 3 nats for the others."""
    of = [Baseline(name=name, order=order, loss=losses.get(name, 3.0)) for order, name in enumerate(NGRAM_NAMES)]
    return Baselines(part=part, characters=1_000, of=tuple(of))


def parts(**losses: float) -> tuple[PartLoss, ...]:
    given: list[tuple[Part, float]] = [(part, losses[part]) for part in get_args(Part) if part in losses]
    return tuple(PartLoss(part=part, characters=500, loss=loss) for part, loss in given)


def copied(longest: int, share: float = 0.0, words: float = 0.5) -> Copying:
    return Copying(longest="x" * longest, shares={10: 0.5, 20: share, 40: math.nan}, words=words)


def sample_copying(sample: Copying, held_out: Copying | None) -> SampleCopying:
    return SampleCopying(characters=5_000, temperature=0.5, seed=3, sample=sample, held_out=held_out)


def full(text: str = "Il sort.", *, title: str = "/somewhere/moutons.txt", model: str = "sheep") -> Report:
    """Return a complete report; `text` is the text of its extracts."""
    found = evaluation()
    return Report(
        model=model,
        evaluation=msgspec.structs.replace(found, corpus=CorpusConfig(source=title)),
        baselines=baselines({"bigram": 2.0, "5-gram": 1.75}),
        published=(Published(name="a GPT", loss=1.25, source="a course"),),
        parts=parts(train=1.25, validation=1.5, test=1.625),
        validation_baselines=baselines({"5-gram": 1.5}, "validation"),
        copying=sample_copying(copied(20, 0.25), copied(18, 0.125, math.nan)),
        least_expected=(Extract(3, text, 4.5), Extract(90, "b", 4.0)),
        most_expected=(Extract(50, text, 0.25),),
    )


def plain() -> Report:
    return Report(model="sheep", evaluation=evaluation())


ENOUGH = baselines({"5-gram": 2.0})
NO_ORDER = baselines({"unigram": 2.0})
HESITATES = "On average it chooses among 4.48 characters."
