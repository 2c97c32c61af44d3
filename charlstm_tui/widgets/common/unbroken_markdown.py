"""A Markdown page whose lines are broken at spaces only, not at no-break spaces, which French has before a colon."""

from typing import TYPE_CHECKING

from textual.content import Content
from textual.geometry import Size
from textual.widgets import Markdown
from textual.widgets.markdown import MarkdownBlock

from charlstm_tui.formatting.lesson_text import wrapped

if TYPE_CHECKING:
    from markdown_it.token import Token

NO_BREAK = "\u00a0"
_HELD = "\ue000"
"""Stands for a no-break space while Textual builds a paragraph: a code point that no text has."""
_Paragraph = Markdown.BLOCKS["paragraph_open"]


class UnbrokenParagraph(_Paragraph):  # type: ignore[misc, valid-type]
    """A paragraph, also that of a list's item."""

    _whole = Content()

    def build_from_token(self, token: "Token") -> None:
        """Take the text of a token. Textual turns all white space into spaces, so no-break spaces are held."""
        for child in token.children or ():
            child.content = child.content.replace(NO_BREAK, _HELD)
        super().build_from_token(token)

    def set_content(self, content: Content) -> None:
        """Show another text."""
        self._whole = Content(content.plain.replace(_HELD, NO_BREAK), spans=[*content.spans])
        super().set_content(self._whole)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines for a width in cells."""
        return wrapped(self._whole, width).get_height({}, width)

    def on_resize(self) -> None:
        """Break the text for the new width."""
        self.refresh()

    def render(self) -> Content:
        """Return the text, broken for the present width."""
        return wrapped(self._whole, self.content_size.width)


class UnbrokenMarkdown(Markdown):
    """A page with such paragraphs."""

    BLOCKS: dict[str, type[MarkdownBlock]] = {**Markdown.BLOCKS, "paragraph_open": UnbrokenParagraph}  # noqa: RUF012 (not a ClassVar in Textual)
