"""A widget for text from outside: from a file, a run, a model or an exception."""

from textual.visual import VisualType
from textual.widgets import Static

from charlstm_tui.formatting.outside_text import plain


class PlainText(Static):
    """Shows a string sanitised and never as markup. `Content` is shown unchanged."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(plain(text), id=id, classes=classes, markup=False)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Replace the text."""
        super().update(plain(content) if isinstance(content, str) else content, layout=layout)
