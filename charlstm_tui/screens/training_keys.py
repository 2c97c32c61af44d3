"""The keys of the Train screen, and which of them are possible in which state of the run."""

from textual.binding import Binding, BindingType

from charlstm_tui.state.training import TrainingView

_CHART = Binding.Group("Chart", compact=True)

BINDINGS: list[BindingType] = [
    Binding("s", "start", "Start", id="train.start"),
    Binding(
        "ctrl+enter", "start", "Start", show=False, priority=True, id="train.start-in-field"
    ),  # also in a field, if the terminal sends it
    Binding("enter", "go_to_start", "Go to the Start button", show=False, id="train.go-to-start"),
    Binding("o", "choose_text", "Text", id="train.text"),
    Binding("a", "all_settings", "All settings", id="train.settings"),
    Binding("p", "pause", "Pause", id="train.pause"),
    Binding("p", "continue_run", "Continue", id="train.pause"),
    Binding("x", "stop", "Stop", id="train.stop"),
    Binding("m", "sample", "Sample", id="train.sample"),
    Binding("e", "evaluate", "Evaluate", id="train.evaluate"),
    Binding("g", "generate", "Generate", id="train.generate"),
    Binding("r", "resume", "Resume", id="train.resume"),
    Binding("r", "more_epochs", "More epochs", id="train.resume"),
    Binding("n", "new", "New", id="train.new"),
    Binding("n", "new_instead", "New", show=False, id="train.new"),
    Binding("l", "runs", "Runs", id="train.runs"),
    Binding("f", "fetch", "Fetch", show=False, id="train.fetch"),  # the fetch bar names the key
    Binding("f", "stop_fetching", "Stop fetching", id="train.fetch"),
    Binding("f", "filmstrip", "Filmstrip", id="train.fetch"),
    Binding("v", "smoothing", "Smoothing of the chart", group=_CHART, id="train.smoothing"),
    Binding("t", "range", "Range of the chart: all or recent", group=_CHART, id="train.range"),
    Binding("y", "scale", "Scale of the chart: linear or logarithmic", group=_CHART, id="train.scale"),
    Binding("b", "x_axis", "Chart by steps, epochs, characters or seconds", group=_CHART, id="train.x-axis"),
    Binding("left", "earlier_sample", "Earlier sample", show=False, id="train.earlier-sample"),
    Binding("right", "later_sample", "Later sample", show=False, id="train.later-sample"),
    Binding("escape", "leave_field", "Leave the field", key_display="Esc", id="train.leave-field"),
    Binding("escape", "decline_offer", "Remove the line", key_display="Esc", id="train.leave-field"),
]


def is_offered(action: str, training: TrainingView, *, on_settings: bool) -> bool:
    """Return whether an action is possible in this state of the run; `on_settings`: the settings are on screen."""
    match action:
        case "start" | "go_to_start":
            return on_settings and not training.alive
        case "choose_text" | "all_settings" | "fetch" | "stop_fetching":
            return on_settings
        case "new":
            return not on_settings and not training.alive
        case "new_instead":
            return training.phase in ("training", "paused")
        case "runs":
            return not training.alive or training.started is not None
        case "resume":
            return (on_settings and not training.alive) or training.can_go_on
        case "more_epochs":
            return not on_settings and training.can_have_more
        case "stop":
            return training.alive and training.phase != "stopping"
        case "pause":
            return training.phase == "training"
        case "continue_run":
            return training.phase == "paused"
        case "sample":
            return training.phase in ("training", "paused")
        case "evaluate" | "generate":
            finished = training.finished
            return not on_settings and finished is not None and finished.last_checkpoint is not None
        case "smoothing" | "range" | "scale" | "x_axis" | "filmstrip":
            return not on_settings and training.started is not None
        case "earlier_sample" | "later_sample":
            return not on_settings
    return True
