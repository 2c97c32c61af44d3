"""The screen that chooses a text: known texts, the folders of this computer, and a preview of each."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus, Resize
from textual.screen import ModalScreen
from textual.widgets import DirectoryTree, Input, OptionList, Static
from textual.widgets.option_list import Option
from textual.widgets.tree import TreeNode

from charlstm_tui.formatting.numbers import size_in_bytes
from charlstm_tui.formatting.outside_text import plain
from charlstm_tui.formatting.text_figures import FOLDER_HINT, figures_of
from charlstm_tui.jobs import texts
from charlstm_tui.jobs.job import Ending, LatestJob
from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.setting_input import SettingInput
from core.data.corpus import CorpusConfig
from core.data.encodings import Errors
from core.data.known_texts import KNOWN, KnownText
from core.data.preview import Preview
from core.errors import UserError
from core.settings.reading_fields import file_field, reading_fields
from core.text import in_one_line

HINT = "Enter chooses, t takes a folder, Tab: next box, Backspace: folder above."
_PATIENCE = 0.15
"""Seconds before a highlighted entry is previewed, so that moving through a folder reads no files."""


class Folders(DirectoryTree):
    """The files of a folder, with sanitised names and without hidden files."""

    ICON_NODE = "▸ "
    ICON_NODE_EXPANDED = "▾ "
    ICON_FILE = ""

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Drop the names that begin with a dot."""
        return [path for path in paths if not path.name.startswith(".")]

    def render_label(self, node: TreeNode, base_style: Style, style: Style) -> Text:  # type: ignore[type-arg]
        """Show the name of a file; show the whole path of the root."""
        label = super().render_label(node, base_style, style)
        safe = Text(in_one_line(label.plain))
        safe.spans = label.spans
        return safe


