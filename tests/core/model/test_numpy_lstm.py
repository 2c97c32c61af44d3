import numpy as np
import pytest
import torch

from core.model.char_lstm import CharLSTM
from core.model.numpy_lstm import NumpyLSTM
from core.settings.config import ModelConfig, configure
from tests.core.by_hand import assert_rounds_like, logits_by_hand


def network_of(cell: str, layers: int) -> CharLSTM:
    config = configure(ModelConfig(embedding_size=12, hidden_size=40), {"cell": cell, "num_layers": layers})
    network = CharLSTM(config, 30)
    network.initialise(torch.Generator().manual_seed(1), forget_bias=1.0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2.5)  # so that some gates are open and some closed, instead of all near a half
    return network


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_logits_are_as_exact_as_pytorch_s_over_two_thousand_characters(cell: str, layers: int) -> None:
    network = network_of(cell, layers)
    ids = torch.randint(30, (2000,), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        theirs = network(ids[:, None])[0][:, 0].numpy()
    lstm = NumpyLSTM(network, None)
    ours = np.stack([lstm.step(one)[0].copy() for one in ids[:, None].numpy()])
    assert_rounds_like(ours, theirs, logits_by_hand(network, ids.numpy()))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_several_texts_continue_independently_from_the_same_state(cell: str) -> None:
    network = network_of(cell, 2)
    ids = torch.randint(30, (60, 3), generator=torch.Generator().manual_seed(3))
    ids[:10] = ids[:10, :1]  # the first ten characters are the same for all texts
    with torch.inference_mode():
        _, state = network(ids[:10, :1])
        theirs = torch.cat([network(ids[10:, text : text + 1], state)[0] for text in range(3)], dim=1).numpy()
    lstm = NumpyLSTM(network, state, texts=3)
    ours = np.stack([lstm.step(row).copy() for row in ids[10:].numpy()])
    exact = np.stack([logits_by_hand(network, ids[:, text].numpy())[10:] for text in range(3)], axis=1)
    assert_rounds_like(ours, theirs, exact)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_logits_of_some_texts_are_those_of_a_step(cell: str) -> None:
    network = network_of(cell, 2)
    ids = torch.randint(30, (40, 5), generator=torch.Generator().manual_seed(4)).numpy()
    step, read = (NumpyLSTM(network, None, texts=5, row_by_row=True) for _ in range(2))
    for place, row in enumerate(ids):
        logits = step.step(row)
        read.read(row)
        if place % 7 == 0:
            np.testing.assert_array_equal(read.logits_of(np.array([3, 0])), logits[[3, 0]])


def test_the_weights_are_copies() -> None:
    network = network_of("lstm", 1)
    before = NumpyLSTM(network, None).step(np.array([3])).copy()
    lstm = NumpyLSTM(network, None)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(lstm.step(np.array([3])), before)
