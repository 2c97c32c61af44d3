"""How many workers an experiment has on this machine, and how many threads each of them."""

import psutil

from core.cores import available_cores
from core.experiments.experiment import Experiment
from core.runs.run import RunConfig
from core.settings.forecast import estimate_run

MAX_WORKERS = 16
"""Maximum number of workers by default."""
_MEMORY = 0.8
"""Share of the free memory that the workers may take."""


def usual_workers(config: RunConfig) -> int:
    """Return the default number of workers for runs like this one: one for each core, as many as there is memory for;
    one with a GPU.

    Raises:
        UserError: the text cannot be read.
    """
    import torch  # takes a second, which a given number of workers spares

    if config.training.device in ("cuda", "mps") or (
        config.training.device == "auto" and (torch.cuda.is_available() or torch.backends.mps.is_available())
    ):
        return 1
    forecast = estimate_run(config.corpus, config.model, config.training)
    for_memory = int(_MEMORY * psutil.virtual_memory().available / max(forecast.memory_bytes, 1))
    return max(1, min(available_cores(), for_memory, MAX_WORKERS))


def share_threads(experiment: Experiment, workers: int) -> int:
    """Return the number of threads of each worker: the cores are shared out among them.

    It is 0 for a single worker, whose runs choose the number themselves and adapt it to other programs.
    """
    return experiment.training.threads or (0 if workers == 1 else max(1, available_cores() // workers))
