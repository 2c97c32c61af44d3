"""The keys of Experiments."""

from textual.binding import Binding, BindingType

EXPERIMENT_KEYS: list[BindingType] = [
    Binding("s", "start", "Start", id="experiments.start"),
    Binding("s", "resume", "Resume", id="experiments.start"),
    Binding("x", "stop", "Stop", id="experiments.stop"),
    Binding("enter", "open_run", "Open run", id="experiments.open-run"),
    Binding("p", "save_preset", "Settings file", id="experiments.settings-file"),
    Binding("t", "test_loss", "Test loss", id="experiments.test-loss"),
    Binding("n", "new", "New", id="experiments.new"),
    Binding("l", "choose", "Experiments", id="experiments.list"),
    Binding("d", "delete", "Delete", id="experiments.delete"),
    Binding("escape", "leave_field", "Leave the field", key_display="Esc", id="experiments.leave-field"),
]
