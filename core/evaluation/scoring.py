"""Scoring a text: the loss and the most probable alternatives at each character, given all characters before it.

The state starts at zero and is carried along from beginning to end; `core.evaluation.segments` does this for several
segments at once, with the same result. The character before the first is `Vocabulary.start_id`, as when the model
generates text. Characters outside the model's vocabulary are skipped: they are neither scored nor fed to the model.
"""

from collections.abc import Generator, Iterator

import numpy as np
from numpy.typing import NDArray

from core.data.text_slice import UNKNOWN, Ids
from core.evaluation.scored_chunk import ScoredChunk
from core.evaluation.segments import MAX_SEGMENTS, SEGMENT, Losses, SegmentReader
from core.model.char_lstm import CharLSTM

CHUNK = 1_000
"""Length of a scored chunk, in characters."""
PIECE = MAX_SEGMENTS * SEGMENT
"""Number of characters that are read before they are yielded as chunks: 90 bytes of memory each."""


def score_text(model: CharLSTM, ids: Ids, start_id: int) -> Generator[ScoredChunk | float, None, None]:
    """Score a text. Yields progress, the share of the text that was read (0 to 1), and the chunks in order.

    To cancel, stop iterating.

    Args:
        model: the network.
        ids: the ids of the text; `UNKNOWN` for characters outside the model's vocabulary.
        start_id: the id that the model reads before the first character.
    """
    reader = SegmentReader(model, start_id)
    for begin in range(0, len(ids), PIECE):
        piece = ids.take(np.arange(begin, min(begin + PIECE, len(ids))))
        known = piece[piece != UNKNOWN]
        losses = Losses.empty(0, model.vocabulary_size)
        if len(known):
            reading = reader.read(known)
            try:
                while True:
                    yield (begin + next(reading) * len(piece)) / len(ids)
            except StopIteration as end:
                losses = end.value
        yield from _chunks(begin, piece, losses)


def _chunks(begin: int, ids: NDArray[np.int64], losses: Losses) -> Iterator[ScoredChunk]:
    """Cut a piece of text, which begins at `begin`, and the losses of its known characters into chunks."""
    known_before = np.concatenate([[0], np.cumsum(ids != UNKNOWN)])
    for start in range(0, len(ids), CHUNK):
        end = min(start + CHUNK, len(ids))
        known = losses.cut(slice(known_before[start], known_before[end]))
        yield ScoredChunk(begin + start, ids[start:end], known.taken, known.expected, known.expected_losses)
