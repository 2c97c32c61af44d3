"""Inspect: the gates and cells of a model as it reads a text, character by character."""

from functools import partial
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Select

from charlstm_tui.jobs.inspection import Looked, Seen, inspect_model, properties
from charlstm_tui.jobs.job import WRITING_INTERVAL, Ending, LatestJob
from charlstm_tui.screens.base import save_file
from charlstm_tui.screens.cell_links import CellLinks
from charlstm_tui.screens.dialogs import AskFile
from charlstm_tui.screens.inspection_keys import INSPECTION_KEYS
from charlstm_tui.state.job_events import Doing, Prompted
from charlstm_tui.state.messages import FactsKnown
from charlstm_tui.state.training import is_training
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.model_row import ChosenModel, ModelRow
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.prompt_input import InspectionPrompt, PromptInput
from charlstm_tui.widgets.common.top_bar import TopBar
from charlstm_tui.widgets.inspection.activations_view import CHANGE, ActivationsView
from charlstm_tui.widgets.inspection.attribution_panel import AttributionPanel
from core.errors import UserError
from core.runs.store import RunStore
from core.settings.cell_kinds import MEMORY, QUANTITIES
from core.text import count_of, read_escapes

if TYPE_CHECKING:
    from charlstm_tui.jobs.inspection import Activations

HINT = """Type a text below, or paste one, and press Enter: the model reads it, and the screen shows every \
gate and cell at each character. If the box is empty, it generates a text and reads that.

  · one row per cell, along the text; the text coloured by one cell
  · the equations of that cell at the cursor, with their numbers
  · the cells that follow the position in the line, capitals, ends of words

Then: m memory, a what mattered, x silence a cell, o where else it is on"""
MORE = 200
"""Number of characters by which the model continues the text."""


