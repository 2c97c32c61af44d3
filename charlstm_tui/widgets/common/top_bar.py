"""The line at the top of every screen: the names of the screens and the state of the training run."""

from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from charlstm_tui.formatting.characters import shorten_middle
from charlstm_tui.state.keys import shown_key
from charlstm_tui.state.modes import DEFAULT_KEYS, MODES
from charlstm_tui.state.training import TrainingView
from core.text import in_one_line

BRAND = "charlstm-tui"
SEPARATOR = " · "
SHORTEST = 7
"""Number of columns below which a shortened name is useless, so that it is hidden."""
WIDE = 98
"""Number of columns from which the names stand further apart."""


class _Tab(Static):
    """The name of a screen; a click switches to it."""

    def __init__(self, mode: str, *, here: bool) -> None:
        super().__init__(classes="here" if here else "")
        self._mode = mode
        self.here = here

    @property
    def key(self) -> str:
        """The key of the screen."""
        return shown_key(self.app, f"app.{self._mode}", DEFAULT_KEYS[self._mode])

    def show(self, *, whole: bool) -> None:
        """Show the key of the screen, and its name if `whole` is true or this is the current screen."""
        self.update(Content(f"{self.key} {MODES[self._mode]}" if whole or self.here else self.key))

    async def on_click(self) -> None:
        await self.app.switch_mode(self._mode)


class TopBar(Horizontal):
    """Shows the program's name, the screens, and the current run."""

    DEFAULT_CSS: ClassVar[str] = """
    TopBar {
        dock: top;
        height: 2;
        padding: 0 1;
        border-bottom: solid $foreground 20%;
        & > Static { width: auto; margin-right: 1; }
        & > #brand { color: $accent; text-style: bold; }
        & > _Tab { color: $text-muted; }
        & > _Tab:hover { text-style: underline; }
        & > _Tab.here { color: $foreground; text-style: bold underline; }
        & > #run { width: 1fr; margin: 0; text-align: right; color: $text-muted; text-wrap: nowrap; }
        & > #run.-alive { color: $accent; }
        & > #run.-failed { color: $error; }
        &.-wide {
            & > Static { margin-right: 2; }
            & > #brand { margin-right: 3; }
        }
    }
    """

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode
        self._training = TrainingView()
        self._experiment = ""
        self._shown: object = None

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        yield Static(BRAND, id="brand")
        for mode in MODES:
            yield _Tab(mode, here=mode == self._mode)
        yield Static(id="run")

    def on_mount(self) -> None:
        """Follow the app's training run and its experiment."""
        self.watch(self.app, "training", self._show)
        self.watch(self.app, "experiment_state", self._show_experiment)

    def on_resize(self, event: Resize) -> None:
        """Make room for the run: in a narrow window the names stand closer, and the program's name may be hidden."""
        self.set_class(event.size.width >= WIDE, "-wide")
        self._fit()

    def _show(self, training: TrainingView) -> None:
        self._training = training
        self._color()
        self._fit()

    def _show_experiment(self, state: str) -> None:
        self._experiment = state
        self._color()
        self._fit()

    def _color(self) -> None:
        run = self.query_one("#run", Static)
        run.set_class(self._training.alive or bool(self._experiment), "-alive")
        run.set_class(self._training.phase == "failed" and not self._experiment, "-failed")

    def _fit(self) -> None:
        """Show the full state, and the other parts as they fit: the screens' names, the corpus, the program's name."""
        config, state = self._training.config, in_one_line(self._training.state)
        name = in_one_line(config.corpus.name) if config is not None else ""
        if self._experiment:
            name, _, state = self._experiment.partition(SEPARATOR)
        room, gap = self.content_size.width, 2 if self.has_class("-wide") else 1
        if not room:
            return  # not laid out yet
        keys = {mode: cell_len(tab.key) for mode, tab in zip(MODES, self.query(_Tab), strict=True)}
        tabs = sum(keys[mode] + 1 + len(title) + gap for mode, title in MODES.items())
        least = cell_len(state) + (SHORTEST + len(SEPARATOR) if name else 0)
        brand = len(BRAND) + (3 if self.has_class("-wide") else 1)
        shows_brand = tabs + brand + least <= room
        whole = tabs + cell_len(state) <= room
        left = room - (brand if shows_brand else 0)
        left -= tabs if whole else 1 + len(MODES[self._mode]) + sum(keys.values()) + len(MODES) * gap
        left -= cell_len(state) + len(SEPARATOR)
        words = (shorten_middle(name, left), state) if name and left >= SHORTEST else (state,)
        shown = (shows_brand, whole, words, tuple(keys.values()))
        if shown == self._shown:
            return
        self._shown = shown
        self.query_one("#brand").display = shows_brand
        for tab in self.query(_Tab):
            tab.show(whole=whole)
        self.query_one("#run", Static).update(Content(SEPARATOR.join(words)), layout=False)
