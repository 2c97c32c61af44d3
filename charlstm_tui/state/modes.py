"""The titles of the screens, by mode; in the order of the function keys and digits that switch to them."""

MODES: dict[str, str] = {
    "train": "Train",
    "evaluate": "Evaluate",
    "generate": "Generate",
    "inspect": "Inspect",
    "experiments": "Experiments",
}

DEFAULT_KEYS = {mode: f"F{number}" for number, mode in enumerate(MODES, start=2)}
"""The key that switches to each screen, unless the user has chosen another. Each keyboard has it without Shift."""
