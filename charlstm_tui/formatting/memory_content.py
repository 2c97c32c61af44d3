"""How far back networks remember, as lines of text: gradients by distance, losses by context, time constants."""

from collections.abc import Sequence
from itertools import pairwise

from charlstm_tui.formatting.bars import bar
from core.reports.memory import MemoryReport, ModelMemory, Spread, characters_shown
from core.text import count_of, in_one_line, shortened

SHOWN_DISTANCES = (0, 1, 2, 5, 10, 20, 50, 100, 200)
"""Distances in characters for which the gradient is given as a number."""
BORDERS = (1, 2, 5, 10, 20, 50, 100, 200)
"""Time constants in characters at which the bars of the histogram meet."""
NO_CONTEXT = "without context, a network has read a full stop only"
NAME = 12
"""Maximum length of a model's name in a table."""
LETTERS = "ABCD"
"""Letters that tell several models apart."""
_LABEL, _NUMBER = 10, 9


def title_of(report: MemoryReport) -> str:
    """Return which models are measured on which text."""
    names = [in_one_line(model.name) for model in report.models]
    if len(names) > 1:
        names = [f"{letter} {name}" for letter, name in zip(LETTERS, names, strict=False)]
    return f"{', '.join(names)} · {in_one_line(report.corpus)}, {report.part} part"


def names_of(report: MemoryReport, length: int = NAME) -> list[str]:
    """Return a short name for each model: of several with a letter, so that no two are the same."""
    if len(report.models) == 1:
        return [shortened(report.models[0].name, length)]
    return [f"{letter} {shortened(model.name, length)}" for letter, model in zip(LETTERS, report.models, strict=False)]


def states_of(report: MemoryReport) -> str:
    """Return the name of the state that the networks carry along."""
    states = {model.state for model in report.models}
    return states.pop() if len(states) == 1 else "cell or hidden state"


def notes_of(report: MemoryReport) -> list[str]:
    """Return what else a reader must know about the text: characters that were trained on, or that are skipped."""
    notes = []
    if report.part != "train" and report.learnt_characters:
        notes.append(f"{count_of(report.learnt_characters, 'character')} of this part were used for training")
    if report.skipped_characters:
        notes.append(f"{count_of(report.skipped_characters, 'character')} skipped: a model does not know them")
    return notes


def gradient_lines(report: MemoryReport) -> list[str]:
    """Return a table of the gradient's mean norm at some distances.

    For one model it is that with respect to each state and to the embedding, with the quartiles of the state that is
    carried along; for several models, that with respect to the state that each carries along.
    """
    first = report.models[0]
    if len(report.models) == 1:
        named = {"hidden state": first.hidden, "cell state": first.cell_state, "embedding": first.inputs}
        columns = {name: spreads for name, spreads in named.items() if spreads}
    else:
        columns = dict(zip(names_of(report), (model.carried for model in report.models), strict=True))
    rows = [
        (str(k), [number(spreads[k].mean) for spreads in columns.values()])
        for k in SHOWN_DISTANCES
        if k < len(first.hidden)
    ]
    if len(report.models) > 1:
        return _table("distance", list(columns), rows)
    quartiles = f"quartiles ({'cell' if first.cell_state else 'hidden'})"
    return _table("distance", [*columns, quartiles], [
        (name, [*values, _quartiles(first.carried[int(name)])]) for name, values in rows
    ])  # fmt: skip


def context_lines(report: MemoryReport) -> list[str]:
    """Return a table of the loss for each length of context, with n-grams of the same context."""
    names = [*names_of(report), *(["n-gram"] if report.ngrams else [])]
    columns = [model.contexts for model in report.models] + ([report.ngrams] if report.ngrams else [])
    return _table("context", names, [
        (str(rows[0].context), [f"{one.loss:.3f}" for one in rows]) for rows in zip(*columns, strict=True)
    ])  # fmt: skip


def histogram_lines(model: ModelMemory, width: int, *, drawn: bool = True) -> list[str]:
    """Return a line for each range of time constants, at most `width` wide: a bar if `drawn`, and a number of cells."""
    counts = [0] * (len(BORDERS) + 1)
    for one in model.time_constants:
        counts[sum(one.characters >= border for border in BORDERS)] += 1
    labels = [f"below {BORDERS[0]}", *(f"{low} to {high}" for low, high in pairwise(BORDERS)),
              f"from {BORDERS[-1]}"]  # fmt: skip
    longest = max([*counts, 1])
    room = max(width - _LABEL - 2 - len(f"{longest:,}") - 1, 1)
    return [
        f"{label:<{_LABEL}}  {f'{bar(count / longest, room)} ' if drawn else ''}{count:,}".rstrip()
        for label, count in zip(labels, counts, strict=True)
    ]


def cell_line(model: ModelMemory, rank: int) -> str:
    """Return a line on the cell with the `rank`-th longest time constant, from 0."""
    one = model.time_constants[rank]
    layer = f"layer {one.layer + 1}, " if len({each.layer for each in model.time_constants}) > 1 else ""
    return f"{layer}cell {one.cell}: {characters_shown(one.characters)} characters"


def as_text(report: MemoryReport, width: int, *, drawn: bool = True) -> str:
    """Return the whole report as text for a shell, with bars if `drawn`."""
    shown = [title_of(report), ""]
    what = "each state" if len(report.models) == 1 else f"the {states_of(report)}"
    shown.append(f"gradient of a loss with respect to {what} k characters before")
    shown.append(f"(mean of its norm over {count_of(report.places, 'place')})")
    shown += _indented(gradient_lines(report))
    shown += ["", f"loss with k characters of context ({count_of(report.characters, 'character')}), nats per character"]
    shown += [*_indented(context_lines(report)), f"  {NO_CONTEXT}"]
    for model in report.models:
        if model.time_constants:
            shown += ["", f"time constants of the forget gates in characters, {in_one_line(model.name)}"]
            shown += _indented(histogram_lines(model, min(width - 2, 60), drawn=drawn))
            longest = model.time_constants[:5]
            several = len({one.layer for one in model.time_constants}) > 1
            names = [f"{f'{one.layer + 1}/' if several else ''}{one.cell}" for one in longest]
            cells = [f"{name} ({characters_shown(one.characters)})" for name, one in zip(names, longest, strict=True)]
            shown += _indented([f"longest: cell {'(layer/cell) ' if several else ''}{', '.join(cells)}"])
    return "\n".join([*shown, "", *map(in_one_line, report.sentences)])


def number(value: float) -> str:
    """Return a norm with three digits; a small one in scientific notation."""
    if value == 0:
        return "0"
    return f"{value:.3f}" if value >= 0.0995 else f"{value:.4f}" if value >= 0.00995 else f"{value:.1e}"


def _quartiles(spread: Spread) -> str:
    return f"{number(spread.low)} to {number(spread.high)}"


def _table(label: str, names: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Return the lines of a table whose columns are aligned to the right."""
    widths = [
        max(_NUMBER, len(name) + 1, *(len(values[place]) + 2 for _, values in rows)) for place, name in enumerate(names)
    ]
    head = f"{label:<{len(label)}}" + "".join(f"{name:>{width}}" for name, width in zip(names, widths, strict=True))
    return [
        head,
        *(
            f"{name:>{len(label)}}" + "".join(f"{value:>{width}}" for value, width in zip(values, widths, strict=True))
            for name, values in rows
        ),
    ]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
