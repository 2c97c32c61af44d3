"""A setting of the whole process that jobs change to keep the screen fast."""

import gc
from functools import cache


@cache  # once per process: PyTorch's modules are nearly all of these objects
def spare_the_collector() -> None:
    """Exclude the objects that PyTorch has created from garbage collection, which would stop the screen for 0.3 s."""
    gc.collect()
    gc.freeze()
