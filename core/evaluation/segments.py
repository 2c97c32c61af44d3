"""Reading a long text in several segments side by side, with the losses of reading it from beginning to end.

    text              |   segment 1   |   segment 2   |   segment 3   |   segment 4   |
    first reading     |0------------->|0------------->|0------------->|0------------->|    0: a state of zeros
    second reading    |               |====>          |==>            |=======>       |    from the state at the end of
                                                                                           the segment before

A network that reads one text spends most of the time fetching its weights from memory, once for each character. Several
segments side by side share that. What a network remembers fades: after some hundreds or thousands of characters its
state no longer depends on the one it started from. So each segment is read a second time from its beginning, now with
the right state, until the state is the same as in the first reading, which was right from there on. If the states of a
network do not come together, its texts are read from beginning to end.
"""

from collections.abc import Generator, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.cores import available_cores
from core.evaluation.worker_threads import advance
from core.model.char_lstm import CharLSTM, State

SEGMENT = 10_000
"""Minimum length of a segment, in characters."""
MAX_SEGMENTS = 32
GROUP = 8
"""Maximum number of segments that are read side by side in one thread."""
WINDOW = 250
"""Number of characters of each segment that are read at a time."""
MAX_LOGITS = 500_000
"""Maximum number of logits computed at a time: with a large vocabulary, windows are shorter."""
SAME = 2e-5
"""Maximum difference between the values of two states that are the same, relative to 1 plus the value. The losses after
them differ by less than 0.00001 nats, and from then on by less and less."""
FIRST_READING = 0.8
"""Share of the time that the first reading takes, about."""
MAX_ALTERNATIVES = 5
"""Number of most probable characters that are reported at each position."""

Columns = NDArray[np.int64]


class Losses(NamedTuple):
    """The losses of K characters, and the A most probable characters at each."""

    taken: NDArray[np.float64]
    """Losses of the characters, in nats: shape (K,)."""
    expected: NDArray[np.int64]
    """Ids of the most probable characters, most probable first: shape (K, A)."""
    expected_losses: NDArray[np.float64]
    """Losses that these characters would have had, in nats: shape (K, A)."""

    @classmethod
    def empty(cls, characters: int, vocabulary_size: int) -> "Losses":
        """Return arrays to be filled."""
        shape = (characters, min(MAX_ALTERNATIVES, vocabulary_size))
        return cls(np.empty(characters), np.empty(shape, dtype=np.int64), np.empty(shape))

    def cut(self, characters: slice) -> "Losses":
        """Return the losses of some of the characters: views of the same arrays."""
        return Losses(self.taken[characters], self.expected[characters], self.expected_losses[characters])


