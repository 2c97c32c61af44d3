"""The titles of the screens, by mode; in the order of the digits and function keys that switch to them."""

MODES: dict[str, str] = {
    "train": "Train",
    "evaluate": "Evaluate",
    "generate": "Generate",
    "inspect": "Inspect",
    "experiments": "Experiments",
}
