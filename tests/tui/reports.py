"""What an evaluation finds out, made up for tests."""

import numpy as np

from core.data.corpus import Corpus, CorpusConfig
from core.data.encoded_text import encode
from core.data.vocabulary import Vocabulary
from core.evaluation.scored_chunk import ScoredChunk
from core.evaluation.surprisal import Surprisals
from core.reports.reference_losses import Published
from core.reports.report import Report, SampleCopying
from core.reports.results import (
    NGRAM_NAMES,
    Baseline,
    Baselines,
    Comparison,
    Copying,
    Evaluation,
    FineTuning,
    Group,
    PartLoss,
    Score,
    TextEffect,
)
from tests.tui.views import CORPUS

TEXT = (
    "LE MEUNIER, à part.\n\nMon âne a bu la lune, et moi je bois l'eau du moulin; chacun sa part, monsieur.\n"
    "Le juge dit que non. (Il rit.) Et l'âne dit que oui.\n\nL'ÂNE.\n\nHi han!\n\n"
) * 6


def surprisals() -> Surprisals:
    """Made up, but the same each time: beginnings of words surprise."""
    vocabulary = Vocabulary(TEXT.replace("(", ""))
    made = Surprisals(vocabulary.characters, Corpus(CorpusConfig(source="x"), encode(TEXT)).part("whole"))
    ids = np.array([vocabulary.get(character, -1) for character in TEXT], dtype=np.int64)
    known = np.flatnonzero(ids >= 0)
    begins = np.array([place == 0 or not TEXT[place - 1].isalpha() for place in known])
    losses = 0.1 + 4.9 * begins * (known * 7 % 11) / 10 + (known * 5 % 13) / 12
    expected = np.stack([(ids[known] + step) % len(vocabulary) for step in (3, 7, 0, 11, 13)], axis=1)
    made.add(ScoredChunk(0, ids, losses, expected, np.tile([0.9, 1.6, 2.3, 3.0, 4.0], (len(known), 1))))
    return made


def report(*, complete: bool = True) -> Report:
    """The one at the end, or the first."""
    score = Score(
        scored=10_000, loss=1.4675, standard_error=0.0257, accuracy=0.5742, accuracy_of_five=0.8412,
        kinds=(
            Group(name="small letter", characters=6_459, loss=1.5679, share=0.719),
            Group(name="accented letter", characters=195, loss=2.9489, share=0.048),
            Group(name="capital", characters=894, loss=1.3018, share=0.073),
            Group(name="space", characters=1_358, loss=0.6243, share=0.053),
            Group(name="newline", characters=489, loss=0.5494, share=0.017),
            Group(name="punctuation", characters=605, loss=2.0309, share=0.089),
        ),
        roles=(
            Group(name="speaker line", characters=876, loss=0.3303, share=0.018),
            Group(name="stage direction", characters=189, loss=1.5553, share=0.019),
            Group(name="speech", characters=8_935, loss=1.5820, share=0.963),
        ),
    )  # fmt: skip
    made = surprisals()
    least = made.extracts(2)
    first = Report(
        model="quick-1",
        evaluation=Evaluation(corpus=CORPUS, part="test", characters=10_002, unknown_characters=2, score=score),
        published=(Published(name="the course's LSTM", loss=1.5117, source="the course"),),
        least_expected=tuple(least),
        most_expected=tuple(made.extracts(2, most_expected=True, apart_from=least)),
    )
    if not complete:
        return first
    losses = (4.3307, 3.0656, 2.2777, 1.8042, 1.5901, 1.5281, 1.5153)
    return Report(
        model=first.model,
        evaluation=first.evaluation,
        published=first.published,
        least_expected=first.least_expected,
        most_expected=first.most_expected,
        baselines=Baselines(
            part="test",
            characters=10_000,
            of=tuple(
                Baseline(name=name, order=order, loss=loss)
                for order, (name, loss) in enumerate(zip(NGRAM_NAMES, losses, strict=True))
            ),
        ),
        parts=(
            PartLoss(part="train", characters=85_500, loss=1.2236),
            PartLoss(part="validation", characters=4_500, loss=1.4816),
            PartLoss(part="test", characters=10_000, loss=1.4679),
        ),
        copying=SampleCopying(
            characters=5_000, temperature=0.8, seed=0,
            sample=Copying(longest=".\n\nLE MEUNIER.\n\nOui,", shares={10: 0.089, 20: 0.002, 40: 0.0}, words=0.709),
            held_out=Copying(longest="re.\n\nLE MEUNIER.\n\nMon", shares={10: 0.164, 20: 0.01, 40: 0.0}, words=0.86),
        ),
    )  # fmt: skip


FINE_TUNING = FineTuning(
    origin="moliere",
    new=TextEffect(
        text="l-homme-aux-contrats",
        compared=Comparison(characters=11_265, loss=1.1016, other_loss=1.5796, standard_error=0.0123),
        of=11_265,
    ),
    old=TextEffect(
        text="moliere",
        compared=Comparison(characters=20_000, loss=1.4212, other_loss=1.2118, standard_error=0.0081),
        of=168_729,
    ),
)
COMPARISON = Comparison(characters=10_000, loss=1.4675, other_loss=1.5012, standard_error=0.0061)
