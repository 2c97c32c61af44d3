from pathlib import Path

import pytest

from core.corpus import PARTS, Corpus, CorpusConfig, load_corpus
from core.errors import UserError


def test_the_parts_are_the_text_cut_in_three(small_corpus: Corpus) -> None:
    parts = [small_corpus.part(part, validation=0.05) for part in PARTS]
    assert "".join(parts) == small_corpus.text
    before_test = len(parts[0]) + len(parts[1])
    assert before_test == round(len(small_corpus.text) * 0.9)
    assert len(parts[1]) == round(before_test * 0.05)


def test_without_validation_training_has_all_but_the_test_part(small_corpus: Corpus) -> None:
    assert small_corpus.part("validation") == ""
    assert small_corpus.part("train") + small_corpus.part("test") == small_corpus.text


def test_the_course_s_hundred_thousand_characters(moliere: Path) -> None:
    corpus = load_corpus(CorpusConfig(path=str(moliere), limit=100_000))
    assert (len(corpus.part("train")), len(corpus.part("test"))) == (90_000, 10_000)
    assert len(set(corpus.text)) == 76


def test_a_limit_takes_the_beginning(small_text: Path) -> None:
    corpus = load_corpus(CorpusConfig(path=str(small_text), limit=25))
    assert corpus.text == small_text.read_text(encoding="utf-8")[:25]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("", "is empty"), ("aaaa", "only one character, 'a'")],
)
def test_a_text_with_nothing_to_learn_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "text.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        load_corpus(CorpusConfig(path=str(path)))


def test_no_name_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="No text was named"):
        CorpusConfig.typed(" ")


def test_a_home_folder_is_found_or_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert CorpusConfig.typed(" ~/a.txt ", 5) == CorpusConfig(path=str(tmp_path / "a.txt"), limit=5)
    with pytest.raises(UserError, match="a user who is not there"):
        CorpusConfig.typed("~nosuch/a.txt")
