"""The library: what it refuses, and that it gives what the commands give."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from charlstm_tui import library
from core.checkpoints.checkpoint import load_checkpoint
from core.errors import UserError
from core.evaluation.evaluator import evaluate
from core.reports.results import Evaluation
from core.runs.store import RunStore
from core.runs.summary import summarise
from core.settings.presets import FINE_TUNE
from tests.cli.test_commands import call

TINY = {"hidden_size": 8, "embedding_size": 6, "streams": 2, "window": 10, "threads": 1, "progress": False}


def tiny(text: Path, **settings: object) -> library.Model:
    return library.train(library.load_text(text), **{"epochs": 2, **TINY, **settings})  # type: ignore[arg-type]


def test_a_model_of_the_library_is_a_run_of_the_program(small_text: Path, store: RunStore) -> None:
    model = tiny(small_text, name="mine")
    run = store.get("mine")
    assert (summarise(run).state, len(model.history)) == ("finished", 2)
    *_, expected = evaluate(load_checkpoint(run.best_path), library.load_text(small_text), "test")
    assert isinstance(expected, Evaluation)
    assert model.evaluate() == expected
    assert call("evaluate", "mine", "--loss-only").stdout.split()[0] == "mine"


def test_generated_text_is_that_of_the_command(small_text: Path) -> None:
    model = tiny(small_text, name="mine")
    text = model.generate("12 ", length=30, temperature=0.5, seed=3)
    printed = call("generate", "mine", "--prompt", "12 ", "--length", 30, "--temperature", 0.5, "--seed", 3).stdout
    assert printed == f"{text}\n"
    assert len(text) == 33


def test_activations_are_arrays_of_characters_and_cells(small_text: Path) -> None:
    activations = tiny(small_text).activations("12 moutons")
    for symbol in "figoch":
        assert activations.values(0, symbol).shape == (10, 8)


def test_a_loaded_model_is_the_trained_one(small_text: Path, tmp_path: Path) -> None:
    model = tiny(small_text, name="mine")
    model.save(tmp_path / "mine.safetensors")
    for named in ("mine", str(tmp_path / "mine.safetensors")):
        again = library.load_model(named)
        assert again.generate(length=20) == model.generate(length=20)
    assert library.load_model("mine").history == model.history
    with pytest.raises(UserError, match="exists already"):
        model.save(tmp_path / "mine.safetensors")


def test_a_model_is_trained_further(small_text: Path) -> None:
    first = tiny(small_text, name="first")
    settings = {name: value for name, value in TINY.items() if name not in ("hidden_size", "embedding_size")}
    text = library.load_text(small_text)
    second = library.train(text, start="first", epochs=1, name="second", **settings)  # type: ignore[arg-type]
    assert second.run is not None
    assert second.run.config().preset == FINE_TUNE.name
    assert library.model_before(second).generate(length=20) == first.generate(length=20)
    with pytest.raises(UserError, match="random weights"):
        library.model_before(first)
    with pytest.raises(UserError, match="keeps its network"):
        library.train(text, start="first", hidden_size=9)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epoch": 3}, "There is no setting called epoch"),
        ({"epochs": -1}, "epochs must be"),
        ({"preset": "huge"}, "There is no preset called huge"),
        ({"preset": "fine-tune"}, "trains a model further"),
        ({"start": "nothing"}, "There is no run called nothing"),
        ({"window": 60_000}, "Choose a longer text"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    small_text: Path, store: RunStore, settings: dict[str, object], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        tiny(small_text, **settings)
    assert store.all() == []


def test_ctrl_c_stops_the_run_and_returns_the_model_so_far(small_text: Path, store: RunStore) -> None:
    def interrupt() -> None:
        while not (store.root / "long" / "best.safetensors").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    before = signal.getsignal(signal.SIGINT)
    model = tiny(small_text, name="long", epochs=100_000)
    assert signal.getsignal(signal.SIGINT) is before
    assert summarise(store.get("long")).state == "stopped"
    assert 1 <= len(model.history) < 100_000


def test_wrong_values_are_said_in_a_sentence_too(small_text: Path, store: RunStore, tmp_path: Path) -> None:
    for wrong in (
        lambda: library.load_text(small_text, split="zzz"),  # type: ignore[arg-type]
        lambda: library.load_text(small_text, limit="5"),  # type: ignore[arg-type]
        lambda: library.load_text(small_text, limit=0),
        lambda: library.load_text([]),
        lambda: library.train(str(small_text)),  # type: ignore[arg-type]
        lambda: library.load_model(""),
    ):
        with pytest.raises(UserError):
            wrong()
    assert store.all() == []
    model = tiny(small_text)
    for wrong_of_a_model in (
        lambda: model.evaluate(part="zz"),  # type: ignore[arg-type]
        lambda: model.generate(length=-1),
        lambda: model.generate(length=2.5),  # type: ignore[arg-type]
        lambda: model.save(""),
        lambda: model.save("a\0"),
        lambda: model.save(tmp_path / "missing" / "a.safetensors"),
    ):
        with pytest.raises(UserError):
            wrong_of_a_model()


def test_a_folder_is_a_text(small_text: Path, tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(small_text.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "binary.txt").write_bytes(b"\0\1\2" * 9)
    with pytest.raises(UserError, match=r"binary\.txt"):
        library.load_text(folder)
    text = library.load_text(folder, split="files", skip_unreadable=True)
    assert 0 < len(text.part("test")) < len(text) / 2
