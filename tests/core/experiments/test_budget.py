"""The time of an experiment over several sessions."""

from pathlib import Path

import pytest

from core.experiments.budget import SAVE_SECONDS, Budget, read_used


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_time_of_all_sessions_counts(tmp_path: Path) -> None:
    clock = Clock()
    first = Budget(tmp_path, 60.0, clock)
    clock.now += 25
    assert (first.used, first.left, first.is_over()) == (25.0, 35.0, False)
    first.save()
    clock.now += 1000  # nobody trains
    second = Budget(tmp_path, 60.0, clock)
    clock.now += 34
    assert not second.is_over()
    clock.now += 2
    assert second.is_over()
    assert second.left == 0.0


def test_a_killed_session_loses_at_most_the_time_between_two_saves(tmp_path: Path) -> None:
    clock = Clock()
    killed = Budget(tmp_path, 0.0, clock)
    for _ in range(47):
        clock.now += 1
        killed.is_over()
    assert 47 - SAVE_SECONDS <= read_used(tmp_path) <= 47


def test_without_a_limit_it_is_never_over(tmp_path: Path) -> None:
    clock = Clock()
    budget = Budget(tmp_path, 0.0, clock)
    clock.now += 1e9
    assert not budget.is_over()
    assert budget.left is None


@pytest.mark.parametrize("content", ["", "soon", "-5", "nan"])
def test_a_damaged_file_counts_as_no_time(tmp_path: Path, content: str) -> None:
    (tmp_path / "used_seconds").write_text(content)
    assert read_used(tmp_path) == 0.0


def test_a_full_disk_does_not_end_the_experiment(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "gone", 10.0)
    budget.save()
    assert budget.used >= 0
