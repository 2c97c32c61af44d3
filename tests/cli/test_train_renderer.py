import pytest

from charlstm_tui.commands.train_renderer import RunRenderer
from core.events import RunFinished, ThreadsChanged


def test_a_run_that_changed_its_threads_says_that_it_cannot_be_repeated_exactly(
    capsys: pytest.CaptureFixture[str],
) -> None:
    renderer = RunRenderer(as_json=False)
    renderer.show(ThreadsChanged(threads=1, before=2, total_steps=10, elapsed_seconds=3.0))
    renderer.show(RunFinished(reason="finished", epochs=1, elapsed_seconds=9.0, thread_changes=1))
    said = capsys.readouterr().err
    assert "1 thread instead of 2" in said
    assert "--threads" in said


def test_other_runs_say_nothing_of_threads(capsys: pytest.CaptureFixture[str]) -> None:
    RunRenderer(as_json=False).show(RunFinished(reason="finished", epochs=1, elapsed_seconds=9.0))
    assert "threads" not in capsys.readouterr().err
