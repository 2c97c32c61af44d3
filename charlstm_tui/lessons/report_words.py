"""The words of the report page, in each language of the lessons. Settings have the names that the app shows."""

from typing import NamedTuple


class ReportWords(NamedTuple):
    """The words of a report."""

    title: str
    overview: tuple[str, ...]
    """Columns of the table of lessons."""
    count_of: str
    """A part of a number, with {count} and {total}."""
    done: str
    skipped: str
    not_done: str
    answered: str
    """What follows the state of a step with a question, with {asked}, {given} and {verdict}."""
    quoted: str
    """An answer, with {text}."""
    then: str
    """Between the answers to one question."""
    right: str
    wrong: str
    runs: str
    runs_table: tuple[str, ...]
    """Columns of the table of runs."""
    deleted: str
    evaluations: str
    evaluations_table: tuple[str, ...]
    """Columns of the table of evaluations."""
    machine: str
    decimal: str
    """Between the whole part of a number and its decimals."""


_WORDS = {
    "en": ReportWords(
        title="Lesson report",
        overview=("lesson", "done", "skipped", "questions right", "right at once"),
        count_of="{count} of {total}",
        done="done",
        skipped="skipped",
        not_done="not done",
        answered=". Question: {asked} Answer: {given} ({verdict}).",
        quoted="“{text}”",
        then=", then ",
        right="right",
        wrong="wrong",
        runs="Runs",
        runs_table=("run", "text", "sha256", "settings", "epochs", "training loss", "best validation loss"),
        deleted="deleted",
        evaluations="Evaluations",
        evaluations_table=("model", "text", "sha256", "loss", "±"),
        machine="Machine",
        decimal=".",
    ),
    "fr": ReportWords(
        title="Compte rendu des leçons",
        overview=("leçon", "étapes faites", "passées", "bonnes réponses", "du premier coup"),
        count_of="{count} sur {total}",
        done="faite",
        skipped="passée",
        not_done="non faite",
        answered=". Question\u00a0: {asked} Réponse\u00a0: {given} ({verdict}).",
        quoted="«\u00a0{text}\u00a0»",
        then=", puis ",
        right="juste",
        wrong="fausse",
        runs="Entraînements",
        runs_table=(
            "entraînement", "texte", "sha256", "réglages", "époques", "perte d’entraînement",
            "meilleure perte de validation",
        ),
        deleted="supprimé",
        evaluations="Évaluations",
        evaluations_table=("modèle", "texte", "sha256", "perte", "±"),
        machine="Machine",
        decimal=",",
    ),
}  # fmt: skip


def report_words_of(language: str) -> ReportWords:
    """Return the words of a report in this language; English ones if there are no others."""
    return _WORDS.get(language, _WORDS["en"])
