"""A text that a model and a person write together, and from which the last character can be taken back.

Each character, whoever it is from, is read by the network. When it is taken back, the network's state is again what it
was before, to the last bit: the state is kept, or computed again from an earlier one by the same operations.

Memory is bounded, whatever the length of the text: at most `MAX_STATES` states are kept, and at most `MAX_BYTES` of
them. Half of them are those after the last characters that were typed or read again. The others are spread evenly over
the text, one each `INTERVAL` characters; each time there are too many, the interval is doubled. A state that is not
kept is computed from the last one before it that is, with one step per character: for the bundled model and a text of
8,000 characters, at most 64 steps of about a millisecond.
"""

from array import array
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from core.data.vocabulary import Vocabulary
from core.sampling.prompt import Prompt, fit
from core.sampling.sampler import Alternative, Drawn, Sampler, SamplerState
from core.settings.config import SamplingConfig

MAX_STATES = 256
MIN_STATES = 8
MAX_BYTES = 64_000_000
INTERVAL = 64
"""Number of characters between two states that are kept of an earlier part of the text, at first."""
REPORT_STEPS = 32
"""Number of steps between two reports of progress."""
AS_LEARNT = SamplingConfig(temperature=1.0)
"""The model's own probabilities."""


class Author(IntEnum):
    """Who a character is from."""

    PROMPT = 0
    MODEL = 1
    PERSON = 2


class Mean(NamedTuple):
    """Mean surprisal of an author's characters."""

    characters: int
    surprise: float | None
    """In nats per character; None if there are no characters."""