class SegmentReader:
    """Reads a text piece by piece, and carries the state from each piece to the next."""

    def __init__(self, model: CharLSTM, start_id: int) -> None:
        """Start with a state of zeros; `start_id` is read before the first character."""
        self._model = model
        self._before = start_id  # the last character of the piece before
        self._state = zeros_for(model, 1)
        self._forgets = True  # whether the states of the two readings have always come together

    def read(self, ids: NDArray[np.int64]) -> Generator[float, None, Losses]:
        """Read the next K characters, (K,), and return their losses.

        Yields the share of the work that is done, 0 to 1. To cancel, stop iterating; the reader cannot be used then.
        """
        losses = Losses.empty(len(ids), self._model.vocabulary_size)
        inputs = np.concatenate([[self._before], ids[:-1]])
        done, right = 0.0, 0  # share of the work, and number of characters whose losses are right
        if self._forgets and (count := min(len(ids) // SEGMENT, MAX_SEGMENTS)) > 1:
            segments = _LossSegments(self._model, inputs, ids, losses, count)
            for done in segments.read_twice(self._state):
                yield done
            self._state, self._forgets = segments.state, segments.are_all_right
            right = segments.right
        if right < len(ids):
            rest = losses.cut(slice(right, None))
            segments = _LossSegments(self._model, inputs[right:], ids[right:], rest, 1)
            for share in segments.read_once(self._state):
                yield max(done, (right + share * len(rest.taken)) / len(ids))
            self._state = segments.state
        self._before = int(ids[-1])
        return losses


class Segments:
    """Consecutive segments of the same length; the remaining characters, fewer than the segments, are not read.

    A subclass computes the windows, and stores what it is there for.
    """

    def __init__(self, model: CharLSTM, inputs: NDArray[np.int64], count: int, window: int) -> None:
        """Prepare to read `inputs`, (K,), in `count` segments, and `window` characters of each at a time."""
        self._model, self._inputs, self._count = model, inputs, count
        self._length = len(inputs) // count
        self._offsets = range(0, self._length, window)  # places in the segments at which a window begins
        self._window = window
        self._after: list[State] = [zeros_for(model, count) for _ in self._offsets]  # states after each window
        self._differing: set[int] = set()  # segments whose two readings had different states until the end
        self.right = 0
        """Number of characters whose losses are right."""
        self.state = zeros_for(model, 1)
        """State after these characters."""

    @property
    def are_all_right(self) -> bool:
        """Whether the states of the two readings came together in each segment."""
        return not self._differing

    def read_once(self, state: State) -> Iterator[float]:
        """Read the only segment, from this state. Yields the share that is done."""
        read = 0
        for characters in advance([self._read(np.zeros(1, np.int64), state)]):
            read += characters
            yield read / self._length
        self.right, self.state = self._length, self._end_of(0)

    def read_twice(self, state: State) -> Iterator[float]:
        """Read all segments, the first from this state. Yields the share of the work that is done."""
        groups = np.array_split(
            np.arange(self._count), max(-(-self._count // GROUP), min(available_cores(), self._count // 2))
        )
        zeros = zeros_for(self._model, self._count)
        zeros.hidden[:, :1], zeros.cell[:, :1] = state
        read = 0
        for characters in advance([self._read(group, _columns(zeros, group)) for group in groups]):
            read += characters
            yield FIRST_READING * (read / (self._count * self._length))
        ends = self._after[-1]
        ends = State(ends.hidden.clone(), ends.cell.clone())
        groups[0] = groups[0][1:]  # the first segment was right
        again = [self._read_again(group, _columns(ends, group - 1)) for group in groups if len(group)]
        same = 0
        for segments in advance(again):
            same += segments
            yield 1 - (1 - FIRST_READING) * (1 - same / (self._count - 1))
        # A segment was read with the right state if those before it were right at their ends in the first reading.
        last = min(self._differing, default=self._count - 1)
        self.right, self.state = (last + 1) * self._length, self._end_of(last)

    def _read(self, columns: Columns, state: State) -> Iterator[int]:
        """Read these segments from beginning to end, side by side. Yields the number of characters of each window."""
        for number in range(len(self._offsets)):
            state, characters = self._read_window(columns, number, state)
            _replace(self._after[number], columns, state)
            yield characters

    def _read_again(self, columns: Columns, state: State) -> Iterator[int]:
        """Read these segments again, each until its state is the same as before. Yields for how many it now is."""
        for number in range(len(self._offsets)):
            state, _ = self._read_window(columns, number, state)
            differs = ~_same(state, _columns(self._after[number], columns))
            _replace(self._after[number], columns, state)
            columns, state = columns[differs], _columns(state, np.flatnonzero(differs))
            yield int((~differs).sum())
            if not len(columns):
                return
        self._differing.update(columns.tolist())

    def _read_window(self, columns: Columns, number: int, state: State) -> tuple[State, int]:
        """Read a window of these segments and store the losses; return the state after it and its characters."""
        within = np.arange(self._offsets[number], min(self._offsets[number] + self._window, self._length))
        places = within[:, None] + columns * self._length  # (T, B)
        device = self._model.output.weight.device
        with torch.inference_mode():
            state = self._compute(places, torch.from_numpy(self._inputs[places]).to(device), state)
        return state, places.size

    def _compute(self, places: NDArray[np.int64], ids: Tensor, state: State) -> State:
        """Read a window, `ids`, (T, B), from this state, and return the state after it.

        What is stored belongs to the characters at `places`, (T, B).
        """
        raise NotImplementedError

    def _end_of(self, column: int) -> State:
        return _columns(self._after[-1], np.array([column]))


class _LossSegments(Segments):
    """Segments whose losses are stored."""

    def __init__(
        self, model: CharLSTM, inputs: NDArray[np.int64], targets: NDArray[np.int64], losses: Losses, count: int
    ) -> None:
        """Prepare to read `inputs`, (K,), in `count` segments; `targets` are the characters after each."""
        window = max(1, min(WINDOW if count > 1 else WINDOW * GROUP, MAX_LOGITS // (GROUP * model.vocabulary_size)))
        super().__init__(model, inputs, count, window)
        self._targets, self._losses = targets, losses

    def _compute(self, places: NDArray[np.int64], ids: Tensor, state: State) -> State:
        logits, state = self._model(ids, state)  # -> (T, B, V)
        losses = -logits.double().log_softmax(dim=2)
        expected_losses, expected = losses.topk(self._losses.expected.shape[1], dim=2, largest=False)
        taken = losses.gather(2, torch.from_numpy(self._targets[places]).to(losses.device)[:, :, None])[:, :, 0]
        for stored, computed in zip(self._losses, (taken, expected, expected_losses), strict=True):
            stored[places] = computed.cpu().numpy()
        return state


def zeros_for(model: CharLSTM, columns: int) -> State:
    """Return the state before the first character, zeros, for several segments."""
    layers, size = model.config.num_layers, model.config.hidden_size
    shape = (layers, columns, size)
    device = model.output.weight.device
    has_cell = model.config.cell == "lstm"
    return State(torch.zeros(shape, device=device), torch.zeros(shape if has_cell else (0, *shape[1:]), device=device))


def _columns(state: State, columns: Columns) -> State:
    """Return the state of some of the segments."""
    chosen = torch.from_numpy(columns).to(state.hidden.device)
    return State(state.hidden[:, chosen], state.cell[:, chosen])


def _replace(stored: State, columns: Columns, state: State) -> None:
    """Store the state of some of the segments."""
    with torch.inference_mode():
        chosen = torch.from_numpy(columns).to(state.hidden.device)
        stored.hidden[:, chosen], stored.cell[:, chosen] = state


def _same(state: State, before: State) -> NDArray[np.bool_]:
    """Return for each of B segments whether two states are the same: shape (B,)."""
    same = torch.ones(state.hidden.shape[1], dtype=torch.bool, device=state.hidden.device)
    for values, others in zip(state, before, strict=True):
        same &= ((values - others).abs() <= SAME * (1 + others.abs())).all(dim=2).all(dim=0)
    result: NDArray[np.bool_] = same.cpu().numpy()
    return result
