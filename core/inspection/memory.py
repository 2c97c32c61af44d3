"""How far back networks remember: gradients by distance, loss by length of context, time constants of forget gates.

All networks are measured on the same characters of one text, and computed by several worker threads.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from core.checkpoints.checkpoint import Checkpoint
from core.data.corpus import Corpus
from core.data.splits import Part
from core.data.text_slice import UNKNOWN, Passage
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.evaluation.evaluator import count_learnt, part_of
from core.evaluation.ngram import MAX_CHARACTERS
from core.evaluation.ngram_at import ngram_losses
from core.evaluation.worker_threads import advance
from core.inspection.gradient_reach import SPAN, TARGETS, Reach, follow_back
from core.model.char_lstm import CharLSTM, State
from core.reports.memory import ContextLoss, MemoryReport, ModelMemory, Spread, TimeConstant
from core.reports.results import Stage
from core.text import count_of

DISTANCE = 200
"""Largest distance in characters over which gradients are followed back."""
WARM_UP = 100
"""Number of characters that a network reads before the first one that a gradient reaches."""
WINDOWS = 40
"""Number of windows with `TARGETS` characters each whose loss is followed back: 200 characters."""
TOGETHER = 20
"""Number of windows that are computed together."""
CONTEXTS = {0: 1, 1: 1, 2: 1, 5: 1, 10: 1, 20: 2, 50: 5, 100: 10, 200: 20, 500: 20}
"""Lengths of context, and for each the number of consecutive characters that one reading scores.

