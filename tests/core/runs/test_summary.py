from core.control import Control
from core.data.corpus import Corpus
from core.events import EpochCompleted, Event
from core.runs.recorder import record as recorded
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.runs.summary import summarise
from core.training.trainer import Trainer


def record(run: Run, corpus: Corpus, config: RunConfig, control: Control | None = None) -> list[Event]:
    return list(recorded(run, Trainer(corpus, config.model, config.training), control))


def test_a_summary_has_the_run_s_losses_and_state(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    run = store.create(config, "my-run")
    assert summarise(run).state == "interrupted"
    events = record(run, small_corpus, config)
    last = [event for event in events if isinstance(event, EpochCompleted)][-1]
    summary = summarise(run)
    assert (summary.name, summary.corpus, summary.epochs) == ("my-run", "moutons", 2)
    assert summary.train_loss == last.train_loss
    assert summary.state == "finished"
