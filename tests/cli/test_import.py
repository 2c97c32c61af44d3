"""`charlstm-tui import`, called in this process, and the commands that then use the run."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy

from charlstm_tui.widgets.common.checkpoint_select import models_in
from core.checkpoints.checkpoint import load_checkpoint
from core.runs.store import RunStore
from core.settings.config import Cell
from tests.cli.test_commands import call
from tests.conftest import SMALL_TEXT
from tests.core.interchange.notebook import Notebook, notebook, save_as
from tests.core.interchange.test_torch_file import bomb, exponential_hash
from tests.processes import heed_signals
from tests.waiting import wait_until

CHARACTERS = sorted(set(SMALL_TEXT))
TYPED = "".join(CHARACTERS).replace("\n", "\\n")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file with a network for the small text."""
    return save_as(notebook(len(CHARACTERS)), tmp_path / "model.safetensors")


def walked(network: Notebook, text: str, window: int = 100) -> float:
    """Return the loss as the notebook computes it: window after window, with the state carried on."""
    ids = torch.tensor([CHARACTERS.index(character) for character in text])[:, None]
    losses, state = [], None
    with torch.no_grad():
        for begin in range(0, len(ids) - window, window):
            outputs, state = network.lstm(network.embedding(ids[begin : begin + window]), state)
            logits = network.fc(outputs)[:, 0]
            losses.append(cross_entropy(logits, ids[begin + 1 : begin + window + 1, 0]).item())
    return sum(losses) / len(losses)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_evaluate_finds_the_notebook_s_test_loss(tmp_path: Path, cell: Cell) -> None:
    text = tmp_path / "many.txt"
    text.write_text(SMALL_TEXT * 8, encoding="utf-8")
    network = notebook(len(CHARACTERS), 12, 16, layers=2, cell=cell)
    with torch.no_grad():
        network.fc.bias.add_(torch.linspace(-1, 1, len(CHARACTERS)))  # a loss that depends on the characters
    path = save_as(network, tmp_path / "model.safetensors")
    assert call("import", path, "--corpus", text, "--name", "theirs").exit_code == 0
    found = json.loads(call("evaluate", "theirs", "--json", "--loss-only").stdout)
    whole = text.read_text(encoding="utf-8")
    test = whole[round(0.9 * len(whole)) :]
    assert (found["part"], found["characters"]) == ("test", len(test))
    # The first character and the end that fills no window are not in the notebook's mean.
    assert found["loss"] == pytest.approx(walked(network, test), abs=0.02)


def test_an_import_prints_the_run_its_sizes_and_the_next_commands(model: Path, small_text: Path) -> None:
    result = call("import", model, "--corpus", small_text, "--limit", 1300)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    count = len(CHARACTERS)
    parameters = sum(weight.numel() for weight in notebook(count).parameters())
    assert lines[0] == "imported-1: imported from model.safetensors"
    assert lines[1].split(maxsplit=1) == [
        "model", f"lstm, 1 layer of 8 cells, embedding dimension 6, {parameters:,} parameters",
    ]  # fmt: skip
    assert lines[2].endswith(f"moutons, first 1,300 characters; {count} characters in the vocabulary")
    assert lines[4].split(maxsplit=1)[1] == "charlstm-tui evaluate imported-1"
    assert lines[5].strip() == "charlstm-tui generate imported-1"
    assert lines[6].strip() == "charlstm-tui train --from imported-1 --corpus FILE"


def test_json_is_one_object(model: Path, small_text: Path, store: RunStore) -> None:
    found = json.loads(call("import", model, "--corpus", small_text, "--name", "theirs", "--json").stdout)
    assert (found["run"], found["file"], found["vocabulary"]) == ("theirs", str(model), len(CHARACTERS))
    assert found["model"] == {"cell": "lstm", "embedding_size": 6, "hidden_size": 8, "num_layers": 1}
    assert found["corpus"]["source"] == str(small_text)
    assert Path(found["checkpoint"]) == store.get("theirs").best_path
    found = json.loads(call("import", model, "--vocabulary", TYPED, "--json").stdout)
    assert found["corpus"] is None


def test_a_pt_file_is_imported(tmp_path: Path, small_text: Path, store: RunStore) -> None:
    network = notebook(len(CHARACTERS))
    path = save_as(network, tmp_path / "model.pt")
    assert call("import", path, "--corpus", small_text).exit_code == 0
    imported = load_checkpoint(store.get("imported-1").best_path)
    assert torch.equal(imported.model.output.weight, network.fc.weight)


