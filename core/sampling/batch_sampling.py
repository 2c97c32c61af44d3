"""Batch sampling: generates many texts at once, each from its own seed, with one matrix product a step for all of them.

The texts are identical to those of a `Sampler`. A matrix product of many rows differs from that of one row by a few
millionths, because of rounding. A draw that is closer than that to the boundary between two characters is therefore
doubtful. The texts with a doubtful draw, about one in twelve texts of 250 characters, are generated again up to that
draw, with products of one row.
"""

import time
from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.data.vocabulary import Vocabulary
from core.model.char_lstm import CharLSTM
from core.model.numpy_lstm import NumpyLSTM
from core.sampling.batch_draws import Flags, Ids, draw, draw_by_weight, is_close, rounding_of
from core.sampling.ending import Ending, Reason, TextEnds
from core.sampling.filtering import check_soundness
from core.sampling.prompt import fit
from core.sampling.sampler import Prefilled, read_prompt
from core.settings.config import SamplingConfig

AT_ONCE = 64
"""Number of texts in a batch."""
LONGEST = 2_000
"""Maximum length in characters of texts that are generated with products of many rows. Most longer ones would have to
be generated twice."""
REPORT_SECONDS = 0.1

Finished = tuple[str, Reason]
"""A text without the prompt, and why it ended."""
Event = int | list[Finished]
"""Number of characters generated so far; last, the texts."""


class Text(Struct, frozen=True):
    """A finished text, without the prompt."""

    seed: int
    text: str
    characters_per_second: float
    """Speed of the whole batch."""
    ended_by: Reason = "length"


class Writing(Struct, frozen=True):
    """Progress of the generation."""

    characters: int
    """Number of characters generated so far, of all texts; a text that has ended counts with its maximum length."""


def write_texts(
    model: CharLSTM,
    vocabulary: Vocabulary,
    config: SamplingConfig,
    prompt: str = "",
    *,
    length: int,
    count: int,
    ending: Ending | None = None,
) -> Iterator[Writing | Text]:
    """Generate `count` texts of at most `length` characters, with consecutive seeds from `config.seed` on.

    Each text ends by itself where `ending` says. Yields progress and the texts, in the order of their seeds.

    Raises:
        UserError: the logits are not finite, so no character can be drawn, or the model cannot generate such an end.
    """
    if ending is not None:
        ending.check(vocabulary)
    fitted = fit(prompt, vocabulary)
    prefilled = read_prompt(model, vocabulary, fitted)
    generated = 0
    for first in range(0, count, AT_ONCE):
        seeds = range(config.seed + first, config.seed + min(first + AT_ONCE, count))
        started = time.perf_counter()
        finished: list[Finished] = []
        for event in _batch(model, vocabulary, config, prefilled, fitted.read, length, seeds, ending):
            if isinstance(event, list):
                finished = event
            else:
                yield Writing(generated + event)
        speed = sum(len(text) for text, _ in finished) / (time.perf_counter() - started)
        generated += length * len(seeds)
        for seed, (text, reason) in zip(seeds, finished, strict=True):
            yield Text(seed=seed, text=text, characters_per_second=speed, ended_by=reason)


