"""Models as folders for plain PyTorch."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors import safe_open

from core.checkpoints.checkpoint import Checkpoint
from core.errors import UserError
from core.interchange import pytorch_folder
from core.interchange.pytorch_folder import write_pytorch_folder
from core.sampling.sampler import Sampler
from core.settings.config import Cell, SamplingConfig
from tests.conftest import rows_of_each_kind
from tests.core.interchange.models import checkpoint_of

KINDS: list[tuple[Cell, int]] = [("lstm", 1), ("lstm", 2), ("gru", 1), ("gru", 2), ("rnn", 1), ("rnn", 2)]
ALONE = """\
import runpy, sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("core", "charlstm_tui", "numpy", "msgspec", "click"):
            raise ModuleNotFoundError(f"there is no {name} here", name=name)

sys.meta_path.insert(0, Refusing())
try:
    import core
except ModuleNotFoundError:
    sys.stderr.write("alone\\n")
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""A program that runs a file as Python does without this program, its dependencies and NumPy."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exported"


@pytest.fixture(autouse=True)
def settings_of_torch() -> Iterator[None]:
    threads, mkldnn = torch.get_num_threads(), torch.backends.mkldnn.enabled
    yield
    torch.set_num_threads(threads)
    torch.backends.mkldnn.enabled = mkldnn


def module_in(folder: Path) -> ModuleType:
    """Import the module that was written."""
    spec = importlib.util.spec_from_file_location("exported_model", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ours(checkpoint: Checkpoint, prompt: str, length: int, temperature: float, seed: int) -> str:
    config = SamplingConfig(temperature=temperature, seed=seed)
    sampler = Sampler(checkpoint.model, checkpoint.vocabulary, config, prompt)
    return "".join(drawn.character for drawn in islice(sampler, length))


def theirs(folder: Path, prompt: str, length: int, temperature: float, seed: int) -> str:
    module = module_in(folder)
    network, characters = module.load(folder)
    return "".join(islice(module.generate(network, characters, prompt, temperature, seed), length))


def called(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["model.py", *arguments])
    module_in(folder).main()


@pytest.mark.parametrize(("cell", "layers"), KINDS)
def test_the_exported_network_computes_the_same_logits(folder: Path, cell: Cell, layers: int) -> None:
    checkpoint = checkpoint_of(cell, layers)
    write_pytorch_folder(checkpoint, folder)
    network, _ = module_in(folder).load(folder)
    ids = torch.randint(len(checkpoint.vocabulary), (30, 3))
    with torch.no_grad():
        expected, state = checkpoint.model(ids)
        found, their_state = network(ids)
        assert torch.allclose(found, expected, atol=1e-5)
        assert torch.allclose(network(ids, their_state)[0], checkpoint.model(ids, state)[0], atol=1e-5)


@pytest.mark.parametrize(("cell", "layers"), rows_of_each_kind([("lstm", 2), ("gru", 1), ("rnn", 1)], KINDS))
@pytest.mark.parametrize(
    ("prompt", "temperature", "seed"), [("", 0.8, 0), ("3 mou", 1.0, 2**32 - 1), ("12 moutons,", 0.0, 5)]
)
def test_the_same_seed_gives_the_text_of_this_program(
    folder: Path, cell: Cell, layers: int, prompt: str, temperature: float, seed: int
) -> None:
    checkpoint = checkpoint_of(cell, layers)
    write_pytorch_folder(checkpoint, folder)
    expected = ours(checkpoint, prompt, 200, temperature, seed)
    assert theirs(folder, prompt, 200, temperature, seed) == expected


def test_the_random_numbers_are_those_of_numpy(folder: Path) -> None:
    write_pytorch_folder(checkpoint_of(), folder)
    module = module_in(folder)
    for seed in (0, 1, 77, 2**31, 2**32 - 1):
        random = module.Random(seed)
        assert [random.next() for _ in range(50)] == np.random.default_rng(seed).random(50).tolist()


def test_it_generates_the_same_text_where_this_program_cannot_be_imported(folder: Path) -> None:
    checkpoint = checkpoint_of("lstm", 2)
    write_pytorch_folder(checkpoint, folder)
    arguments = ["--prompt", r"1 moutons\n", "--length", "90", "--seed", "4", "--temperature", "0.9"]
    found = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, folder / "model.py", *arguments],
        cwd=folder.parent, capture_output=True, text=True, encoding="utf-8", env={"PYTHONIOENCODING": "utf-8"},
        check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert found.stderr.splitlines()[0] == "alone"
    assert found.stdout == "1 moutons\n" + ours(checkpoint, "1 moutons\n", 90, 0.9, 4) + "\n"