def test_an_imported_run_generates_and_is_listed_as_imported(model: Path, small_text: Path, store: RunStore) -> None:
    call("import", model, "--corpus", small_text)
    assert len(call("generate", "imported-1", "--length", 20, "--prompt", "3 ").stdout) == 23
    assert call("runs", "list").stdout.splitlines()[1].endswith("imported")
    assert json.loads(call("runs", "list", "--json").stdout)["state"] == "imported"
    shown = call("runs", "show", "imported-1").stdout
    assert shown.startswith("imported-1: imported from model.safetensors\n")
    assert "epochs" not in shown, "it was not trained here"
    assert models_in(store)[0][0] == "imported-1 · moutons · imported"


def test_an_imported_run_cannot_be_resumed(model: Path, small_text: Path) -> None:
    call("import", model, "--corpus", small_text)
    for options in ((), ("--epochs", 30)):
        result = call("train", "--resume", "imported-1", *options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "imported-1 was imported, so it has no training state to resume" in result.stderr
        assert "`charlstm-tui train --from imported-1` trains it further" in result.stderr


def test_an_imported_run_is_exported_with_its_weights_alone(model: Path, small_text: Path, tmp_path: Path) -> None:
    call("import", model, "--corpus", small_text)
    result = call("runs", "export", "imported-1", "--output", tmp_path / "out.safetensors")
    assert result.exit_code == 2
    assert "imported-1 has a model, but no training state to resume. Use --weights." in result.stderr
    assert call("runs", "export", "imported-1", "--weights", "--output", tmp_path / "out.safetensors").exit_code == 0
    origin = load_checkpoint(tmp_path / "out.safetensors").origin
    assert origin is not None
    assert origin.name == "model.safetensors"


def test_without_a_text_evaluate_asks_for_one(model: Path, small_text: Path) -> None:
    result = call("import", model, "--vocabulary", TYPED)
    assert "text      unknown; " in result.stdout
    assert "charlstm-tui evaluate imported-1 --corpus FILE" in result.stdout
    for command in ("evaluate", "memory"):
        result = call(command, "imported-1")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "It is not known which text this model was trained on. Name one: --corpus FILE" in result.stderr
    assert call("evaluate", "imported-1", "--corpus", small_text).exit_code == 0
    assert call("evaluate", "imported-1", "--text", small_text, "--loss-only").exit_code == 0
    assert call("generate", "imported-1", "--length", 5).exit_code == 0
    assert call("runs", "show", "imported-1").stdout.splitlines()[1].startswith("text      unknown")


def test_the_order_of_a_given_vocabulary_is_that_of_the_ids(model: Path, small_text: Path, store: RunStore) -> None:
    backwards = "".join(reversed(CHARACTERS)).replace("\n", "\\n")
    call("import", model, "--vocabulary", TYPED, "--name", "sorted")
    result = call("import", model, "--vocabulary", backwards, "--corpus", small_text, "--name", "backwards")
    assert result.exit_code == 0
    one, other = (load_checkpoint(store.get(name).best_path) for name in ("sorted", "backwards"))
    assert one.vocabulary == other.vocabulary
    assert torch.equal(one.model.output.bias.flip(0), other.model.output.bias)
    assert torch.equal(one.model.embedding.weight.flip(0), other.model.embedding.weight)
    assert other.corpus.source == str(small_text)


def test_another_number_of_characters_names_the_right_limit(tmp_path: Path, small_text: Path, store: RunStore) -> None:
    path = save_as(notebook(len(CHARACTERS) - 1), tmp_path / "model.safetensors")
    result = call("import", path, "--corpus", small_text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"but moutons has {len(CHARACTERS)} different ones" in result.stderr
    limit = result.stderr.split("Its first ")[1].split(" to ")[0].replace(",", "")
    assert call("import", path, "--corpus", small_text, "--limit", limit).exit_code == 0
    assert [run.name for run in store.all()] == ["imported-1"]


def test_a_plain_rnn_is_taken_to_use_tanh(tmp_path: Path, small_text: Path) -> None:
    path = save_as(notebook(len(CHARACTERS), cell="rnn"), tmp_path / "model.safetensors")
    assert "tanh, its default, is used" in call("import", path, "--corpus", small_text).stderr


@pytest.mark.parametrize(("options", "message"), [
    ((), "Which characters does the model know?"),
    (("--vocabulary", "ab", "--limit", 5), "options of the text need one: add --corpus"),
    (("--vocabulary", "ab", "--split", "tail"), "options of the text need one: add --corpus"),
    (("--vocabulary", "ab", "--skip-unreadable"), "options of the text need one: add --corpus"),
    (("--corpus", "nowhere.txt", "--split-seed", 3), "needs no seed"),
    (("--vocabulary", "ab"), f"for {len(CHARACTERS)} characters, but the vocabulary has 2"),
    (("--vocabulary", ""), "The vocabulary is empty"),
    (("--vocabulary", TYPED, "--name", "a/b"), "cannot be called a/b"),
    (("--vocabulary", TYPED, "--name", "sheep"), "There is a run called sheep already"),
    (("--corpus", "nowhere.txt"), "nowhere.txt"),
])  # fmt: skip
def test_bad_options_are_refused_with_a_sentence(
    model: Path, trained: str, store: RunStore, options: tuple[object, ...], message: str
) -> None:
    result = call("import", model, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert [run.name for run in store.all()] == [trained]


def test_bad_files_are_refused_with_a_sentence(tmp_path: Path, store: RunStore) -> None:
    path = tmp_path / "model.pt"
    for content in (b"", b"text", bytes(1000), b"\x30\0\0\0\0\0\0\0{}"):
        path.write_bytes(content)
        result = call("import", path, "--vocabulary", "ab")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"Error: {path} ")
    for name in (tmp_path, tmp_path / "nowhere.pt", "a\nb\x1b.pt", "x" * 999, "~nobody/x.pt", "/dev/zero"):
        result = call("import", name, "--vocabulary", "ab")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "\x1b" not in result.stderr
    assert store.all() == []


@pytest.mark.thorough
@pytest.mark.parametrize("content", [b"PK\x03\x04" * 9, b"\x80\x02}.", b"\x80\x04"])
def test_bad_pickles_are_refused_with_a_sentence(tmp_path: Path, store: RunStore, content: bytes) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    result = call("import", path, "--vocabulary", "ab")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"Error: {path} is not a complete PyTorch file. Save the model again in the notebook: "
        'torch.save(model.state_dict(), "model.pt").\n'
    )
    assert store.all() == []


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_stops_the_process_that_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(bomb(exponential_hash()))  # it would take a minute
    program = subprocess.Popen(
        [sys.executable, "-m", "charlstm_tui", "import", path, "--vocabulary", "ab"],
        stderr=subprocess.PIPE, preexec_fn=heed_signals,
    )  # fmt: skip
    children: list[psutil.Process] = []
    wait_until(lambda: children.extend(psutil.Process(program.pid).children()) or children)  # type: ignore[func-returns-value]
    program.send_signal(signal.SIGINT)
    assert program.communicate()[1] == b"Interrupted.\n"
    assert program.returncode == 130
    wait_until(lambda: not children[0].is_running())


def test_another_model_s_file_is_named_in_the_message_and_not_the_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"conv.weight": torch.ones(2, 2)}, path)
    result = call("import", path, "--vocabulary", "ab")
    assert result.stderr.startswith(f"Error: {path} cannot be imported: it has no recurrent layer")


def test_a_safetensors_file_may_have_any_name(tmp_path: Path, small_text: Path) -> None:
    path = tmp_path / "weights"
    save_file(notebook(len(CHARACTERS)).state_dict(), path)
    assert call("import", path, "--corpus", small_text).exit_code == 0


def test_a_model_exported_for_pytorch_is_imported_again(trained: str, store: RunStore, tmp_path: Path) -> None:
    folder = tmp_path / "exported"
    assert call("runs", "export", trained, "--format", "pytorch", "--output", folder).exit_code == 0
    found = call("import", folder / "model.safetensors", "--vocabulary", folder / "vocabulary.json", "--name", "again")
    assert found.exit_code == 0
    before, after = (load_checkpoint(store.get(name).best_path) for name in (trained, "again"))
    assert before.vocabulary == after.vocabulary
    weights = after.model.state_dict()
    assert all(torch.equal(weights[name], weight) for name, weight in before.model.state_dict().items())
