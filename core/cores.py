"""The CPU cores of this process. Without PyTorch, so that a command which does not compute need not load it."""

import contextlib
import os


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def blas_threads(number: int) -> contextlib.AbstractContextManager[object]:
    """Return a context in which OpenBLAS, which NumPy's packages have, multiplies matrices with this many threads.

    One leaves the CPU to a training run, which kept 0.89 of its speed while NumPy used one thread, and 0.49 while
    it used two; or to other threads that compute, so that they do not wait for each other. Other BLAS libraries keep theirs.
    """
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    limit: contextlib.AbstractContextManager[object] = (
        ThreadpoolController().select(internal_api="openblas").limit(limits=number)
    )
    return limit
