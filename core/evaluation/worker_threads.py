"""Worker threads: independent parts of a computation, each on one core.

PyTorch's own threads share each product of two matrices and wait for each other at its end. A network that reads a text
character by character computes thousands of small products a second, so when another program takes one of the cores,
everything waits for it thousands of times: two threads then read a few hundred characters a second instead of 200,000.
Workers that compute different parts of a text do not wait for each other.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

from core.cores import available_cores

Item = TypeVar("Item")
_END = object()


def advance(tasks: Iterable[Iterator[Item]], threads: int | None = None) -> Generator[Item, None, None]:
    """Yield the items of several iterators as they come. To cancel, stop iterating.

    Each item is computed in one of the worker threads, with one thread of PyTorch's; two items of one iterator are not
    computed at the same time, and may be computed in different workers.

    Args:
        tasks: the iterators.
        threads: number of workers; None for as many as there are cores. PyTorch's own number would not do: while
            workers run, it is 1 in every new thread, such as that of a run which starts then.
    """
    before = torch.get_num_threads()
    threads = threads or available_cores()
    ready = deque(tasks)
    running: dict[Future[object], Iterator[Item]] = {}
    pool = ThreadPoolExecutor(threads, "worker", initializer=_use_one_core)
    try:
        while ready or running:
            while ready and len(running) < threads:
                task = ready.popleft()
                running[pool.submit(next, task, _END)] = task
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                item = future.result()
                if item is not _END:
                    ready.append(task)
                    yield item  # type: ignore[misc]
    finally:
        _end(pool)
        torch.set_num_threads(before)  # the workers' number is also that of new threads


def _end(pool: ThreadPoolExecutor) -> None:
    """Wait for the workers, each for its present item, even if ctrl-C comes again meanwhile.

    PyTorch aborts the process if the interpreter ends while a worker computes.
    """
    while True:
        try:
            return pool.shutdown(cancel_futures=True)
        except KeyboardInterrupt:
            continue


def _use_one_core() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # nearly closed gates give denormals, which are a hundred times as slow
