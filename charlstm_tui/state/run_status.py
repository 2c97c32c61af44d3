"""The status line of a run, in versions for windows of all widths."""

from charlstm_tui.formatting.characters import shorten_middle
from charlstm_tui.state.training import TrainingView
from core.text import in_one_line

SEPARATOR = "  ·  "


def status_versions(training: TrainingView) -> list[str]:
    """Return the versions of the line, longest first. Each has the whole state; shorter ones shorten the names."""
    state = in_one_line(training.status)
    run = in_one_line(training.started.run) if training.started is not None else ""
    corpus = training.config.corpus if training.config is not None else None
    title, name = (in_one_line(corpus.title), in_one_line(corpus.name)) if corpus is not None else ("", "")
    about = []
    if training.started is not None:
        about = [
            f"{training.started.parameters:,} parameters",
            f"{training.started.device}, {training.started.precision}",
        ]
    versions = [[state, run, title, *about], [state, run, title, *about[:1]], [state, run, title], [state, run, name]]
    versions += [[state, shorten_middle(run, columns), shorten_middle(name, columns)] for columns in range(40, 6, -1)]
    versions += [[state, shorten_middle(run, columns)] for columns in range(20, 6, -1)]
    return [SEPARATOR.join(word for word in words if word) for words in [*versions, [state]]]