The first of them has exactly this context, each further one a character more: at most a tenth more in all.
"""
BLOCK = 20
"""Number of consecutive characters at one place of the text whose loss is computed for each context."""
MIN_BLOCKS, MAX_BLOCKS = 20, 100
_PRODUCTS = 1.6e11  # number of multiplications for the losses by context: about two seconds on two cores
MIN_CHARACTERS = 200
"""Minimum number of characters of a text."""
MAX_READ = 5_000_000
"""Number of characters at the start of a part from which the measured ones are chosen."""
MAX_CONSTANT = 1e6
"""Largest time constant in characters that is told from a gate that is always open."""
_ROWS = 64  # texts that are read together
_CHUNK = 50  # characters that are read between two progress reports

Ids = NDArray[np.int64]
Values = NDArray[np.float64]


class Subject(NamedTuple):
    """A network to measure."""

    name: str
    checkpoint: Checkpoint


class _Places(NamedTuple):
    """Which characters are measured, the same for each network."""

    distance: int
    warm_up: int
    windows: Ids
    """First character of each window, (W,)."""
    contexts: list[int]
    blocks: Ids
    """First scored character of each block, (N,); it has the longest context before it."""

    @property
    def scored(self) -> Ids:
        """Position of each scored character, (N * BLOCK,)."""
        return (self.blocks[:, None] + np.arange(BLOCK)).reshape(-1)


def measure_memory(
    subjects: Sequence[Subject], corpus: Corpus, part: Part
) -> Generator[Stage | MemoryReport, None, None]:
    """Measure how far back networks remember. Yields stages and, last, the report. To cancel, stop iterating.

    n-grams are counted in the training part of the corpus, with the first network's share for validation.

    Args:
        subjects: the networks, at least one.
        corpus: the text to measure on.
        part: the part of it.

    Raises:
        UserError: the part has too few characters that all networks know.
    """
    first = subjects[0].checkpoint
    passage = part_of(first, corpus, part)
    passage = passage.cut(0, min(len(passage), MAX_READ))
    vocabularies = (set(subject.checkpoint.vocabulary.characters) for subject in subjects)
    known = Vocabulary(set.intersection(*vocabularies))
    ids = known_ids(passage, known)
    places = _choose_places(len(ids), max(subject.checkpoint.model.count_parameters() for subject in subjects))
    models: list[ModelMemory] = []
    for number, subject in enumerate(subjects):
        with closing(_measure(subject, ids, known, places)) as events:  # closed at once if the caller stops
            for event in events:
                if isinstance(event, ModelMemory):
                    models.append(event)
                else:
                    doing = f"measuring {subject.name}" if len(subjects) > 1 else "measuring"
                    yield Stage(doing=doing, done=(number + event) / len(subjects))
    yield Stage(doing="counting n-grams", done=1.0)
    train = corpus.part("train", first.training.validation)
    yield MemoryReport(
        corpus=corpus.config.title,
        part=part,
        places=len(places.windows) * TARGETS,
        characters=len(places.blocks) * BLOCK,
        models=tuple(models),
        ngrams=() if part == "whole" or len(train) > MAX_CHARACTERS else _ngrams(train, ids, known, places),
        skipped_characters=len(passage) - len(ids),
        learnt_characters=max(count_learnt(subject.checkpoint, corpus, passage) for subject in subjects),
    )


def _choose_places(characters: int, parameters: int) -> _Places:
    """Choose what is measured in a text, for networks of which the largest has so many parameters."""
    if characters < MIN_CHARACTERS:
        raise UserError(
            f"This part has {count_of(characters, 'character')} that every model knows. Measuring memory needs at "
            f"least {MIN_CHARACTERS}: choose another part, or another text."
        )
    room = characters - SPAN - 2
    distance = min(DISTANCE, room // 2)
    warm_up = min(WARM_UP, (room - distance) // 2)
    windows = np.unique(np.linspace(0, room - distance - warm_up, WINDOWS).astype(np.int64))
    contexts = [context for context in CONTEXTS if context <= characters // 2]
    longest = contexts[-1]
    work = parameters * sum(BLOCK // CONTEXTS[context] * (context + CONTEXTS[context]) for context in contexts)
    count = min(max(int(_PRODUCTS / work), MIN_BLOCKS), MAX_BLOCKS, (characters - longest) // BLOCK)
    blocks = np.linspace(longest, characters - BLOCK, count).astype(np.int64)
    return _Places(distance, warm_up, windows, contexts, blocks)


def _measure(
    subject: Subject, ids: Ids, known: Vocabulary, places: _Places
) -> Generator[float | ModelMemory, None, None]:
    """Measure one network. Yields progress, 0 to 1, and, last, the result."""
    model, vocabulary = subject.checkpoint.model, subject.checkpoint.vocabulary
    own = np.array([vocabulary.encode(character)[0] for character in known.characters])[ids]
    reaches: list[Reach] = []
    losses = {context: np.zeros(len(places.scored)) for context in places.contexts}
    tasks = [
        *_gradient_tasks(model, own, places, reaches),
        *_context_tasks(model, own, vocabulary.start_id, places, losses),
    ]
    total, done = sum(work for work, _ in tasks), 0.0
    with closing(advance([task for _, task in tasks])) as progress:
        for work in progress:
            done += work
            yield min(done / total, 1.0)
    norms = [torch.cat([each[number] for each in (reach.norms for reach in reaches)], dim=1) for number in range(3)]
    hidden, cell, inputs = (_spreads(each.double().numpy()) for each in norms)
    yield ModelMemory(
        name=subject.name,
        cell=model.config.cell,
        parameters=model.count_parameters(),
        hidden=hidden,
        cell_state=cell,
        inputs=inputs,
        contexts=tuple(_mean(context, losses[context]) for context in places.contexts),
        time_constants=_time_constants(reaches),
    )


Task = tuple[int, Iterator[float]]
"""Work, as a number of characters to read, and an iterator that does it and yields parts of that number."""


def _gradient_tasks(model: CharLSTM, ids: Ids, places: _Places, reaches: list[Reach]) -> Iterator[Task]:
    length = places.warm_up + places.distance + SPAN + 2

    def task(windows: Ids, work: int) -> Iterator[float]:
        before = 0.0
        columns = torch.from_numpy(ids[np.arange(length)[:, None] + windows])  # (T, B)
        for event in follow_back(model, columns, places.distance, places.warm_up):
            if isinstance(event, Reach):
                reaches.append(event)
            else:
                yield (event - before) * work
                before = event

    for windows in np.array_split(places.windows, -(-len(places.windows) // TOGETHER)):
        work = len(windows) * (length + TARGETS * places.distance)
        yield work, task(windows, work)


def _context_tasks(
    model: CharLSTM, ids: Ids, start_id: int, places: _Places, losses: dict[int, Values]
) -> Iterator[Task]:
    def task(context: int, begins: Ids) -> Iterator[float]:
        """Score groups of characters; `begins` are the indices of their first ones in `places.scored`.

        A network predicts nothing before it has read a character: without context, it reads `start_id`.
        """
        group = CONTEXTS[context]
        firsts = places.scored[begins]
        if context:
            inputs = ids[firsts + np.arange(-context, group - 1)[:, None]]  # (T, B)
        else:
            inputs = np.full((1, len(begins)), start_id)
        targets = torch.from_numpy(ids[firsts + np.arange(group)[:, None]])  # (G, B)
        state: State | None = None
        unscored = len(inputs) - group  # number of characters whose outputs are not needed
        for start in range(0, unscored, _CHUNK):
            piece = torch.from_numpy(inputs[start : min(start + _CHUNK, unscored)])
            with torch.inference_mode():
                state = model(piece, state)[1]
            yield piece.numel()
        with torch.inference_mode():
            logits, _ = model(torch.from_numpy(inputs[unscored:]), state)  # (G, B, V)
            found = -logits.double().log_softmax(dim=2).gather(2, targets[:, :, None])[:, :, 0]
        for number in range(group):
            losses[context][begins + number] = found[number].numpy()
        yield targets.numel()

    for context in places.contexts:
        group = CONTEXTS[context]
        begins = np.arange(0, len(places.scored), group)
        for some in np.array_split(begins, -(-len(begins) // _ROWS)):
            yield len(some) * (context + group), task(context, some)


def _ngrams(train: Passage, ids: Ids, known: Vocabulary, places: _Places) -> tuple[ContextLoss, ...]:
    counted = known_ids(train, known)
    if not len(counted):
        return ()
    found = ngram_losses(counted, ids, places.scored, places.contexts, len(known))
    return tuple(_mean(context, losses) for context, losses in zip(places.contexts, found, strict=True))


def known_ids(passage: Passage, vocabulary: Vocabulary) -> Ids:
    """Return the ids of the characters that the vocabulary has, without the others: (number of known characters,)."""
    ids: Ids = passage.ids(vocabulary).take(np.arange(len(passage)))
    known: Ids = ids[ids != UNKNOWN]
    return known


def _mean(context: int, losses: Values) -> ContextLoss:
    """Return the mean loss; characters of one block are not independent, so its error comes from the blocks' means."""
    blocks = losses.reshape(-1, BLOCK).mean(axis=1)
    error = float(blocks.std(ddof=1) / len(blocks) ** 0.5) if len(blocks) > 1 else 0.0
    return ContextLoss(context, float(losses.mean()), error)


