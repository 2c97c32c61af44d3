"""The effect of silenced cells as lines of text: the loss without and with them, by group, and the worst characters."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from textual.content import Content

from charlstm_tui.formatting.bars import bar
from charlstm_tui.formatting.characters import fitting, in_a_line, shown
from core.reports.silencing import CellId, CharacterCost, GroupCost, SilencingEffect
from core.text import count_of

NAME, NUMBER = 16, 7
"""Columns of the name of a group, and of a number."""
MAX_BAR = 30
GAIN = "░"
"""What the bar of a group is drawn with whose loss becomes lower: a full bar is a loss that becomes higher."""
_QUIET = "$text-muted"


def signed(value: float, decimals: int) -> str:
    """Return a difference with its sign, and a minus as wide as a plus; without a sign if it is rounded to 0."""
    written = f"{value:+.{decimals}f}"
    return written.replace("-", "\N{MINUS SIGN}") if float(written) else written[1:]


def named(cells: Sequence[CellId], *, layers: int, most: int = 4) -> str:
    """Return the names of cells: `cell 817`, `cells 3, 817 and 12 more`; with the layer if there are several."""
    if not cells:
        return "no cell"
    names = [f"{one.cell} of layer {one.layer + 1}" if layers > 1 else f"{one.cell}" for one in cells]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"cell{'s' if len(names) > 1 else ''} {', '.join(names[:most])}{more}"


def effect_content(effect: SilencingEffect, text: str, width: int) -> Content:
    """Return the effect on a text in at most `width` columns."""
    lines = [*_headline(effect, width), Content("")]
    lines += _groups("by kind", effect.kinds, width)
    lines += [Content(""), *_groups("from newline", effect.distances, width)]
    if effect.worst:
        title = fitting(width, "characters that lose most, in nats", "lose most, in nats")
        lines += [Content(""), Content.styled(title, _QUIET)]
        lines += [_character(one, text, width) for one in effect.worst]
    return Content("\n").join(lines)


def _headline(effect: SilencingEffect, width: int) -> list[Content]:
    """Return the loss before and after, and how sure the difference is. Sentences may be wider than `width`."""
    error = "" if effect.standard_error is None else f" ± {effect.standard_error:.4f}"
    share = f" ({signed(100 * effect.difference / effect.before, 1)} %)" if effect.before else ""
    difference = signed(effect.difference, 4) + error
    lines = [
        Content.assemble(
            "loss ", (f"{effect.before:.4f} → {effect.after:.4f}", "bold"),
            (fitting(width - 20, " nats/char"), _QUIET),
        ),
        Content.assemble((difference, "bold"), (fitting(width - cell_len(difference), share), _QUIET)),
    ]  # fmt: skip
    if effect.is_short:
        characters = count_of(effect.characters, "predicted character")
        lines.append(Content.styled(f"The text is short, {characters}: it may be chance.", "$text-warning"))
    elif abs(effect.difference) < 2 * (effect.standard_error or 0.0):
        lines.append(Content.styled("Less than two standard errors: it may be chance.", _QUIET))
    return lines


def _groups(title: str, groups: Sequence[GroupCost], width: int) -> list[Content]:
    """Return a line for each group: its losses if there is room, the difference, and a bar of it."""
    columns: list[tuple[str, Callable[[GroupCost], str]]] = [
        ("chars", lambda one: f"{one.characters:,}"),
        ("before", lambda one: f"{one.before:.3f}"),
        ("after", lambda one: f"{one.after:.3f}"),
    ]
    difference = NUMBER + 1
    name_width = min(NAME, width - difference)
    while columns and NAME + NUMBER * len(columns) + difference + 5 > width:
        columns.pop(0)
    room = min(width - NAME - NUMBER * len(columns) - difference - 1, MAX_BAR)
    largest = max((abs(one.difference) for one in groups), default=0.0)
    names = "".join(f"{name:>{NUMBER}}" for name, _ in columns)
    lines = [Content.styled(f"{title:<{name_width}}{names}{'added':>{difference}}", _QUIET)]
    for one in groups:
        numbers = "".join(f"{value(one):>{NUMBER}}" for _, value in columns)
        share = abs(one.difference) / largest if largest and room > 3 else 0.0
        drawn = " " + (bar(share, room) if one.difference >= 0 else GAIN * round(share * room)) if share else ""
        colour = "$accent" if one.difference >= 0 else "$success"
        lines.append(
            Content.assemble(
                f"{one.name:<{name_width}}",
                (numbers, _QUIET),
                f"{signed(one.difference, 3):>{difference}}",
                (drawn, colour),
            )
        )
    return lines


def _character(one: CharacterCost, text: str, width: int) -> Content:
    """Return a line with the character that loses, what is before it, and its losses."""
    losses = f"{one.before:6.2f} → {one.after:.2f}"
    name = shown(text[one.place])
    room = max(width - cell_len(losses) - cell_len(name) - 2, 0)
    before = ""
    for character in reversed(text[max(one.place - room, 0) : one.place]):
        longer = in_a_line(character) + before
        if cell_len(longer) > room:
            break
        before = longer
    return Content.assemble(
        " " * (room - cell_len(before)), (before, _QUIET), (name, "bold underline"), "  ", (losses, _QUIET)
    )


def lines_figures(text: str, room: int) -> str:
    """Return how long the complete lines of a generated text are, in at most `room` columns; "" without a line."""
    lengths = [len(line) for line in text.split("\n")[:-1] if line.strip()]
    if not lengths:
        return ""
    mean, longest = sum(lengths) / len(lengths), max(lengths)
    versions = (
        f"{count_of(len(lengths), 'line')} of {mean:.0f} characters on average, the longest {longest}",
        f"lines: mean {mean:.0f}, longest {longest}",
        f"mean {mean:.0f}, longest {longest}",
    )
    return fitting(room, *versions)
