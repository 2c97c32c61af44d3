"""The legend of a loss chart, and the note about curves that cannot be compared."""

from collections.abc import Callable, Sequence

from textual.content import Content

from charlstm_tui.state.compared_runs import ComparedRun, Kind, cautions
from charlstm_tui.state.milestones import milestones
from charlstm_tui.state.preferences import Preferences
from charlstm_tui.state.training import TrainingView
from charlstm_tui.widgets.training.chart.lines import BEAT, BEST, Line
from charlstm_tui.widgets.training.chart.view import DASH, MARKER, STROKE
from core.text import shortened

_NAME_LENGTHS = (24, 16, 10, 6, 4)
"""Of other runs' names: the longest for which there is room."""


def legend(
    lines: Sequence[Line], style_of: Callable[[str], str], preferences: Preferences, width: int, rows: int = 1
) -> Content:
    """Return the legend: the glyph, colour and name of each line, in rows of this width.

    Without room, the meaning of the marks is omitted first, then the smoothing.
    """
    shown = [*(["recent"] if preferences.range == "recent" else []), *(["log"] if preferences.scale == "log" else [])]
    smooth = any(line.smooth for line in lines)
    smoothing, mean = ([f"{word} {preferences.smoothing}"] if smooth else [] for word in ("smoothing", "mean"))
    head = Content(f"loss by {preferences.x_axis}")
    full, short, less = (
        Content.styled(", ".join(words), "dim") for words in ([*shown, *smoothing], [*shown, *mean], shown)
    )
    lengths = _NAME_LENGTHS if any(line.letter for line in lines) else _NAME_LENGTHS[:1]
    tries = [(3, _names(lines, style_of, lengths[0], (BEAT, BEST)), full)]
    for length in lengths:
        named = _names(lines, style_of, length, (BEST,))
        bare = _names(lines, style_of, length, ())
        tries += [(3, named, full), (2, named, full), (2, bare, full)]
    shortest = _shortest_names(lines, style_of)
    tries += [(2, shortest, full), (2, shortest, short), (2, shortest, less), (2, shortest, Content(""))]
    for gap, names, how in tries:
        packed = _packed([head, *names, *([how] if how else [])], gap, width)
        if len(packed) <= rows:
            break
    return Content("\n").join(packed[:rows])


def _packed(words: Sequence[Content], gap: int, width: int) -> list[Content]:
    """Return the words in rows, none of which is broken."""
    rows = [words[0]]
    for word in words[1:]:
        longer = Content(" " * gap).join([rows[-1], word])
        if longer.cell_length <= width:
            rows[-1] = longer
        else:
            rows.append(word)
    return rows


def note(
    training: TrainingView, others: Sequence[ComparedRun], preferences: Preferences
) -> tuple[list[str], list[str]]:
    """Return why curves do not compare with that of the run on screen, and what this one reached, in sentences."""
    warnings: list[str] = []
    if training.config is not None:
        kind: Kind = "validation" if training.config.training.validation > 0 else "train"
        runs = [("this run", training.config, kind), *((o.letter, o.run.config, o.kind) for o in others)]
        warnings = cautions(runs, preferences.x_axis)
    return warnings, milestones(training.epochs, training.baselines).sentences


def _names(lines: Sequence[Line], style_of: Callable[[str], str], length: int, marks: Sequence[str]) -> list[Content]:
    """Return what each line is, and what marks on it mean; of other runs' names at most so many characters."""
    words = []
    for line in lines:
        name = shortened(line.name, length) if line.letter else line.name
        words.append(
            Content.assemble((_glyph(line), style_of(line.role)), f" {name}, {line.kind}" if line.kind else f" {name}")
        )
        for mark in [mark for mark, _ in line.marks if mark in marks]:
            meaning = "best" if mark == BEST else "below n-grams"
            words.append(Content.assemble((mark, style_of(line.role)), f" {meaning}"))
    return words


def _shortest_names(lines: Sequence[Line], style_of: Callable[[str], str]) -> list[Content]:
    """Return which of their losses other runs are drawn by, and what the other lines are."""
    words = []
    for kind in ("validation", "train"):
        letters = [(line.letter, style_of(line.role)) for line in lines if line.letter and line.kind == kind]
        if letters:
            words.append(Content(" ").join([*(Content.styled(*letter) for letter in letters), Content(kind)]))
    return words + [
        Content.assemble((_glyph(line), style_of(line.role)), f" {line.short or line.name}")
        for line in lines
        if not line.letter
    ]


def _glyph(line: Line) -> str:
    return line.letter or (DASH if line.level else MARKER if line.marked else STROKE)
