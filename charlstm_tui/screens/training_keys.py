"""The keys of the Train screen, and the conditions under which each is available."""

from textual.binding import Binding, BindingType

from charlstm_tui.state.training import TrainingView

_CHART = Binding.Group("Chart", compact=True)

BINDINGS: list[BindingType] = [
    Binding("s", "start", "Start"),
    Binding("ctrl+enter", "start", "Start", show=False, priority=True),  # works in fields, if the terminal sends it
    Binding("enter", "go_to_start", "Go to the Start button", show=False),
    Binding("o", "choose_text", "Text"),
    Binding("a", "all_settings", "All settings"),
    Binding("p", "pause", "Pause"),
    Binding("p", "go_on", "Continue"),
    Binding("x", "stop", "Stop"),
    Binding("m", "sample", "Sample"),
    Binding("e", "evaluate", "Evaluate"),
    Binding("g", "generate", "Generate"),
    Binding("r", "resume", "Resume"),
    Binding("r", "more_epochs", "More epochs"),
    Binding("n", "new", "New"),
    Binding("n", "new_instead", "New", show=False),
    Binding("l", "runs", "Runs"),
    Binding("f", "fetch", "Fetch", show=False),  # the download line on screen names the key
    Binding("f", "stop_fetching", "Stop fetching"),
    Binding("f", "filmstrip", "Filmstrip"),
    Binding("v", "smoothing", "Smoothing of the chart", group=_CHART),
    Binding("t", "range", "Range of the chart: all or recent", group=_CHART),
    Binding("y", "scale", "Scale of the chart: linear or logarithmic", group=_CHART),
    Binding("b", "x_axis", "Chart by steps, epochs, characters or seconds", group=_CHART),
    Binding("left", "earlier_sample", "Earlier sample", show=False),
    Binding("right", "later_sample", "Later sample", show=False),
    Binding("escape", "leave_field", "Leave the field", key_display="Esc"),
]


def is_offered(action: str, training: TrainingView, *, on_settings: bool) -> bool:
    """Return whether an action is possible for this state of the run; `on_settings` if the settings are on screen."""
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
        case "go_on":
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
