import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError

import core.checkpoints.file_format
from core.checkpoints.checkpoint import Checkpoint, load_checkpoint
from core.checkpoints.file_format import Header, opened, signed
from core.data.corpus import CorpusConfig
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.files import write_atomically
from core.model.char_lstm import CharLSTM
from core.settings.config import ModelConfig, TrainingConfig
from tests.conftest import REPOSITORY


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
def test_a_loaded_checkpoint_gives_the_same_logits(tmp_path: Path, num_layers: int) -> None:
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


def test_a_loaded_model_can_be_trained_further(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    checkpoint().save(path)
    model = load_checkpoint(path).model
    model(torch.zeros(3, 1, dtype=torch.long))[0].sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def content_of(made: Checkpoint) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        made.save(Path(folder) / "model.safetensors")
        return (Path(folder) / "model.safetensors").read_bytes()


def header_of(made: Checkpoint) -> dict[str, object]:
    content = content_of(made)
    length = int.from_bytes(content[:8], "little")
    found: dict[str, object] = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["charlstm-tui"])
    return found


def written(path: Path, header: dict[str, object], tensors: dict[str, torch.Tensor]) -> Path:
    """Write a file with this header and a correct SHA-256."""
    metadata = {"charlstm-tui": json.dumps({"sha256": "0" * 64} | header, separators=(",", ":"), ensure_ascii=False)}
    content = safetensors.torch.save(tensors, metadata)
    digest = hashlib.sha256(content).hexdigest().encode()
    path.write_bytes(content.replace(b"0" * 64, digest, 1))
    return path


def unsigned(made: Checkpoint) -> dict[str, object]:
    return header_of(made) | {"sha256": "0" * 64}


def test_a_file_assembled_by_hand_is_read(tmp_path: Path) -> None:
    made = checkpoint()
    path = written(tmp_path / "model.safetensors", unsigned(made), made.model.state_dict())
    assert path.read_bytes() == content_of(made), "otherwise the tests below show nothing"
    assert load_checkpoint(path).epoch == 3


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "cut.safetensors"
    content = content_of(checkpoint())
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match="not a complete checkpoint"):
        load_checkpoint(path)


def test_a_flipped_bit_anywhere_is_found(tmp_path: Path) -> None:
    path = tmp_path / "flipped.safetensors"
    content = content_of(checkpoint(1))
    for place in range(0, len(content), 3):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(UserError) as refused:
            load_checkpoint(path)
        assert "\n" not in str(refused.value), place
        assert len(str(refused.value)) < 500, place


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format_version": 3}, "has format 3, newer than this program's 2"),
        ({"format_version": 1}, "has format 1, older than 2"),
        ({"epoch": "three"}, "header of .* is damaged"),
        ({"kind": "worst"}, "header of .* is damaged"),
        ({"training": {"epochs": -1}}, "header of .* is damaged"),
        ({"vocabulary": ""}, "vocabulary of .* is damaged"),
        ({"vocabulary": "ba"}, "vocabulary of .* is damaged"),
        ({"vocabulary": "abc"}, "does not contain the weights"),
        ({"model": {"hidden_size": 8192, "num_layers": 16}}, "does not contain the weights"),
        ({"model": {"hidden_size": -1}}, "header of .* is damaged"),
        ({"model": {"hidden_size": 10**30}}, "header of .* is damaged"),
        ({"sha256": "f" * 64}, "is damaged: its content is not what was saved"),
        ({"sha256": "é"}, "is damaged: its content is not what was saved"),
    ],
)
def test_an_invalid_header_is_refused(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    made = checkpoint()
    path = written(tmp_path / "model.safetensors", unsigned(made) | changes, made.model.state_dict())
    with pytest.raises(UserError, match=sentence):
        load_checkpoint(path)


def test_a_deeply_nested_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    nested = '{"format_version":2,"kind":' + "[" * 100_000
    safetensors.torch.save_file(checkpoint().model.state_dict(), path, {"charlstm-tui": nested})
    with pytest.raises(UserError, match="is damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize("length", [0, 2**63, 2**64 - 1, 10**9])
def test_an_impossible_header_length_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + content_of(checkpoint())[8:])
    with pytest.raises(UserError, match="not a complete checkpoint"):
        load_checkpoint(path)


@pytest.mark.parametrize("shape", ["[1000000000,1000000000]", "[-7,5]", "[7.5,5]", "[7]", "[99999999999999999999,5]"])
def test_impossible_shapes_are_refused(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "model.safetensors"
    content = content_of(checkpoint())
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].replace(b'"shape":[7,5]', f'"shape":{shape}'.encode())
    assert header != content[8 : 8 + length]
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])
    with pytest.raises(UserError, match=r"not a complete checkpoint|does not contain"):
        load_checkpoint(path)


def test_weights_of_half_precision_are_read(tmp_path: Path) -> None:
    made = checkpoint()
    halves = {name: tensor.half() for name, tensor in made.model.state_dict().items()}
    model = load_checkpoint(written(tmp_path / "model.safetensors", unsigned(made), halves)).model
    assert model.output.weight.dtype == torch.float32
    assert torch.equal(model.output.weight, halves["output.weight"].float())


