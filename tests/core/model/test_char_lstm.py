import pytest
import torch

from core.model.char_lstm import CharLSTM, State
from core.settings.config import Cell, ModelConfig


def model(num_layers: int = 2) -> CharLSTM:
    made = CharLSTM(ModelConfig(embedding_size=5, hidden_size=7, num_layers=num_layers), vocabulary_size=11)
    made.initialise(torch.Generator().manual_seed(3))
    return made


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_the_state_has_an_entry_for_each_layer(num_layers: int) -> None:
    logits, state = model(num_layers)(torch.zeros(4, 3, dtype=torch.long))
    assert logits.shape == (4, 3, 11)
    assert state.hidden.shape == state.cell.shape == (num_layers, 3, 7)


@pytest.mark.parametrize("num_layers", [1, 3])
def test_carried_state_equals_one_long_pass(num_layers: int) -> None:
    network = model(num_layers)
    ids = torch.randint(11, (50, 2), generator=torch.Generator().manual_seed(0))
    whole, end = network(ids)
    state: State | None = None
    pieces = []
    for piece in (ids[:1], ids[1:21], ids[21:]):
        logits, state = network(piece, state)
        pieces.append(logits)
    torch.testing.assert_close(torch.cat(pieces), whole)
    assert state is not None
    torch.testing.assert_close(state.hidden, end.hidden)
    torch.testing.assert_close(state.cell, end.cell)


def test_a_forward_pass_is_the_lstm_s_equations() -> None:
    network = model(num_layers=1)
    ids = torch.tensor([[4], [9], [1]])
    h, c = torch.zeros(7), torch.zeros(7)
    weight_ih, weight_hh, bias_ih, bias_hh = (parameter.detach() for parameter in network.layers.parameters())
    for character in ids[:, 0]:
        x = network.embedding.weight[character]
        gates = weight_ih @ x + bias_ih + weight_hh @ h + bias_hh
        i, f, g, o = gates[:7], gates[7:14], gates[14:21], gates[21:]
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    expected = network.output.weight @ h + network.output.bias
    torch.testing.assert_close(network(ids)[0][-1, 0], expected, rtol=1e-5, atol=1e-6)


def test_a_detached_state_has_the_values_without_the_graph() -> None:
    _, state = model()(torch.zeros(2, 1, dtype=torch.long))
    assert state.hidden.requires_grad
    detached = state.detach()
    assert not detached.hidden.requires_grad
    assert not detached.cell.requires_grad
    assert torch.equal(detached.cell, state.cell)


def test_the_seed_determines_the_weights_and_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    network = CharLSTM(ModelConfig(), 11)
    torch.random.set_rng_state(before)
    network.initialise(torch.Generator().manual_seed(5))
    assert torch.equal(torch.random.get_rng_state(), before)
    again = CharLSTM(ModelConfig(), 11)
    again.initialise(torch.Generator().manual_seed(5))
    other = CharLSTM(ModelConfig(), 11)
    other.initialise(torch.Generator().manual_seed(6))
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    assert not torch.equal(network.output.weight, other.output.weight)


def test_the_weights_are_distributed_as_pytorch_s_defaults() -> None:
    network = CharLSTM(ModelConfig(embedding_size=64, hidden_size=64), 200)
    theirs = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    network.initialise(torch.Generator().manual_seed(0))
    for name, ours in network.named_parameters():
        assert abs(ours.std() / theirs[name].std() - 1) < 0.15, name
        if name != "embedding.weight":
            assert ours.abs().max() <= 1 / 8


def test_the_notebook_s_number_of_parameters() -> None:
    assert CharLSTM(ModelConfig(), 76).count_parameters() == 151_628


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_other_cells_carry_their_state_too(cell: Cell) -> None:
    network = CharLSTM(ModelConfig(cell=cell, embedding_size=5, hidden_size=7, num_layers=2), 11)
    ids = torch.randint(11, (20, 2), generator=torch.Generator().manual_seed(0))
    whole, end = network(ids)
    first, state = network(ids[:9])
    second, last = network(ids[9:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(last.hidden, end.hidden)
    assert len(end.cell) == 0


def test_the_forget_gates_can_start_open() -> None:
    network, plain = model(), model()
    network.initialise(torch.Generator().manual_seed(3), forget_bias=1.0)
    for ours, theirs in zip(network.layers, plain.layers, strict=True):
        added = ours.get_parameter("bias_ih_l0") - theirs.get_parameter("bias_ih_l0")
        torch.testing.assert_close(added, torch.tensor([0.0] * 7 + [1.0] * 7 + [0.0] * 14))


def test_a_masked_state_is_zero_in_some_streams() -> None:
    _, state = model()(torch.zeros(4, 3, dtype=torch.long))
    masked = state.masked(torch.tensor([1.0, 0.0, 1.0]))
    assert not masked.hidden[:, 1].any()
    assert not masked.cell[:, 1].any()
    assert torch.equal(masked.hidden[:, 2], state.hidden[:, 2])
