"""The form of a new experiment: its name, the settings to vary, seeds, and limits."""

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import Button, Input, Label, Select

from charlstm_tui.formatting.numbers import duration_between
from charlstm_tui.jobs import experiments
from charlstm_tui.jobs.job import Ending, LatestJob
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.text_input import TextInput
from core.errors import UserError
from core.experiments.duration import duration_of
from core.experiments.experiment import Experiment, check_experiment
from core.experiments.varied import can_be_varied, field_named, parse_varied
from core.runs.run import RunConfig
from core.settings.forecast import Forecast
from core.settings.number_parsing import read_number
from core.text import count_of, in_one_line

if TYPE_CHECKING:
    from core.settings.config import Field

ROWS = 4
"""Number of settings that can be varied on screen."""
PROPOSED = (("hidden_size", "64,128,256"), ("num_layers", "1,2"))
"""Settings and values that the form begins with."""
HINT = "Values: a list, as in 64,128,256; or a range to search, as in 0..0.6 or 1e-4..1e-1:log."


class ExperimentForm(VerticalScroll):
    """Reads an experiment. Sends `StartRequested` to start it."""

    DEFAULT_CSS: ClassVar[str] = """
    ExperimentForm {
        padding: 0 1; height: 1fr; scrollbar-size: 1 1;
        & .field { height: 1; width: 100%; margin: 0; }
        & .field > .hint { width: 1fr; }
        & .field > Label { width: 15; color: $text-muted; }
        & .field > Input { width: 1fr; max-width: 50; }
        & .field > Select { width: 22; margin-right: 1; }
        & .field.-short > Input { max-width: 14; }
        & #base, & #form-hint { height: auto; color: $text-muted; }
        & #base { margin-bottom: 1; }
        & #form-hint { margin-top: 1; }
        & #summary { height: auto; margin-top: 1; }
        & #summary.-trouble { color: $text-error; }
        & Button { margin-top: 1; }
    }
    """

    class StartRequested(Message):
        """Sent with a valid experiment when the user starts it."""

        def __init__(self, experiment: Experiment) -> None:
            super().__init__()
            self.experiment = experiment

    def __init__(self, base: RunConfig, name: str, *, id: str | None = None) -> None:  # noqa: A002
        """Set it up.

        Args:
            base: the settings of Train.
            name: proposed name.
            id: Textual's id.
        """
        super().__init__(id=id)
        self._base = base
        self._name = name
        self._workers: int | None = None
        self._forecast: Forecast | None = None
        self._complaint = ""
        self._job = LatestJob(self, on_items=self._take, on_end=self._end)

    def compose(self) -> ComposeResult:
        """Lay out the fields."""
        yield PlainText(self._about_base(), id="base")
        with Horizontal(classes="field"):
            yield Label("name")
            yield TextInput(self._name, id="experiment-name", compact=True, select_on_focus=True)
        fields = [(field.title, field.name) for field in can_be_varied()]
        for row in range(ROWS):
            name, values = PROPOSED[row] if row < len(PROPOSED) else (None, "")
            with Horizontal(classes="field"):
                yield Label("vary" if not row else "and")
                select: Select[str] = Select(
                    fields, prompt="–", value=name if name is not None else Select.NULL, compact=True,
                    id=f"vary-{row}",
                )  # fmt: skip
                yield select
                yield TextInput(values, id=f"values-{row}", compact=True, select_on_focus=True)
        for label, which, value, hint in (
            ("seeds", "seeds", "3", "runs of each combination"),
            ("combinations", "combinations", "", "all; or how many a search tries"),
            ("seconds", "limit-seconds", "", "no time limit"),
        ):
            with Horizontal(classes="field -short"):
                yield Label(label)
                yield TextInput(value, id=which, placeholder="–", compact=True, select_on_focus=True)
                yield Label(f"  {hint}", classes="hint")
        yield PlainText(HINT, id="form-hint")
        yield PlainText(id="summary")
        yield Button("Start the experiment", id="start-experiment", compact=True)

    def on_mount(self) -> None:
        """Forecast one run."""
        self.consider(self._base)

    def on_unmount(self) -> None:
        """Stop the worker thread."""
        self._job.drop()

    def consider(self, base: RunConfig) -> None:
        """Use other settings of Train."""
        self._base = base
        self.query_one("#base", PlainText).update(self._about_base())
        self._forecast = None
        self._job.start(partial(experiments.forecast_run, config=base), name="experiment-forecast", interval=1 / 10)
        self._judge()

    def propose(self, name: str) -> None:
        """Propose another name."""
        self.query_one("#experiment-name", Input).value = name

    def read(self) -> Experiment:
        """Return the experiment on screen.

        Raises:
            UserError: a value is not possible, or the values do not fit together.
        """
        varied = []
        for row in range(ROWS):
            name, values = self.query_one(f"#vary-{row}", Select).value, self._typed(f"values-{row}")
            if isinstance(name, str):
                if not values:
                    raise UserError(f"{field_named(name).title} has no values yet, for example {_example(name)}.")
                varied.append(parse_varied(f"{name}={values}"))
        trials = self._whole("combinations", "The number of combinations")
        seconds = self._whole("limit-seconds", "The time limit")
        experiment = Experiment(
            name=self._typed("experiment-name"), preset=self._base.preset, corpus=self._base.corpus,
            model=self._base.model, training=self._base.training, varied=tuple(varied),
            seeds=self._whole("seeds", "The number of seeds") or 1, trials=trials, seconds=float(seconds or 0),
            pruning="median" if trials is not None else "none",
        )  # fmt: skip
        check_experiment(experiment)
        return experiment

    def start(self) -> None:
        """Request the experiment on screen, or say what is wrong with it."""
        try:
            experiment = self.read()
        except UserError as error:
            self.complain(str(error))
        else:
            self._job.drop()
            self.post_message(self.StartRequested(experiment))

    def complain(self, reason: str) -> None:
        """Show why the experiment cannot start, until something changes."""
        self._complaint = reason
        self._judge()

    @on(Input.Changed)
    @on(Select.Changed)
    def _change(self) -> None:
        self._complaint = ""
        self._judge()

    @on(Button.Pressed, "#start-experiment")
    def _press(self, event: Button.Pressed) -> None:
        event.stop()
        self.start()

    def _judge(self) -> None:
        """Say how many runs there are and how long they take, or what is wrong."""
        summary = self.query_one("#summary", PlainText)
        try:
            text = self._complaint or self._summary(self.read())
            wrong = bool(self._complaint)
        except UserError as error:
            text, wrong = str(error), True
        summary.update(text)
        summary.set_class(wrong, "-trouble")

    def _summary(self, experiment: Experiment) -> str:
        runs = count_of(experiment.runs, "run")
        if experiment.seeds > 1:
            runs += f": {count_of(experiment.combinations, 'combination')} with {experiment.seeds} seeds each"
        if self._forecast is None or self._workers is None:
            return f"{runs}."
        workers = min(self._workers, experiment.runs)
        span = duration_of(experiment, self._forecast, workers)
        if span is None:
            return f"{runs}."
        return f"{runs}; {duration_between(*span)} with {count_of(workers, 'worker')}."

    def _take(self, items: tuple[object, ...]) -> None:
        for item in items:
            if isinstance(item, Forecast):
                self._forecast = item
            elif isinstance(item, experiments.WorkersCounted):
                self._workers = item.workers
        self._judge()

    def _end(self, ending: Ending) -> None:
        if ending.error:
            self.complain(ending.error)

    def _about_base(self) -> str:
        corpus = self._base.corpus
        return in_one_line(
            "Runs that differ in the settings below. The text and the other settings are those of Train: "
            f"{corpus.title}, {self._base.preset}."
        )

    def _typed(self, which: str) -> str:
        return self.query_one(f"#{which}", Input).value.strip()

    def _whole(self, which: str, title: str) -> int | None:
        """Return a whole number of at least 1; None if the field is empty."""
        typed = self._typed(which)
        if not typed:
            return None
        try:
            number = int(read_number(typed, int))
        except UserError:
            number = 0
        if number < 1:
            raise UserError(f"{title} must be a whole number of at least 1.")
        return number


def _example(name: str) -> str:
    field: Field = field_named(name)
    if field.choices:
        return ",".join(field.choices[:2])
    return f"{field.show(field.default)},…"