@pytest.mark.parametrize("beginning", [b"PK\x03\x04", b"\x80\x02", b"\x80\x04"])
def test_a_file_that_begins_like_pytorch_s_is_never_opened(tmp_path: Path, beginning: bytes) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(beginning + b"..........")
    with pytest.raises(UserError, match="could run code when it is opened, so it was not"):
        load_checkpoint(path)


def test_a_real_pytorch_file_is_never_opened(tmp_path: Path) -> None:
    torch.save(checkpoint().model.state_dict(), tmp_path / "model.pt")
    with pytest.raises(UserError, match="could run code when it is opened, so it was not"):
        load_checkpoint(tmp_path / "model.pt")


def test_nothing_in_the_project_unpickles_but_a_program_of_its_own() -> None:
    sources = [path for room in ("core", "charlstm_tui") for path in (REPOSITORY / room).rglob("*.py")]
    assert len(sources) > 50
    unpickling = [
        path.relative_to(REPOSITORY).as_posix()
        for path in sources
        if re.search(r"torch\.load\b|pickle\.load|import pickle|weights_only", path.read_text("utf-8"))
    ]
    assert unpickling == ["core/interchange/unpickling.py"], "which tests/core/interchange/test_torch_file.py tests"


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    checkpoint().save(path)
    digest, times = core.checkpoints.file_format._digest, []

    def replaced(*arguments: Any) -> str:
        times.append(1)
        if len(times) == 1:
            checkpoint().save(path)
        return digest(*arguments)

    monkeypatch.setattr("core.checkpoints.file_format._digest", replaced)
    assert load_checkpoint(path).epoch == 3
    assert len(times) == 2


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    made = checkpoint()
    torch.nn.init.constant_(made.model.output.bias, torch.inf)
    made.save(tmp_path / "model.safetensors")
    with pytest.raises(UserError, match="weights that are NaN or infinite"):
        load_checkpoint(tmp_path / "model.safetensors")


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="not a checkpoint of charlstm-tui"):
        load_checkpoint(path)
    path.write_text("once upon a time")
    with pytest.raises(UserError, match="not a complete checkpoint"):
        load_checkpoint(path)
    with pytest.raises(UserError, match="There is no checkpoint"):
        load_checkpoint(tmp_path)


def test_a_failed_write_leaves_only_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="cannot be written: No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_the_caller_is_not_reported_as_an_error_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "whole.safetensors"
    checkpoint().save(path)
    for error in (MemoryError(), OSError(5, "Input/output error"), OverflowError(), SafetensorError("theirs")):
        with pytest.raises(type(error)), opened(path):
            raise error


def test_a_lack_of_memory_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "whole.safetensors"
    checkpoint().save(path)
    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 8 bytes")):

        def hungry(*_: object, error: Exception = error) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr("core.checkpoints.file_format._digest", hungry)
            with pytest.raises(UserError, match="There is not enough memory to read"):
                load_checkpoint(path)
        with opened(path) as file:
            name = next(iter(file.expected))
            file._file = SimpleNamespace(get_tensor=hungry)
            with pytest.raises(UserError, match="There is not enough memory to read"):
                file.tensor(name)


def test_a_file_without_read_permission_is_not_reported_as_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "whole.safetensors"
    checkpoint().save(path)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(UserError, match=r"whole\.safetensors cannot be read: Permission denied\.$"):
        load_checkpoint(path)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="only Linux has a file that always fails to be read")
def test_a_read_error_is_not_reported_as_damage() -> None:
    with pytest.raises(UserError, match=r"cannot be read: Input/output error\.$"):
        load_checkpoint(Path("/proc/self/mem"))


def test_the_safetensors_library_reads_our_files(tmp_path: Path) -> None:
    tensors = {
        "a": torch.arange(6.0).view(2, 3),
        "b": torch.tensor(7),
        "c": torch.zeros(0, 4, 5),
        "d": torch.arange(5, dtype=torch.uint8),
        "e": torch.randn(3, 3).bfloat16(),
        "f": torch.randn(4).half(),
        "g": torch.randn(2, 2, dtype=torch.float64),
        "h": torch.arange(6.0).view(2, 3).T,
    }
    header = Header(
        kind="weights", model=ModelConfig(), vocabulary="ab", corpus=CorpusConfig(source="é"),
        training=TrainingConfig(), epoch=1, train_loss=1.0, val_loss=None,
    )  # fmt: skip
    content = b"".join(signed(header, tensors))
    read = safetensors.torch.load(content)
    assert read.keys() == tensors.keys()
    assert all(read[name].dtype == tensors[name].dtype and torch.equal(read[name], tensors[name]) for name in tensors)
    with_zeros = re.sub(rb'("sha256\\*":\\*")[0-9a-f]{64}', rb"\g<1>" + b"0" * 64, content, count=1)
    assert hashlib.sha256(with_zeros).hexdigest().encode() in content
