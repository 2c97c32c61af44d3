"""Models as ONNX files, computed by onnxruntime."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.checkpoints.checkpoint import Checkpoint
from core.errors import UserError
from core.interchange import onnx_model
from core.interchange.onnx_model import write_onnx
from core.settings.config import Cell
from tests.core.interchange.models import checkpoint_of

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
runtime = pytest.importorskip("onnxruntime", reason="an exported model is computed with it")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


def session(path: Path) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def zeros(checkpoint: Checkpoint, streams: int) -> dict[str, NDArray[np.float32]]:
    config = checkpoint.model.config
    names = ("hidden", "cell") if config.cell == "lstm" else ("hidden",)
    return {name: np.zeros((config.num_layers, streams, config.hidden_size), dtype=np.float32) for name in names}


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_onnxruntime_computes_the_same_logits_for_any_length_and_any_number_of_streams(
    path: Path, cell: Cell, layers: int
) -> None:
    checkpoint = checkpoint_of(cell, layers)
    write_onnx(checkpoint, path)
    model = session(path)
    for length, streams in ((1, 1), (40, 3), (7, 5)):
        theirs, state = zeros(checkpoint, streams), None
        for _ in range(3):  # the state is carried from window to window
            ids = torch.randint(len(checkpoint.vocabulary), (length, streams))
            with torch.no_grad():
                expected, state = checkpoint.model(ids, state)
            logits, *after = model.run(None, {"ids": ids.numpy(), **theirs})
            theirs = dict(zip(theirs, after, strict=True))
            assert np.abs(logits - expected.numpy()).max() < 1e-4
            assert np.abs(theirs["hidden"] - state.hidden.numpy()).max() < 1e-4
            if cell == "lstm":
                assert np.abs(theirs["cell"] - state.cell.numpy()).max() < 1e-4


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_file_is_valid_and_names_what_goes_in_and_comes_out(path: Path, cell: Cell) -> None:
    write_onnx(checkpoint_of(cell, 2), path)
    onnx.checker.check_model(path, full_check=True)
    states = ["hidden", "cell"] if cell == "lstm" else ["hidden"]
    model = session(path)
    assert [one.name for one in model.get_inputs()] == ["ids", *states]
    assert [one.name for one in model.get_outputs()] == ["logits", *(f"next_{name}" for name in states)]
    assert model.get_inputs()[0].shape == ["length", "streams"]
    assert model.get_inputs()[1].shape == [2, "streams", 8]


def test_the_file_has_the_characters_and_the_settings(path: Path) -> None:
    checkpoint = checkpoint_of("gru")
    write_onnx(checkpoint, path)
    found = session(path).get_modelmeta().custom_metadata_map
    assert "".join(json.loads(found["vocabulary"])) == checkpoint.vocabulary.characters
    assert int(found["start_id"]) == checkpoint.vocabulary.start_id
    assert json.loads(found["model"]) == {"cell": "gru", "embedding_size": 6, "hidden_size": 8, "num_layers": 1}
    assert (found["text"], found["epoch"]) == ("moutons", "4")


def test_a_model_too_large_for_the_format_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_model, "MAX_BYTES", 1000)
    with pytest.raises(UserError, match="Use --format pytorch"):
        write_onnx(checkpoint_of(), path)
    assert not path.exists()


def test_without_the_package_a_sentence_names_the_extra(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"pip install 'charlstm-tui\[onnx\]'"):
        write_onnx(checkpoint_of(), path)
    assert not path.exists()
