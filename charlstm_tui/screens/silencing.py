"""Silence: what cells are for. It sets their memory to a value, and shows what the network then predicts worse."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Input, Label, Select

from charlstm_tui.jobs.inspection import Seen
from charlstm_tui.jobs.job import WRITING_INTERVAL, Ending, LatestJob
from charlstm_tui.jobs.silencing import Grown, Ranking, Silencer, Subject, TextsBegun
from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.state.job_events import Doing
from charlstm_tui.state.training import is_training
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.text_input import TextInput
from charlstm_tui.widgets.inspection.activations_view import ActivationsView
from charlstm_tui.widgets.inspection.cell_ranking import CellRanking
from charlstm_tui.widgets.inspection.silencing_pane import SilencingPane
from charlstm_tui.widgets.inspection.two_texts import TwoTexts
from core.errors import UserError
from core.reports.silencing import CellId, Clamp, SilencingEffect

HINT = "Space silences a cell, or several. g generates a text without and with them."
STOPPED = "Stopped. r resumes."
CLAMPS = [("0", "zero"), ("its mean", "mean"), ("a value", "value")]


class SilencingScreen(FitsWindow, Screen[None]):
    """Screen that silences cells of a network, and shows the effect on Inspect's text and on generated texts."""

    CSS_PATH = "silencing.tcss"
    HELP_PAGE = "silence"
    TAKES_LESSONS = True
    AUTO_FOCUS = "#ranking"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "mark", "Silence", key_display="Space", id="silence.mark"),
        Binding(
            "c",
            "clamp",
            "Set to",
            tooltip="set the memory of silenced cells to 0, to its mean or to a value",
            id="silence.set-to",
        ),
        Binding("l", "layer", "Layer", id="silence.layer"),
        Binding(
            "g",
            "generate",
            "Generate",
            tooltip="generate without and with them, from the same seed",
            id="silence.generate",
        ),
        Binding("t", "turn", "Texts or effect", id="silence.view"),
        Binding("r", "resume", "Resume", id="silence.resume"),
        Binding("escape", "stop", "Stop", key_display="Esc", id="silence.back"),
        Binding("escape", "leave_field", "Leave the field", show=False, id="silence.back"),
        Binding("escape,x", "leave", "Back", key_display="Esc", id="silence.back"),
    ]

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._subject = subject
        self._silencer = Silencer(subject)
        self._job = LatestJob(self, on_items=self._take, on_end=self._end)
        self._trouble = False  # whether an error is shown
        self._again = False  # whether the job is started again once it has stopped
        self._seed = 0  # seed of the next texts

    @classmethod
    def of(cls, seen: Seen, view: ActivationsView) -> "SilencingScreen":
        """Return the screen for the text that Inspect has read, beginning with its selected cell."""
        read = seen.activations
        return cls(
            Subject(
                name=seen.what.name, checkpoint=seen.checkpoint, config=read.config, text=read.text[: read.read],
                layer=view.layer_number, cell=view.cell,
            )
        )  # fmt: skip

    def compose(self) -> ComposeResult:
        """Lay out the choices, the cells with the effect, and the two texts."""
        layers = self._subject.config.num_layers
        with Vertical(id="page"):
            with Horizontal(id="silencing-choices"):
                yield Label("set to")
                yield Select(CLAMPS, value="zero", allow_blank=False, compact=True, id="clamp")
                yield TextInput("1", compact=True, id="clamp-value", select_on_focus=True)
                yield Label("layer", id="layer-label")
                yield Select(
                    [(str(layer + 1), layer) for layer in range(layers)], value=self._subject.layer,
                    allow_blank=False, compact=True, id="silencing-layer",
                )  # fmt: skip
            with Horizontal(id="cells-and-effect"):
                yield CellRanking(self._subject.config.hidden_size, self._subject.cell, id="ranking")
                yield SilencingPane(self._subject, id="effect")
            yield TwoTexts(id="two-texts")
            yield PlainText(HINT, id="silencing-hint")
            yield KeyBar()

    def on_mount(self) -> None:
        """Start to read the text."""
        self.set_class(self._subject.config.num_layers > 1, "-layers")
        self.ranking.entitle("cost in nats, whole text", "cost in nats", "cells")
        self._show_marks()
        self._work()

    def on_unmount(self) -> None:
        """Stop the worker thread."""
        self._job.drop()

    # --- key actions

    def action_mark(self) -> None:
        """Silence the cell under the cursor, or let it work again."""
        cell = CellId(self._silencer.layer, self.ranking.cell)
        self._silencer.change(cells=tuple(sorted({*self._silencer.cells} ^ {cell})))
        self._show_marks()
        self._work()

    @on(CellRanking.Clicked)
    def _mark_clicked(self) -> None:
        self.action_mark()

    def action_clamp(self) -> None:
        """Choose the next kind of value that silenced cells are set to."""
        select: Select[str] = self.query_one("#clamp", Select)
        kinds = [kind for _, kind in CLAMPS]
        select.value = kinds[(kinds.index(str(select.value)) + 1) % len(kinds)]

    def action_layer(self) -> None:
        """Rank the cells of the next layer."""
        select: Select[int] = self.query_one("#silencing-layer", Select)
        select.value = (int(str(select.value)) + 1) % self._subject.config.num_layers

    def action_generate(self) -> None:
        """Generate two texts from the same seed, without and with the silenced cells."""
        self._silencer.seed = self._seed
        self._seed += 1
        self.set_class(True, "-texts", "-generated")
        self.query_one(TwoTexts).focus_text()
        self._work()

    def action_turn(self) -> None:
        """Show the texts instead of the effect, or the other way round."""
        self.toggle_class("-texts")
        if self.has_class("-texts"):
            self.query_one(TwoTexts).focus_text()
        else:
            self.ranking.focus()

    def action_resume(self) -> None:
        """Compute what was stopped."""
        self._silencer.ranks = True
        self._hint()
        self._work()

    def action_stop(self) -> None:
        """Stop what is computed; a ranking is resumed only by its key."""
        self._silencer.ranks = self._silencer.is_ranked
        self._silencer.seed = None
        self._job.stop()
        self._again = False

    def action_leave_field(self) -> None:
        """Take the focus from the field, so that letters are keys again."""
        self.ranking.focus()

    def action_leave(self) -> None:
        """Close the screen."""
        self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that are possible now."""
        in_field = isinstance(self.focused, Input | Select)
        match action:
            case "mark":
                return not in_field and not self._hides_cells
            case "layer":
                return self._subject.config.num_layers > 1 and not self._hides_cells
            case "generate":
                return bool(self._silencer.cells) and not self._is_generating
            case "turn":
                return self.has_class("-generated") and not self.has_class("-tall")
            case "resume":
                return not self._job.running and not self._silencer.is_complete
            case "stop":
                return self._job.running
            case "leave_field":
                return in_field and not self._job.running
            case "leave":
                return not self._job.running and not in_field
        return True

    @property
    def ranking(self) -> CellRanking:
        """The list of cells."""
        return self.query_one(CellRanking)

    @property
    def _hides_cells(self) -> bool:
        return self.has_class("-texts") and not self.has_class("-tall")

    @property
    def _is_generating(self) -> bool:
        return self._job.running and (self._silencer.seed is not None or self._silencer.is_generating)

    # --- the job

    def _work(self) -> None:
        """Start the job, unless it is running: then it notices by itself what is wanted now."""
        self._silencer.considerate = is_training(self.app)
        control = self._job.control
        if control is None:
            self._job.start(self._silencer.work, name="silence", interval=WRITING_INTERVAL)
        elif control.stopped:
            self._again = True  # two jobs must not compute with the same object
        self.refresh_bindings()

    def _take(self, items: tuple[object, ...]) -> None:
        texts, wanted = self.query_one(TwoTexts), self._silencer
        grown: list[Grown] = []
        for item in items:
            match item:
                case Doing(what=what):
                    self._hint(what, doing=True)
                case SilencingEffect(cells=cells, clamp=clamp) if (cells, clamp) == (wanted.cells, wanted.clamp):
                    self.query_one(SilencingPane).show(cells, clamp, item)
                case Ranking(layer=layer, clamp=clamp) if (layer, clamp) == (wanted.layer, wanted.clamp):
                    self.ranking.show(item.cells)
                case TextsBegun():
                    grown.clear()
                    texts.begin(item, self._subject.text, layers=self._subject.config.num_layers)
                case Grown():
                    grown.append(item)
        if grown:
            texts.grow(grown)

    def _end(self, ending: Ending) -> None:
        again, self._again = self._again, False
        if ending.error:
            self._hint(ending.error, trouble=True)
        elif not self._trouble:
            self._hint(STOPPED if ending.stopped and not again and not self._silencer.is_complete else "")
        if ending.error:
            self._silencer.ranks = False
        elif again or (self._silencer.has_work and not ending.stopped):
            self._work()
        self.refresh_bindings()

    # --- messages of the widgets

    @on(Select.Changed, "#clamp")
    @on(Input.Changed, "#clamp-value")
    def _choose_clamp(self) -> None:
        kind, box = self.query_one("#clamp", Select).value, self.query_one("#clamp-value", Input)
        self.set_class(kind == "value", "-value")
        try:
            clamp = Clamp.typed(box.value) if kind == "value" else Clamp("mean" if kind == "mean" else "zero")
        except UserError as error:
            self._hint(str(error), trouble=True)
            return
        self._hint()
        if clamp != self._silencer.clamp:
            self._silencer.change(clamp=clamp)
            self.ranking.forget()
            self._show_marks()
            self._work()

    @on(Input.Submitted, "#clamp-value")
    def _leave_value(self) -> None:
        self.ranking.focus()

    @on(Select.Changed, "#silencing-layer")
    def _choose_layer(self, event: Select.Changed) -> None:
        layer = int(str(event.value))
        if layer != self._silencer.layer:
            self._silencer.change(layer=layer)
            self.ranking.forget()
            self._show_marks()
            self._work()

    # --- what is shown

    def _show_marks(self) -> None:
        """Mark the silenced cells in the list; their effect is not known yet."""
        layer = self._silencer.layer
        self.ranking.mark(frozenset(one.cell for one in self._silencer.cells if one.layer == layer))
        self.query_one(SilencingPane).show(self._silencer.cells, self._silencer.clamp, None)

    def _hint(self, text: str = "", *, trouble: bool = False, doing: bool = False) -> None:
        """Show what goes wrong, what is being computed, or, without a text, what the keys do."""
        if doing and self._trouble:
            return
        self._trouble = trouble
        hint = self.query_one("#silencing-hint", PlainText)
        hint.update(text or HINT)
        hint.set_class(trouble, "-trouble")
        hint.set_class(doing, "-doing")