class SharedText:
    """A text after a prompt. `sampler` has read the prompt; it belongs to this text from now on.

    The prompt was read by PyTorch in one go. States inside the prompt are those of a network that reads it one
    character at a time; they differ from PyTorch's by rounding.
    """

    def __init__(self, sampler: Sampler, vocabulary: Vocabulary) -> None:
        self.sampler = sampler
        self.vocabulary = vocabulary
        self._ids = array("i", vocabulary.encode(sampler.prompt.read).tolist())
        self._authors = bytearray(len(self._ids))
        self._surprisals = array("d", bytes(8 * len(self._ids)))  # 0 in the prompt, which nobody predicted
        self._follows_start = not self._ids  # whether the network has read `Vocabulary.start_id` before the text
        first = sampler.state
        self._states = _States(min(max(MAX_BYTES // first.size_in_bytes, MIN_STATES), MAX_STATES))
        self._after_prompt: tuple[int, SamplerState] | None = (len(self._ids), first)
        self._is_settled = True

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def text(self) -> str:
        """The whole text, with the prompt as the model has read it."""
        return self.vocabulary.decode(self._ids)

    def tail(self, length: int) -> str:
        """Return the last characters of the text."""
        return self.vocabulary.decode(self._ids[max(len(self._ids) - length, 0) :])

    @property
    def is_settled(self) -> bool:
        """Whether the network's state is that after the last character; if not, `settle` computes it."""
        return self._is_settled

    @property
    def prompt_length(self) -> int:
        """Number of characters that are left of the prompt, as the model has read it."""
        return self._authors.count(Author.PROMPT)

    def draw(self) -> Drawn:
        """Have the model continue by one character."""
        self._settle_now()
        drawn = next(self.sampler)
        self._append(drawn.id, Author.MODEL, drawn.surprise)
        if self._states.wants(len(self._ids)):  # keeping each would make generating a tenth slower
            self._states.put(len(self._ids), self.sampler.state)
        return drawn

    def fit(self, typed: str) -> Prompt:
        """Return what of a typed text the model knows, with its replacements, as for a prompt."""
        return fit(typed, self.vocabulary)

    def add(self, character: str) -> float:
        """Add a character of the person, which the model must know; return its surprisal in nats.

        Raises:
            KeyError: the model does not know the character.
            UserError: the model's logits are not finite.
        """
        self._settle_now()
        place = self.vocabulary.get(character, -1)
        if place < 0:
            raise KeyError(character)
        surprise = self.sampler.surprise_of(place)
        self.sampler.feed(place)
        self._append(place, Author.PERSON, surprise)
        self._states.put(len(self._ids), self.sampler.state)
        return surprise

    def take_back(self) -> str:
        """Remove the last character and return it; "" at the beginning of the prompt."""
        if not self._ids:
            return ""
        removed = self.vocabulary.characters[self._ids.pop()]
        self._authors.pop()
        self._surprisals.pop()
        length = len(self._ids)
        self._states.drop_after(length)
        if self._after_prompt is not None and self._after_prompt[0] > length:
            self._after_prompt = None
        self._follows_start |= not length
        kept = self._nearest()
        self._is_settled = kept is not None and kept[0] == length
        if kept is not None and self._is_settled:
            self.sampler.restore(kept[1])
        return removed

    def settle(self) -> Iterator[float]:
        """Compute the network's state after the last character, if it is not known. Yields progress, 0 to 1.

        It may be interrupted; the next call continues.
        """
        if self._is_settled:
            return
        place, state = self._nearest() or (0, None)
        self.sampler.restore(state)
        if state is None and self._follows_start:
            self.sampler.feed(self.vocabulary.start_id)
            self._states.put(0, self.sampler.state)
        first, length = place, len(self._ids)
        for place in range(first, length):
            self.sampler.feed(self._ids[place])
            self._states.put(place + 1, self.sampler.state)
            if (place - first) % REPORT_STEPS == REPORT_STEPS - 1:
                yield (place + 1 - first) / (length - first)
        self._is_settled = True

    def alternatives(self, count: int) -> list[Alternative]:
        """Return the `count` most likely next characters with the model's own probabilities, before temperature."""
        self._settle_now()
        return self.sampler.alternatives(count, AS_LEARNT)

    def mean_of(self, author: Author) -> Mean:
        """Return the mean surprisal of the characters of the model or of the person."""
        theirs = np.frombuffer(self._authors, dtype=np.uint8) == author
        surprisals = np.array(self._surprisals)[theirs]
        return Mean(len(surprisals), float(surprisals.mean()) if len(surprisals) else None)

    def _append(self, place: int, author: Author, surprise: float) -> None:
        self._ids.append(place)
        self._authors.append(author)
        self._surprisals.append(surprise)

    def _settle_now(self) -> None:
        for _ in self.settle():
            pass

    def _nearest(self) -> tuple[int, SamplerState] | None:
        """Return the last kept state, and the number of characters that it has read."""
        found = [kept for kept in (self._states.last(), self._after_prompt) if kept is not None]
        return max(found, key=lambda kept: kept[0], default=None)


class _States:
    """The states that are kept, by the number of characters that the network had read."""

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._latest: dict[int, SamplerState] = {}
        self._spread: dict[int, SamplerState] = {}
        self._interval = INTERVAL

    def wants(self, place: int) -> bool:
        """Return whether the state after so many characters is one of those spread over the text."""
        return place % self._interval == 0

    def put(self, place: int, state: SamplerState) -> None:
        """Keep a state. Places are put in ascending order, except after `drop_after`."""
        self._latest[place] = state
        if len(self._latest) > self._half:
            del self._latest[next(iter(self._latest))]
        if not self.wants(place):
            return
        self._spread[place] = state
        if len(self._spread) > self._half:
            self._interval *= 2
            self._spread = {place: state for place, state in self._spread.items() if place % self._interval == 0}

    def drop_after(self, place: int) -> None:
        """Forget the states after more than `place` characters."""
        for states in (self._latest, self._spread):
            while states and next(reversed(states)) > place:
                states.popitem()

    def last(self) -> tuple[int, SamplerState] | None:
        """Return the state after most characters, and their number."""
        lasts = [next(reversed(states.items())) for states in (self._latest, self._spread) if states]
        return max(lasts, key=lambda kept: kept[0], default=None)
