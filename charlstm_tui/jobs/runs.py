"""The job that lists the runs: it reads each run from disk."""

import contextlib
from collections.abc import Iterator

from charlstm_tui.state.compared_runs import PastRun
from core.control import Control
from core.errors import UserError
from core.runs.store import RunStore
from core.runs.summary import epochs_of, summarise


def past_runs(control: Control, store: RunStore) -> Iterator[PastRun]:
    """Yield the runs in the store, newest first; damaged ones are skipped."""
    for run in store.all():
        if control.stopped:
            return
        with contextlib.suppress(UserError):
            events = run.events()
            yield PastRun(summary=summarise(run, events), config=run.config(), epochs=tuple(epochs_of(events)))
