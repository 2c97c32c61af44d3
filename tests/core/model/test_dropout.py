import pytest
import torch

from core.model.char_lstm import CharLSTM
from core.model.dropout import Dropout
from core.settings.config import ModelConfig, TrainingConfig


def network() -> CharLSTM:
    made = CharLSTM(ModelConfig(embedding_size=4, hidden_size=6, num_layers=2), 9)
    made.initialise(torch.Generator().manual_seed(0))
    return made


def test_locked_dropout_leaves_out_the_same_numbers_at_every_character_and_keeps_the_mean() -> None:
    dropout = Dropout(TrainingConfig(output_dropout=0.25), torch.Generator().manual_seed(0))
    values = dropout.of_outputs(torch.ones(50, 40, 100))
    assert torch.equal(values, values[:1].expand_as(values))
    assert sorted(set(values.flatten().tolist())) == pytest.approx([0.0, 1 / 0.75])
    assert values.mean().item() == pytest.approx(1, abs=0.03)
    assert not torch.equal(values, dropout.of_outputs(torch.ones(50, 40, 100))), "drawn again for each window"


def test_weight_drop_changes_what_the_network_says_and_no_weight() -> None:
    model = network()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    ids = torch.randint(9, (12, 3), generator=torch.Generator().manual_seed(1))
    plain, _ = model(ids)
    dropped, _ = model(ids, None, Dropout(TrainingConfig(weight_drop=0.5), torch.Generator().manual_seed(0)))
    torch.testing.assert_close(plain[0], model(ids)[0][0])
    assert not torch.allclose(plain[-1], dropped[-1])
    dropped.sum().backward()
    for layer in model.layers:
        gradient = layer.get_parameter("weight_hh_l0").grad
        assert gradient is not None
        assert 0.3 < torch.eq(gradient, 0).float().mean() < 0.7, "dropped weights have no gradient"
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
