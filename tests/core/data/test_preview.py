from pathlib import Path

import pytest

from core.data import encoded_text
from core.data.preview import BEGINNING, preview
from core.errors import UserError


def test_a_preview_has_the_figures_of_a_run() -> None:
    look = preview("l-homme-aux-contrats", limit=100_000, validation=0.05)
    assert look.exact
    assert look.characters > 100_000
    assert look.parts["tail"] == {"train": 85_500, "validation": 4_500, "test": 10_000}
    assert look.parts["interleaved"] == look.parts["tail"], "of 100,000 characters, the tenth block is the tail"
    assert len(look.beginning) == BEGINNING
    assert look.beginning.startswith("PERRINE")


def test_of_a_large_text_only_the_beginning_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_text, "LARGE", 1_000)
    monkeypatch.setattr(encoded_text, "CHUNK", 2_000)
    path = tmp_path / "grand.txt"
    path.write_text("é" * 500 + "Il est là, le voilà.\n" * 1_000, encoding="utf-8")
    look = preview(str(path))
    assert not look.exact
    assert abs(look.characters - 21_500) < 0.3 * 21_500
    list(encoded_text.read_file(path))
    assert not preview(str(path)).exact, "a file that has just changed is not cached"


def test_files_that_are_not_text_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "vide.txt"
    empty.touch()
    with pytest.raises(UserError, match=r"vide\.txt is empty"):
        preview(str(empty))
    with pytest.raises(UserError, match="not here yet"):
        preview("moliere")