class InspectionScreen(CellLinks):
    """Screen on which a model reads a text and the reader examines any cell at any character."""

    CSS_PATH = "inspection.tcss"
    AUTO_FOCUS = "#prompt"
    BINDINGS: ClassVar[list[BindingType]] = INSPECTION_KEYS

    def __init__(self, store: RunStore) -> None:
        super().__init__()
        self._store = store
        self._job = LatestJob(self, on_items=self._follow, on_end=self._end)
        self._seen: Seen | None = None
        self._seed = 0  # seed of the next generated text
        self._order_is_chosen = False  # False: sorted by the best-followed property

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield TopBar("inspect")
        with Vertical(id="body"):
            yield ModelRow(self._store, classes="choices")
            with Horizontal(classes="choices", id="views"):
                yield Label("quantity")
                yield Select(
                    [(one.name, one.symbol) for one in QUANTITIES["lstm"]], value=MEMORY["lstm"], allow_blank=False,
                    compact=True, id="quantity",
                )  # fmt: skip
                yield Label("layer", id="layers")
                yield Select([("1", 0)], value=0, allow_blank=False, compact=True, id="layer")
                yield Label("sort by")
                yield Select([(CHANGE, CHANGE)], value=CHANGE, allow_blank=False, compact=True, id="follow")
            yield ActivationsView(HINT, id="work")
            with Horizontal(id="bottom"):
                yield Label("text ▸")
                yield InspectionPrompt(id="prompt", compact=True)
                yield PlainText("Enter reads", id="status")
        yield KeyBar()

    def on_screen_resume(self) -> None:
        """Refresh the list of runs."""
        self.query_one(CheckpointSelect).refresh_runs()

    def on_unmount(self) -> None:
        """Stop all worker threads."""
        self.action_stop()

    # --- key actions

    def action_read(self) -> None:
        """Let the model read the typed text; if the box is empty, let it generate a text and read that."""
        box = self.query_one("#prompt", PromptInput)
        box.remember()
        try:
            chosen = self.query_one(ModelRow).chosen
        except UserError as error:
            self.notify(str(error), severity="warning")
        else:
            self._begin(Looked(name=chosen.name, path=chosen.path, text=read_escapes(box.value)))

    def action_write_on(self) -> None:
        """Let the model continue the text and read the result."""
        if self._seen is not None and self._activations is not None:
            what, known = self._seen.what, self._activations.read
            self._begin(
                Looked(name=what.name, path=what.path, text=self._activations.text[:known], written=MORE, known=known)
            )

    def action_stop(self) -> None:
        """Stop reading; the part read so far is shown. Or stop computing what mattered."""
        self._job.stop()
        for panel in self.query(AttributionPanel):  # there is none before the screen is laid out, nor at its end
            panel.stop()

    def action_leave_field(self) -> None:
        """Move the focus from a field to the text, where the arrow keys move the cursor; without a text, nowhere."""
        super().action_leave_field()
        if self._activations is not None:
            self.query_one(ActivationsView).go_to_text()

    def action_prompt(self) -> None:
        """Focus the text box."""
        self.query_one("#prompt", Input).focus()

    def action_turn(self, name: str) -> None:
        """Choose the next option of a box."""
        select: Select[object] = self.query_one(f"#{name}", Select)
        values = [value for _, value in select._options]
        select.value = values[(values.index(select.value) + 1) % len(values)]

    def action_choose(self, by: int) -> None:
        """Move to another cell."""
        self.query_one(ActivationsView).choose(by)

    def action_tint(self) -> None:
        """Tint the text in the next way: by the cell's value, or by what mattered for the next character."""
        self.query_one(ActivationsView).turn_tint()

    def action_save(self) -> None:
        """Ask for a file and save the values of the layer's cells to it."""
        view = self.query_one(ActivationsView)
        name = f"{self._author}-layer{view.layer_number + 1}-{view.symbol}.csv"
        self.app.push_screen(
            AskFile(name, title="save the values of this layer's cells: .csv"),
            self._save,
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that are possible now."""
        reading, there = self._job.running, self._activations is not None
        match action:
            case "read":
                return not reading
            case "write_on":
                return not reading and self._activations is not None and self._activations.room > 0
            case "save" | "where_else":
                return there and not reading
            case "mark":
                return self.can_mark
            case "silence":
                return not reading and self._activations is not None and self._activations.read > 1
            case "turn":
                return there and (parameters != ("layer",) or self._layers > 1)
            case "choose":
                return there and self.query_one(ActivationsView).can_choose(int(str(parameters[0])))
            case "leave_field":
                return isinstance(self.focused, Input | Select)
            case "tint":
                return there
            case "stop":
                return reading or any(panel.is_working for panel in self.query(AttributionPanel))
            case "prompt":
                return not isinstance(self.focused, Input)
        return True

    @property
    def _activations(self) -> "Activations | None":
        return self._seen.activations if self._seen is not None else None

    @property
    def _author(self) -> str:
        return self._seen.what.name if self._seen is not None else ""

    @property
    def _layers(self) -> int:
        return self._activations.config.num_layers if self._activations is not None else 1

    # --- reading

    def _begin(self, what: Looked) -> None:
        if self._job.running:
            return
        what = msgspec.structs.replace(what, seed=self._seed, considerate=is_training(self.app))
        if what.written or not what.text:
            self._seed += 1
        self.query_one(ActivationsView).go_to_text()  # leave the box: letters are keys while the model reads
        self._job.start(partial(inspect_model, what=what), name="inspect", interval=WRITING_INTERVAL)
        self.refresh_bindings()

    @on(Input.Submitted)
    def _submit(self) -> None:
        self.action_read()

    def _follow(self, items: tuple[object, ...]) -> None:
        for item in items:
            match item:
                case Doing(what=what):
                    self._say(what)
                case Prompted(notice=notice) if notice:
                    self.notify(notice)
                case Seen():
                    self._show(item)

    def _end(self, ending: Ending) -> None:
        if ending.error:
            self.notify(ending.error, severity="error", timeout=10)
        elif self._activations is not None:
            self._follow_best(self._activations)
            self._show_wanted()
            self.post_message(FactsKnown({}, counting=("inspection.count",)))
            self._offer(self._activations)
        self._tell_whose()
        self.refresh_bindings()

    @on(Select.Changed, "#model,#which")
    def _tell_whose(self) -> None:
        """Say how many characters were read and, if another model is chosen now, by which model."""
        if self._seen is None:
            self._say("Enter reads")
        elif not self._job.running:
            what = self._seen.what
            whose = self.query_one(ModelRow).note_on(ChosenModel(name=what.name, path=what.path))
            read = count_of(self._seen.activations.read, "character")
            self._say(f"{read} by {whose}" if whose else read)

    def _follow_best(self, activations: "Activations") -> None:
        """Sort the cells by the property that one of them follows best, unless the reader has chosen an order."""
        view = self.query_one(ActivationsView)
        best = activations.best_followed(view.layer_number, view.symbol)
        if best is not None and not self._order_is_chosen:
            view.look(view.layer_number, view.symbol, best)
            self._offer(activations)

    def _show(self, seen: Seen) -> None:
        """Show the activations, with the cursor at the beginning of the text or of its generated part."""
        is_the_same = self._seen is not None and self._seen.what.path == seen.what.path
        self._seen = seen
        view = self.query_one(ActivationsView)
        view.show(seen.checkpoint, seen.activations, seen.what.name, seen.begin, keep_cell=is_the_same)
        self._offer(seen.activations)

    def _offer(self, activations: "Activations") -> None:
        """Offer the layers and quantities of this model, and keep the present choice where the model has it."""
        view = self.query_one(ActivationsView)
        self.query_one("#views").set_class(self._layers > 1, "-layers")
        for name, options, value in (
            ("quantity", [(one.name, one.symbol) for one in activations.quantities], view.symbol),
            ("layer", [(str(layer + 1), layer) for layer in range(activations.config.num_layers)], view.layer_number),
            ("follow", [(CHANGE, CHANGE), *((name, name) for name in properties())], view.follow),
        ):
            select: Select[object] = self.query_one(f"#{name}", Select)
            with select.prevent(Select.Changed):
                select.set_options(options)
                select.value = value

    # --- messages of the widgets

    @on(Select.Changed, "#quantity,#layer,#follow")
    def _look_elsewhere(self) -> None:
        layer, quantity, follow = (self.query_one(f"#{name}", Select).value for name in ("layer", "quantity", "follow"))
        view = self.query_one(ActivationsView)
        self._order_is_chosen = self._order_is_chosen or follow != view.follow  # otherwise the view set the box
        view.look(int(str(layer)), str(quantity), str(follow))

    def _save(self, name: str | None) -> None:
        if name is not None and self._activations is not None:
            view = self.query_one(ActivationsView)
            save_file(self, name, partial(self._activations.to_csv, view.layer_number, view.symbol))

    def _say(self, text: str) -> None:
        self.query_one("#status", PlainText).update(text)
