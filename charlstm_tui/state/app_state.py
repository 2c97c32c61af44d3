"""The state of the app that its screens and widgets watch."""

from textual.app import App
from textual.css.query import NoMatches
from textual.reactive import reactive
from textual.widget import MountError

from charlstm_tui.state.preferences import Preferences
from charlstm_tui.state.training import TrainingView
from core.runs.run import RunConfig


class AppState(App[None]):
    """An app with a training run, an experiment and preferences.

    `RunController` changes `training`, the app `preferences`, the settings panel `next_run`, and the Experiments screen
    `experiment_is_alive`.
    """

    # No repaint on a change: each batch of events would redraw the whole screen.
    training: reactive[TrainingView] = reactive(TrainingView(), repaint=False)
    preferences: reactive[Preferences] = reactive(Preferences(), repaint=False)
    next_run: reactive[RunConfig | None] = reactive(None, repaint=False)
    """The settings on the Train screen; None while they are not valid, and before the form exists."""
    has_lesson = False
    """Whether a lesson is open, so that facts are of use."""
    experiment_is_alive: reactive[bool] = reactive(False, repaint=False)
    """Whether an experiment is running."""
    experiment_state: reactive[str] = reactive("", repaint=False)
    """Name and state of the running experiment, for the top line; empty if none is running."""

    def _handle_exception(self, error: Exception) -> None:
        """End the app and show the error.

        While the app closes, an event handler may look for a widget that is gone; that is only logged.
        """
        closes = self._exit or not self.is_running
        if closes and isinstance(error, NoMatches | MountError):
            self.log.warning(error)
        else:
            super()._handle_exception(error)