def test_the_folder_has_four_files_that_other_programs_can_read(folder: Path) -> None:
    checkpoint = checkpoint_of("gru", 2)
    write_pytorch_folder(checkpoint, folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "model.py", "model.safetensors", "vocabulary.json",
    ]  # fmt: skip
    assert "".join(json.loads((folder / "vocabulary.json").read_text("utf-8"))) == checkpoint.vocabulary.characters
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert (config["cell"], config["num_layers"], config["epoch"], config["train_loss_nats"]) == ("gru", 2, 4, 1.5)
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        assert file.get_slice("layers.weight_hh_l1").get_shape() == [24, 8]
        assert file.metadata() == {"format": "pt"}


def test_half_precision_halves_the_weights_and_nearly_keeps_the_logits(folder: Path) -> None:
    checkpoint = checkpoint_of()
    write_pytorch_folder(checkpoint, folder.with_name("whole"))
    write_pytorch_folder(checkpoint, folder, half=True)
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        assert file.get_tensor("output.weight").dtype == torch.float16
    network, _ = module_in(folder).load(folder)
    ids = torch.zeros(5, 1, dtype=torch.int64)
    with torch.no_grad():
        assert torch.allclose(network(ids)[0], checkpoint.model(ids)[0], atol=0.02)


def test_an_existing_target_is_kept(folder: Path) -> None:
    folder.mkdir()
    with pytest.raises(UserError, match="already exists"):
        write_pytorch_folder(checkpoint_of(), folder)
    assert [*folder.parent.iterdir()] == [folder]
    assert [*folder.iterdir()] == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_folder_that_cannot_be_completed_is_not_there_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(value: object) -> str:
        raise error

    monkeypatch.setattr(pytorch_folder, "_json", fail)
    checkpoint = checkpoint_of()
    with pytest.raises(UserError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        write_pytorch_folder(checkpoint, folder)
    assert [*folder.parent.iterdir()] == []
    if isinstance(error, OSError):
        assert str(caught.value).endswith("exported cannot be written: No space left on device.")


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        write_pytorch_folder(checkpoint_of(), tmp_path / "nowhere" / "exported")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--length", "0"], "the length must be at least 1"),
        (["--seed", "-1"], "the seed from 0 to 4294967295"),
        (["--temperature", "nan"], "the temperature from 0 to 100"),
        (["--temperature", "-1"], "the temperature from 0 to 100"),
        (["--prompt", "ß \x1b"], "does not know these characters of the prompt: \ufffd ß"),
    ],
)
def test_the_module_refuses_wrong_options_in_a_sentence(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    write_pytorch_folder(checkpoint_of(), folder)
    with pytest.raises(SystemExit) as ended:
        called(folder, monkeypatch, *arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("name", ["config.json", "vocabulary.json", "model.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"\x00\xff{", b"[1, 2]"])
def test_the_module_says_when_a_file_of_its_folder_is_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None
) -> None:
    write_pytorch_folder(checkpoint_of(), folder)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        called(folder, monkeypatch)
    assert ended.value.code == 2
    assert "the folder of this file is not complete" in capsys.readouterr().err


def test_the_module_prints_nothing_that_a_terminal_would_act_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pytorch_folder(checkpoint_of(characters="\x1b\x9b\x07a"), folder)
    monkeypatch.setattr(sys.stdout, "reconfigure", lambda **_: None, raising=False)
    called(folder, monkeypatch, "--prompt", "a", "--length", "60", "--temperature", "5")
    assert set(capsys.readouterr().out) == {"a", "\ufffd", "\n"}
