"""How far back a network remembers: the report on a text, and its sentences."""

import math
from itertools import pairwise

import msgspec
import numpy as np
import pytest
import torch

from core.checkpoints.checkpoint import Checkpoint
from core.errors import UserError
from core.inspection import memory
from core.inspection.gradient_reach import TARGETS
from core.inspection.memory import BLOCK, CONTEXTS, Subject, measure_memory
from core.reports.memory import ContextLoss, MemoryReport, ModelMemory, Spread, TimeConstant
from core.reports.results import Stage
from core.settings.config import Cell
from tests.core.by_hand import corpus_of, logits_by_hand, tiny_checkpoint

TEXT = "".join(f"{number} moutons, {number * 7 % 13} chats.\n" for number in range(300))
ALPHABET = "".join(sorted(set(TEXT)))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """Measure fewer places, and distances and contexts as short as a test needs."""
    monkeypatch.setattr(memory, "DISTANCE", 20)
    monkeypatch.setattr(memory, "WINDOWS", 5)
    monkeypatch.setattr(memory, "TOGETHER", 3)
    monkeypatch.setattr(memory, "MIN_BLOCKS", 3)
    monkeypatch.setattr(memory, "MAX_BLOCKS", 3)


def measured(*checkpoints: Checkpoint, text: str = TEXT) -> tuple[MemoryReport, list[Stage]]:
    subjects = [Subject(f"model {number}", checkpoint) for number, checkpoint in enumerate(checkpoints)]
    *stages, report = measure_memory(subjects, corpus_of(text), "test")
    assert isinstance(report, MemoryReport)
    return report, [stage for stage in stages if isinstance(stage, Stage)]


