"""What a loss is worth in other units, and what an evaluation says. Nothing here needs torch."""

import math
from typing import NamedTuple

from msgspec import Struct

from core.data.corpus import CorpusConfig
from core.data.splits import Part

NGRAM_NAMES = ("uniform", "unigram", "bigram", "3-gram", "4-gram", "5-gram", "6-gram")
"""Of the n-gram models, by their order: how many characters an n-gram has, of which the last is predicted."""
COPIED_LENGTHS = (10, 20, 40)
"""Of the sequences that are looked up in the training text, in characters."""


def bits_per_character(loss: float) -> float:
    """Return a loss in nats as bits."""
    return loss / math.log(2)


def perplexity(loss: float) -> float:
    """Return between how many characters, equally likely, a model of this loss as good as hesitates: exp(loss)."""
    try:
        return math.exp(loss)
    except OverflowError:  # a network about to diverge can lose more than 709 nats
        return math.inf


def share_of(value: float) -> str:
    """Return a share as it is shown; one of nothing is none."""
    return f"{value:.1%}" if math.isfinite(value) else "–"


class EvaluationProgress(Struct, frozen=True, kw_only=True):
    """How far an evaluation has come."""

    scored: int
    characters: int
    """To be scored in all."""
    loss: float | None = None
    """Mean of those scored so far, nats per character, where it is known."""


class Group(Struct, frozen=True, kw_only=True):
    """Characters of one sort, and how well they are predicted."""

    name: str
    characters: int
    """That were scored."""
    loss: float
    """Mean cross-entropy, nats per character."""
    share: float
    """Of the whole text's loss, 0 to 1."""


class Score(Struct, frozen=True, kw_only=True):
    """How well a model predicts a text."""

    scored: int
    """Characters."""
    loss: float
    """Mean cross-entropy, nats per character."""
    standard_error: float | None
    """Of the mean loss, from the means of blocks of the text; None with fewer than two blocks."""
    accuracy: float
    """Share of characters that were the model's first guess."""
    accuracy_of_five: float = 0.0
    """Share of characters that were among its five first guesses."""
    kinds: tuple[Group, ...] = ()
    """By kind of character (`core.evaluation.character_classes`), those that occur."""
    roles: tuple[Group, ...] = ()
    """By who speaks (`core.evaluation.play_roles`), where the text is a play."""

    @property
    def bits_per_character(self) -> float:
        """The loss in bits."""
        return bits_per_character(self.loss)

    @property
    def perplexity(self) -> float:
        """exp(loss)."""
        return perplexity(self.loss)


class Evaluation(Struct, frozen=True, kw_only=True):
    """A score, with what it is a score on: a loss means nothing without it."""

    corpus: CorpusConfig
    part: Part
    characters: int
    """That the part has."""
    unknown_characters: int
    """Of these, the ones that the model has never seen: they are left out of the text and not scored."""
    learnt_characters: int = 0
    """Of these, the ones that the model was trained on: a loss on them says nothing of other texts."""
    score: Score


class PartLoss(Struct, frozen=True, kw_only=True):
    """The loss on one of the parts, to stand beside those of the others; nearly exact."""

    part: Part
    characters: int
    """That were scored: of a long part, some from all over it."""
    of: int = 0
    """Characters that the part has; 0 where that was not noted."""
    loss: float
    """Nats per character."""


class Comparison(Struct, frozen=True, kw_only=True):
    """How two models compare on the characters that both know."""

    characters: int
    """That both scored."""
    loss: float
    """Of the first, nats per character."""
    other_loss: float
    standard_error: float | None
    """Of the difference; None for a text too short to tell."""

    @property
    def difference(self) -> float:
        """The first's loss less the other's: below 0 where the first is better."""
        return self.loss - self.other_loss

    @property
    def sentence(self) -> str:
        """What it means."""
        size = abs(self.difference)
        if size == 0:
            return "They predict it equally well, to the last digit."
        if self.standard_error is None:
            return f"They differ by {size:.4f}; the text is too short to tell whether that is chance."
        better = "The first" if self.difference < 0 else "The other"
        within = f"{size:.4f} ± {self.standard_error:.4f} nats per character"
        if size > 2 * self.standard_error:
            return f"{better} is better by {within}: more than chance."
        return f"They differ by {within}: no more than chance may do."


class Baseline(Struct, frozen=True, kw_only=True):
    """The loss of one n-gram model."""

    name: str
    order: int
    loss: float
    """Mean cross-entropy, in nats per character."""


class Baselines(Struct, frozen=True, kw_only=True):
    """The n-gram models of all orders, evaluated on one part of a text."""

    part: Part
    characters: int
    """Number of characters evaluated."""
    of: tuple[Baseline, ...]
    """The models by order, from 0."""

    @property
    def best(self) -> Baseline:
        """Model with the lowest loss; if several have it, the one of the lowest order."""
        return min(self.of, key=lambda baseline: baseline.loss)

    def named(self, name: str) -> Baseline:
        """Return the model with this name, one of `NGRAM_NAMES`."""
        return self.of[NGRAM_NAMES.index(name)]


class Copying(Struct, frozen=True):
    """How much of a sample occurs in another text."""

    longest: str
    """Longest passage of the sample that occurs in the text; if several have that length, the first."""
    shares: dict[int, float]
    """For each of `COPIED_LENGTHS`, the share of the sample's sequences of that length that occur in the text, 0 to 1;
    NaN if the sample has none."""
    words: float
    """Share of the sample's words that occur in the text, regardless of case, 0 to 1; NaN if the sample has none."""


class Extract(NamedTuple):
    """A passage of the text with its mean loss."""

    begin: int
    """Position of its first character in the text."""
    text: str
    loss: float
    """Mean loss, in nats per character."""


class Expected(NamedTuple):
    """A character that the model expected at a position, and its probability."""

    character: str
    probability: float


class Stage(Struct, frozen=True, kw_only=True):
    """How far the work at hand has come."""

    doing: str
    """What it is, in words."""
    done: float
    """0 to 1."""
    loss: float | None = None
    """While the text is scored: the mean loss so far, in nats per character."""
    scored: int = 0
    """Characters, so far."""
