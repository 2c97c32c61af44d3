"""A model that was trained outside this program: an embedding, one `nn.LSTM`, `nn.GRU` or `nn.RNN`, a linear layer.

    ids -> Embedding (V, E) -> L layers of H cells -> Linear (V, H) -> logits

The course's notebook has such a class. Its parts are recognised by their shapes, whatever they are called there.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from core.errors import UserError
from core.interchange.weights_file import OpenWeights
from core.settings.cell_kinds import GATES
from core.settings.config import Cell, ModelConfig, configure
from core.text import count_of, joined, shortened

Shapes = Mapping[str, tuple[int, ...]]

_RECURRENT = re.compile(
    r"(?P<module>.*?)\.?(?P<kind>weight|bias)_(?P<what>ih|hh|hr)_l(?P<layer>[0-9]{1,4})(?P<back>_reverse)?"
)
_SHOWN = 3
"""How many names a message lists."""
_CAN_BE = "Only an embedding, one nn.LSTM, nn.GRU or nn.RNN, and a linear layer can be imported."


@dataclass(frozen=True)
class Layout:
    """The architecture of a network, and where its weights are."""

    config: ModelConfig
    vocabulary_size: int
    names: dict[str, str]
    """Name of each weight in the file, by its name in `CharLSTM`."""


@dataclass(frozen=True)
class NotebookModel:
    """The weights of a network, in the order of ids of its own vocabulary."""

    config: ModelConfig
    vocabulary_size: int
    weights: dict[str, Tensor]
    """The weights in single precision, with the names of `CharLSTM`."""


class _MisfitError(Exception):
    """Why the tensors are not those of a network that can be imported, as the end of a sentence."""


def read_model(file: OpenWeights) -> NotebookModel:
    """Read the weights of a network from an open file. Their shapes are checked before memory is allocated for them.

    Raises:
        UserError: the file has tensors of another kind of network, or weights that are NaN or infinite.
    """
    layout = recognised(file.shapes, file.shown)
    weights = {}
    for name, original in layout.names.items():
        weights[name] = file.tensor(original)
        if not bool(weights[name].isfinite().all()):
            raise UserError(
                f"{file.shown} has weights that are NaN or infinite ({shortened(original, 80)}): its loss diverged. "
                "Import a model from before that."
            )
    return NotebookModel(layout.config, layout.vocabulary_size, weights)


def recognised(shapes: Shapes, shown: str) -> Layout:
    """Return the architecture of the network that has tensors of these shapes; `shown` names its file in messages.

    Raises:
        UserError: it is no such network, or is larger than networks can be here.
    """
    try:
        originals = _plain_names(shapes)
        plain = {name: shapes[original] for name, original in originals.items()}
        layers = _layers(plain)
        cell, sizes = _cell(layers, plain)
        config = _config(cell, *sizes, layers=len(layers))
        embedding, output = _embedding_and_output(plain, config)
        names = {"embedding.weight": embedding, "output.weight": f"{output}weight", "output.bias": f"{output}bias"}
        for number, layer in enumerate(layers):
            names |= {f"layers.{number}.{part}_l0": name for part, name in layer.items()}
        if extra := sorted(plain.keys() - set(names.values())):
            raise _MisfitError(f"it has other tensors too, {_listed(extra)}")
    except _MisfitError as misfit:
        raise UserError(f"{shown} cannot be imported: {misfit}. {_CAN_BE}") from None
    return Layout(config, plain[embedding][0], {ours: originals[name] for ours, name in names.items()})


def _plain_names(shapes: Shapes) -> dict[str, str]:
    """Return the tensors' names by their names without what DataParallel and `torch.compile` put in front."""
    plain: dict[str, str] = {}
    for original in shapes:
        name = original
        while name.startswith(("module.", "_orig_mod.")):
            name = name.partition(".")[2]
        name = name.replace("._orig_mod.", ".")  # a part that was compiled by itself
        if name in plain:
            raise _MisfitError(f"two of its tensors are called {shortened(name, 80)}")
        plain[name] = original
    return plain


