"""All that was found out about a model on a text, and what it means in words. Nothing here needs torch."""

import math
from typing import NamedTuple

from msgspec import Struct

from core.data.splits import Part
from core.events import EpochCompleted
from core.reports.diagnosis import LITTLE, Verdict, gap_sentence, judge
from core.reports.reference_losses import Published
from core.reports.results import COPIED_LENGTHS, Baseline, Baselines, Copying, Evaluation, Extract, PartLoss, share_of


class SampleCopying(Struct, frozen=True, kw_only=True):
    """How much a sample copies from the training part, and how much held-out text does by nature."""

    characters: int
    """Of the sample; of the held-out text, as many or fewer."""
    temperature: float
    seed: int
    sample: Copying
    held_out: Copying | None

    @property
    def texts(self) -> list[tuple[str, Copying]]:
        """Those that were looked through, by name."""
        texts = [("a sample", self.sample)]
        return texts if self.held_out is None else [*texts, ("held-out text", self.held_out)]

    @property
    def table(self) -> tuple[list[str], list[tuple[str, list[str]]]]:
        """The figures as they are shown: the columns' names, and rows of a name and a value for each column."""
        copied = [one for _, one in self.texts]
        rows = [("longest passage, characters", [f"{len(one.longest):,}" for one in copied])]
        rows += [(f"{n}-character sequences", [share_of(one.shares[n]) for one in copied]) for n in COPIED_LENGTHS]
        return [name for name, _ in self.texts], [*rows, ("words", [share_of(one.words) for one in copied])]


class Report(Struct, frozen=True, kw_only=True):
    """What an assessment found out so far."""

    model: str
    """As it was named."""
    evaluation: Evaluation
    baselines: Baselines | None = None
    """On the same part, counted in the model's training part; None where that text is not here."""
    published: tuple[Published, ...] = ()
    parts: tuple[PartLoss, ...] = ()
    """The parts of the text the model was trained on, side by side."""
    validation_baselines: Baselines | None = None
    copying: SampleCopying | None = None
    least_expected: tuple[Extract, ...] = ()
    most_expected: tuple[Extract, ...] = ()
    history: tuple[EpochCompleted, ...] = ()
    """The completed epochs of the model's run, where they are known."""
    vocabulary_size: int = 0
    """Of the model."""
    has_dropout: bool = False
    """Whether the model was trained with dropout."""

    @property
    def title(self) -> str:
        """What was measured on what."""
        evaluation = self.evaluation
        corpus = evaluation.corpus
        cut = "" if evaluation.part == "whole" else f" · {corpus.split}"
        part = "all of it" if evaluation.part == "whole" else evaluation.part
        count = "1 character" if evaluation.characters == 1 else f"{evaluation.characters:,} characters"
        return f"{self.model} on {corpus.title}{cut} · {part} · {count}"

    @property
    def bars(self) -> list["Bar"]:
        """What to hold the loss against, from the highest down, the model's own among them."""
        score = self.evaluation.score
        bars = [Bar("this model", score.loss, ours=True)]
        if self.baselines is not None:
            bars += [Bar(baseline.name, baseline.loss) for baseline in self._telling(self.baselines)]
        bars += [Bar(published.name, published.loss) for published in self.published]
        return sorted(bars, key=lambda bar: -bar.loss)

    def _telling(self, baselines: Baselines) -> list[Baseline]:
        """Return the uniform, unigram and bigram models, the 5- and 6-gram, and whichever is best."""
        names = {"uniform", "unigram", "bigram", "5-gram", "6-gram", baselines.best.name}
        return [baseline for baseline in baselines.of if baseline.name in names]

    @property
    def meaning(self) -> str:
        """What the loss means."""
        score = self.evaluation.score
        hesitates = f"On average it chooses among {_rounded(score.perplexity)} characters."
        if score.standard_error is None:
            return f"{hesitates} The text is too short to tell whether that is chance."
        if self.baselines is None:
            return hesitates
        best = self.baselines.best
        named = f"a {best.name}, which only counts" if best.order > 1 else "one that knows no order"
        gap = best.loss - score.loss
        if abs(gap) <= 2 * score.standard_error:
            return f"No better and no worse than {named} ({best.loss:.3f}). {hesitates}"
        return f"{'Better' if gap > 0 else 'Worse'} than {named}, by {abs(gap):.2f} nats. {hesitates}"

    def loss_on(self, part: Part) -> float | None:
        """Return the loss on a part of the model's own text, where it was measured."""
        return next((one.loss for one in self.parts if one.part == part), None)

    @property
    def verdict(self) -> str:
        """What the run's history says, in the words of the Train screen, and how the parts compare; may be empty."""
        return " ".join(sentence for sentence in (self._judgement, self._gap, self._harder) if sentence)

    @property
    def verdict_in_short(self) -> str:
        """The first sentence of the verdict; empty until there is one."""
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
        """How training and held-out loss compare; empty until both were measured."""
        train, validation, test = (self.loss_on(part) for part in ("train", "validation", "test"))
        held_out = test if validation is None else validation
        if train is None or held_out is None:
            return ""
        where = "test" if validation is None else "validation"
        return gap_sentence(train, held_out, where=where, judged=bool(self.history))

    @property
    def _harder(self) -> str:
        """How much harder the test part is than validation, where it is."""
        validation, test = self.loss_on("validation"), self.loss_on("test")
        if not self._gap or validation is None or test is None or test - validation <= LITTLE:
            return ""
        harder = f"The test part is harder, by {test - validation:.2f}"
        if self.baselines is None or self.validation_baselines is None or self.evaluation.part != "test":
            return f"{harder}."
        best = self.validation_baselines.best
        by_counting = self.baselines.named(best.name).loss - best.loss
        if by_counting <= 0:
            return f"{harder}; for a {best.name} it is not."
        return f"{harder}; for a {best.name} it is, by {by_counting:.2f}."

    @property
    def parts_note(self) -> str:
        """How the losses on the parts are measured, and how that differs from the training loss on the Train screen."""
        train = next((part for part in self.parts if part.part == "train"), None)
        if train is None:
            return ""
        note = "Measured with the saved weights" + (", without dropout" if self.has_dropout else "")
        if train.characters < train.of:
            note += f", on {train.characters:,} of {train.of:,} training characters"
        if not self.history:
            return f"{note}."
        last = self.history[-1]
        how = f"the mean over epoch {last.epoch}" + (", with dropout" if self.has_dropout else "")
        return f"{note}. Train shows {last.train_loss:.4f}: {how}."

    @property
    def copying_meaning(self) -> str:
        """What the copying means; empty until it was measured."""
        if self.copying is None:
            return ""
        longest = len(self.copying.sample.longest)
        if self.copying.held_out is None:
            return f"The longest passage taken over word for word has {longest:,} characters."
        natural = len(self.copying.held_out.longest)
        sample, held_out = (
            share if math.isfinite(share := one.shares[20]) else 0.0
            for one in (self.copying.sample, self.copying.held_out)
        )
        if longest > 3 * max(natural, 20) or sample > 3 * max(held_out, 0.05):
            return f"It copies: {longest:,} characters word for word, where held-out text has {natural:,} at most."
        return (
            f"It does not copy more than text does by nature: {longest:,} characters word for word at most, "
            f"held-out text {natural:,}."
        )


class Bar(NamedTuple):
    """A loss among others."""

    name: str
    loss: float
    ours: bool = False


def _rounded(perplexity: float) -> str:
    return f"{perplexity:.3g}" if perplexity < 100 else f"{perplexity:,.0f}"
