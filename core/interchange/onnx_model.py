"""A model as an ONNX file, for onnxruntime and other programs. The graph is made without PyTorch's exporter.

    ids (T, B), hidden (L, B, H), cell (L, B, H) -> logits (T, B, V), next_hidden (L, B, H), next_cell (L, B, H)

T and B may be any; only an LSTM has cell states. ONNX orders the gates of a layer otherwise than PyTorch: i, o, f, g
instead of i, f, g, o for an LSTM, and z, r, n instead of r, z, n for a GRU.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.checkpoints.checkpoint import Checkpoint
from core.errors import UserError
from core.files import write_atomically
from core.model.char_lstm import CharLSTM
from core.settings.config import Cell
from core.text import shortened

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto
    from torch import nn

OPSET = 17
"""Version of ONNX's operators, of 2022: newer programs read it too."""
IR_VERSION = 8
"""Version of ONNX's file format, of the same year."""
MAX_BYTES = 2_000_000_000
"""Maximum size of the weights: an ONNX file is one message of protobuf, which may have 2 GiB."""

_OPERATORS: dict[Cell, str] = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
_GATES: dict[Cell, tuple[int, ...]] = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}
"""Places in PyTorch's order of the gates, in ONNX's order."""


def write_onnx(checkpoint: Checkpoint, path: Path) -> None:
    """Write a model to an ONNX file, with its characters and settings as metadata.

    Raises:
        UserError: the package onnx is missing, the model is too large for the format, or the file cannot be written.
    """
    size = 4 * checkpoint.model.count_parameters()
    if size > MAX_BYTES:
        raise UserError(
            f"{shortened(path)} would have {size / 1e9:.1f} GB, and an ONNX file can have 2 GB. Use --format pytorch."
        )
    try:
        model = onnx_model(checkpoint)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "onnx":
            raise
        raise UserError(
            "The format onnx needs one more package. Install it with the extra `onnx`: pip install -e '.[onnx]' in a "
            "checkout, otherwise pip install 'charlstm-tui[onnx]'."
        ) from error
    write_atomically(path, model.SerializeToString())


def onnx_model(checkpoint: Checkpoint) -> "ModelProto":
    """Return a model as an ONNX graph.

    Raises:
        ModuleNotFoundError: the package onnx is missing.
    """
    from onnx import helper

    graph = _Graph(checkpoint.model)
    metadata = {
        "vocabulary": json.dumps([*checkpoint.vocabulary.characters], ensure_ascii=False),
        "start_id": str(checkpoint.vocabulary.start_id),
        "model": msgspec.json.encode(checkpoint.model.config).decode(),
        "text": checkpoint.corpus.title,
        "epoch": str(checkpoint.epoch),
    }
    model = helper.make_model(
        helper.make_graph(graph.nodes, "charlstm-tui", graph.inputs, graph.outputs, graph.weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="charlstm-tui",
        doc_string="Logits of the next character. The first states are zeros; before a text without a prompt, the "
        "model reads the character start_id. The id of a character is its place in vocabulary.",
    )
    helper.set_model_props(model, metadata)
    return model


class _Graph:
    """The nodes, weights, inputs and outputs of a network's graph."""

    def __init__(self, model: CharLSTM) -> None:
        from onnx import TensorProto, helper

        config = model.config
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        self._cell = config.cell
        self._states = ("hidden", "cell") if config.cell == "lstm" else ("hidden",)
        sizes: list[int | str] = [config.num_layers, "streams", config.hidden_size]
        states = [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name in self._states]
        after = [helper.make_tensor_value_info(f"next_{name}", TensorProto.FLOAT, sizes) for name in self._states]
        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["length", "streams"])
        logits = helper.make_tensor_value_info(
            "logits", TensorProto.FLOAT, ["length", "streams", model.vocabulary_size]
        )
        self.inputs, self.outputs = [ids, *states], [logits, *after]
        self._add("Gather", [self._weight("embedding", _array(model.embedding.weight)), "ids"], ["x0"])
        for name in self._states:  # (L, B, H) -> L times (1, B, H)
            self._add("Split", [name], [f"{name}{number}" for number in range(config.num_layers)], axis=0)
        for number, layer in enumerate(model.layers):
            self._add_layer(layer, number)
        for name in self._states:
            parts = [f"next_{name}{number}" for number in range(config.num_layers)]
            self._add("Concat", parts, [f"next_{name}"], axis=0)
        output = self._weight("output.weight", np.ascontiguousarray(_array(model.output.weight).T))  # (H, V)
        self._add("MatMul", [f"x{config.num_layers}", output], ["product"])
        self._add("Add", ["product", self._weight("output.bias", _array(model.output.bias))], ["logits"])

    def _add_layer(self, layer: "nn.Module", number: int) -> None:
        """Add the nodes that compute x1 from x0, and so on: (T, B, E or H) -> (T, B, H)."""
        gates = _GATES[self._cell]

        def ordered(name: str) -> NDArray[np.float32]:
            values = _array(getattr(layer, f"{name}_l0"))  # (G, I) or (G)
            parts = np.split(values, len(gates))
            return np.concatenate([parts[gate] for gate in gates])

        prefix = f"layers.{number}"
        inputs = [
            f"x{number}",
            self._weight(f"{prefix}.W", ordered("weight_ih")[None]),
            self._weight(f"{prefix}.R", ordered("weight_hh")[None]),
            self._weight(f"{prefix}.B", np.concatenate([ordered("bias_ih"), ordered("bias_hh")])[None]),
            "",  # all streams have the whole length
            *(f"{name}{number}" for name in self._states),
        ]
        outputs = [f"y{number}", *(f"next_{name}{number}" for name in self._states)]
        # The reset gate of PyTorch's GRU applies after the product with the recurrent weights.
        extra = {"linear_before_reset": 1} if self._cell == "gru" else {}
        self._add(_OPERATORS[self._cell], inputs, outputs, hidden_size=layer.hidden_size, **extra)
        self._add("Squeeze", [f"y{number}", self._weight(f"{prefix}.direction", np.array([1]))], [f"x{number + 1}"])

    def _add(self, operator: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, outputs, **attributes))

    def _weight(self, name: str, values: "NDArray[np.float32] | NDArray[np.int64]") -> str:
        """Add a constant of the graph, and return its name."""
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(values, name))
        return name


def _array(tensor: object) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()  # type: ignore[attr-defined]
    return array
