"""Each screen and dialog in the states that it is found in, for tests that hold for all of them."""

from collections.abc import Awaitable, Callable
from functools import partial

from textual.pilot import Pilot
from textual.widgets import Button, Collapsible, Input, OptionList, Select, TabbedContent

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.dialogs import AskAboutRun, AskFile, AskName, Confirm
from charlstm_tui.screens.evaluation import EvaluationScreen
from charlstm_tui.screens.experiments import ExperimentsScreen
from charlstm_tui.screens.inspection import InspectionScreen
from charlstm_tui.screens.memory import MemoryScreen
from charlstm_tui.screens.occurrences import OccurrencesScreen
from charlstm_tui.screens.silencing import SilencingScreen
from charlstm_tui.state.experiment import ExperimentView
from charlstm_tui.state.training import TrainingView
from charlstm_tui.widgets.common.next_char_bars import NextCharBars
from charlstm_tui.widgets.common.prompt_input import PromptInput
from charlstm_tui.widgets.common.stream_pane import StreamPane
from charlstm_tui.widgets.evaluation.report_pages import PAGES
from charlstm_tui.widgets.inspection.attribution_panel import AttributionPanel
from charlstm_tui.widgets.inspection.two_texts import TwoTexts
from core.events import Diverged, Paused, RunFinished, SavingFailed
from core.reports.results import Estimate, Stage
from tests.tui import reports
from tests.tui.conftest import until
from tests.tui.experiments import experiment_view
from tests.tui.memory import GRU, LSTM, RNN, models_of, report_of
from tests.tui.views import STARTED, finished, running

State = Callable[[Pilot[None]], Awaitable[None]]
"""Brings an app that has just opened, with one trained run in its store, into a state."""


async def idle(pilot: Pilot[None]) -> None:
    """The form, as the app opens."""


async def all_settings(pilot: Pilot[None]) -> None:
    """The form unfolded, one setting changed, one wrong and one being edited."""
    await pilot.press("a")
    await until(lambda: not pilot.app.screen.query_one(Collapsible).collapsed)
    await pilot.pause()
    boxes = [box for box in pilot.app.screen.query("SettingInput Input").results(Input) if box.value]
    boxes[0].value, boxes[1].value = "3", "nothing"
    boxes[2].focus()
    await pilot.pause()


async def trained_with(view: TrainingView, pilot: Pilot[None]) -> None:
    """A run, as it goes or after it."""
    assert isinstance(pilot.app, CharLSTMApp)
    if view.started is not None:
        pilot.app.training = running(2)
        await pilot.pause()
    pilot.app.training = view
    await pilot.pause()


async def dialog(make: Callable[[], AskAboutRun | Confirm | AskName | AskFile], pilot: Pilot[None]) -> None:
    """A dialog over a run."""
    await trained_with(running(3), pilot)
    pilot.app.push_screen(make())
    await pilot.pause()
    for button in pilot.app.screen.query(Button):
        button.focus()


async def pressed(keys: list[str], pilot: Pilot[None]) -> None:
    """What a key opens."""
    await pilot.press(*keys)
    await pilot.pause()


async def runs(pilot: Pilot[None]) -> None:
    """The list of runs, one of them compared."""
    await pilot.press("l")
    await until(lambda: pilot.app.screen.query_one("#runs", OptionList).option_count >= 1)
    await pilot.press("space")


async def palette(pilot: Pilot[None]) -> None:
    """The palette with a word looked for."""
    await pilot.press("ctrl+p")
    await pilot.pause()
    await pilot.press(*"run")
    await pilot.pause()


async def list_of_choices(pilot: Pilot[None]) -> None:
    """A box whose list is open."""
    select = pilot.app.screen.query_one("#preset", Select)
    select.focus()
    await pilot.press("enter")
    await pilot.pause()


async def notices(pilot: Pilot[None]) -> None:
    """Notices of each kind."""
    for severity in ("information", "warning", "error"):
        pilot.app.notify("Something was saved: /a/folder/file.md", title="notice", severity=severity)
    await pilot.pause()


async def page(name: str, pilot: Pilot[None]) -> None:
    """A page of a report."""
    await pilot.press("f3")
    screen = pilot.app.screen
    assert isinstance(screen, EvaluationScreen)
    screen.pages.show_text(reports.surprisals())
    screen.show(reports.report())
    screen.pages.finish()
    screen.pages.show_comparison(("quick-1", "the other one"), reports.COMPARISON)
    screen.query_one(TabbedContent).active = name
    await pilot.pause()
    if name == "text":
        screen.pages.go_to_text()
        await pilot.press("down", "right")


async def reading(pilot: Pilot[None]) -> None:
    """Evaluate as it reads."""
    await pilot.press("f3")
    screen = pilot.app.screen
    assert isinstance(screen, EvaluationScreen)
    screen.add_class("-evaluating")
    screen._follow((Estimate(loss=1.4711, characters=14_496, of=168_729), Stage(doing="reading", done=0.42)))
    await pilot.pause()


async def generated(tinted: bool, pilot: Pilot[None]) -> None:
    """A text in Generate: plain, or tinted, with the pane in focus."""
    await pilot.press("f4")
    text = "Mon âne a bu la lune, et moi je bois l'eau du moulin.\n" * 12
    for pane in pilot.app.screen.query(StreamPane):
        pane.begin("LE MEUNIER.\n\n")
        pane.append(text, bytes(place % 5 for place in range(len(text))))
        pane.tinted = tinted
    if tinted:
        pilot.app.screen.query(StreamPane).first().focus()
    await pilot.pause()