def loss_by_hand(checkpoint: Checkpoint, text: str, place: int, context: int) -> float:
    vocabulary = checkpoint.vocabulary
    ids = vocabulary.encode(text[place - context : place])
    logits = logits_by_hand(checkpoint.model, ids if context else np.array([vocabulary.start_id]))[-1]
    return float(np.log(np.exp(logits).sum()) - logits[vocabulary.encode(text[place])[0]])


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_each_context_has_the_loss_of_a_network_that_reads_only_this_context(cell: Cell) -> None:
    checkpoint = tiny_checkpoint(ALPHABET, cell=cell)
    report, _ = measured(checkpoint)
    part = str(corpus_of(TEXT).part("test"))
    contexts = [one.context for one in report.models[0].contexts]
    assert contexts == [context for context in CONTEXTS if context <= len(part) // 2]
    blocks = np.linspace(contexts[-1], len(part) - BLOCK, 3).astype(int)
    for one in report.models[0].contexts:
        group = CONTEXTS[one.context]  # the first of a group has this context, the others have a little more
        expected = [
            loss_by_hand(checkpoint, part, begin + number, one.context + number % group)
            for begin in blocks
            for number in range(BLOCK)
        ]
        assert one.loss == pytest.approx(np.mean(expected), rel=1e-4)
        means = np.reshape(expected, (3, BLOCK)).mean(axis=1)
        assert one.standard_error == pytest.approx(means.std(ddof=1) / math.sqrt(3), rel=1e-2, abs=1e-6)
    assert report.characters == 3 * BLOCK
    assert [one.context for one in report.ngrams] == contexts


def test_progress_rises_from_model_to_model() -> None:
    report, stages = measured(tiny_checkpoint(ALPHABET), tiny_checkpoint(ALPHABET, cell="gru"))
    shares = [stage.done for stage in stages]
    assert all(before <= after for before, after in pairwise(shares))
    assert 0 <= shares[0] < 0.5 < shares[-1] <= 1
    assert stages[0].doing == "measuring model 0"
    assert [model.cell for model in report.models] == ["lstm", "gru"]
    assert report.places == 5 * TARGETS
    assert len(report.models[0].hidden) == len(report.models[1].hidden) == 21


def test_a_forget_gate_that_is_known_has_its_time_constant() -> None:
    checkpoint = tiny_checkpoint(ALPHABET)
    model = checkpoint.model
    size = model.config.hidden_size
    with torch.no_grad():
        for layer in model.layers:
            forget = slice(size, 2 * size)
            layer.weight_ih_l0[forget] = 0  # type: ignore[operator]
            layer.weight_hh_l0[forget] = 0  # type: ignore[operator]
            layer.bias_ih_l0[forget] = 0  # type: ignore[operator]
            layer.bias_hh_l0[forget] = 0  # type: ignore[operator]
        layer.bias_ih_l0[size + 2] = math.log(0.9 / 0.1)  # type: ignore[operator]  # f is 0.9, elsewhere 0.5
        layer.bias_ih_l0[size + 3] = 1000.0  # type: ignore[operator]  # f is 1
    found = measured(checkpoint)[0].models[0].time_constants
    assert len(found) == 2 * size
    assert (found[0].layer, found[0].cell, found[0].characters) == (1, 3, memory.MAX_CONSTANT)
    assert (found[1].layer, found[1].cell) == (1, 2)
    assert found[1].characters == pytest.approx(-1 / math.log(0.9), rel=1e-4)
    assert found[-1].characters == pytest.approx(-1 / math.log(0.5), rel=1e-4)


def test_only_characters_that_every_model_knows_are_measured() -> None:
    text = TEXT.replace("7", "é")
    report, _ = measured(tiny_checkpoint(ALPHABET), tiny_checkpoint(ALPHABET + "é"), text=text)
    assert report.skipped_characters == str(corpus_of(text).part("test")).count("é") > 0


def test_a_short_part_is_measured_as_far_as_it_reaches_or_refused() -> None:
    text = TEXT[:2_300]
    report, _ = measured(tiny_checkpoint(ALPHABET), text=text)
    assert report.models[0].contexts[-1].context == 100
    with pytest.raises(UserError, match=r"^This part has 100 characters that every model knows"):
        measured(tiny_checkpoint(ALPHABET), text=TEXT[:1_000])


def test_characters_that_a_model_was_trained_on_are_reported() -> None:
    corpus = corpus_of(TEXT)
    checkpoint = tiny_checkpoint(ALPHABET, corpus=corpus.config)
    *_, report = measure_memory([Subject("m", checkpoint)], corpus, "train")
    assert isinstance(report, MemoryReport)
    assert report.learnt_characters == len(corpus.part("train"))
    assert measured(tiny_checkpoint(ALPHABET))[0].learnt_characters == 0


def spreads(*means: float) -> tuple[Spread, ...]:
    return tuple(Spread(mean=mean, low=mean, median=mean, high=mean) for mean in means)


def contexts(*losses: float) -> tuple[ContextLoss, ...]:
    return tuple(ContextLoss(context, loss, 0.1) for context, loss in zip((0, 1, 2, 5, 10), losses, strict=False))


def report_of(*models: ModelMemory, ngrams: tuple[ContextLoss, ...] = ()) -> MemoryReport:
    return MemoryReport(corpus="x", part="test", places=1, characters=1, models=models, ngrams=ngrams)


def test_the_sentences_say_what_the_figures_say() -> None:
    lstm = ModelMemory(
        name="a", cell="lstm", parameters=1, hidden=spreads(2, 1, 0.03, 0.01, 0.03), contexts=contexts(3, 2, 1.005, 1),
        time_constants=(TimeConstant(0, 7, 60.0), TimeConstant(0, 1, 2.0)),
    )  # fmt: skip
    rnn = ModelMemory(
        name="b", cell="rnn", parameters=1, hidden=spreads(2, 0.5, 0.01, 0.01, 0.01), contexts=contexts(3, 2, 1.5, 1.51)
    )
    assert report_of(lstm).sentences == [
        "The gradient with respect to the hidden state does not fall below 1 % of its size within 4 characters.",
        "About 2 characters of context are used: the loss is 1.005 with 2, and 1.000 with 5.",
        "In a, 1 of 2 cells has a time constant of 50 characters or more; the longest is 60 (cell 7).",
    ]
    assert report_of(lstm, rnn, ngrams=contexts(3, 2, 2.5, 2.6)).sentences == [
        "The gradient with respect to the hidden state falls below 1 % of its size after 2 characters in b; in a it "
        "does not within 4 characters.",
        "Characters of context that are used: about 2 in a and 2 in b. With 5, the losses are 1.00 and 1.51.",
        "No n-gram gains from more than 1 character: its loss is 2.00.",
        "In a, 1 of 2 cells has a time constant of 50 characters or more; the longest is 60 (cell 7).",
    ]


def test_the_report_is_json() -> None:
    report, _ = measured(tiny_checkpoint(ALPHABET, cell="gru"))
    assert msgspec.json.decode(msgspec.json.encode(report), type=MemoryReport) == report
