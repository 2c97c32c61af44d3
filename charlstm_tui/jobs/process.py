"""Settings of the whole process that jobs change to keep the screen and a training run fast."""

import contextlib
import gc
from functools import cache


@cache  # once per process: PyTorch's modules are nearly all of these objects
def spare_the_collector() -> None:
    """Exclude the objects that PyTorch has created from garbage collection, which would stop the screen for 0.3 s."""
    gc.collect()
    gc.freeze()


def blas_on_one_thread() -> contextlib.AbstractContextManager[object]:
    """Return a context in which NumPy multiplies matrices with one thread, to leave the CPU to a training run.

    A training run kept 0.89 of its speed with one NumPy thread, 0.49 with two.
    """
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    limit: contextlib.AbstractContextManager[object] = (
        ThreadpoolController().select(internal_api="openblas").limit(limits=1)
    )
    return limit
