"""The ranks of a data-parallel run other than 0: each does what rank 0 tells it, until the run is over."""

from collections.abc import Callable, Iterator

from core.data.corpus import Corpus, CorpusConfig
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.training.learner import Learner
from core.training.process_group import Command, ProcessGroup, SharedRun
from core.training.replica import Replica, training_streams


def follow(group: ProcessGroup, read: Callable[[CorpusConfig], Corpus]) -> None:
    """Take part in the run of rank 0, and return when it is over.

    Args:
        group: the processes of the run.
        read: reads a text.

    Raises:
        UserError: a process cannot take part, or one has ended.
    """
    command, _ = group.receive()
    if command is Command.END:  # rank 0 could not start
        return
    run: SharedRun = group.broadcast()
    corpus, problem = _read_in_turn(group, run, read)
    compute = group.agreed(run, problem)
    assert corpus is not None
    vocabulary = Vocabulary(run.vocabulary)
    streams = training_streams(corpus, vocabulary, run.training, group)
    validation_ids = corpus.part("validation", run.training.validation).ids(vocabulary)
    with compute.applied():
        replica = Replica(Learner(run.model, len(vocabulary), run.training, compute, group), streams, group)
        validation: Iterator[object] = iter(())
        while True:
            command, number = group.receive()
            match command:
                case Command.STEP:
                    replica.step(number)
                case Command.GATHER:
                    group.gather(replica.own_state())
                case Command.RESTORE:
                    replica.restore(*group.broadcast())
                case Command.VALIDATE:
                    if number:
                        validation = replica.validate(validation_ids, vocabulary.start_id)
                    next(validation)
                case Command.END:
                    return


def _read_in_turn(
    group: ProcessGroup, run: SharedRun, read: Callable[[CorpusConfig], Corpus]
) -> tuple[Corpus | None, str | None]:
    """Return the text, or why it cannot be used. One process of a machine reads it first, and fills the cache."""
    corpus: Corpus | None = None
    problem: str | None = None
    if group.local_rank:
        group.barrier()
    try:
        corpus = read(run.corpus)
    except UserError as error:
        problem = str(error)
    if not group.local_rank:
        group.barrier()
    if corpus is not None and corpus.text.sha256 != run.corpus.sha256:
        problem = f"its {run.corpus.name} is not the text that process 0 reads."
    return corpus, problem