async def three_texts(pilot: Pilot[None]) -> None:
    """Generate at three temperatures."""
    await pilot.press("f4", "escape", "h")
    await until(lambda: len([pane for pane in pilot.app.screen.query(StreamPane) if pane.text]) >= 3)
    await pilot.press("escape")
    await pilot.pause()


async def writing_together(pilot: Pilot[None]) -> None:
    """Generate while a person and the model write together."""
    await pilot.press("f4", "escape", "w")
    bars = pilot.app.screen.query_one("#choices", NextCharBars)
    await until(lambda: bars.count > 0)
    await pilot.press(*"2 mou", "enter", "down")
    await pilot.pause()


async def experiment(view: ExperimentView, pilot: Pilot[None]) -> None:
    """The Experiments screen with an experiment."""
    await pilot.press("f6")
    screen = pilot.app.screen
    assert isinstance(screen, ExperimentsScreen)
    await until(lambda: not screen._job.running)
    screen._switch("experiment")
    screen.view = view
    await pilot.pause()


async def inspected(pilot: Pilot[None]) -> None:
    """Inspect with a text read."""
    await pilot.press("f5")
    screen = pilot.app.screen
    assert isinstance(screen, InspectionScreen)
    screen.query_one("#prompt", PromptInput).value = "3 moutons, 5 chèvres.\\n\\n12 moutons"
    await pilot.press("enter")
    await until(lambda: screen._activations is not None and not screen._job.running)
    await pilot.press("right", "right", "down")
    await pilot.pause()


async def where_else(pilot: Pilot[None]) -> None:
    """The places of the text where the cells are on that are on in a stretch."""
    await inspected(pilot)
    await pilot.press("shift+right", "o")
    screen = pilot.app.screen
    assert isinstance(screen, OccurrencesScreen)
    screen.query_one("#threshold", Input).value = "-10"  # all cells are on
    await pilot.press("t", "enter")
    await until(lambda: screen._found is not None and not screen._reading.running)
    await pilot.press("tab", "c")


async def silencing(pilot: Pilot[None]) -> None:
    """A cell silenced, with its effect and two texts."""
    await inspected(pilot)
    await pilot.press("x")
    screen = pilot.app.screen
    assert isinstance(screen, SilencingScreen)
    await until(lambda: not screen._job.running)
    await pilot.press("g")
    await until(lambda: len(screen.query_one(TwoTexts).texts[1]) > 100 and not screen._job.running)
    await pilot.press("t")
    await pilot.pause()


async def mattered(pilot: Pilot[None]) -> None:
    """Inspect with what mattered for the next character."""
    await inspected(pilot)
    await pilot.press("a")
    panel = pilot.app.screen.query_one(AttributionPanel)
    await until(lambda: panel.found is not None and not panel.is_working)
    await pilot.pause()


async def memory_measured(pilot: Pilot[None]) -> None:
    """How far back three models remember."""
    await pilot.press("f5", "escape", "m")
    screen = pilot.app.screen
    assert isinstance(screen, MemoryScreen)
    report = report_of(RNN, GRU, LSTM)
    screen.show(models_of(report), report)
    await pilot.pause()


STATES: dict[str, State] = {
    "form": idle,
    "all settings": all_settings,
    "list of choices": list_of_choices,
    "notices": notices,
    "preparing": partial(trained_with, STARTED),
    "running": partial(trained_with, running(3)),
    "paused": partial(trained_with, running(3).after([Paused()])),
    "stopping": partial(trained_with, running(3).stopping()),
    "finished": partial(trained_with, finished()),
    "stopped": partial(trained_with, finished("stopped")),
    "failed": partial(trained_with, running(2).failed("This machine has not enough memory for that.")),
    "diverged": partial(
        trained_with,
        running(2).after(
            [Diverged(epoch=3, step=71), RunFinished(reason="failed", epochs=2, elapsed_seconds=4.0, run="quick-1")]
        ),
    ),
    "cannot save": partial(
        trained_with,
        running(3).after([SavingFailed(path="/runs/quick-1", why="No space left on device", again_after=10)]),
    ),
    "what becomes of a run": partial(dialog, partial(AskAboutRun, "stop the training?", then="")),
    "delete?": partial(
        dialog, partial(Confirm, "delete quick-1", "This deletes 12 epochs of training and 1.2 MB of files.")
    ),
    "name?": partial(dialog, partial(AskName, "quick-1")),
    "file?": partial(dialog, partial(AskFile, "quick-1.md")),
    "help": partial(pressed, ["f1"]),
    "palette": palette,
    "texts": partial(pressed, ["o"]),
    "runs": runs,
    "evaluate": partial(pressed, ["f3"]),
    "reading": reading,
    **{f"page {name}": partial(page, name) for name in PAGES},
    "generate": partial(pressed, ["f4"]),
    "generated": partial(generated, False),
    "tinted": partial(generated, True),
    "three texts": three_texts,
    "writing together": writing_together,
    "experiment form": partial(pressed, ["f6"]),
    "experiments": partial(pressed, ["f6", "l"]),
    "experiment running": partial(experiment, experiment_view(over=5, alive=True)),
    "experiment finished": partial(experiment, experiment_view()),
    "inspect": partial(pressed, ["f5"]),
    "inspected": inspected,
    "mattered": mattered,
    "silencing": silencing,
    "where else": where_else,
    "memory": partial(pressed, ["f5", "escape", "m"]),
    "memory measured": memory_measured,
}
