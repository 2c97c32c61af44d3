import torch

from core.model.char_lstm import CharLSTM
from core.settings.config import ModelConfig
from core.training.weight_average import WeightAverage


def test_the_average_forgets_the_initial_weights_and_follows_the_model() -> None:
    model = CharLSTM(ModelConfig(embedding_size=4, hidden_size=6, num_layers=2), 9)
    model.initialise(torch.Generator().manual_seed(0))
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
