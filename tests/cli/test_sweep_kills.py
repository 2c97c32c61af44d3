"""Experiments whose processes are killed; `tests.benchmarks.sweep_kills` kills them more often."""

from pathlib import Path

import pytest

from tests.benchmarks.sweep_kills import kill_workers


@pytest.mark.thorough
def test_killed_processes_lose_no_trial_and_change_no_loss(tmp_path: Path) -> None:
    seen = kill_workers(tmp_path, kills=2)
    assert seen.wrong == []
    assert (seen.kills, seen.of_the_parent) == (2, 1)
    assert seen.resumed >= 1
