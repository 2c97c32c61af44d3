"""n-gram models at a few places of a text: the probability of the character there, for contexts of any length.

The models are those of `core.evaluation.ngram`. Only the training characters that follow one of the wanted contexts are
counted, and they become fewer with each longer context, so even contexts of hundreds of characters cost little.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Values = NDArray[np.float64]


def ngram_losses(train: Ids, ids: Ids, places: Ids, contexts: Sequence[int], vocabulary_size: int) -> Iterator[Values]:
    """Yield, for each context length k in `contexts`, the losses in nats of the model of order k + 1 at `places`, (N,).

    Args:
        train: ids of the training text, at least one.
        ids: ids of the evaluated text.
        places: positions in `ids`; each has at least as many characters before it as the longest context.
        contexts: lengths of the contexts, ascending.
        vocabulary_size: number of distinct characters, V; all ids are below it.
    """
    V = vocabulary_size
    targets = ids[places]
    probabilities = np.full(len(places), 1 / V)
    group = np.zeros(len(places), dtype=np.int64)  # number of the context of each place; equal contexts, equal numbers
    seen = np.arange(len(train))  # positions in the training text that follow a wanted context
    seen_group = np.zeros(len(train), dtype=np.int64)  # the context that each of them follows
    for length in range(max(contexts) + 1):
        groups = int(group.max(initial=0)) + 1
        pairs, counts = np.unique(seen_group * V + train[seen], return_counts=True)
        followed = np.bincount(seen_group, minlength=groups)  # count(h)
        distinct = np.bincount(pairs // V, minlength=groups)  # T(h)
        wanted = group * V + targets
        found = np.searchsorted(pairs, wanted)
        count = np.where(np.append(pairs, -1)[found] == wanted, np.append(counts, 0)[found], 0)  # count(h c)
        total = followed[group] + distinct[group]
        counted = count + distinct[group] * probabilities
        probabilities = np.divide(counted, total, out=probabilities.copy(), where=total > 0)
        if length in contexts:
            yield -np.log(probabilities)
        # The next context has one more character at its beginning.
        longer, group = np.unique(group * V + ids[places - length - 1], return_inverse=True)
        can_be_longer = seen > length
        seen, seen_group = seen[can_be_longer], seen_group[can_be_longer]
        keys = seen_group * V + train[seen - length - 1]
        number = np.searchsorted(longer, keys)
        is_wanted = np.append(longer, -1)[number] == keys
        seen, seen_group = seen[is_wanted], number[is_wanted]
