"""How far a loss reaches back, compared with differences of a textbook forward pass in double precision."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.inspection.gradient_reach import APART, SPAN, TARGETS, Reach, follow_back
from core.inspection.unrolled import Unrolled
from core.model.char_lstm import CharLSTM
from core.settings.config import Cell, ModelConfig
from tests.core.by_hand import Nudge, logits_by_hand

DISTANCE, WARM_UP, WINDOWS = 6, 3, 2
STEP = 1e-5

KINDS = pytest.mark.parametrize(
    ("cell", "layers"), [("lstm", 1), ("lstm", 2), ("gru", 1), ("gru", 2), ("rnn", 1), ("rnn", 2)]
)


def network(cell: Cell, layers: int) -> CharLSTM:
    model = CharLSTM(ModelConfig(cell=cell, embedding_size=3, hidden_size=4, num_layers=layers), 7).double()
    model.initialise(torch.Generator().manual_seed(5), forget_bias=1.0)
    return model


def windows() -> NDArray[np.int64]:
    return np.random.default_rng(2).integers(0, 7, (WARM_UP + DISTANCE + SPAN + 2, WINDOWS))


def reach_of(model: CharLSTM) -> Reach:
    *_, last = follow_back(model, torch.from_numpy(windows()), DISTANCE, WARM_UP)
    assert isinstance(last, Reach)
    return last


def norm_by_hand(model: CharLSTM, ids: NDArray[np.int64], place: int, what: str, back: int) -> float:
    """Return the norm of the gradient of the loss after `place`, from differences of the loss."""

    def loss(nudge: Nudge) -> float:
        logits = logits_by_hand(model, ids[: place + 1], nudge)[-1]
        return float(np.log(np.exp(logits).sum()) - logits[ids[place + 1]])

    config = model.config
    sizes = {"embedding": (1, config.embedding_size)}.get(what, (config.num_layers, config.hidden_size))
    squares = 0.0
    for layer in range(sizes[0]):
        for number in range(sizes[1]):
            up, down = (loss(Nudge(place - back, what, layer, number, by)) for by in (STEP, -STEP))
            squares += ((up - down) / (2 * STEP)) ** 2
    return float(squares**0.5)


@KINDS
def test_the_norms_are_those_of_differences_by_hand(cell: Cell, layers: int) -> None:
    model, ids = network(cell, layers), windows()
    norms = reach_of(model).norms
    for back in (0, 1, 2, DISTANCE):
        for target, window in ((0, 0), (TARGETS - 1, 1)):
            place, column = WARM_UP + DISTANCE + APART * target, target * WINDOWS + window
            for what, found in (("hidden", norms.hidden), ("embedding", norms.inputs), ("cell", norms.cell)):
                if len(found):
                    expected = norm_by_hand(model, ids[:, window], place, what, back)
                    assert float(found[back, column]) == pytest.approx(expected, rel=1e-6, abs=1e-10)
    assert len(norms.cell) == (DISTANCE + 1 if cell == "lstm" else 0)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_every_distance_is_that_of_automatic_differentiation(cell: Cell) -> None:
    model, ids = network(cell, 2), torch.from_numpy(windows())
    norms, unrolled = reach_of(model).norms, Unrolled(model)
    place = WARM_UP + DISTANCE + APART  # the second target of the second window
    states = [unrolled.beginning(1)]
    inputs = unrolled.embed(ids[:, 1:]).requires_grad_()
    for row in range(place + 1):
        states.append(unrolled.step(inputs[row], states[-1]))
    loss = torch.nn.functional.cross_entropy(unrolled.logits(states[-1]), ids[place + 1, 1:])
    for back in range(DISTANCE + 1):
        layers = states[place + 1 - back]
        of_hidden = torch.autograd.grad(
            loss, [layer.hidden for layer in layers], retain_graph=True, allow_unused=True, materialize_grads=True
        )
        assert float(torch.stack(of_hidden).norm()) == pytest.approx(float(norms.hidden[back, WINDOWS + 1]), rel=1e-9)


def test_the_forget_gates_are_those_of_the_network() -> None:
    model, ids = network("lstm", 2), torch.from_numpy(windows())
    unrolled = Unrolled(model)
    states, logs = unrolled.beginning(WINDOWS), []
    for row in range(WARM_UP + DISTANCE + SPAN + 1):
        states = unrolled.step(unrolled.embed(ids[row]), states)
        logs.append(torch.stack([layer.log_forget for layer in states if layer.log_forget is not None]))
    expected = torch.stack(logs[WARM_UP:]).mean(dim=(0, 2))
    assert reach_of(model).log_forget.numpy() == pytest.approx(expected.numpy(), rel=1e-9)


@KINDS
def test_the_unrolled_network_is_the_network(cell: Cell, layers: int) -> None:
    model, ids = network(cell, layers), torch.from_numpy(windows())
    unrolled = Unrolled(model)
    states, logits = unrolled.beginning(WINDOWS), []
    for row in ids:
        states = unrolled.step(unrolled.embed(row), states)
        logits.append(unrolled.logits(states))
    with torch.no_grad():
        assert torch.stack(logits).numpy() == pytest.approx(model(ids)[0].numpy(), abs=1e-12)
