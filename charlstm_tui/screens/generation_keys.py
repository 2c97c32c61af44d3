"""The keys of the Generate screen, and which of them are possible when."""

from textual.binding import Binding, BindingType

from charlstm_tui.widgets.generation.together_panel import KEYS as TOGETHER

BINDINGS: list[BindingType] = [
    Binding("enter", "write", "Generate", id="generate.generate"),
    Binding("escape", "stop", "Stop", id="generate.stop"),
    Binding("escape", "leave_field", "Leave the field", show=False, id="generate.stop"),
    Binding("c", "continue", "Continue", id="generate.continue"),
    Binding(
        "w",
        "write_together",
        "Write together",
        tooltip="with the model, character by character",
        id="generate.together",
    ),
    Binding("i", "prompt", "Prompt", id="generate.prompt"),
    Binding("n", "another", "Generate with the next seed", show=False, id="generate.next-seed"),
    Binding("h", "three", "3 temps", tooltip="at three temperatures, side by side", id="generate.temperatures"),
    Binding("j,left_square_bracket", "warm(-1)", "Temperature down by 0.1", show=False, id="generate.cooler"),
    Binding("k,right_square_bracket", "warm(1)", "Temperature up by 0.1", show=False, id="generate.warmer"),
    Binding("y", "copy", "Copy", id="generate.copy"),
    Binding("s", "save", "Save", id="generate.save"),
    Binding("t", "tint", "Tint", id="generate.tint"),
    *TOGETHER,
    Binding("tab", "app.focus_next", "Focus Next", show=False, id="generate.next-field"),  # as on every other screen
]


def is_offered(action: str, *, writes: bool, has_text: bool, can_continue: bool, together: bool) -> bool:
    """Return whether an action is possible.

    Args:
        action: the name of the action.
        writes: whether the model is generating.
        has_text: whether characters were generated, or typed while writing together.
        can_continue: whether a model has read a prompt.
        together: whether a person is writing together with the model.
    """
    if action == "together":
        return together
    if together:
        return action not in {str(binding.action).partition("(")[0] for binding in BINDINGS}  # type: ignore[union-attr]
    match action:
        case "write" | "three" | "another" | "write_together":
            return not writes
        case "continue":
            return can_continue and not writes
        case "save":
            return has_text and not writes
        case "copy" | "tint":
            return has_text
        case "stop":
            return writes
    return True