def _spreads(norms: Values) -> tuple[Spread, ...]:
    """Return the mean and the quartiles for each distance; `norms` is (K + 1, N)."""
    if not len(norms):
        return ()
    quartiles = np.quantile(norms, (0.25, 0.5, 0.75), axis=1).T  # (K + 1, 3)
    return tuple(
        Spread(mean=float(each.mean()), low=float(low), median=float(middle), high=float(high))
        for each, (low, middle, high) in zip(norms, quartiles, strict=True)
    )


def _time_constants(reaches: Sequence[Reach]) -> tuple[TimeConstant, ...]:
    """Return -1 / mean(log f) of every cell, the longest first; a gate that never closes has `MAX_CONSTANT`."""
    weights = torch.tensor([reach.norms.hidden.shape[1] for reach in reaches], dtype=torch.float64)
    logs = torch.stack([reach.log_forget.double() for reach in reaches])  # (number of reaches, L, H)
    means = (logs * weights[:, None, None]).sum(dim=0) / weights.sum()
    constants = (-1 / means.clamp_max(-1 / MAX_CONSTANT)).numpy()
    found = [
        TimeConstant(layer, cell, float(constants[layer, cell]))
        for layer in range(constants.shape[0])
        for cell in range(constants.shape[1])
    ]
    return tuple(sorted(found, key=lambda one: -one.characters))
