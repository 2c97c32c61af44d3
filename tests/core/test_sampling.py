from itertools import islice

import numpy as np
import pytest
import torch

from core.config import ModelConfig, SamplingConfig
from core.errors import UserError
from core.model import CharLSTM
from core.sampling import PRIMING_CHUNK, Sampler, adjusted
from core.vocabulary import Vocabulary

ALPHABET = Vocabulary("abcdefgh.")


def model() -> CharLSTM:
    made = CharLSTM(ModelConfig(embedding_size=6, hidden_size=9, num_layers=2), len(ALPHABET))
    made.initialise(torch.Generator().manual_seed(2))
    return made


def text(prompt: str = "", length: int = 200, **settings: float) -> str:
    config = SamplingConfig(**settings)  # type: ignore[arg-type]
    return "".join(islice(Sampler(model(), ALPHABET, config, prompt), length))


def test_the_same_seed_gives_the_same_text_and_another_another() -> None:
    assert text(seed=4) == text(seed=4)
    assert text(seed=4) != text(seed=5)


def test_an_empty_prompt_is_a_full_stop_as_in_the_course() -> None:
    assert text("") == text(".")
    assert text("ßß") == text(""), "nothing the model knows is left of this prompt"


def test_a_prompt_is_read_whole_and_what_is_unknown_left_out() -> None:
    assert text("abca", temperature=0) == text("aßbca", temperature=0)
    long = "abcdefgh" * PRIMING_CHUNK
    network = model()
    logits, _ = network(torch.from_numpy(ALPHABET.encode(long))[:, None])
    assert text(long, length=1, temperature=0) == ALPHABET.characters[int(logits[-1, 0].argmax())]


def test_what_was_left_out_is_told_and_an_accent_in_two_pieces_is_not_left_out() -> None:
    assert Sampler(model(), ALPHABET, SamplingConfig(), "aßbß€").notice.endswith(": ß €")
    accents = Vocabulary("è.")
    network = CharLSTM(ModelConfig(embedding_size=2, hidden_size=2), 2)
    assert Sampler(network, accents, SamplingConfig(), "e\u0300").notice == ""


def test_temperature_zero_takes_the_likeliest_each_time() -> None:
    network = model()
    ids = [ALPHABET.start_id]
    for _ in range(30):
        logits, _ = network(torch.tensor(ids)[:, None])
        ids.append(int(logits[-1, 0].argmax()))
    assert text(length=30, temperature=0) == ALPHABET.decode(ids[1:])


def test_draws_follow_the_distribution() -> None:
    sampler = Sampler(model(), ALPHABET, SamplingConfig(temperature=1.0))
    expected = 5000 * torch.from_numpy(sampler._logits).double().softmax(0).numpy()
    observed = np.bincount([sampler._draw() for _ in range(5000)], minlength=len(ALPHABET))
    chi_square = ((observed - expected) ** 2 / expected).sum()
    assert chi_square < 26.1, "8 degrees of freedom: exceeded once in a thousand seeds, and this seed is fixed"


def test_top_k_and_top_p_keep_the_likeliest() -> None:
    logits = np.log(np.array([0.3, 0.5, 0.15, 0.05], dtype=np.float32))
    kept = adjusted(logits, SamplingConfig(temperature=1, top_k=2))
    np.testing.assert_allclose(kept, [0.375, 0.625, 0, 0], rtol=1e-6)
    kept = adjusted(logits, SamplingConfig(temperature=1, top_p=0.7))
    np.testing.assert_allclose(kept, [0.375, 0.625, 0, 0], rtol=1e-6)
    kept = adjusted(logits, SamplingConfig(temperature=1, top_p=1e-9))
    assert kept.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("temperature", [1e-300, 1e-6, 100.0])
def test_extreme_temperatures_give_probabilities(temperature: float) -> None:
    probabilities = adjusted(np.array([3.0, 2.0, -50.0], dtype=np.float32), SamplingConfig(temperature=temperature))
    assert probabilities.sum() == pytest.approx(1)
    assert probabilities.argmax() == 0


def test_a_model_that_expects_no_number_is_refused_in_a_sentence() -> None:
    network = model()
    torch.nn.init.constant_(network.output.bias, torch.nan)
    with pytest.raises(UserError, match="weights of this model are damaged"):
        next(Sampler(network, ALPHABET, SamplingConfig()))


def test_sampling_touches_no_global_generator_and_no_weight() -> None:
    before = torch.random.get_rng_state()
    network = model()
    torch.random.set_rng_state(before)
    list(islice(Sampler(network, ALPHABET, SamplingConfig(), "abc"), 20))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(parameter.grad is None for parameter in network.parameters())
