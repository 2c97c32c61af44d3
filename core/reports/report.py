"""The report on a model: the results of its evaluation on a text, and their meaning in words. No torch needed."""

import math
from typing import NamedTuple

from msgspec import Struct

from core.data.splits import Part
from core.events import EpochCompleted
from core.reports.diagnosis import LITTLE, Verdict, gap_sentence, judge
from core.reports.reference_losses import Published
from core.reports.results import (
    COPIED_LENGTHS,
    Baseline,
    Baselines,
    Copying,
    Evaluation,
    Extract,
    FineTuning,
    PartLoss,
    share_of,
)


class SampleCopying(Struct, frozen=True, kw_only=True):
    """How much of a sample, and of held-out text for comparison, occurs in the training part."""

    characters: int
    """Number of characters in the sample; the held-out text has the same number or fewer."""
    temperature: float
    seed: int
    sample: Copying
    held_out: Copying | None
    """Natural overlap of two texts by the same author; None if there is no held-out text."""

    @property
    def texts(self) -> list[tuple[str, Copying]]:
        """Names and results of the texts that were compared with the training part."""
        texts = [("a sample", self.sample)]
        return texts if self.held_out is None else [*texts, ("held-out text", self.held_out)]

    @property
    def table(self) -> tuple[list[str], list[tuple[str, list[str]]]]:
        """Table to show: the names of the columns, and rows of a name and one value per column."""
        copied = [one for _, one in self.texts]
        rows = [("longest passage, characters", [f"{len(one.longest):,}" for one in copied])]
        rows += [(f"{n}-character sequences", [share_of(one.shares[n]) for one in copied]) for n in COPIED_LENGTHS]
        return [name for name, _ in self.texts], [*rows, ("words", [share_of(one.words) for one in copied])]


