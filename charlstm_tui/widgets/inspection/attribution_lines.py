"""What mattered for the next character, in words and numbers: a list, or three lines for small windows."""

from itertools import accumulate
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from charlstm_tui.formatting.bars import bar
from charlstm_tui.formatting.characters import fitting, shown
from charlstm_tui.formatting.outside_text import plain
from charlstm_tui.jobs.attribution import Asked, Mattered, explained_at
from charlstm_tui.widgets.inspection.cell_equations import number

if TYPE_CHECKING:
    from charlstm_tui.jobs.attribution import Method

LIST_COLUMNS = 36
"""Columns of the list."""
LISTED = 10
"""Maximum number of characters that are listed."""
LEAST = 0.02
"""Least share of the largest value that is listed."""
BAR = 10
"""Width of the bars in the list, in columns."""
METHODS: dict["Method", str] = {"gradient": "gradient × input", "without": "exactly, without each character"}
"""Names of the two methods, in the order in which the key shows them."""
SHORT_NAMES: dict["Method", str] = {"gradient": "gradient × input", "without": "exactly"}
"""The same for narrow windows."""
_NONE = "no character changed it"


def in_a_list(asked: Asked, found: Mattered | None, state: str) -> list[Content]:
    """Return the lines for a panel of `LIST_COLUMNS` columns, always as many; `state` is shown without a result."""
    lines = [_reading(asked), _explained(asked), Content(""), _muted(METHODS[asked.method]), Content("")]
    if found is None:
        lines += _wrapped(state, LIST_COLUMNS)
    else:
        entries = [_entry(asked, *one) for one in strongest(found)] or [_muted(_NONE)]
        lines += entries + [Content("")] * (LISTED + 1 - len(entries)) + [_muted(line) for line in _sentence(found)]
    return lines + [Content("")] * (5 + LISTED + 1 + 4 - len(lines))


def in_three_lines(asked: Asked, found: Mattered | None, state: str, columns: int) -> list[Content]:
    """Return three lines of so many columns for a panel below the text; `state` is shown without a result."""
    parts = [_reading(asked), _explained(asked)]
    if sum(part.cell_length + 3 for part in parts) + cell_len(SHORT_NAMES[asked.method]) > columns:
        parts = [_explained(asked)]
    room = columns - sum(part.cell_length + 3 for part in parts)
    parts.append(_muted(fitting(room, METHODS[asked.method], SHORT_NAMES[asked.method])))
    first = Content("   ").join(parts)
    if found is None:
        return [first, *[*_wrapped(state, columns), Content("")][:2]]
    text = asked.activations.text
    entries = [Content.assemble((shown(text[place]), "bold"), f" {value}") for place, _, value in strongest(found)]
    ends = accumulate(entry.cell_length + 2 for entry in entries)
    entries = [entry for entry, end in zip(entries, ends, strict=True) if end - 2 <= columns]
    return [first, Content("  ").join(entries or [_muted(_NONE)]), _muted(fitting(columns, *_sums(found)))]


def strongest(found: Mattered) -> list[tuple[int, float, str]]:
    """Return the characters with the largest values: index, share of the largest (-1 to 1), and value as shown."""
    values = found.attribution.strongest(LISTED)
    largest = abs(values[0][1]) or 1
    decimals = 2 if largest >= 0.5 else 3 if largest >= 0.05 else 4
    shares = [(index, value / largest, signed(value, decimals)) for index, value in values]
    return [one for one in shares if abs(one[1]) >= LEAST]


def signed(value: float, decimals: int = 2) -> str:
    """Return a value with its sign."""
    return f"{value:+.{decimals}f}".replace("-", "−")


def _reading(asked: Asked) -> Content:
    place, activations = asked.place, asked.activations
    count = f" · {place + 1:,} of {activations.read:,}"
    return Content.assemble(("after ", "$text-muted"), (shown(activations.text[place]), "bold"), (count, "$text-muted"))


def _explained(asked: Asked) -> Content:
    explained = explained_at(asked.activations, asked.place)
    how = "came next" if explained.came_next else "most probable next"
    figures = f" · {100 * explained.probability:.1f} %, {how}"
    return Content.assemble((shown(explained.character), "bold"), (figures, "$text-muted"))


def _entry(asked: Asked, place: int, share: float, value: str) -> Content:
    name = shown(asked.activations.text[place])
    distance = f"{asked.place - place:>4} before  " if place < asked.place else "  cursor     "
    return Content.assemble(
        (name + " " * (2 - cell_len(name)), "bold"), (distance, "$text-muted"), f"{value:>7} ",
        (bar(abs(share), BAR), "$accent" if share > 0 else "$success"),
    )  # fmt: skip


def _sums(found: Mattered) -> tuple[str, str]:
    """Return the sum of the values and what it is compared with, in one line: a long form and a short one."""
    total, change = _total(found), _change(found)
    if found.asked.method == "gradient":
        return (
            f"sum {total} nats, a slope; with all at zero, log p is {change}",
            f"sum {total}; all at zero: log p {change}",
        )
    return (
        f"sum {total} nats; with all replaced at once, log p is {change}",
        f"sum {total}; all replaced: log p {change}",
    )


def _sentence(found: Mattered) -> list[str]:
    """Return the same in lines of `LIST_COLUMNS` columns."""
    total, change = _total(found), _change(found)
    if found.asked.method == "gradient":
        slope = [f"the sum, {total} nats, is the slope", "of log p as all are scaled together."]
        return [*slope, "With all of them at zero, log p is", f"{change}."]
    return [f"the sum is {total} nats. With all", "of them replaced at once, log p is", f"{change}."]


def _total(found: Mattered) -> str:
    total = found.attribution.total
    return signed(total, 2 if abs(total) >= 0.05 else 4)


def _change(found: Mattered) -> str:
    at_once = found.attribution.all_at_once
    return f"{number(abs(at_once))} nats {'lower' if at_once >= 0 else 'higher'}"


def _wrapped(text: str, columns: int) -> list[Content]:
    return [plain(line, "$text-muted") for line in wrap(text, columns)]


def _muted(text: str) -> Content:
    return Content.styled(text, "$text-muted")
