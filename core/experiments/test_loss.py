"""The one look at the test part: the test loss of an experiment's best combination."""

import datetime
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from core.checkpoints.checkpoint import load_checkpoint
from core.control import Control
from core.data.corpus import Corpus
from core.errors import UserError
from core.evaluation.evaluator import evaluate
from core.experiments.findings import Losses, find, with_deviation
from core.experiments.trial_book import TrialBook
from core.experiments.varied import Params, shown
from core.reports.results import Evaluation, EvaluationProgress
from core.runs.store import RunStore
from core.text import count_of

_NOTE = "test"


class TestLoss(Struct, frozen=True, kw_only=True):
    """The test loss of the combination that was the best when the test part was read."""

    __test__ = False  # pytest would take it for tests

    params: Params
    losses: tuple[float, ...]
    """Test loss of each run, in nats per character."""
    when: str
    """Date and time in ISO format."""

    def sentence(self, best: Params) -> str:
        """Return the loss in words; `best` is the best combination now."""
        said = with_deviation(Losses(values=self.losses))
        changed = "" if self.params == best else " Since then, another combination has become the best."
        return (
            f"Test loss of {shown(self.params)}: {said} nats/char, read once, on {self.when[:10]}. "
            f"It was chosen by the validation loss.{changed}"
        )


class Reading(Struct, frozen=True, kw_only=True):
    """Progress of the evaluation."""

    run: str
    done: float
    """Share of all runs' test parts that has been read, 0 to 1."""


def known_test_loss(book: TrialBook) -> TestLoss | None:
    """Return the test loss if it has been read."""
    noted = book.noted(_NOTE)
    return None if noted is None else msgspec.json.decode(noted, type=TestLoss)


def check_that_it_may_be_read(book: TrialBook) -> None:
    """Raise an error unless the experiment is over: what is chosen after a look at the test part is chosen by it.

    Raises:
        UserError: a run is not over, or none is finished.
    """
    results = book.results()
    left = book.experiment.runs - sum(trial.is_over for trial in results)
    if left:
        raise UserError(
            f"{count_of(left, 'run')} of {book.experiment.runs} are not finished. Finish the experiment first: what is "
            "chosen after a look at the test part is chosen by it."
        )
    if not find(book.experiment, results).combinations:
        raise UserError("No run of this experiment is finished.")


def read_test_loss(control: Control, book: TrialBook, store: RunStore, corpus: Corpus) -> Iterator[Reading | TestLoss]:
    """Evaluate the runs of the best combination on the test part. Yields progress and, last, the result.

    The result is stored, so that later calls return the same one without reading anything.

    Raises:
        UserError: the experiment is not over, or the runs are on another machine.
    """
    if (known := known_test_loss(book)) is not None:
        yield known
        return
    check_that_it_may_be_read(book)
    results = book.results()
    best = find(book.experiment, results).combinations[0]
    trials = [
        trial
        for trial in results
        if trial.params == best.params and trial.state == "finished" and trial.is_here and store.has(trial.run)
    ]
    if len(trials) < best.losses.count:
        raise UserError("Runs of the best combination are on another machine, or were deleted.")
    losses = []
    for number, trial in enumerate(trials):
        checkpoint = load_checkpoint(store.checkpoint_path(trial.run))
        for event in evaluate(checkpoint, corpus, "test"):
            if control.stopped:
                return
            if isinstance(event, Evaluation):
                losses.append(event.score.loss)
            elif isinstance(event, EvaluationProgress):
                share = event.scored / max(event.characters, 1)
                yield Reading(run=trial.run, done=(number + share) / len(trials))
    when = datetime.datetime.now().astimezone().isoformat(timespec="minutes")
    looked = TestLoss(params=best.params, losses=tuple(losses), when=when)
    yield msgspec.json.decode(book.note(_NOTE, msgspec.json.encode(looked).decode()), type=TestLoss)
