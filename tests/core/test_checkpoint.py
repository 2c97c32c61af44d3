import json
import os
from pathlib import Path

import pytest
import safetensors.torch
import torch

from core.checkpoint import Checkpoint, load_checkpoint
from core.config import ModelConfig, TrainingConfig
from core.corpus import CorpusConfig
from core.errors import UserError
from core.files import write_atomically
from core.model import CharLSTM
from core.vocabulary import Vocabulary


def checkpoint(num_layers: int = 2) -> Checkpoint:
    vocabulary = Vocabulary("abcdé\n.")
    model = CharLSTM(ModelConfig(embedding_size=5, hidden_size=6, num_layers=num_layers), len(vocabulary))
    model.initialise(torch.Generator().manual_seed(0))
    return Checkpoint(
        model=model,
        vocabulary=vocabulary,
        corpus=CorpusConfig(source="/somewhere/Molière.txt", limit=9),
        training=TrainingConfig(seed=4),
        epoch=3,
        train_loss=1.25,
        val_loss=None,
    )


@pytest.mark.parametrize("num_layers", [1, 3])
def test_a_checkpoint_gives_back_the_same_logits(tmp_path: Path, num_layers: int) -> None:
    path = tmp_path / "model.safetensors"
    before = checkpoint(num_layers)
    before.save(path)
    after = load_checkpoint(path)
    ids = torch.from_numpy(before.vocabulary.encode("abcdé\n." * 5))[:, None]
    logits, state = before.model(ids)
    logits_again, state_again = after.model(ids)
    assert torch.equal(logits, logits_again)
    assert torch.equal(state.cell, state_again.cell)
    assert after.vocabulary == before.vocabulary
    assert (after.corpus, after.training, after.epoch) == (before.corpus, before.training, before.epoch)
    assert (after.train_loss, after.val_loss) == (1.25, None)


def test_a_loaded_model_can_be_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    checkpoint().save(path)
    model = load_checkpoint(path).model
    model(torch.zeros(3, 1, dtype=torch.long))[0].sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "cut.safetensors"
    content = checkpoint().to_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match="not a whole checkpoint"):
        load_checkpoint(path)


def header_of(made: Checkpoint) -> dict[str, object]:
    content = made.to_bytes()
    length = int.from_bytes(content[:8], "little")
    found: dict[str, object] = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["charlstm-tui"])
    return found


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format_version": 2}, "has format 2; this program reads format 1"),
        ({"epoch": "three"}, "header of .* is damaged"),
        ({"vocabulary": ""}, "vocabulary of .* is damaged"),
        ({"vocabulary": "ba"}, "vocabulary of .* is damaged"),
        ({"vocabulary": "abc"}, "does not hold the weights"),
        ({"model": {"hidden_size": 8192, "num_layers": 16}}, "does not hold the weights"),
        ({"model": {"hidden_size": -1}}, "header of .* is damaged"),
    ],
)
def test_a_header_that_is_not_right_is_refused(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    made = checkpoint()
    header = header_of(made) | changes
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file(made.model.state_dict(), path, {"charlstm-tui": json.dumps(header)})
    with pytest.raises(UserError, match=sentence):
        load_checkpoint(path)


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    made = checkpoint()
    torch.nn.init.constant_(made.model.output.bias, torch.inf)
    made.save(tmp_path / "model.safetensors")
    with pytest.raises(UserError, match="weights that are not numbers"):
        load_checkpoint(tmp_path / "model.safetensors")


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="not a checkpoint of charlstm-tui"):
        load_checkpoint(path)
    path.write_text("once upon a time")
    with pytest.raises(UserError, match="not a whole checkpoint"):
        load_checkpoint(path)
    with pytest.raises(UserError, match="There is no checkpoint"):
        load_checkpoint(tmp_path)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="cannot be written: No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
