"""The languages of the lessons and of the help pages, and which one the user has."""

import locale
import os
from typing import NamedTuple

LANGUAGES = {"en": "English", "fr": "Français"}
"""Languages of the lessons and of the help pages, with their own names."""


class Words(NamedTuple):
    """The panel's own words in a language."""

    done: str
    not_done: str
    skipped: str
    leads_here: str
    """How to reach the panel, with {key}."""
    offer: str
    """The line that offers the lessons, with {key}."""


WORDS = {
    "en": Words(
        done="done",
        not_done="… not done yet",
        skipped="skipped",
        leads_here="`{key}` leads here, for the next step and the answers",
        offer="New here? `{key}` opens eight lessons of ten minutes. `Esc` removes this line.",
    ),
    "fr": Words(
        done="fait",
        not_done="… pas encore fait",
        skipped="passé",
        leads_here="`{key}` mène ici, pour l’étape suivante et les réponses",
        offer="Première visite\u00a0? `{key}` ouvre huit leçons de dix minutes. `Esc` retire cette ligne.",
    ),
}
"""By language. A lesson of another language has the English words around it."""


def language_of_user(chosen: str = "") -> str:
    """Return the chosen language or, if none is chosen, that of the locale; English if the program does not have it."""
    if chosen in LANGUAGES:
        return chosen
    named = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    first = next((value for value in named if value), "") or (locale.getlocale()[0] or "")
    language = first[:2].lower()
    return language if language in LANGUAGES else "en"
