"""Form for an evaluation: the model, an optional model to compare it with, the text, the split and the part."""

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Label, Select

from charlstm_tui.jobs.evaluation import Measured
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from core.data.corpus import CorpusConfig
from core.data.known_texts import KNOWN, MOLIERE
from core.data.splits import PARTS, SPLITS
from core.files import here
from core.runs.store import RunStore
from core.text import in_one_line

_OWN = "own"


class EvaluationChoices(Vertical):
    """Two rows of selection boxes. The list of texts has the model's own text and, once chosen, one other text."""

    def __init__(self, store: RunStore) -> None:
        super().__init__()
        self._store = store
        self.other_text: CorpusConfig | None = None
        """Text chosen instead of the model's own; None if none was chosen."""

    def compose(self) -> ComposeResult:
        """Lay out the boxes."""
        with Horizontal(classes="choices"):
            yield Label("model")
            yield CheckpointSelect(self._store, id="model")
            yield Label("compare with")
            yield CheckpointSelect(self._store, id="other", none="no other model")
        with Horizontal(classes="choices"):
            yield Label("text")
            yield Select(self._texts(), value=_OWN, allow_blank=False, compact=True, id="source")
            yield Label("split")
            yield Select(
                [("its own", _OWN), *((split, split) for split in SPLITS)],
                value=_OWN, allow_blank=False, compact=True, id="split",
            )  # fmt: skip
            yield Label("part")
            yield Select(
                [*((part, part) for part in PARTS), ("all of it", "whole")],
                value="test", allow_blank=False, compact=True, id="part",
            )  # fmt: skip

    @property
    def model(self) -> CheckpointSelect:
        """The model to evaluate."""
        return self.query_one("#model", CheckpointSelect)

    @property
    def other_model(self) -> CheckpointSelect:
        """The model to compare it with."""
        return self.query_one("#other", CheckpointSelect)

    @property
    def folder(self) -> Path:
        """The folder of the other text, or the folder in which the app was started."""
        if self.other_text is None or self.other_text.source in ("", *KNOWN):
            return here()
        folder = Path(self.other_text.source).parent
        return folder if folder.is_dir() else here()

    @property
    def chosen(self) -> Measured:
        """The evaluation that the boxes describe.

        Raises:
            UserError: the chosen model does not exist.
        """
        source, split, part = (str(self.query_one(f"#{name}", Select).value) for name in ("source", "split", "part"))
        return Measured(
            name=self.model.chosen_name,
            path=self.model.checkpoint_path,
            text=None if source == _OWN else self.other_text,
            split=None if split == _OWN else split,  # type: ignore[arg-type]
            part=part,  # type: ignore[arg-type]
        )

    def text_is_missing(self, what: Measured) -> bool:
        """Return whether the text to evaluate on is Molière's plays and these are not downloaded."""
        if what.text is None:
            return self.model.text_is_missing
        return what.text.source == MOLIERE.name and not MOLIERE.here

    def refresh_runs(self) -> None:
        """Update the lists of models from the store of runs."""
        for select in (self.model, self.other_model):
            select.refresh_runs()

    def take_text(self, chosen: CorpusConfig) -> None:
        """Choose another text, as a whole."""
        self.other_text = chosen
        select = self.query_one("#source", Select)
        select.set_options(self._texts())
        select.value = chosen.source
        self.query_one("#part", Select).value = "whole"

    def _texts(self) -> list[tuple[Content, str]]:
        texts = [(Content("its own"), _OWN)]
        if self.other_text is not None:
            texts.append((Content(in_one_line(self.other_text.name)), self.other_text.source))
        return texts