class Report(Struct, frozen=True, kw_only=True):
    """Results of an evaluation so far."""

    model: str
    """Name of the model, as the user gave it."""
    evaluation: Evaluation
    baselines: Baselines | None = None
    """N-gram models on the same part, counted in the model's training part; None if that text is not available."""
    published: tuple[Published, ...] = ()
    """Published losses of other models on the same part of the same text."""
    parts: tuple[PartLoss, ...] = ()
    """Losses on the parts of the text that the model was trained on."""
    validation_baselines: Baselines | None = None
    """N-gram models on the validation part."""
    copying: SampleCopying | None = None
    fine_tuning: FineTuning | None = None
    """Comparison with the model that the training began with; None for random weights, and until it is known."""
    least_expected: tuple[Extract, ...] = ()
    most_expected: tuple[Extract, ...] = ()
    history: tuple[EpochCompleted, ...] = ()
    """Completed epochs of the model's run; empty if they are unknown."""
    vocabulary_size: int = 0
    """Number of characters in the model's vocabulary."""
    has_dropout: bool = False
    """Whether the model was trained with dropout."""

    @property
    def title(self) -> str:
        """Model, text, split, part and number of characters."""
        evaluation = self.evaluation
        corpus = evaluation.corpus
        cut = "" if evaluation.part == "whole" else f" · {corpus.split_name}"
        part = "all of it" if evaluation.part == "whole" else evaluation.part
        count = "1 character" if evaluation.characters == 1 else f"{evaluation.characters:,} characters"
        return f"{self.model} on {corpus.title}{cut} · {part} · {count}"

    @property
    def bars(self) -> list["Bar"]:
        """Losses to compare, including the model's own, in descending order."""
        score = self.evaluation.score
        bars = [Bar("this model", score.loss, ours=True)]
        if self.baselines is not None:
            bars += [Bar(baseline.name, baseline.loss) for baseline in self._shown(self.baselines)]
        bars += [Bar(published.name, published.loss) for published in self.published]
        return sorted(bars, key=lambda bar: -bar.loss)

    def _shown(self, baselines: Baselines) -> list[Baseline]:
        """Return the baselines to show: uniform, unigram, bigram, 5-gram, 6-gram, and the best one."""
        names = {"uniform", "unigram", "bigram", "5-gram", "6-gram", baselines.best.name}
        return [baseline for baseline in baselines.of if baseline.name in names]

    @property
    def meaning(self) -> str:
        """Meaning of the loss, in one or two sentences."""
        score = self.evaluation.score
        chooses = f"On average it chooses among {_rounded(score.perplexity)} characters."
        if score.standard_error is None:
            return f"{chooses} The text is too short to tell whether that is chance."
        if self.baselines is None:
            return chooses
        best = self.baselines.best
        named = f"a {best.name}, which only counts" if best.order > 1 else "a model that ignores order"
        gap = best.loss - score.loss
        if abs(gap) <= 2 * score.standard_error:
            return f"No better and no worse than {named} ({best.loss:.3f}). {chooses}"
        return f"{'Better' if gap > 0 else 'Worse'} than {named}, by {abs(gap):.2f} nats. {chooses}"

    def loss_on(self, part: Part) -> float | None:
        """Return the loss on a part of the text that the model was trained on; None if it was not evaluated."""
        return next((one.loss for one in self.parts if one.part == part), None)

    @property
    def verdict(self) -> str:
        """Diagnosis of the run, with the sentences of the Train screen, and how the parts compare; may be empty."""
        return " ".join(sentence for sentence in (self._judgement, self._gap, self._harder) if sentence)

    @property
    def verdict_in_short(self) -> str:
        """First sentence of the verdict; empty if there is none."""
        return (self._judged.sentence if self.history else "") or self._gap

    @property
    def _judgement(self) -> str:
        if not self.history:
            return ""
        verdict = self._judged
        return verdict.sentence if verdict.kind == "unknown" else verdict.text

    @property
    def _judged(self) -> Verdict:
        return judge(self.history, self.vocabulary_size)

    @property
    def _gap(self) -> str:
        """How the losses on training and held-out text compare; empty until both are known."""
        train, validation, test = (self.loss_on(part) for part in ("train", "validation", "test"))
        held_out = test if validation is None else validation
        if train is None or held_out is None:
            return ""
        where = "test" if validation is None else "validation"
        return gap_sentence(train, held_out, where=where, judged=bool(self.history))

    @property
    def _harder(self) -> str:
        """How much harder the test part is than the validation part; empty if it is not harder."""
        validation, test = self.loss_on("validation"), self.loss_on("test")
        if not self._gap or validation is None or test is None or test - validation <= LITTLE:
            return ""
        harder = f"The test part is harder, by {test - validation:.2f}"
        if self.baselines is None or self.validation_baselines is None or self.evaluation.part != "test":
            return f"{harder}."
        best = self.validation_baselines.best
        harder_by = self.baselines.named(best.name).loss - best.loss
        if harder_by <= 0:
            return f"{harder}; for a {best.name} it is not."
        return f"{harder}; for a {best.name}, by {harder_by:.2f}."

    @property
    def parts_note(self) -> str:
        """How the losses on the parts are computed, and how that differs from the training loss on the Train screen."""
        train = next((part for part in self.parts if part.part == "train"), None)
        if train is None:
            return ""
        note = "Evaluated with the saved weights" + (", without dropout" if self.has_dropout else "")
        if train.characters < train.of:
            note += f", on {train.characters:,} of {train.of:,} training characters"
        if not self.history:
            return f"{note}."
        last = self.history[-1]
        how = f"the mean over epoch {last.epoch}" + (", with dropout" if self.has_dropout else "")
        return f"{note}. Train shows {last.train_loss:.4f}: {how}."

    @property
    def copies(self) -> bool | None:
        """Whether the model copies far more than is natural; None if that is not known."""
        if self.copying is None or self.copying.held_out is None:
            return None
        longest, natural = (len(one.longest) for one in (self.copying.sample, self.copying.held_out))
        sample, held_out = (
            share if math.isfinite(share := one.shares[20]) else 0.0
            for one in (self.copying.sample, self.copying.held_out)
        )
        return longest > 3 * max(natural, 20) or sample > 3 * max(held_out, 0.05)

    @property
    def copying_meaning(self) -> str:
        """Meaning of the overlap with the training part; empty until it is known."""
        if self.copying is None:
            return ""
        longest = len(self.copying.sample.longest)
        if self.copying.held_out is None:
            return f"The longest passage copied word for word has {longest:,} characters."
        natural = len(self.copying.held_out.longest)
        verdict = "It copies" if self.copies else "It hardly copies"
        passage = f"the longest passage found in the training text has {longest:,} characters"
        return f"{verdict}: {passage}; in held-out text, {natural:,}."


class Bar(NamedTuple):
    """A loss to compare with others."""

    name: str
    loss: float
    """In nats per character."""
    ours: bool = False
    """Whether it is the loss of the model itself."""


def _rounded(perplexity: float) -> str:
    return f"{perplexity:.3g}" if perplexity < 100 else f"{perplexity:,.0f}"
