import torch

from core.model.char_lstm import CharLSTM
from core.settings.config import ModelConfig, TrainingConfig
from core.training.optimizer import WeightAverage, make_optimizer


def network() -> CharLSTM:
    made = CharLSTM(ModelConfig(embedding_size=4, hidden_size=6, num_layers=2), 9)
    made.initialise(torch.Generator().manual_seed(0))
    return made


def test_a_step_equals_that_of_pytorch_s_adamw() -> None:
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


def test_weight_decay_may_exclude_biases() -> None:
    model = network()
    everything = make_optimizer(model, TrainingConfig())
    assert [group["weight_decay"] for group in everything.param_groups] == [0.01]
    matrices, biases = make_optimizer(model, TrainingConfig(decay="matrices", weight_decay=0.3)).param_groups
    assert (matrices["weight_decay"], biases["weight_decay"]) == (0.3, 0.0)
    assert {parameter.dim() for parameter in matrices["params"]} == {2}
    assert {parameter.dim() for parameter in biases["params"]} == {1}


def test_the_average_forgets_the_initial_weights_and_follows_the_model() -> None:
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
