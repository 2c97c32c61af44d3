"""The keys of a chart of losses, on each screen that has one."""

from textual.message_pump import MessagePump

from charlstm_tui.state.messages import ChangePreferences
from charlstm_tui.state.preferences import RANGES, SCALES, SMOOTHINGS, X_AXES, Preferences, following


class ChartKeys(MessagePump):
    """A mixin for screens, which keep `_preferences` up to date and bind the keys they want."""

    _preferences: Preferences

    def action_smoothing(self) -> None:
        """Smooth the training loss more, or less."""
        self.post_message(ChangePreferences(smoothing=following(SMOOTHINGS, self._preferences.smoothing)))

    def action_range(self) -> None:
        """Chart all steps, or the recent ones."""
        self.post_message(ChangePreferences(range=following(RANGES, self._preferences.range)))

    def action_scale(self) -> None:
        """Chart the losses, or their logarithms."""
        self.post_message(ChangePreferences(scale=following(SCALES, self._preferences.scale)))

    def action_x_axis(self) -> None:
        """Chart the losses by steps, by epochs, by characters read, or by seconds."""
        self.post_message(ChangePreferences(x_axis=following(X_AXES, self._preferences.x_axis)))
