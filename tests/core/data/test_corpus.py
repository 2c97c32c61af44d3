import shutil
from pathlib import Path

import msgspec
import pytest

from core.data.corpus import CorpusConfig, load_corpus
from core.data.known_texts import KNOWN, MOLIERE, PLAY, default_name
from core.data.splits import PARTS
from core.errors import UserError
from core.evaluation.ngram import evaluate_baselines, known_baselines


def test_the_first_100_000_characters_have_the_course_s_parts_and_vocabulary(moliere: Path) -> None:
    corpus = load_corpus(CorpusConfig(source=str(moliere), limit=100_000))
    assert (len(corpus.part("train")), len(corpus.part("test"))) == (90_000, 10_000)
    assert len(corpus.characters) == 76


def test_a_copy_of_moliere_s_plays_is_recognised_under_any_file_name(moliere: Path, tmp_path: Path) -> None:
    copy = tmp_path / "notes.txt"
    shutil.copy(moliere, copy)
    corpus = load_corpus(CorpusConfig.typed(str(copy)))
    assert corpus.config.name == "moliere"
    assert (len(corpus), len(corpus.characters)) == (1_687_290, 85)
    assert moliere.stat().st_size == MOLIERE.size


def test_downloaded_moliere_is_the_default_and_replaces_a_deleted_copy(moliere: Path) -> None:
    assert default_name() == PLAY.name
    MOLIERE.path.parent.mkdir(parents=True)
    shutil.copy(moliere, MOLIERE.path)
    assert default_name() == MOLIERE.name
    assert load_corpus(CorpusConfig(source="moliere")).config.sha256 == MOLIERE.sha256
    gone = CorpusConfig(source="/nowhere/copy.txt", sha256=MOLIERE.sha256)
    assert len(load_corpus(gone)) == 1_687_290


def test_a_missing_or_damaged_known_text_is_reported_with_how_to_download_it() -> None:
    with pytest.raises(UserError, match=r"not here yet.*corpus fetch"):
        load_corpus(CorpusConfig(source="moliere"))
    MOLIERE.path.parent.mkdir(parents=True)
    MOLIERE.path.write_text("ce n'est pas lui")
    assert default_name() == PLAY.name
    with pytest.raises(UserError, match=r"not here yet.*corpus fetch"):
        load_corpus(CorpusConfig(source="moliere"))
    MOLIERE.path.write_bytes(bytes(MOLIERE.size))
    with pytest.raises(UserError, match=r"damaged.*corpus fetch"):
        load_corpus(CorpusConfig(source="moliere"))


def test_the_bundled_play_is_always_available() -> None:
    corpus = load_corpus(CorpusConfig.typed(PLAY.name))
    assert len(corpus) >= 100_000
    assert corpus.config.name == PLAY.name


def test_a_limit_takes_the_beginning(small_text: Path) -> None:
    corpus = load_corpus(CorpusConfig(source=str(small_text), limit=25))
    beginning = small_text.read_text(encoding="utf-8")[:25]
    assert "".join(str(corpus.part(part)) for part in PARTS) == beginning
    assert corpus.characters == "".join(sorted(set(beginning)))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("", "is empty"), ("aaaa", "contains only the character 'a'"), (" \n\t" * 50, "contains only white space")],
)
def test_a_text_with_fewer_than_two_distinct_characters_or_only_white_space_is_refused(
    tmp_path: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        load_corpus(CorpusConfig(source=str(path)))


def test_a_limit_that_leaves_one_distinct_character_is_reported_as_the_cause(small_text: Path) -> None:
    with pytest.raises(UserError, match=r"Within the limit of 1, .* contains only '0'\. Raise the limit"):
        load_corpus(CorpusConfig(source=str(small_text), limit=1))


def test_a_file_name_may_end_with_a_space(small_text: Path) -> None:
    spaced = small_text.rename(small_text.with_name("moutons "))
    assert CorpusConfig.typed(str(spaced)).path == spaced
    assert CorpusConfig.typed(f" {small_text}").path == small_text


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(UserError, match="No text was named"):
        CorpusConfig.typed(" ")


def test_a_home_folder_is_expanded_or_reported_as_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert CorpusConfig.typed(" ~/a.txt ", 5) == CorpusConfig(source=str(tmp_path / "a.txt"), limit=5)
    with pytest.raises(UserError, match="a user who is not there"):
        CorpusConfig.typed("~nosuch/a.txt")


def test_names_of_known_texts_are_not_taken_for_paths() -> None:
    for name in KNOWN:
        assert CorpusConfig.typed(f" {name} ").source == name
    assert CorpusConfig.typed("./moliere").source == str(Path("moliere").absolute())


def test_a_configuration_saved_without_an_encoding_still_loads() -> None:
    old = b'{"source":"/a.txt","limit":5,"split":"tail","sha256":"ab"}'
    config = msgspec.json.decode(old, type=CorpusConfig)
    assert (config.encoding, config.encoding_errors) == (None, "strict")


def test_a_known_text_is_read_as_utf_8_even_if_another_encoding_is_set() -> None:
    corpus = load_corpus(CorpusConfig.typed(PLAY.name, encoding="cp1252"))
    assert corpus.text.encoding == "utf-8"
    assert "é" in corpus.characters


def test_n_grams_counted_in_one_encoding_are_not_reused_for_another(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("Où est la clé de la maison?\n".encode("cp1252") * 100)
    latin = load_corpus(CorpusConfig.typed(str(path), encoding="cp1252"))
    cyrillic = load_corpus(CorpusConfig.typed(str(path), encoding="cp1251"))
    assert latin.config.sha256 == cyrillic.config.sha256
    list(evaluate_baselines(latin, "test"))
    assert known_baselines(latin.config, "test") is not None
    assert known_baselines(cyrillic.config, "test") is None


def test_an_unreadable_known_text_is_not_reported_as_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    MOLIERE.path.parent.mkdir(parents=True, exist_ok=True)
    MOLIERE.path.write_text("x" * MOLIERE.size, encoding="utf-8")

    def refuse(path: Path, *arguments: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        load_corpus(CorpusConfig(source=MOLIERE.name))
