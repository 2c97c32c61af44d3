"""The screens by name: the order is that of the digits and function keys that lead to them."""

MODES: dict[str, str] = {"train": "Train", "evaluate": "Evaluate", "generate": "Generate", "inspect": "Inspect"}
