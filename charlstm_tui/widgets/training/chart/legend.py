"""The words around the loss chart: a legend, milestones, and warnings about losses that do not compare."""

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
"""Maximum lengths of the other runs' names, tried in this order until the legend fits."""


def legend(
    lines: Sequence[Line], style_of: Callable[[str], str], preferences: Preferences, width: int, rows: int = 1
) -> Content:
    """Return the legend in at most `rows` rows of `width` cells: each line's glyph, colour and name, and the axes.

    If it does not fit, details are dropped in this order: the meaning of the marks, long names, the smoothing.
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
    """Return the words in rows of at most `width` cells, without breaking a word."""
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
    """Return two lists of sentences: why some curves do not compare with this run's, and this run's milestones."""
    warnings: list[str] = []
    if training.config is not None:
        kind: Kind = "validation" if training.config.training.validation > 0 else "train"
        runs = [("this run", training.config, kind), *((o.letter, o.run.config, o.kind) for o in others)]
        warnings = cautions(runs, preferences.x_axis)
    return warnings, milestones(training.epochs, training.baselines).sentences


def _names(lines: Sequence[Line], style_of: Callable[[str], str], length: int, marks: Sequence[str]) -> list[Content]:
    """Return each line's glyph and name, and its marks' meaning; other runs' names have at most `length` characters."""
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
    """Return the letters of the other runs, grouped by kind of loss, and the short names of the remaining lines."""
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
