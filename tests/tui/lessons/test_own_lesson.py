"""A lesson of a teacher's own: the example of CONTRIBUTING.md."""

import re
from pathlib import Path

from charlstm_tui.lessons.lesson import read_lesson
from tests.conftest import REPOSITORY


def test_the_example_in_the_documents_is_a_lesson(tmp_path: Path) -> None:
    found = re.search(
        r"```toml\n(format = 1.*?)```", (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert found is not None
    path = tmp_path / "own.toml"
    path.write_text(found[1], encoding="utf-8")
    lesson = read_lesson(path)
    assert [step.id for step in lesson.steps] == ["generate"]
    assert lesson.steps[0].question is not None
