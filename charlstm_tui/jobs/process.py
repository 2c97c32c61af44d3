"""What jobs change in the whole process, so that the screen and a training run keep their speed."""

import contextlib
import gc
from functools import cache


@cache  # once in a process: nearly all of it is PyTorch's modules
def spare_the_collector() -> None:
    """Have Python's collector skip the objects that PyTorch has made: else it stops the screen for 0.3 s at times."""
    gc.collect()
    gc.freeze()


def blas_on_one_thread() -> contextlib.AbstractContextManager[object]:
    """Compute NumPy's products with one thread: beside two, a training run kept 0.49 of its speed; beside one, 0.89."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    limit: contextlib.AbstractContextManager[object] = (
        ThreadpoolController().select(internal_api="openblas").limit(limits=1)
    )
    return limit