def _batch(
    model: CharLSTM,
    vocabulary: Vocabulary,
    config: SamplingConfig,
    prefilled: Prefilled,
    read: str,
    length: int,
    seeds: range,
    ending: Ending | None,
) -> Iterator[Event]:
    """Generate one text per seed, each after the prompt that was `read`.

    Yields the number of characters from time to time, and last the texts.
    """
    codes = np.array([ord(character) for character in vocabulary.characters], dtype="<u4")
    generators = [np.random.default_rng(seed) for seed in seeds]
    pieces: list[list[str]] = [[] for _ in seeds]
    is_exact = length > LONGEST or len(seeds) == 1
    rounding = rounding_of(model.config.hidden_size)
    by_weight = config.temperature > 0 and not config.top_k and config.top_p == 1
    ends = TextEnds(ending, read, vocabulary, len(seeds))
    going = np.arange(len(seeds))  # (n,): the texts that have not ended
    lstm = NumpyLSTM(model, prefilled.state, texts=len(seeds), row_by_row=is_exact)
    logits = lstm.step(np.full(len(seeds), prefilled.last))
    reported = time.perf_counter()
    for start in range(0, length, LONGEST):
        randoms = np.stack([generator.random(min(LONGEST, length - start)) for generator in generators], axis=1)
        ids: Ids = np.zeros(randoms.shape, dtype=np.int64)  # (T, N)
        doubts: Flags = np.zeros(randoms.shape, dtype=bool)
        bounds = np.zeros((4, *randoms.shape))  # (4, T, N)
        for place in range(len(randoms)):
            rows = going if len(going) < len(seeds) else slice(None)  # a slice is faster
            if by_weight:
                ids[place, rows], bounds[:, place, rows] = draw_by_weight(logits, randoms[place, rows], config)
            else:
                ids[place, rows], doubts[place, rows] = draw(logits, randoms[place, rows], config, rounding)
            if ends.add(going, ids[place, rows], start + place + 1):
                left = np.flatnonzero(ends.lengths[going] == 0)
                going = going[left]
                if not len(going):
                    break
                lstm.keep(left)
            logits = lstm.step(ids[place, going])
            if time.perf_counter() - reported > REPORT_SECONDS:
                reported = time.perf_counter()
                yield (start + place) * len(seeds)
        if is_exact:
            check_soundness(bool(np.isfinite(logits).all()))
        else:
            if by_weight:
                doubts = is_close(bounds, config, rounding)
            for _ in _settle(model, prefilled, randoms, config, ids, doubts, ends):
                yield min(start + LONGEST, length) * len(seeds)
        for text, row in zip(pieces, ids.T, strict=True):
            text.append(codes[row].tobytes().decode("utf-32-le", "surrogatepass"))
        if not len(going):
            break
    texts = ["".join(text) for text in pieces]
    yield [(text[: end or length], "stop" if end else "length") for text, end in zip(texts, ends.lengths, strict=True)]


def _settle(
    model: CharLSTM,
    prefilled: Prefilled,
    randoms: NDArray[np.float64],
    config: SamplingConfig,
    ids: Ids,
    doubts: Flags,
    ends: TextEnds,
) -> Iterator[None]:
    """Generate the texts with doubtful draws again, exactly, each up to its last doubtful draw: all but a few agree.

    Yields from time to time, so that the generation can be stopped.

    Args:
        model: the network.
        prefilled: its state after the prompt.
        randoms: a random number for each draw, (T, N).
        config: temperature, top-k and top-p.
        ids: drawn characters, (T, N), which are corrected.
        doubts: whether a draw is doubtful, (T, N).
        ends: the ends of the texts, which are corrected.

    Raises:
        UserError: the logits are not finite.
    """
    for text in np.flatnonzero(ends.lengths):
        doubts[ends.lengths[text] :, text] = False  # nothing was drawn there
    texts = np.flatnonzero(doubts.any(axis=0))
    if not len(texts):
        return
    until = len(doubts) - doubts[::-1, texts].argmax(axis=0)  # (N,): number of draws to repeat
    differs = np.zeros(len(texts), dtype=bool)  # (N,): whether it is another text from here on
    lstm = NumpyLSTM(model, prefilled.state, texts=len(texts), row_by_row=True)
    reported = time.perf_counter()
    lstm.read(np.full(len(texts), prefilled.last))
    for place in range(len(ids)):
        if (until <= place).any():
            rows = np.flatnonzero(until > place)
            if not len(rows):
                return
            lstm.keep(rows)
            texts, until, differs = texts[rows], until[rows], differs[rows]
        rows = np.flatnonzero(doubts[place, texts] | differs)  # the other draws are known
        if len(rows):
            logits = lstm.logits_of(rows)
            check_soundness(bool(np.isfinite(logits).all()))
            chosen, _ = draw(logits, randoms[place, texts[rows]], config)
            for row, character in zip(rows, chosen, strict=True):
                if character != ids[place, texts[row]] and not differs[row]:
                    differs[row], until[row] = True, len(ids)
                    ends.begin_again(int(texts[row]), np.append(ids[:place, texts[row]], character))
            ids[place, texts[rows]] = chosen
            others = texts[differs]
            if ends.add(others, ids[place, others], place + 1):
                until[ends.lengths[texts] == place + 1] = place + 1
        lstm.read(ids[place, texts])
        if time.perf_counter() - reported > REPORT_SECONDS:
            reported = time.perf_counter()
            yield