class TextPicker(FitsWindow, ModalScreen[CorpusConfig | None]):
    """Screen that returns a text and its encoding, or None."""

    CSS_PATH = "text_picker.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="text-list.back"),
        Binding("backspace", "above", "Folder above", id="text-list.above"),
        Binding("t", "take_folder", "Take folder", tooltip="all text files below it", id="text-list.take-folder"),
        Binding("f1", "app.explain", "Help", key_display="F1", id="app.help"),
    ]

    def __init__(
        self,
        *,
        folder: Path,
        limit: int | None,
        validation: float,
        encoding: str | None = None,
        encoding_errors: Errors = "strict",
        skip_unreadable: bool = False,
    ) -> None:
        super().__init__()
        self._folder = folder
        self._look = partial(texts.preview_text, limit=limit, validation=validation)
        self._reading = {"encoding": encoding or "", "encoding_errors": encoding_errors}
        self._skip = "skip" if skip_unreadable else "refuse"
        self._highlighted = ""
        self._is_folder = False  # whether a folder is highlighted
        self._preview: Preview | None = None  # on screen
        self._job = LatestJob(self, on_items=self._show_previews, on_end=self._end)

    def compose(self) -> ComposeResult:
        """Lay out the lists and the preview."""
        with Vertical(id="picker"):
            with Horizontal():
                with Vertical(id="choices"):
                    yield OptionList(*(Option(_line(text), id=text.name) for text in KNOWN.values()), id="known")
                    yield Folders(self._folder, id="folders")
                with VerticalScroll(id="look"):
                    yield Static(id="figures")
                    yield PlainText(id="beginning")
            with Horizontal(id="reading"):
                for field in reading_fields():
                    yield SettingInput(field, self._reading[field.name])
            with Horizontal(id="unreadable"):
                yield SettingInput(file_field("unreadable_files"), self._skip)
            yield Static(HINT, id="picker-hint")
            yield KeyBar()

    def on_mount(self) -> None:
        """Set the titles of the boxes."""
        self.query_one("#known").border_title = "known texts"
        self.query_one("#folders").border_title = "your files"
        self.query_one("#look").border_title = "preview"

    def on_unmount(self) -> None:
        """Stop all worker threads."""
        self._job.drop()

    def action_above(self) -> None:
        """Show the parent folder."""
        folders = self.query_one(Folders)
        folders.path = Path(folders.path).absolute().parent
        folders.focus()

    def action_take_folder(self) -> None:
        """Close the screen with all text files of the highlighted folder."""
        self._choose(self._highlighted)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to take a folder only where one is highlighted."""
        return action != "take_folder" or self._is_folder

    def on_resize(self, event: Resize) -> None:
        """Fit the list of files to the new width."""
        if self._preview is not None:
            self._show_previews((self._preview,))

    @on(OptionList.OptionHighlighted)
    def _highlight_known(self, event: OptionList.OptionHighlighted) -> None:
        self._highlight(str(event.option_id))

    @on(DirectoryTree.NodeHighlighted)
    def _highlight_file(self, event: DirectoryTree.NodeHighlighted) -> None:  # type: ignore[type-arg]
        # Pipes and broken links too: the preview reports them. A tree also posts this event when its root has loaded.
        if event.node.data is not None and event.node.tree.has_focus:
            self._highlight(str(event.node.data.path.absolute()), is_folder=event.node.allow_expand)

    @on(DescendantFocus)
    def _highlight_folder(self, event: DescendantFocus) -> None:
        """Preview the folder or file with the cursor: the tree sends no event for the one where it begins."""
        if isinstance(event.widget, Folders) and (node := event.widget.cursor_node) is not None and node.data:
            self._highlight(str(node.data.path.absolute()), is_folder=node.allow_expand)

    @on(OptionList.OptionSelected)
    def _choose_known(self, event: OptionList.OptionSelected) -> None:
        self._choose(str(event.option_id))

    @on(DirectoryTree.FileSelected)
    def _choose_file(self, event: DirectoryTree.FileSelected) -> None:
        self._choose(str(event.path.absolute()))

    @on(Input.Submitted)
    def _choose_highlighted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._highlighted in KNOWN or Path(self._highlighted).is_file():
            self._choose(self._highlighted)
        else:
            self.query_one(Folders).focus()

    @on(SettingInput.Changed)
    def _read_anew(self, event: SettingInput.Changed) -> None:
        event.stop()
        self._highlight(self._highlighted, is_folder=self._is_folder)

    def _choose(self, source: str) -> None:
        """Close the screen with this text; if an input is invalid, focus its box, below which the error is shown."""
        try:
            chosen = self._config(source)
        except UserError:
            self.query_one("#setting-encoding", SettingInput).box.focus()
        else:
            self.dismiss(chosen)

    def _config(self, source: str) -> CorpusConfig:
        """Return the text with the encoding settings of the boxes.

        Raises:
            UserError: there is no such encoding.
        """
        values = {setting.field.name: str(setting.value) for setting in self.query(SettingInput)}
        return CorpusConfig.typed(
            source,
            encoding=values["encoding"],
            encoding_errors=values["encoding_errors"],  # type: ignore[arg-type]
            skip_unreadable=values["unreadable_files"] == "skip",
        )

    def _highlight(self, source: str, *, is_folder: bool = False) -> None:
        self._highlighted, self._is_folder = source, is_folder
        self.query_one("#unreadable").display = self._is_folder
        self.refresh_bindings()
        self.set_timer(_PATIENCE, partial(self._look_at, source))

    def _look_at(self, source: str) -> None:
        if source != self._highlighted:
            return
        self._job.drop()
        self._preview = None
        known = KNOWN.get(source)
        if known is not None and not known.here:
            self._show(_figures_of_absent(known), "")
            return
        if self._is_folder:
            self._show(Content.assemble(self._about_folder(), ("\nlooking at its files …", "dim")), "")
        try:
            config = self._config(source)
        except UserError:  # shown below the box
            return
        reading = {"encoding": config.encoding, "encoding_errors": config.encoding_errors}
        self._job.start(partial(self._look, source=source, **reading), name="look", interval=1 / 20)

    def _about_folder(self) -> Content:
        path = Path(self._highlighted)
        return Content.assemble((in_one_line(path.name or str(path)), "bold"), (f"\n{FOLDER_HINT}", "dim"))

    def _show_previews(self, items: tuple[object, ...]) -> None:
        pane = self.query_one("#look")
        width = pane.scrollable_content_region.width - (not pane.show_vertical_scrollbar)  # the list may need one
        for item in items:
            if isinstance(item, Preview):
                self._preview = item
                self._show(figures_of(item, width, is_folder=self._is_folder), item.beginning)

    def _end(self, ending: Ending) -> None:
        if ending.error:
            error = plain(ending.error, "$error")
            self._show(Content("\n").join([self._about_folder(), error]) if self._is_folder else error, "")

    def _show(self, figures: Content, beginning: str) -> None:
        self.query_one("#figures", Static).update(figures)
        self.query_one("#beginning", PlainText).update(beginning)
        self.query_one("#look").scroll_home(animate=False)


def _line(text: KnownText) -> Content:
    where = "" if text.here else "  not fetched yet"
    return Content.assemble(text.name, (where, "dim"))


def _figures_of_absent(text: KnownText) -> Content:
    return Content.assemble(
        (text.title, "bold"),
        f"\n{size_in_bytes(text.size)} · {text.licence}\n\nNot fetched yet: Enter fetches it over the network, from\n",
        (text.url, "dim"),
    )
