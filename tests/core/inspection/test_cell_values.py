"""The values of a few cells over a long text: as recorded one character at a time, kept in files, and resumed."""

import errno
import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import core.evaluation.segments
import core.evaluation.worker_threads
import core.inspection.cell_values
from core.data.encoded_cache import KEPT_SECONDS
from core.errors import UserError
from core.inspection import kept_values
from core.inspection.activations import Activations
from core.inspection.cell_values import NotKept, PartValues, pieces, read_cells
from core.inspection.kept_values import ValuesOf, find, keep, make_room
from core.inspection.record_activations import record_activations
from core.model.char_lstm import CharLSTM
from core.settings.cell_kinds import QUANTITIES
from core.settings.config import Cell
from tests.core.by_hand import tiny_checkpoint

ALPHABET = "abcdef."
CELLS = [3, 0, 4]


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in short segments, so that short texts have several, and several pieces."""
    for module in (core.evaluation.segments, core.inspection.cell_values):
        monkeypatch.setattr(module, "SEGMENT", 120)
    monkeypatch.setattr(core.inspection.cell_values, "MAX_SEGMENTS", 2)
    monkeypatch.setattr(core.inspection.cell_values, "WINDOW", 25)


def drawn(length: int) -> str:
    return "".join(np.random.default_rng(length).choice(list(ALPHABET), length))


def named(characters: int, symbol: str = "c", layer: int = 1, model: str = "a") -> ValuesOf:
    return ValuesOf(
        model=model, text="b", reading="utf-8", limit=None, split="tail", validation=0.1, part="test",
        characters=characters, layer=layer, symbol=symbol,
    )  # fmt: skip


def recorded(model: CharLSTM, text: str, layer: int, symbol: str, cells: list[int] = CELLS) -> NDArray[np.float32]:
    """The values by the code that Inspect uses, (K, T)."""
    activations = Activations(model.config, ALPHABET, text)
    for _ in record_activations(model, tiny_checkpoint(ALPHABET).vocabulary, activations):
        pass
    return activations.values(layer, symbol)[:, cells].T


def last(events: Iterator[float | NotKept | PartValues]) -> PartValues:
    *_, read = events
    assert isinstance(read, PartValues)
    return read


def ids_of(text: str) -> NDArray[np.int64]:
    return tiny_checkpoint(ALPHABET).vocabulary.encode(text)


QUANTITIES_OF_EACH = [(cell, one.symbol, 1) for cell in ("lstm", "gru", "rnn") for one in QUANTITIES[cell]]


@pytest.mark.parametrize(("cell", "symbol", "layer"), [*QUANTITIES_OF_EACH, ("lstm", "c", 0), ("gru", "z", 0)])
def test_each_quantity_is_that_of_inspect_to_half_precision(cell: Cell, symbol: str, layer: int) -> None:
    model, text = tiny_checkpoint(ALPHABET, cell=cell).model, drawn(610)
    read = last(read_cells(model, ids_of(text), CELLS, named(len(text), symbol, layer)))
    assert read.characters == read.of == len(text)
    np.testing.assert_allclose(np.array(read.values), recorded(model, text, layer, symbol), rtol=5e-4, atol=1e-4)


def test_what_is_kept_is_what_was_computed() -> None:
    model, ids = tiny_checkpoint(ALPHABET).model, ids_of(drawn(610))
    computed = last(read_cells(model, ids, CELLS, named(610)))
    events = list(read_cells(model, ids, [4, 3], named(610)))
    assert len(events) == 1, "nothing is read"
    kept = last(iter(events))
    assert kept.cells == (4, 3)
    assert all(isinstance(values, np.memmap) for values in kept.values)
    np.testing.assert_array_equal(kept.values[0], computed.values[2])
    np.testing.assert_array_equal(kept.values[1], computed.values[0])


def test_a_cell_that_is_missing_is_read_and_the_others_are_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model, ids = tiny_checkpoint(ALPHABET).model, ids_of(drawn(300))
    list(read_cells(model, ids, CELLS, named(300)))
    made: list[list[int]] = []
    original = core.inspection.cell_values.CellWindow.__init__

    def spy(self: object, model: CharLSTM, layer: int, symbol: str, cells: list[int]) -> None:
        made.append(list(cells))
        original(self, model, layer, symbol, cells)  # type: ignore[arg-type]

    monkeypatch.setattr(core.inspection.cell_values.CellWindow, "__init__", spy)
    read = last(read_cells(model, ids, [3, 1], named(300)))
    assert made == [[1]]
    np.testing.assert_allclose(np.array(read.values), recorded(model, drawn(300), 1, "c", [3, 1]), rtol=5e-4, atol=1e-4)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_reading_that_was_stopped_is_resumed_with_the_same_values(cell: Cell) -> None:
    model, ids = tiny_checkpoint(ALPHABET, cell=cell).model, ids_of(drawn(1000))
    symbol = "c" if cell == "lstm" else "z"
    assert [*pieces(0, 1000)] == [(0, 250), (250, 500), (500, 750), (750, 1000)]
    whole = last(read_cells(model, ids, CELLS, named(1000, symbol, model="another")))
    events = read_cells(model, ids, CELLS, named(1000, symbol))
    for event in events:
        if isinstance(event, PartValues) and event.characters == 500:
            break
    events.close()  # type: ignore[attr-defined]
    kept = find(named(1000, symbol), 3)
    assert kept is not None
    assert len(kept.values) == 500, "an unfinished file is not taken for a finished one"
    assert kept.state
    first, *rest = read_cells(model, ids, CELLS, named(1000, symbol))
    assert isinstance(first, PartValues)
    assert first.characters == 500, "what was read can be searched at once"
    shares = [share for share in rest if isinstance(share, float)]
    assert 0.5 < shares[0] <= shares[-1] == 1
    np.testing.assert_allclose(
        np.array(last(iter(rest)).values, dtype=np.float32), np.array(whole.values, dtype=np.float32), atol=1e-3
    )
    finished = find(named(1000, symbol), 3)
    assert finished is not None
    assert (len(finished.values), finished.state) == (1000, b"")


def test_stopped_within_the_first_piece_nothing_is_kept() -> None:
    model, ids = tiny_checkpoint(ALPHABET).model, ids_of(drawn(1000))
    events = read_cells(model, ids, CELLS, named(1000))
    assert isinstance(next(events), float)
    events.close()  # type: ignore[attr-defined]
    assert all(find(named(1000), cell) is None for cell in CELLS)


@pytest.mark.parametrize("place", [1, 300, -1])
def test_a_damaged_file_is_refused_and_written_again(place: int) -> None:
    model, ids = tiny_checkpoint(ALPHABET).model, ids_of(drawn(300))
    computed = last(read_cells(model, ids, [2], named(300)))
    (path,) = files()
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    assert find(named(300), 2) is None
    again = last(read_cells(model, ids, [2], named(300)))
    np.testing.assert_array_equal(again.values[0], computed.values[0])
    assert find(named(300), 2) is not None


@pytest.mark.parametrize("kept_bytes", [0, 10, 256, 500])
def test_a_file_that_was_cut_is_refused(kept_bytes: int) -> None:
    keep(prepared(300), 2, np.ones(300, dtype=np.float16), b"")
    (path,) = files()
    path.write_bytes(path.read_bytes()[:kept_bytes])
    assert find(named(300), 2) is None


def test_values_of_anything_else_are_not_found() -> None:
    keep(prepared(300), 2, np.ones(300, dtype=np.float16), b"")
    assert find(named(300), 2) is not None
    assert find(named(300), 3) is None
    for other in (named(300, "h"), named(300, layer=0), named(300, model="z"), named(301)):
        assert find(other, 2) is None


def test_a_state_of_another_network_is_not_resumed_from() -> None:
    model, ids = tiny_checkpoint(ALPHABET).model, ids_of(drawn(300))
    keep(prepared(300), 2, np.ones(100, dtype=np.float16), bytes(12))
    read = last(read_cells(model, ids, [2], named(300)))
    np.testing.assert_allclose(read.values[0], recorded(model, drawn(300), 1, "c", [2])[0], rtol=5e-4, atol=1e-4)


def test_without_room_on_the_disk_the_values_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("core.files.replace_with", refuse)
    model, ids = tiny_checkpoint(ALPHABET).model, ids_of(drawn(610))
    events = list(read_cells(model, ids, CELLS, named(610)))
    (problem,) = [event for event in events if isinstance(event, NotKept)]
    assert "No space left on device" in problem.why
    np.testing.assert_allclose(
        np.array(last(iter(events)).values), recorded(model, drawn(610), 1, "c"), rtol=5e-4, atol=1e-4
    )
    assert find(named(610), 3) is None


def test_without_a_folder_for_the_cache_the_values_are_in_memory(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cache").write_text("a file")
    model, ids = tiny_checkpoint(ALPHABET).model, ids_of(drawn(130))
    events = list(read_cells(model, ids, CELLS, named(130)))
    assert isinstance(events[0], NotKept)
    assert last(iter(events)).characters == 130
    with pytest.raises(UserError, match="cache of activations"):
        make_room()


def test_files_that_were_unused_for_long_are_deleted_and_the_oldest_of_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of = prepared(300)
    for cell in range(4):
        keep(of, cell, np.ones(300, dtype=np.float16), b"")
        for path in files():
            if path.name.endswith(f"-{cell}.values"):
                age = KEPT_SECONDS + 60 if cell == 0 else 1000 - cell
                os.utime(path, (time.time() - age,) * 2)
    abandoned = files()[0].parent / ".x.tmp"
    abandoned.touch()
    os.utime(abandoned, (0, 0))
    make_room()
    assert [find(of, cell) is not None for cell in range(4)] == [False, True, True, True]
    assert not abandoned.exists()
    os.utime(files()[0].parent / next(path.name for path in files() if path.name.endswith("-2.values")), (1e9, 1e9))
    monkeypatch.setattr(kept_values, "KEPT_SECONDS", float("inf"))
    monkeypatch.setattr(kept_values, "MAX_BYTES", 2 * 856)
    make_room()
    assert [find(of, cell) is not None for cell in range(4)] == [False, True, False, True]


def prepared(characters: int) -> ValuesOf:
    make_room()
    return named(characters)


def files() -> list[Path]:
    return sorted(kept_values._folder().glob("*.values"))


def test_pieces_are_of_about_the_same_length() -> None:
    for begin, end in ((0, 1), (0, 239), (0, 241), (7, 1000), (500, 1000)):
        borders = pieces(begin, end)
        assert borders[0][0] == begin
        assert borders[-1][1] == end
        assert all(before[1] == after[0] for before, after in pairwise(borders))
        lengths = [stop - start for start, stop in borders]
        assert max(lengths) - min(lengths) <= 1
