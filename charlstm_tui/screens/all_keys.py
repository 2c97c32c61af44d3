"""All actions that have keys, on every screen: for `charlstm-tui keys`, and to check the user's own keys."""

import importlib
import pkgutil
from collections.abc import Iterator

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode

from charlstm_tui import screens, widgets
from charlstm_tui.screens.app_keys import APP_KEYS
from charlstm_tui.state.keymap import Action

EVERYWHERE = "everywhere"
SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "app": ("On every screen", (EVERYWHERE,)),
    "train": ("Train", ("train",)),
    "evaluate": ("Evaluate", ("evaluate",)),
    "surprises": ("Evaluate: the text coloured by surprisal", ("evaluate",)),
    "generate": ("Generate", ("generate",)),
    "together": ("Generate: writing together", ("together",)),
    "prompt": ("The prompt of Generate, and the text box of Inspect", ("prompt",)),
    "text-box": ("The text box of Inspect", ("prompt",)),
    "inspect": ("Inspect", ("inspect",)),
    "heat-map": ("Inspect: the cells", ("inspect",)),
    "cells": ("Inspect and Silence: the list of cells", ("inspect", "silence")),
    "stretch": ("Inspect: the text, a stretch of it", ("inspect",)),
    "text-cursor": ("The cursor in a text", ("evaluate", "inspect", "where-else")),
    "memory": ("Memory", ("memory",)),
    "memory-list": ("Memory: the list of models", ("memory",)),
    "silence": ("Silence", ("silence",)),
    "where-else": ("Where else", ("where-else",)),
    "experiments": ("Experiments", ("experiments",)),
    "trials": ("Experiments: the trials", ("experiments",)),
    "lesson": ("The panel of a lesson", ("lesson",)),
    "lesson-list": ("The list of lessons", ("lesson-list",)),
    "experiment-list": ("The list of experiments", ("experiment-list",)),
    "run-list": ("The list of runs", ("run-list",)),
    "text-list": ("The list of texts", ("text-list",)),
    "missing-text": ("Question: which text", ("missing-text",)),
    "epochs": ("Question: how many epochs", ("epochs",)),
    "stop-run": ("Question: stop the run", ("stop-run",)),
    "leave-experiment": ("Question: stop the experiment", ("leave-experiment",)),
    "delete": ("Question: delete", ("delete",)),
    "name": ("Question: the new name", ("name",)),
    "file": ("Question: the name of the file", ("file",)),
    "dialog": ("Questions: their buttons", ("stop-run", "leave-experiment", "delete")),
    "field": ("Fields of settings", ("field",)),
    "help": ("Help", ("help",)),
}
"""For the part of an action's name before the dot: its title, and the places where it can be active."""


def all_actions() -> list[Action]:
    """Return all actions, in the order of `SECTIONS`. This imports all screens."""
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for binding in _bindings():
        assert binding.id is not None
        keys, does = found.setdefault(binding.id, ({}, {}))
        keys[binding.key] = None
        what = _IN_WORDS.get(binding.id) or binding.description
        does[f"{what}: {binding.tooltip}" if binding.tooltip else what] = None
    actions = [
        Action(id=name, keys=tuple(keys), does=tuple(does), places=frozenset(_places(name)))
        for name, (keys, does) in found.items()
    ]
    order = list(SECTIONS)
    return sorted(actions, key=lambda action: order.index(action.section))


def _bindings() -> Iterator[Binding]:
    """Yield the bindings of all classes of the app, with one key each."""
    yield from Binding.make_bindings(APP_KEYS)
    for package in (screens, widgets):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for node in _subclasses(DOMNode):
        if node.__module__.startswith("charlstm_tui.") and not issubclass(node, App):
            yield from Binding.make_bindings(vars(node).get("BINDINGS", ()))


def _subclasses(base: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for subclass in base.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _places(name: str) -> Iterator[str]:
    """Yield the places of an action; one of every screen is active in all."""
    section = name.partition(".")[0]
    own = SECTIONS[section][1]
    if own == (EVERYWHERE,):
        yield from {place for _, places in SECTIONS.values() for place in places}
    else:
        yield from own


_IN_WORDS = {
    "generate.next-field": "Next field", "evaluate.previous-page": "Previous page",
    "dialog.previous": "Previous button", "dialog.next": "Next button",
    "cells.up": "Cell above", "cells.down": "Cell below", "cells.page-up": "A page up",
    "cells.page-down": "A page down", "cells.first": "First cell", "cells.last": "Last cell",
    "heat-map.left": "Earlier character", "heat-map.right": "Later character",
    "text-cursor.left": "Earlier character", "text-cursor.right": "Later character",
    "text-cursor.up": "A row up", "text-cursor.down": "A row down", "text-cursor.page-up": "A page up",
    "text-cursor.page-down": "A page down", "text-cursor.first": "First character",
    "text-cursor.last": "Last character",
}  # fmt: skip
"""Descriptions of keys that have none, because everybody expects what they do, or one that is of two keys."""
