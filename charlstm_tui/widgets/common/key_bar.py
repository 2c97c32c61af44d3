"""The line of keys at the bottom. No key is cut off: a key that does not fit is hidden."""

from typing import ClassVar

from rich.cells import cell_len
from textual.containers import HorizontalGroup
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey, FooterLabel

ALWAYS = ("f1", "escape")
"""Keys that are hidden last: the list of all keys, and the key that leaves a field."""
COMPACT_BELOW = 100
"""Number of columns below which the keys stand closer together."""


class KeyBar(Footer):
    """Textual's footer, without the keys that do not fit: it hides the palette's key first, then the rightmost ones."""

    DEFAULT_CSS: ClassVar[str] = "KeyBar { overflow-x: hidden; }"
    _made: tuple[object, ...] = ()

    def on_resize(self) -> None:
        """Reduce the spaces in a narrow window, and hide the keys that do not fit."""
        self.compact = self.size.width < COMPACT_BELOW
        self.call_after_refresh(self._fit)

    async def recompose(self) -> None:
        """Rebuild the keys if they have changed.

        Textual calls this at each change of the focus, and a rebuild lays out the whole screen: 40 ms of CPU time.
        """
        if not (self.is_attached and self.screen.display):  # the screen is being closed: its list may be gone already
            return
        keys = self._keys()
        if keys != self._made:
            self._made = keys
            await super().recompose()
            self._fit()

    def _keys(self) -> tuple[object, ...]:
        """Return everything that the look of the keys depends on."""
        return tuple(
            (binding.key, self.app.get_key_display(binding), binding.description, binding.action, binding.group, *rest)
            for _, binding, *rest in self.screen.active_bindings.values()
            if binding.show or binding.key == self.app.COMMAND_PALETTE_BINDING
        )

    def _fit(self) -> None:
        palette = next((child for child in self.children if child.has_class("-command-palette")), None)
        entries = _entries([child for child in self.children if child is not palette])
        room = self.size.width
        shown = entries
        with_palette = palette is not None and _width(entries) + _width([[palette]]) + 1 <= room
        while _width(shown) > room:
            optional = [entry for entry in shown if getattr(entry[0], "key", "") not in ALWAYS]
            if not optional:
                break
            shown = [entry for entry in shown if entry is not optional[-1]]
        for entry in entries:
            for child in entry:
                child.display = entry in shown
        if palette is not None:
            palette.display = with_palette


def _entries(children: list[Widget]) -> list[list[Widget]]:
    """Return the entries that are shown or hidden as a whole: a key, or a group of keys with its label."""
    entries: list[list[Widget]] = []
    for child in children:
        if isinstance(child, FooterLabel) and entries:
            entries[-1].append(child)
        else:
            entries.append([child])
    return entries


def _width(entries: list[list[Widget]]) -> int:
    """Return the width of keys in columns, with the space after each."""
    return sum(_width_of(child) for entry in entries for child in entry)


def _width_of(child: Widget) -> int:
    if isinstance(child, HorizontalGroup):
        return sum(cell_len(str(key.render())) for key in child.children if isinstance(key, FooterKey)) + 1
    if isinstance(child, FooterKey):
        return cell_len(str(child.render())) + (
            1 if child.parent is not None and child.parent.has_class("-compact") else 0
        )
    return cell_len(str(child.render())) + 1
