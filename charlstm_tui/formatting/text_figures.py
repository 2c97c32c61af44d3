"""The figures of a text before it is chosen: its size, encoding and parts; of a folder also its files."""

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from charlstm_tui.formatting.numbers import size_in_bytes
from core.data.preview import Preview
from core.data.splits import MIN_FILES
from core.data.text_files import TextFile
from core.text import count_of, in_one_line, shortened

MAX_LISTED = 200
"""Maximum number of files that are listed."""
FOLDER_HINT = "a folder: Enter opens it, t takes it all"
_SIZE = 8
"""Width of the sizes, in cells."""
_LEAST_NAME = 12
"""Minimum width of the names, in cells."""


def figures_of(look: Preview, width: int, *, is_folder: bool = False) -> Content:
    """Return the figures of a text as lines, of which those of a list of files fit in `width` cells."""
    about = "" if look.exact else "about "
    at_least = "" if look.exact else " or more"
    files = f"{count_of(len(look.files), 'file')} · " if look.files else ""
    lines: list[Content] = [Content.styled(look.name, "bold")]
    if is_folder:
        lines.append(Content.styled(FOLDER_HINT, "dim"))
    lines += [
        Content(f"{files}{size_in_bytes(look.bytes)} · {in_one_line(look.encoding)}"),
        Content(f"{about}{count_of(look.characters, 'character')}, {look.distinct}{at_least} distinct"),
    ]
    for split, parts in look.parts.items():
        total = sum(parts.values())
        if split == "files" and len(look.files) < MIN_FILES:
            continue
        if not parts["test"]:
            lines.append(Content.styled(f"{split}: the text is too short", "dim"))
            continue
        shares = ", ".join(f"{part} {characters / total:.1%}" for part, characters in parts.items() if characters)
        lines.append(Content.assemble((f"{split}: ", "dim"), shares))
    for passed_over in look.passed_over:
        style = "$text-warning" if passed_over.reason == "unreadable" else "dim"
        lines.append(Content.styled(passed_over.sentence(2), style))
        if passed_over.reason == "unreadable":
            lines.append(Content.styled("To skip them: the setting unreadable files", style))
    return Content("\n").join([*lines, *_listed(look.files, width)])


def _listed(files: tuple[TextFile, ...], width: int) -> list[Content]:
    """Return a line for each file: its path, size and encoding."""
    if not files:
        return []
    shown = files[:MAX_LISTED]
    encodings = [in_one_line(file.encoding) or "not read yet" for file in shown]
    room = max(width - _SIZE - 2 - max(map(cell_len, encodings)), _LEAST_NAME)
    lines = [Content("")]
    for file, encoding in zip(shown, encodings, strict=True):
        name = file.path if cell_len(file.path) <= room else shortened(file.path, room - 1)
        figures = f" {size_in_bytes(file.size):>{_SIZE}} {encoding}"
        lines.append(Content.assemble(set_cell_size(name, room), (figures, "dim")))
    if len(files) > len(shown):
        lines.append(Content.styled(f"and {len(files) - len(shown):,} more", "dim"))
    return lines
