import math
import statistics

import numpy as np
import pytest
import torch

from core.checkpoints.checkpoint import Checkpoint, load_checkpoint
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.encoded_text import encode
from core.data.text_slice import Passage
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.evaluation.evaluator import evaluate, score
from core.evaluation.loss_accumulator import BLOCK
from core.evaluation.scoring import CHUNK
from core.evaluation.validation_loss import quick_loss
from core.model.char_lstm import CharLSTM
from core.reports.results import Evaluation, EvaluationProgress, Score, perplexity
from core.runs.bundled_model import shipped_path
from core.settings.config import ModelConfig, TrainingConfig


def checkpoint(alphabet: str = "abc.", *, validation: float = 0.0) -> Checkpoint:
    model = CharLSTM(ModelConfig(embedding_size=4, hidden_size=5, num_layers=2), len(alphabet))
    model.initialise(torch.Generator().manual_seed(1))
    return Checkpoint(
        model=model,
        vocabulary=Vocabulary(alphabet),
        corpus=CorpusConfig(source="x"),
        training=TrainingConfig(validation=validation),
        epoch=0,
        train_loss=None,
        val_loss=None,
    )


def corpus(text: str) -> Corpus:
    return Corpus(CorpusConfig(source="x"), encode(text))


def passage(ids: torch.Tensor, alphabet: str = ".abc") -> Passage:
    return corpus("".join(alphabet[i] for i in ids.tolist())).part("whole")


def test_the_loss_equals_a_slow_computation_in_double_precision() -> None:
    made = checkpoint()
    ids = torch.randint(4, (2 * CHUNK + 37,), generator=torch.Generator().manual_seed(0))
    *progress, last = score(made, passage(ids))
    assert isinstance(last, Score)
    double = CharLSTM(made.model.config, 4).double()
    double.load_state_dict(made.model.state_dict())
    losses, right, state = [], 0, None
    before = made.vocabulary.start_id
    for target in ids.tolist():
        logits, state = double(torch.tensor([[before]]), state)
        probabilities = logits[0, 0].softmax(0)
        losses.append(-math.log(probabilities[target].item()))
        right += int(probabilities.argmax()) == target
        before = target
    assert last.scored == len(ids)
    assert last.loss == pytest.approx(sum(losses) / len(losses), abs=1e-6)
    assert last.accuracy == right / len(ids)
    shares = [event.scored for event in progress if isinstance(event, EvaluationProgress)]
    assert shares == sorted(shares)
    assert shares[-1] == 2037


def test_bits_per_character_and_perplexity_follow_from_the_loss() -> None:
    one = Score(scored=1, loss=math.log(8), standard_error=None, accuracy=0.0)
    assert one.bits_per_character == pytest.approx(3)
    assert one.perplexity == pytest.approx(8)
    assert perplexity(1000.0) == math.inf


def test_the_standard_error_is_computed_from_the_means_of_blocks() -> None:
    made = checkpoint()
    ids = torch.randint(4, (3 * BLOCK + 50,), generator=torch.Generator().manual_seed(0))
    *_, whole = score(made, passage(ids))
    assert isinstance(whole, Score)
    with torch.no_grad():
        logits, _ = made.model(torch.cat([torch.tensor([made.vocabulary.start_id]), ids[:-1]])[:, None])
    losses = torch.nn.functional.cross_entropy(logits[:, 0], ids, reduction="none")
    means = [losses[start : start + BLOCK].mean().item() for start in (0, BLOCK, 2 * BLOCK)]
    assert whole.standard_error == pytest.approx(statistics.stdev(means) / math.sqrt(3), rel=1e-4)
    *_, short = score(made, passage(ids[: 2 * BLOCK - 1]))
    assert isinstance(short, Score)
    assert short.standard_error is None


def test_unknown_characters_are_skipped_and_counted() -> None:
    made = checkpoint()
    *_, clean = evaluate(made, corpus("abc." * 30 + "abcabcabc"), "test")
    *_, with_unknown = evaluate(made, corpus("abc." * 30 + "abcaßbcabc"), "test")
    assert isinstance(clean, Evaluation)
    assert isinstance(with_unknown, Evaluation)
    assert with_unknown.unknown_characters == 1
    assert with_unknown.characters == with_unknown.score.scored + 1
    assert clean.unknown_characters == 0


def test_a_part_that_cannot_be_scored_is_refused() -> None:
    with pytest.raises(UserError, match="no validation part, because the model was trained without one"):
        list(evaluate(checkpoint(), corpus("abc." * 10), "validation"))
    with pytest.raises(UserError, match="no validation part, because it is too short"):
        list(evaluate(checkpoint(validation=0.05), corpus("abcabc"), "validation"))
    with pytest.raises(UserError, match="no test part, because it is too short"):
        list(evaluate(checkpoint(), corpus("abc"), "test"))
    with pytest.raises(UserError, match="no character that the model knows"):
        list(evaluate(checkpoint(), corpus("xyz" * 10), "test"))


def test_a_single_character_can_be_scored() -> None:
    *_, last = evaluate(checkpoint(), corpus("abc.abc.a"), "test")
    assert isinstance(last, Evaluation)
    assert last.score.scored == 1


def test_evaluating_leaves_the_model_and_the_global_generator_alone() -> None:
    made = checkpoint()
    weights = [parameter.detach().clone() for parameter in made.model.parameters()]
    generator = torch.random.get_rng_state()
    list(evaluate(made, corpus("abc." * 100), "train"))
    assert made.model.training
    assert torch.equal(torch.random.get_rng_state(), generator)
    assert all(torch.equal(a, b) for a, b in zip(weights, made.model.parameters(), strict=True))


@pytest.mark.parametrize("length", [37, 999, 5_000, 70_001])
def test_the_quick_loss_is_nearly_the_exact_one(length: int) -> None:
    made = checkpoint()
    ids = torch.randint(4, (length,), generator=torch.Generator().manual_seed(0))
    *_, exact = score(made, passage(ids))
    *_, quick = quick_loss(made.model, ids.numpy(), made.vocabulary.start_id)
    assert isinstance(exact, Score)
    assert quick == pytest.approx(exact.loss, abs=1e-5)


@pytest.mark.shipped
@pytest.mark.parametrize("length", [1_500, pytest.param(6_000, marks=pytest.mark.thorough)])
def test_the_quick_loss_of_a_model_that_has_learnt_is_nearly_the_exact_one(length: int) -> None:
    """An untrained model hardly uses its hidden state, so it cannot show the effect of streams that start at zero."""
    path = shipped_path()
    assert path is not None
    trained = load_checkpoint(path)
    text = load_corpus(CorpusConfig(source="l-homme-aux-contrats", limit=length)).part("whole")
    ids = text.ids(trained.vocabulary).take(np.arange(len(text)))
    *_, exact = score(trained, text)
    *_, quick = quick_loss(trained.model, ids, trained.vocabulary.start_id)
    assert isinstance(exact, Score)
    assert exact.scored == len(ids), "the model knows every character of the play"
    assert quick == pytest.approx(exact.loss, abs=0.002)
