"""The state of the app that its screens and widgets watch."""

from textual.app import App
from textual.reactive import reactive

from charlstm_tui.state.preferences import Preferences
from charlstm_tui.state.training import TrainingView


class AppState(App[None]):
    """An app with a training run and preferences. `RunController` changes `training`; the app changes `preferences`."""

    # No repaint on a change: each batch of events would redraw the whole screen.
    training: reactive[TrainingView] = reactive(TrainingView(), repaint=False)
    preferences: reactive[Preferences] = reactive(Preferences(), repaint=False)
