"""The keys of Inspect."""

from textual.binding import Binding, BindingType

INSPECTION_KEYS: list[BindingType] = [
    Binding("enter", "read", "Read", id="inspect.read"),
    Binding("escape", "stop", "Stop", id="inspect.stop"),
    Binding("escape", "leave_field", "Leave the field", show=False, id="inspect.stop"),
    Binding("v", "turn('quantity')", "Quantity", tooltip="show the next gate or state", id="inspect.quantity"),
    Binding("l", "turn('layer')", "Layer", id="inspect.layer"),
    Binding("f", "turn('follow')", "Sort", tooltip="sort the cells by a property that they follow", id="inspect.sort"),
    Binding("j,left_square_bracket", "choose(-1)", "Previous cell", show=False, id="inspect.previous-cell"),
    Binding("k,right_square_bracket", "choose(1)", "Next cell", show=False, id="inspect.next-cell"),
    Binding("w", "write_on", "Continue", tooltip="the model continues the text and reads it", id="inspect.continue"),
    Binding(
        "a",
        "tint",
        "What mattered",
        tooltip="tint the text by what mattered for the next character",
        id="inspect.mattered",
    ),
    Binding(
        "x",
        "silence",
        "Silence",
        tooltip="silence cells: what does the network predict worse without them?",
        id="inspect.silence",
    ),
    Binding(
        "o",
        "where_else",
        "Where else",
        tooltip="where else the cells are on that are on in this stretch",
        id="inspect.where-else",
    ),
    Binding(
        "m",
        "memory",
        "Memory",
        tooltip="how far back does a model remember? LSTM, GRU and RNN compared",
        id="inspect.memory",
    ),
    Binding(
        "b",
        "mark",
        "Mark",
        tooltip="mark one end of a stretch of the text; the cursor is the other end",
        id="inspect.mark",
    ),
    Binding("i", "prompt", "Text", id="inspect.text"),
    Binding("s", "save", "Save", id="inspect.save"),
]
