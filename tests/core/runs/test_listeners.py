"""Listeners of a recorded run's events."""

from collections.abc import Iterator

from core.data.corpus import Corpus
from core.events import Event, RunFinished, RunStarted, SavingFailed
from core.runs.recorder import record
from core.runs.run import RunConfig
from core.runs.store import RunStore
from core.training.trainer import Trainer


class Notes:
    """A listener that keeps all events, and reports that it cannot write the first and the last."""

    def __init__(self) -> None:
        self.taken: list[Event] = []

    def take(self, event: Event) -> Iterator[Event]:
        self.taken.append(event)
        if isinstance(event, RunStarted | RunFinished):
            yield SavingFailed(path="notes", why="no space", again_after=1.0)


def test_listeners_take_each_recorded_event_and_their_reports_come_before_it(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    first, second = Notes(), Notes()
    run = store.create(config)
    trainer = Trainer(small_corpus, config.model, config.training)
    events = list(record(run, trainer, listeners=[first, second]))
    reported = [event for event in events if isinstance(event, SavingFailed)]
    assert len(reported) == 4
    assert first.taken == second.taken == [event for event in events if event not in reported]
    assert [type(event) for event in events[:3]] == [SavingFailed, SavingFailed, RunStarted]
    assert isinstance(events[-1], RunFinished), "it is the last event, also for listeners"
    assert isinstance(first.taken[0], RunStarted)
    assert first.taken[0].run == run.name
