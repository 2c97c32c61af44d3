"""Actions for the keys of a loss chart, shared by the screens that show one."""

from textual.message_pump import MessagePump

from charlstm_tui.state.messages import ChangePreferences
from charlstm_tui.state.preferences import RANGES, SCALES, SMOOTHINGS, X_AXES, Preferences, following


class ChartKeys(MessagePump):
    """A mixin for screens. The screen keeps `_preferences` up to date and binds the keys that it needs."""

    _preferences: Preferences

    def action_smoothing(self) -> None:
        """Switch to the next smoothing of the training loss."""
        self.post_message(ChangePreferences(smoothing=following(SMOOTHINGS, self._preferences.smoothing)))

    def action_range(self) -> None:
        """Switch between all steps and the recent ones."""
        self.post_message(ChangePreferences(range=following(RANGES, self._preferences.range)))

    def action_scale(self) -> None:
        """Switch between a linear and a logarithmic scale of the loss."""
        self.post_message(ChangePreferences(scale=following(SCALES, self._preferences.scale)))

    def action_x_axis(self) -> None:
        """Switch to the next x axis: steps, epochs, characters read, or seconds."""
        self.post_message(ChangePreferences(x_axis=following(X_AXES, self._preferences.x_axis)))
