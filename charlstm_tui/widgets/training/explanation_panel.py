"""Explanation of the focused setting: what it does, the effect of larger and smaller values, and its bounds."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from charlstm_tui.formatting.characters import unbroken
from charlstm_tui.formatting.outside_text import plain_title
from core.settings.config import Field
from core.settings.explanations import EXPLANATIONS
from core.settings.presets import Preset

ABOUT_TEXT = (
    "The text to learn from: the name of a text that comes with the program, or the path of your own file, of a folder "
    "of .txt files, or a glob such as letters/*.md. Any language and any encoding is possible; 100,000 characters are "
    "enough for a start, a million are better. o shows a list of texts and your folders."
)
ABOUT_LIMIT = (
    "How many characters to take from the beginning of the text; empty takes all. With less text an epoch is shorter, "
    "but the model is worse. Losses on different amounts of text do not compare."
)
ABOUT_SPLIT = (
    "Which tenth of the text is the test part, which training never reads. tail takes the end, which is harder if the "
    "text changes towards its end. interleaved takes every tenth block of 10,000 characters, from the whole text. "
    "files takes every tenth file of a folder, drawn by the split seed."
)
ABOUT_START = (
    "Random weights, or a model that is trained further on this text (fine-tuning): a text of your own is often too "
    "short to learn a language from. The network stays as it is. Characters that both texts have keep what was learnt "
    "about them. Evaluate then shows what the model gained, and what it forgot."
)
ABOUT_PRESET = "Settings that work well together. A preset sets all other settings; each can be changed afterwards."

_BORDER = 2
"""Rows of the border of the explanation, and of that of the preview."""
_SIDES = 4
"""Columns of the border and the padding of either."""
_PREVIEW_ROWS = 2
"""Minimum rows of the preview where it is below the explanation."""
_BETWEEN = 1
"""Columns between the two where they are side by side."""
_IN_PARAGRAPHS, _RUN_TOGETHER = Content("\n"), Content(" ")


def about_setting(field: Field, preset: Preset) -> list[Content]:
    """Return the explanation of a setting, with its default and the preset's value; of one of the text, a short one."""
    if field.name not in EXPLANATIONS:
        bounds = unbroken(field.bounds[:1].upper() + field.bounds[1:])
        default = Content.styled(f"{bounds}. Default {field.show(field.default) or 'none'}.", "$text-muted")
        return [Content(field.description), default]
    explanation = EXPLANATIONS[field.name]
    usual = getattr(preset.model, field.name, None)
    usual = getattr(preset.training, field.name) if usual is None else usual
    lines = [Content(explanation.does)]
    for direction, what in (("Larger", explanation.larger), ("Smaller", explanation.smaller)):
        if what:
            lines.append(Content.assemble((f"{direction}: ", "bold"), what))
    bounds = unbroken(field.bounds[:1].upper() + field.bounds[1:])
    of_preset = f"{preset.name} has {field.show(usual) or 'none'}"
    lines.append(
        Content.styled(f"{bounds}. Default {field.show(field.default) or 'none'}; {of_preset}.", "$text-muted")
    )
    return lines


def about_preset(preset: Preset) -> list[Content]:
    """Return the purpose of a preset and its test loss."""
    loss = f" Its test loss on {preset.measured.text} was {preset.measured.test_loss}."
    return [Content(ABOUT_PRESET), Content.assemble(f"{preset.name}: ", (preset.purpose, "bold"), loss)]


def rows_needed(explanations: Sequence[Sequence[Content]], columns: int, *, side_by_side: bool) -> tuple[int, int]:
    """Return the rows for the longest explanation in a number of columns, alone and with the preview of the text.

    With `side_by_side`, the preview is right of it, otherwise below.
    """
    alone = _BORDER + _rows_of_longest(explanations, columns - _SIDES)
    if side_by_side:
        return alone, _BORDER + _rows_of_longest(explanations, (columns - _BETWEEN) // 2 - _SIDES)
    return alone, alone + _BORDER + _PREVIEW_ROWS


def _rows_of_longest(explanations: Iterable[Sequence[Content]], columns: int) -> int:
    return max(_rows(_RUN_TOGETHER.join(paragraphs), columns) for paragraphs in explanations)


def _rows(text: Content, columns: int) -> int:
    return text.get_height({}, max(columns, 1))


class ExplanationPanel(VerticalScroll, can_focus=False):
    """Shows one explanation, with the name of the setting as its title; its paragraphs run together if it is low."""

    DEFAULT_CSS: ClassVar[str] = """
    ExplanationPanel { scrollbar-size-vertical: 1; }
    """

    _paragraphs: Sequence[Content] = ()

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield Static()

    def show(self, title: str, paragraphs: Sequence[Content]) -> None:
        """Show another explanation."""
        self.border_title = plain_title(title)
        self._paragraphs = paragraphs
        self.on_resize()
        self.scroll_home(animate=False)

    def on_resize(self) -> None:
        """Let the paragraphs begin on new lines if they fit so."""
        text = _IN_PARAGRAPHS.join(self._paragraphs)
        if _rows(text, self.content_size.width) > self.content_size.height:
            text = _RUN_TOGETHER.join(self._paragraphs)
        self.query_one(Static).update(text)
