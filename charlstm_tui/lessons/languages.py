"""The languages of the lessons and of the help pages, and which one the user has."""

import locale
import os
from typing import NamedTuple

LANGUAGES = {"en": "English", "fr": "Français"}
"""Languages of the lessons and of the help pages, with their own names."""


class Words(NamedTuple):
    """The words around the lessons and the help pages in a language."""

    done: str
    not_done: str
    skipped: str
    leads_here: str
    """How to reach the panel, with {key}."""
    leads_here_below: str
    """The same, for a panel that takes rows from the screen and can be folded."""
    how_to_answer: str
    """Which keys answer a question."""
    how_to_continue: str
    """Which key leads on from a step that is over."""
    not_yet: str
    """What Enter says before a step is done."""
    closed: str
    """What is said when a lesson is closed, with {key}."""
    over: str
    """What is said at the end of a lesson, with {title}, {right}, {at_once} and {asked}."""
    offer: str
    """The line that offers the lessons, with {key}."""
    unfinished: str
    """The line that offers the lesson that was open at the end of the last session: {key}, {title}, {step}, {steps}."""
    lessons: str
    """Title of the list of lessons."""
    keys_here: str
    """Heading of the keys on a help page."""
    keys_everywhere: str
    palette: str
    """What the key of the palette does."""
    steps_over: str
    """How far one has come in a lesson, with {done} and {steps}."""


WORDS = {
    "en": Words(
        done="done",
        not_done="… not done yet",
        skipped="skipped",
        leads_here="`{key}` leads here, for the next step and the answers",
        leads_here_below="`{key}` leads here, for the next step and the answers; there, `f` folds this panel",
        how_to_answer="`↑` `↓` and `Enter` answer",
        how_to_continue="`Enter` leads to the next step",
        not_yet="This step is not done yet. n skips it.",
        closed="The lesson is closed. {key} opens it again at this step.",
        over="{title}: the lesson is over. {right} of {asked} questions answered right, {at_once} of them at once.",
        offer="New here? `{key}` opens eight lessons of ten minutes. `Esc` removes this line.",
        unfinished="`{key}` continues *{title}*, step {step} of {steps}. `Esc` removes this line.",
        lessons="lessons",
        keys_here="Keys of this screen",
        keys_everywhere="Keys of every screen",
        palette="Palette: these keys by name, and themes",
        steps_over="{done} of {steps}",
    ),
    "fr": Words(
        done="faite",
        not_done="… pas encore faite",
        skipped="passée",
        leads_here="`{key}` mène ici, pour l’étape suivante et les réponses",
        leads_here_below="`{key}` mène ici, pour la suite et les réponses\u00a0; `f` y replie ce panneau",
        how_to_answer="`↑` `↓` et `Enter` répondent",
        how_to_continue="`Enter` mène à l’étape suivante",
        not_yet="Cette étape n’est pas encore faite. n la passe.",
        closed="La leçon est fermée. {key} la rouvre à cette étape.",
        over="{title}\u00a0: leçon terminée. {right} bonnes réponses sur {asked}, dont {at_once} du premier coup.",
        offer="Première visite\u00a0? `{key}` ouvre huit leçons de dix minutes. `Esc` retire cette ligne.",
        unfinished="`{key}` reprend *{title}*, étape {step} sur {steps}. `Esc` retire cette ligne.",
        lessons="leçons",
        keys_here="Les touches de cet écran",
        keys_everywhere="Les touches de tous les écrans",
        palette="La palette\u00a0: ces touches par leur nom, et les thèmes",
        steps_over="{done} sur {steps}",
    ),
}
"""By language. A lesson of another language has the English words around it."""


def words_of(language: str) -> Words:
    """Return the panel's words around a lesson in this language; English ones if there are no others."""
    return WORDS.get(language, WORDS["en"])


def language_of_user(chosen: str = "") -> str:
    """Return the chosen language or, if none is chosen, that of the locale; English if the program does not have it."""
    if chosen in LANGUAGES:
        return chosen
    named = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    first = next((value for value in named if value), "") or (locale.getlocale()[0] or "")
    language = first[:2].lower()
    return language if language in LANGUAGES else "en"
