import threading
import time
from collections.abc import Iterator

import pytest
import torch

from core.evaluation.worker_threads import advance


def counting(name: str, items: int, seconds: float = 0.0) -> Iterator[tuple[str, int]]:
    for number in range(items):
        time.sleep(seconds)
        yield name, number


def test_every_item_of_each_task_comes_in_its_order() -> None:
    items = list(advance([counting("a", 5), counting("b", 0), counting("c", 7)], threads=2))
    assert sorted(items) == [("a", number) for number in range(5)] + [("c", number) for number in range(7)]
    for name in "ac":
        assert [number for task, number in items if task == name] == sorted(n for task, n in items if task == name)


def test_nothing_to_do_has_no_items() -> None:
    assert list(advance([], threads=2)) == []


def test_a_slow_task_does_not_hold_up_the_others() -> None:
    items = list(advance([counting("slow", 2, 0.2), counting("a", 20), counting("b", 20)], threads=2))
    assert items.index(("slow", 0)) >= 40 - 2


def test_no_more_workers_than_threads_compute_at_a_time() -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def task() -> Iterator[None]:
        nonlocal at_once, most
        for _ in range(5):
            with lock:
                at_once += 1
                most = max(most, at_once)
            time.sleep(0.005)
            with lock:
                at_once -= 1
            yield

    list(advance([task() for _ in range(6)], threads=3))
    assert most == 3


def test_workers_compute_with_one_thread_each_and_leave_the_caller_its_own() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert next(advance([iter(torch.get_num_threads, 2)], threads=2)) == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_an_error_in_a_task_reaches_the_caller() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("no memory")

    items = advance([failing()], threads=2)
    assert next(items) == 1
    with pytest.raises(ValueError, match="no memory"):
        next(items)
    assert "worker" not in {thread.name.partition("_")[0] for thread in threading.enumerate()}


def test_cancelling_ends_the_workers() -> None:
    items = advance([counting("a", 1_000, 0.001) for _ in range(3)], threads=2)
    next(items)
    items.close()
    assert "worker" not in {thread.name.partition("_")[0] for thread in threading.enumerate()}