def _layers(shapes: Shapes) -> list[dict[str, str]]:
    """Return the names of each recurrent layer's tensors, by their parts: weight_ih, weight_hh, bias_ih, bias_hh."""
    found: dict[int, dict[str, str]] = {}
    modules: dict[str, None] = {}
    for name in sorted(shapes):
        match = _RECURRENT.fullmatch(name)
        if match is None:
            continue
        if match["back"]:
            raise _MisfitError(
                f"it reads the text in both directions ({shortened(name, 80)}), so it cannot predict what comes next"
            )
        if match["what"] == "hr":
            raise _MisfitError(f"its hidden states are projected (proj_size; {shortened(name, 80)})")
        modules[match["module"]] = None
        found.setdefault(int(match["layer"]), {})[f"{match['kind']}_{match['what']}"] = name
    if not found:
        raise _MisfitError("it has no recurrent layer, no tensor whose name ends in weight_ih_l0")
    if len(modules) > 1:
        raise _MisfitError(f"it has several recurrent modules, {_listed(modules)}; use num_layers instead")
    if sorted(found) != [*range(len(found))]:
        raise _MisfitError(f"the numbers of its layers are not complete: {_listed(map(str, sorted(found)))}")
    for number, layer in sorted(found.items()):
        missing = [part for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh") if part not in layer]
        if missing:
            why = " (bias=False)" if missing == ["bias_ih", "bias_hh"] else ""
            raise _MisfitError(f"layer {number} lacks its {joined(missing)}{why}")
    return [found[number] for number in range(len(found))]


def _cell(layers: list[dict[str, str]], shapes: Shapes) -> tuple[Cell, tuple[int, int]]:
    """Return the kind of cell, by the number of its gates, and the sizes E and H."""
    first = layers[0]
    if any(len(shapes[first[part]]) != 2 for part in ("weight_ih", "weight_hh")):
        raise _MisfitError(f"{shortened(first['weight_ih'], 80)} or {shortened(first['weight_hh'], 80)} is no matrix")
    embedding_size, (rows, hidden_size) = shapes[first["weight_ih"]][1], shapes[first["weight_hh"]]
    cell = next((cell for cell, gates in GATES.items() if rows == gates * hidden_size), None)
    if cell is None:
        raise _MisfitError(
            f"{shortened(first['weight_hh'], 80)} has the shape ({rows:,}, {hidden_size:,}), and an LSTM has four rows "
            "for each column, a GRU three and an RNN one"
        )
    for number, layer in enumerate(layers):
        inputs = hidden_size if number else embedding_size
        expected = {
            "weight_ih": (rows, inputs), "weight_hh": (rows, hidden_size), "bias_ih": (rows,), "bias_hh": (rows,),
        }  # fmt: skip
        for part, shape in expected.items():
            if shapes[layer[part]] != shape:
                raise _MisfitError(
                    f"{shortened(layer[part], 80)} has the shape {shapes[layer[part]]} instead of {shape}"
                )
    return cell, (embedding_size, hidden_size)


def _config(cell: Cell, embedding_size: int, hidden_size: int, layers: int) -> ModelConfig:
    sizes = {"embedding_size": embedding_size, "hidden_size": hidden_size, "num_layers": layers}
    try:
        return configure(ModelConfig(), {"cell": cell, **sizes})
    except UserError as error:
        raise _MisfitError(str(error).removesuffix(".")) from None


def _embedding_and_output(shapes: Shapes, config: ModelConfig) -> tuple[str, str]:
    """Return the name of the embedding's matrix, and the prefix of the output layer's matrix and bias.

    The embedding is a matrix (V, E) without a bias, the output layer a matrix (V, H) with a bias (V).
    """
    matrices = {name: shape for name, shape in shapes.items() if len(shape) == 2 and not _RECURRENT.fullmatch(name)}
    biased = {
        name for name, shape in matrices.items()
        if name.endswith("weight") and shapes.get(name.removesuffix("weight") + "bias") == shape[:1]
    }  # fmt: skip
    E, H = config.embedding_size, config.hidden_size
    embeddings = [name for name, shape in matrices.items() if shape[1] == E and name not in biased]
    outputs = [name for name in biased if matrices[name][1] == H]
    if not outputs and [name for name, shape in matrices.items() if shape[1] == H and name not in embeddings[:1]]:
        raise _MisfitError("its output layer has no bias")
    if not embeddings:
        raise _MisfitError(f"it has no embedding, a matrix of {count_of(E, 'column')} without a bias")
    if not outputs:
        raise _MisfitError(f"it has no output layer, a matrix of {count_of(H, 'column')} with a bias")
    pairs = [(first, second) for first in embeddings for second in outputs if matrices[first][0] == matrices[second][0]]
    if len(pairs) > 1:
        raise _MisfitError(
            f"it has more than one embedding or output layer, {_listed(sorted({*embeddings, *outputs}))}"
        )
    if not pairs:
        rows = [matrices[name][0] for name in (embeddings[0], outputs[0])]
        raise _MisfitError(
            f"its embedding is for {count_of(rows[0], 'character')}, and its output layer for {rows[1]:,}"
        )
    embedding, output = pairs[0]
    if not matrices[embedding][0]:
        raise _MisfitError("it knows no characters")
    return embedding, output.removesuffix("weight")


def _listed(names: Iterable[str]) -> str:
    """Return the first names of a list, for a message."""
    shown = [shortened(name, 80) or "the model itself" for name in names]
    more = f" and {len(shown) - _SHOWN:,} more" if len(shown) > _SHOWN else ""
    return (", ".join(shown[:_SHOWN]) + more) if more else joined(shown)
