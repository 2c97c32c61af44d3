import pytest
import torch

from core.model.char_lstm import CharLSTM
from core.settings.config import Cell, ModelConfig, TrainingConfig
from core.training.optimizer import UPDATE_SIZE, Optimizer, orthogonalised

IDS = torch.randint(9, (7, 2), generator=torch.Generator().manual_seed(1))


def network(cell: Cell = "lstm") -> CharLSTM:
    made = CharLSTM(ModelConfig(cell=cell, embedding_size=4, hidden_size=6, num_layers=2), 9)
    made.initialise(torch.Generator().manual_seed(0))
    return made


def fill_gradients(model: CharLSTM) -> None:
    model(IDS, None, None)[0].square().mean().backward()


def test_a_step_equals_that_of_pytorch_s_adamw() -> None:
    ours, theirs = network(), network()
    mine = Optimizer(ours, TrainingConfig(weight_decay=0.1))
    other = torch.optim.AdamW(theirs.parameters(), lr=0.001, betas=(0.9, 0.999), weight_decay=0.1, fused=True)
    for _ in range(3):
        for model, optimizer in ((ours, mine), (theirs, other)):
            optimizer.zero_grad()
            fill_gradients(model)
        mine.step(0.001)
        other.step()
    for our, their in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(our, their)


def test_weight_decay_may_exclude_biases() -> None:
    model = network()
    everything = Optimizer(model, TrainingConfig()).adamw
    assert [group["weight_decay"] for group in everything.param_groups] == [0.01]
    matrices, biases = Optimizer(model, TrainingConfig(decay="matrices", weight_decay=0.3)).adamw.param_groups
    assert (matrices["weight_decay"], biases["weight_decay"]) == (0.3, 0.0)
    assert {parameter.dim() for parameter in matrices["params"]} == {2}
    assert {parameter.dim() for parameter in biases["params"]} == {1}


@pytest.mark.parametrize("shape", [(1, 8, 8), (4, 64, 64), (4, 64, 16), (3, 16, 64)])
def test_updates_become_nearly_orthogonal(shape: tuple[int, int, int]) -> None:
    """Against the exact U V^T of a singular value decomposition."""
    generator = torch.Generator().manual_seed(3)
    blocks = torch.randn(shape, generator=generator)
    u, s, vh = torch.linalg.svd(blocks, full_matrices=False)
    approximate = orthogonalised(blocks, torch.float32)
    of_direction = torch.einsum("nik,nij,nkj->nk", u, approximate, vh)
    large = s / blocks.norm(dim=(1, 2))[:, None] > 0.02
    assert bool(((of_direction > 0.5) & (of_direction < 1.25))[large].all())
    assert torch.allclose(approximate, u @ torch.diag_embed(of_direction) @ vh, atol=1e-4), "the same directions"
    rough = orthogonalised(blocks, torch.bfloat16).float()
    assert float((rough - approximate).norm() / approximate.norm()) < 0.05


def test_a_gradient_of_zero_changes_nothing() -> None:
    assert not bool(orthogonalised(torch.zeros(4, 5, 3), torch.float32).any())


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3), ("rnn", 1)])
def test_muon_changes_the_matrices_of_the_layers_and_adamw_the_rest(cell: Cell, gates: int) -> None:
    ours, theirs = network(cell), network(cell)
    mine = Optimizer(ours, TrainingConfig(optimizer="muon", weight_decay=0.1))
    other = Optimizer(theirs, TrainingConfig(weight_decay=0.1))
    before = {name: weight.detach().clone() for name, weight in ours.named_parameters()}
    for model, optimizer in ((ours, mine), (theirs, other)):
        fill_gradients(model)
        optimizer.step(0.01)
    for (name, our), their in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        if not name.startswith("layers.") or our.dim() == 1:
            assert torch.equal(our, their), name
            continue
        gradient = our.grad
        assert gradient is not None
        expected = before[name] * (1 - 0.01 * 0.1)
        for gate in range(gates):
            rows = slice(6 * gate, 6 * gate + 6)
            direction = orthogonalised(gradient[rows][None], torch.float32)[0]
            expected[rows] -= 0.01 * UPDATE_SIZE * 6**0.5 * direction
        assert torch.allclose(our, expected, atol=1e-6), name


def test_momentum_decides_the_direction_when_a_gradient_is_zero() -> None:
    model = network()
    optimizer = Optimizer(model, TrainingConfig(optimizer="muon", weight_decay=0.0))
    fill_gradients(model)
    optimizer.step(0.01)
    matrix = dict(model.named_parameters())["layers.0.weight_hh_l0"]
    assert matrix.grad is not None
    direction, before = matrix.grad.detach().clone(), matrix.detach().clone()
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step(0.01)
    assert float(((before - matrix.detach()) * direction).sum()) > 0
