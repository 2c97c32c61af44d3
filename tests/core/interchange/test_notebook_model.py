"""Models of the course's notebook, read from safetensors files: which fit, and what is said of those that do not."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from core.checkpoints.checkpoint import load_checkpoint
from core.data.corpus import Corpus
from core.errors import UserError
from core.interchange.import_run import ImportedFile, open_model, store_model
from core.interchange.notebook_model import recognised
from core.interchange.notebook_vocabulary import check_given, check_text, limits_for, read_vocabulary
from core.interchange.weights_file import opened_safetensors
from core.runs.store import RunStore
from core.settings.config import Cell, ModelConfig
from tests.core.interchange.notebook import Notebook, notebook, save_as


def opened(path: Path) -> ImportedFile:
    reading = open_model(path)
    while True:
        try:
            next(reading)
        except StopIteration as end:
            file: ImportedFile = end.value
            return file


def saved(weights: dict[str, Tensor], folder: Path) -> Path:
    path = folder / "model.safetensors"
    save_file({name: weight.contiguous() for name, weight in weights.items()}, path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as error:
        opened(path)
    return str(error.value)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_logits_equal_the_notebook_s(
    small_corpus: Corpus, store: RunStore, tmp_path: Path, cell: Cell, layers: int
) -> None:
    characters = small_corpus.characters
    network = notebook(len(characters), 12, 16, layers, cell)
    file = opened(save_as(network, tmp_path / "model.safetensors"))
    run = store_model(store, file, characters, small_corpus.config)
    checkpoint = load_checkpoint(run.best_path)
    assert checkpoint.model.config == ModelConfig(cell=cell, embedding_size=12, hidden_size=16, num_layers=layers)
    text = str(small_corpus.part("whole"))[:1000]
    assert len(text) == 1000
    ids = torch.tensor([sorted(set(characters)).index(character) for character in text])[:, None]
    with torch.no_grad():
        theirs, ours = network(ids), checkpoint.model(torch.from_numpy(checkpoint.vocabulary.encode(text))[:, None])[0]
    assert (theirs - ours).abs().max() < 1e-5
    assert theirs.std() > 0.1, "otherwise equality would be no news"


def test_ids_in_another_order_are_put_in_order(store: RunStore, tmp_path: Path) -> None:
    characters = "zb\na é"
    network = notebook(len(characters))
    checkpoint = load_checkpoint(
        store_model(store, opened(save_as(network, tmp_path / "model.safetensors")), characters).best_path
    )
    text = "a bé\nzzab"
    ids = torch.tensor([characters.index(character) for character in text])[:, None]
    with torch.no_grad():
        theirs, ours = network(ids), checkpoint.model(torch.from_numpy(checkpoint.vocabulary.encode(text))[:, None])[0]
    for place, character in enumerate(characters):
        assert torch.allclose(
            theirs[:, 0, place], ours[:, 0, checkpoint.vocabulary.characters.index(character)], atol=1e-5
        )


def test_an_imported_run_holds_the_best_model_and_where_it_comes_from(
    small_corpus: Corpus, store: RunStore, tmp_path: Path
) -> None:
    path = save_as(notebook(len(small_corpus.characters)), tmp_path / "model.safetensors")
    run = store_model(store, opened(path), small_corpus.characters, small_corpus.config)
    config = run.config()
    assert (run.name, config.preset, config.corpus) == ("imported-1", "imported", small_corpus.config)
    assert config.origin is not None
    assert (config.origin.kind, config.origin.name, config.origin.path) == ("import", path.name, str(path))
    assert config.origin.corpus == small_corpus.config
    assert run.checkpoint_path == run.best_path
    assert load_checkpoint(run.best_path).origin == config.origin
    assert store_model(store, opened(path), small_corpus.characters, small_corpus.config).name == "imported-2"


def test_a_model_that_cannot_be_stored_leaves_no_run(
    small_corpus: Corpus, store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = opened(save_as(notebook(len(small_corpus.characters)), tmp_path / "model.safetensors"))

    def full(*_: object) -> None:
        raise UserError("No space left on device.")

    monkeypatch.setattr("core.checkpoints.checkpoint.write_atomically", full)
    with pytest.raises(UserError, match="No space"):
        store_model(store, file, small_corpus.characters, small_corpus.config)
    assert store.all() == []


@pytest.mark.parametrize("names", [
    {"embedding": "encoder", "lstm": "rnn", "fc": "decoder"},
    {"embedding": "emb", "lstm": "net.gru", "fc": "net.out"},
    {"embedding": "module.embedding", "lstm": "module.lstm", "fc": "module.fc"},
    {"embedding": "_orig_mod.module.embedding", "lstm": "_orig_mod.module.lstm", "fc": "_orig_mod.module.fc"},
    {"embedding": "embedding", "lstm": "lstm._orig_mod", "fc": "fc"},
])  # fmt: skip
def test_the_parts_are_recognised_whatever_they_are_called(tmp_path: Path, names: dict[str, str]) -> None:
    network = notebook(5, 8, 8)  # E and H are equal: only the bias tells the two matrices apart
    renamed = {}
    for name, weight in network.state_dict().items():
        part, _, rest = name.partition(".")
        renamed[f"{names[part]}.{rest}"] = weight
    weights = opened(saved(renamed, tmp_path)).model.weights
    assert torch.equal(weights["embedding.weight"], network.embedding.weight)
    assert torch.equal(weights["output.weight"], network.fc.weight)
    assert torch.equal(weights["layers.0.weight_hh_l0"], network.lstm.weight_hh_l0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_precisions_are_converted(tmp_path: Path, dtype: torch.dtype) -> None:
    network = notebook(5)
    path = saved({name: weight.to(dtype) for name, weight in network.state_dict().items()}, tmp_path)
    weights = opened(path).model.weights
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    assert torch.equal(weights["output.bias"], network.fc.bias.to(dtype).float())


def without(network: Notebook, *ends: str) -> dict[str, Tensor]:
    return {name: weight for name, weight in network.state_dict().items() if not name.endswith(ends)}


def empty() -> dict[str, Tensor]:
    return {"embedding.weight": torch.ones(0, 6), "fc.weight": torch.ones(0, 8), "fc.bias": torch.ones(0)}


class Bidirectional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.lstm, self.fc = nn.Embedding(5, 6), nn.LSTM(6, 8, bidirectional=True), nn.Linear(16, 5)


class Projected(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.lstm, self.fc = nn.Embedding(5, 6), nn.LSTM(6, 8, proj_size=4), nn.Linear(4, 5)


class Doubled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.fc = nn.Embedding(5, 6), nn.Linear(8, 5)
        self.first, self.second = nn.LSTM(6, 8), nn.LSTM(8, 8)


MISFITS: dict[str, tuple[Callable[[], dict[str, Tensor]], str]] = {
    "bidirectional": (lambda: Bidirectional().state_dict(), "in both directions (lstm.bias_hh_l0_reverse)"),
    "projected": (lambda: Projected().state_dict(), "are projected (proj_size; lstm.weight_hr_l0)"),
    "several": (lambda: Doubled().state_dict(), "several recurrent modules, first and second; use num_layers"),
    "no bias": (lambda: without(notebook(5), "bias_ih_l0", "bias_hh_l0"), "bias_ih and bias_hh (bias=False)"),
    "one bias": (lambda: without(notebook(5), "bias_hh_l0"), "layer 0 lacks its bias_hh."),
    "no output bias": (lambda: without(notebook(5), "fc.bias"), "its output layer has no bias"),
    "no output bias, E = H": (lambda: without(notebook(5, 8, 8), "fc.bias"), "its output layer has no bias"),
    "no output": (lambda: without(notebook(5), "fc.bias", "fc.weight"), "no output layer, a matrix of 8 columns"),
    "no embedding": (lambda: without(notebook(5), "embedding.weight"), "no embedding, a matrix of 6 columns"),
    "no layers": (lambda: {"a": torch.ones(2)}, "it has no recurrent layer"),
    "a gap": (lambda: without(notebook(5, layers=3), "l1"), "the numbers of its layers are not complete: 0 and 2"),
    "more": (
        lambda: notebook(5).state_dict() | {"norm.weight": torch.ones(8), "x": torch.ones(())},
        "it has other tensors too, norm.weight and x",
    ),
    "two outputs": (
        lambda: notebook(5).state_dict() | {"b.weight": torch.ones(5, 8), "b.bias": torch.ones(5)},
        "more than one embedding or output layer, b.weight, embedding.weight and fc.weight",
    ),
    "sizes": (
        lambda: notebook(5).state_dict() | {"embedding.weight": torch.ones(7, 6)},
        "its embedding is for 7 characters, and its output layer for 5",
    ),
    "gates": (
        lambda: notebook(5).state_dict() | {"lstm.weight_hh_l0": torch.ones(16, 8)},
        "lstm.weight_hh_l0 has the shape (16, 8), and an LSTM has four rows for each column",
    ),
    "a layer": (
        lambda: notebook(5, layers=2).state_dict() | {"lstm.weight_ih_l1": torch.ones(32, 9)},
        "lstm.weight_ih_l1 has the shape (32, 9) instead of (32, 8)",
    ),
    "a vector": (lambda: notebook(5).state_dict() | {"lstm.weight_hh_l0": torch.ones(16)}, "is no matrix"),
    "twice": (lambda: notebook(5).state_dict() | {"module.fc.bias": torch.ones(5)}, "two of its tensors are called"),
    "too wide": (lambda: notebook(2, 5000, 1).state_dict(), "embedding size must be a whole number from 1 to 4096"),
    "no cells": (
        lambda: {
            "e.weight": torch.ones(2, 1), "o.weight": torch.ones(2, 0), "o.bias": torch.ones(2),
            "l.weight_ih_l0": torch.ones(0, 1),
            "l.weight_hh_l0": torch.ones(0, 0),
            **{f"l.{part}_l0": torch.ones(0) for part in ("bias_ih", "bias_hh")},
        },
        "hidden size must be a whole number from 1 to 8192, not 0",
    ),
    "no characters": (lambda: {**notebook(1).state_dict(), **empty()}, "it knows no characters"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISFITS)
def test_what_does_not_fit_is_named_in_a_sentence(tmp_path: Path, kind: str) -> None:
    weights, expected = MISFITS[kind]
    message = refusal(saved(weights(), tmp_path))
    assert expected in message
    assert message.endswith("Only an embedding, one nn.LSTM, nn.GRU or nn.RNN, and a linear layer can be imported.")
    assert len(message) < 500


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    for value in (float("nan"), float("inf")):
        network = notebook(5)
        with torch.no_grad():
            network.fc.bias[2] = value
        assert "NaN or infinite (fc.bias): its loss diverged" in refusal(
            save_as(network, tmp_path / "model.safetensors")
        )
    double = {name: weight.double() for name, weight in notebook(5).state_dict().items()}
    double["fc.bias"][0] = 1e300  # it is infinite in single precision
    assert "NaN or infinite" in refusal(saved(double, tmp_path))


def test_numbers_of_other_types_are_refused(tmp_path: Path) -> None:
    weights = notebook(5).state_dict() | {"steps": torch.tensor(3)}
    assert "a tensor of the type I64 (steps)" in refusal(saved(weights, tmp_path))


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    assert "is not there. Name a .safetensors or .pt file" in refusal(path)
    assert "is a folder" in refusal(tmp_path)
    assert "File name too long" in refusal(tmp_path / ("x" * 300)) or "is not there" in refusal(tmp_path / ("x" * 300))
    path.write_bytes(b"")
    assert "is empty" in refusal(path)
    path.write_bytes(b"class LSTM(nn.Module):\n" * 50)
    assert "is neither a safetensors nor a PyTorch file" in refusal(path)
    with path.open("wb") as file:
        file.truncate(100 << 20)  # zeros
    assert "is neither a safetensors nor a PyTorch file" in refusal(path)
    with path.open("wb") as file:
        file.truncate(5 << 30)
    assert "is too large: 5,120 MiB" in refusal(path)


def test_a_truncated_safetensors_file_is_refused(tmp_path: Path) -> None:
    content = save_as(notebook(5), tmp_path / "model.safetensors").read_bytes()
    for length in (9, 40, len(content) // 2, len(content) - 1):
        path = tmp_path / "cut.safetensors"
        path.write_bytes(content[:length])
        assert "is not a complete safetensors file" in refusal(path)


def test_a_header_with_huge_shapes_is_refused_before_memory_is_allocated(tmp_path: Path) -> None:
    for shape in ([10**12, 8], [2**62, 2**62], [1 << 40]):
        header = f'{{"fc.weight":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{1 << 45}]}}}}'.encode()
        path = tmp_path / "huge.safetensors"
        path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 100)
        assert "is not a complete safetensors file" in refusal(path)


def test_a_model_of_this_program_is_named_as_such(small_corpus: Corpus, store: RunStore, tmp_path: Path) -> None:
    path = save_as(notebook(len(small_corpus.characters)), tmp_path / "model.safetensors")
    run = store_model(store, opened(path), small_corpus.characters, small_corpus.config)
    assert "is a model of this program already" in refusal(run.best_path)


@given(shapes=st.dictionaries(
    st.sampled_from([
        "e.weight", "o.weight", "o.bias", "l.weight_ih_l0", "l.weight_hh_l0", "l.bias_ih_l0", "l.bias_hh_l0",
        "weight_ih_l1", "l.weight_hh_l99999999999", "", "module.", "_orig_mod.", "l.bias_hh_l0_reverse", "\x1b[31m",
    ]),
    st.lists(st.sampled_from([0, 1, 2, 4, 8, 32, 2**60]), max_size=3).map(tuple),
))  # fmt: skip
def test_any_shapes_are_recognised_or_refused(shapes: dict[str, tuple[int, ...]]) -> None:
    said, named = "", set(shapes)
    try:
        named = set(recognised(shapes, "a file").names.values())
    except UserError as error:
        said = str(error)
    assert named == set(shapes)
    assert "\x1b" not in said


@given(content=st.one_of(st.binary(max_size=80), st.binary(max_size=60).map(
    lambda header: (len(header) + 1).to_bytes(8, "little") + b"{" + header
)))  # fmt: skip
def test_any_bytes_are_refused_with_a_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError), opened_safetensors(path, path):
        pass


# --- the characters


def test_a_vocabulary_is_typed_or_in_a_file(tmp_path: Path) -> None:
    assert read_vocabulary(r"\n\tab\\é") == "\n\tab\\é"
    path = tmp_path / "characters.txt"
    path.write_bytes("\n abé".encode())
    assert read_vocabulary(str(path)) == "\n abé"
    path = tmp_path / "characters.json"
    for content in ('["b", "a", "\\n"]', '"ba\\n"', '{"a": 1, "b": 0, "\\n": 2}'):
        path.write_text(content, encoding="utf-8")
        assert read_vocabulary(str(path)) == "ba\n"


@pytest.mark.parametrize("content", ["", "[", "3", '["a", 1]', '{"a": 1}', '{"a": "b"}', '{"a": true}', "[" * 9999])
def test_a_json_file_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "characters.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="must contain a text, a list of characters"):
        read_vocabulary(str(path))


def test_a_vocabulary_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "characters"
    for typed, message in (("aba", "'a' twice"), ("", "is empty"), ("a\udc80", "not Unicode")):
        with pytest.raises(UserError, match=message):
            read_vocabulary(typed)
    path.write_bytes(b"ab\xff")
    with pytest.raises(UserError, match="not a text in UTF-8"):
        read_vocabulary(str(path))
    with path.open("wb") as file:
        file.truncate(10 << 20)
    with pytest.raises(UserError, match="too large"):
        read_vocabulary(str(path))
    path = tmp_path / "words.json"
    path.write_text('["a", "bc"]', encoding="utf-8")
    with pytest.raises(UserError, match="'bc', which is not one character"):
        read_vocabulary(str(path))


def test_another_number_of_characters_is_refused_with_both_numbers_and_the_right_limit(small_corpus: Corpus) -> None:
    with pytest.raises(UserError, match=r"is for 9 characters, but the vocabulary has 2\."):
        check_given("ab", 9, "model.pt")
    count = len(small_corpus.characters)
    check_text(small_corpus, count, "model.pt")
    found = limits_for(small_corpus, count - 1)
    assert found is not None
    least, most = found
    assert most is not None
    text = str(small_corpus.part("whole"))
    assert [len(set(text[:limit])) for limit in (least - 1, least, most, most + 1)] == [
        count - 2, count - 1, count - 1, count,
    ]  # fmt: skip
    with pytest.raises(UserError) as error:
        check_text(small_corpus, count - 1, "model.pt")
    assert f"is for {count - 1} characters, but moutons has {count} different ones" in str(error.value)
    assert f"Its first {least:,} to {most:,} characters have {count - 1}" in str(error.value)
    with pytest.raises(UserError, match="Choose the text that the model was trained on"):
        check_text(small_corpus, count + 1, "model.pt")


def test_the_whole_text_can_be_the_right_limit(small_corpus: Corpus) -> None:
    count = len(small_corpus.characters)
    found = limits_for(small_corpus, count)
    assert found is not None
    assert found[1] is None
    assert len(set(str(small_corpus.part("whole"))[: found[0]])) == count
