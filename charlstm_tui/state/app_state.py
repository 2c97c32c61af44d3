"""The values that the app shares with its screens and widgets, which watch them."""

from textual.app import App
from textual.reactive import reactive

from charlstm_tui.state.preferences import Preferences
from charlstm_tui.state.training import TrainingView


class AppState(App[None]):
    """An app with a training run and preferences: `RunController` changes the one, the app itself the other."""

    # Not repainting by themselves: each report would draw the whole screen anew.
    training: reactive[TrainingView] = reactive(TrainingView(), repaint=False)
    preferences: reactive[Preferences] = reactive(Preferences(), repaint=False)
