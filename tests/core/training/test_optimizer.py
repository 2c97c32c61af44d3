import pytest
import torch

from core.model.char_lstm import CharLSTM
from core.model.dropout import Dropout
from core.settings.config import ModelConfig, TrainingConfig
from core.training.optimizer import WeightAverage, make_optimizer
from core.training.schedule import rate_share


def network() -> CharLSTM:
    made = CharLSTM(ModelConfig(embedding_size=4, hidden_size=6, num_layers=2), 9)
    made.initialise(torch.Generator().manual_seed(0))
    return made


def test_the_notebook_s_rate_never_changes() -> None:
    assert {rate_share(progress / 10, TrainingConfig()) for progress in range(11)} == {1.0}


def test_the_rate_rises_along_a_line_and_falls_along_a_cosine() -> None:
    config = TrainingConfig(warmup=0.2, final_rate=0.1)
    assert [rate_share(progress, config) for progress in (0.0, 0.1, 0.2)] == pytest.approx([0, 0.5, 1])
    assert rate_share(0.6, config) == pytest.approx(0.55)
    assert rate_share(1.0, config) == pytest.approx(0.1)


def test_a_step_is_that_of_pytorch_s_own_adamw() -> None:
    ours, theirs = network(), network()
    optimizers = (
        make_optimizer(ours, TrainingConfig(weight_decay=0.1)),
        torch.optim.AdamW(theirs.parameters(), lr=0.001, betas=(0.9, 0.999), weight_decay=0.1, fused=True),
    )
    config = TrainingConfig()
    assert (config.learning_rate, config.beta2) == (0.001, 0.999)
    ids = torch.randint(9, (7, 2), generator=torch.Generator().manual_seed(1))
    for _ in range(3):
        for model, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            model(ids, None, None)[0].square().mean().backward()
            optimizer.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_weight_decay_may_leave_biases_alone() -> None:
    model = network()
    everything = make_optimizer(model, TrainingConfig())
    assert [group["weight_decay"] for group in everything.param_groups] == [0.01]
    matrices, biases = make_optimizer(model, TrainingConfig(decay="matrices", weight_decay=0.3)).param_groups
    assert (matrices["weight_decay"], biases["weight_decay"]) == (0.3, 0.0)
    assert {parameter.dim() for parameter in matrices["params"]} == {2}
    assert {parameter.dim() for parameter in biases["params"]} == {1}


def test_the_average_forgets_its_first_weights_and_follows_the_model() -> None:
    model = network()
    average = WeightAverage(model, 0.9)
    first = model.output.bias.detach().clone()
    with torch.no_grad():
        model.output.bias.fill_(7.0)
    average.update(model)
    assert torch.allclose(average.model.output.bias, first + (7.0 - first) * 10 / 11), "a short memory at first"
    for _ in range(500):
        average.update(model)
    assert torch.allclose(average.model.output.bias, torch.tensor(7.0))
    assert not average.model.output.bias.requires_grad


def test_locked_dropout_leaves_out_the_same_numbers_at_every_character_and_keeps_the_mean() -> None:
    dropout = Dropout(TrainingConfig(output_dropout=0.25), torch.Generator().manual_seed(0))
    values = dropout.of_outputs(torch.ones(50, 40, 100))
    assert torch.equal(values, values[:1].expand_as(values))
    assert sorted(set(values.flatten().tolist())) == pytest.approx([0.0, 1 / 0.75])
    assert values.mean().item() == pytest.approx(1, abs=0.03)
    assert not torch.equal(values, dropout.of_outputs(torch.ones(50, 40, 100))), "drawn anew for each window"


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
        assert 0.3 < torch.eq(gradient, 0).float().mean() < 0.7, "what was left out learns nothing"
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
