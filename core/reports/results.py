"""Results of evaluations as plain records, and a loss in other units. Nothing here needs torch."""

import math
from typing import NamedTuple

from msgspec import Struct

from core.data.corpus import CorpusConfig
from core.data.splits import Part
from core.text import count_of

NGRAM_NAMES = ("uniform", "unigram", "bigram", "3-gram", "4-gram", "5-gram", "6-gram")
"""Names of the n-gram models by order: the number of characters in an n-gram, of which the last is predicted."""
COPIED_LENGTHS = (10, 20, 40)
"""Lengths, in characters, of the sequences that are looked up in the training text."""


def bits_per_character(loss: float) -> float:
    """Convert a loss from nats to bits."""
    return loss / math.log(2)


def perplexity(loss: float) -> float:
    """Return exp(loss): the number of equally likely characters that would be as hard to predict.

    `loss` is in nats per character; the result is infinite if it overflows.
    """
    try:
        return math.exp(loss)
    except OverflowError:  # the loss of a diverging network can exceed 709 nats
        return math.inf


def share_of(value: float) -> str:
    """Format a share as a percentage; NaN, the share of nothing, as a dash."""
    return f"{value:.1%}" if math.isfinite(value) else "–"


class EvaluationProgress(Struct, frozen=True, kw_only=True):
    """Progress of an evaluation."""

    scored: int
    """Number of characters scored so far."""
    characters: int
    """Total number of characters to score."""


class Estimate(Struct, frozen=True, kw_only=True):
    """An estimate of the loss on a text, from a part of its characters."""

    loss: float
    """Mean loss of the characters scored, in nats per character."""
    characters: int
    """Number of characters scored."""
    of: int
    """Number of characters of the text."""

    @property
    def basis(self) -> str:
        """What the estimate is based on, in words."""
        return f"from {self.characters:,} of {count_of(self.of, 'character')}"


class Group(Struct, frozen=True, kw_only=True):
    """Characters of one kind or role, and how well they are predicted."""

    name: str
    characters: int
    """Number of characters scored."""
    loss: float
    """Mean cross-entropy, in nats per character."""
    share: float
    """Share of the whole text's total loss, 0 to 1."""


class Score(Struct, frozen=True, kw_only=True):
    """How well a model predicts a text."""

    scored: int
    """Number of characters scored."""
    loss: float
    """Mean cross-entropy, in nats per character."""
    standard_error: float | None
    """Standard error of the mean loss, from the means of blocks of the text; None with fewer than two blocks."""
    accuracy: float
    """Share of characters that were the model's most likely prediction."""
    accuracy_of_five: float = 0.0
    """Share of characters that were among its five most likely predictions."""
    kinds: tuple[Group, ...] = ()
    """Losses by kind of character (`core.evaluation.character_classes`), for kinds that occur."""
    roles: tuple[Group, ...] = ()
    """Losses by role (`core.data.play_roles`), if the text is a play."""

    @property
    def bits_per_character(self) -> float:
        """Loss in bits per character."""
        return bits_per_character(self.loss)

    @property
    def perplexity(self) -> float:
        """Perplexity, exp(loss)."""
        return perplexity(self.loss)


class Evaluation(Struct, frozen=True, kw_only=True):
    """A score with the text it was computed on, without which a loss means nothing."""

    corpus: CorpusConfig
    part: Part
    characters: int
    """Number of characters in the part."""
    unknown_characters: int
    """Number of these that are not in the vocabulary. They are skipped and not scored."""
    learnt_characters: int = 0
    """Number of these that the model was trained on. A loss on them says nothing about other texts."""
    score: Score


class PartLoss(Struct, frozen=True, kw_only=True):
    """Approximate loss on one part of a text, to compare with the other parts."""

    part: Part
    characters: int
    """Number of characters scored; of a long part, a sample from all over it."""
    of: int = 0
    """Number of characters in the part; 0 if it is not known."""
    loss: float
    """Mean loss, in nats per character."""


class Comparison(Struct, frozen=True, kw_only=True):
    """Comparison of two models on the characters that both have in their vocabulary."""

    characters: int
    """Number of characters that both scored."""
    loss: float
    """Loss of the first model, in nats per character."""
    other_loss: float
    """Loss of the other model, in nats per character."""
    standard_error: float | None
    """Standard error of the difference; None if the text is too short."""

    @property
    def difference(self) -> float:
        """Loss of the first model minus that of the other: negative if the first is better."""
        return self.loss - self.other_loss

    @property
    def sentence(self) -> str:
        """Result of the comparison in one sentence."""
        size = abs(self.difference)
        if size == 0:
            return "They predict it equally well, to the last digit."
        if self.standard_error is None:
            return f"They differ by {size:.4f}; the text is too short to tell whether that is chance."
        better = "The first" if self.difference < 0 else "The other"
        within = f"{size:.4f} ± {self.standard_error:.4f} nats per character"
        if size > 2 * self.standard_error:
            return f"{better} is better by {within}: more than chance."
        return f"They differ by {within}: that may be chance."


class TextEffect(Struct, frozen=True, kw_only=True):
    """What fine-tuning changed on one text: the model after it compared with the model before."""

    text: str
    """Title of the text."""
    compared: Comparison
    """The first model is the one after fine-tuning, the other the one before."""
    of: int
    """Number of characters in the text's test part; the comparison may have read the beginning only."""
    learnt: int = 0
    """Number of compared characters that the model before was trained on."""


class FineTuning(Struct, frozen=True, kw_only=True):
    """What a model gained and forgot since the model that its training began with."""

    origin: str
    """Name of that model."""
    new: TextEffect | None = None
    """Effect on the text of the fine-tuning; None if it is not available."""
    old: TextEffect | None = None
    """Effect on the text that the earlier model was trained on; None if it is not available or the same text."""
    missing: str = ""
    """Why a comparison is missing, in a sentence; empty if none is."""

    @property
    def effects(self) -> list[TextEffect]:
        """The effects that are known: on the new text, then on the old one."""
        return [effect for effect in (self.new, self.old) if effect is not None]

    @property
    def meaning(self) -> str:
        """What the model gained and forgot, in sentences."""
        sentences = []
        if self.new is not None:
            verb = _changed(self.new.compared, "gained", "lost")
            sentences.append(f"On the new text, {self.new.text}, the model {verb}.")
            if self.new.learnt:
                sentences.append(f"{self.origin} was trained on {self.new.learnt:,} of these characters.")
        if self.old is not None:
            verb = _changed(self.old.compared, "gained", "forgot")
            sentences.append(f"On the old text, {self.old.text}, it {verb}.")
        return " ".join([*sentences, *([self.missing] if self.missing else [])])


def _changed(compared: Comparison, better: str, worse: str) -> str:
    size = abs(compared.difference)
    if compared.standard_error is None or size <= 2 * compared.standard_error:
        return f"changed by {size:.2f} nats per character, which may be chance"
    return f"{better if compared.difference < 0 else worse} {size:.2f} nats per character"


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
    """Progress of a stage of the work."""

    doing: str
    """Name of the stage, in words."""
    done: float
    """Share that is done, 0 to 1."""
