import shutil
from pathlib import Path

import msgspec
import pytest

from core.data.corpus import CorpusConfig, load_corpus
from core.data.known_texts import KNOWN, MOLIERE, PLAY, default_name
from core.data.splits import PARTS
from core.errors import UserError
from core.evaluation.ngram import evaluate_baselines, known_baselines


def test_the_course_s_hundred_thousand_characters(moliere: Path) -> None:
    corpus = load_corpus(CorpusConfig(source=str(moliere), limit=100_000))
    assert (len(corpus.part("train")), len(corpus.part("test"))) == (90_000, 10_000)
    assert len(corpus.characters) == 76


def test_a_copy_of_moliere_s_plays_is_recognised_whatever_it_is_called(moliere: Path, tmp_path: Path) -> None:
    copy = tmp_path / "notes.txt"
    shutil.copy(moliere, copy)
    corpus = load_corpus(CorpusConfig.typed(str(copy)))
    assert corpus.config.name == "moliere"
    assert (len(corpus), len(corpus.characters)) == (1_687_290, 85)
    assert moliere.stat().st_size == MOLIERE.size


def test_once_fetched_moliere_is_the_default_and_takes_the_place_of_a_copy_that_is_gone(moliere: Path) -> None:
    assert default_name() == PLAY.name
    MOLIERE.path.parent.mkdir(parents=True)
    shutil.copy(moliere, MOLIERE.path)
    assert default_name() == MOLIERE.name
    assert load_corpus(CorpusConfig(source="moliere")).config.sha256 == MOLIERE.sha256
    gone = CorpusConfig(source="/nowhere/copy.txt", sha256=MOLIERE.sha256)
    assert len(load_corpus(gone)) == 1_687_290


def test_a_known_text_that_is_not_here_or_damaged_says_how_to_fetch_it() -> None:
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


def test_the_play_is_always_here() -> None:
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
    [("", "is empty"), ("aaaa", "nothing but the character 'a'"), (" \n\t" * 50, "nothing but white space")],
)
def test_a_text_with_nothing_to_learn_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "text.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        load_corpus(CorpusConfig(source=str(path)))


def test_a_limit_that_leaves_one_character_is_what_is_wrong(small_text: Path) -> None:
    with pytest.raises(UserError, match=r"Up to the limit of 1, .* nothing but the character '0'\. Raise the limit"):
        load_corpus(CorpusConfig(source=str(small_text), limit=1))


def test_a_name_that_ends_in_a_space_can_be_named(small_text: Path) -> None:
    spaced = small_text.rename(small_text.with_name("moutons "))
    assert CorpusConfig.typed(str(spaced)).path == spaced
    assert CorpusConfig.typed(f" {small_text}").path == small_text


def test_no_name_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="No text was named"):
        CorpusConfig.typed(" ")


def test_a_home_folder_is_found_or_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert CorpusConfig.typed(" ~/a.txt ", 5) == CorpusConfig(source=str(tmp_path / "a.txt"), limit=5)
    with pytest.raises(UserError, match="a user who is not there"):
        CorpusConfig.typed("~nosuch/a.txt")


def test_names_of_known_texts_are_no_paths() -> None:
    for name in KNOWN:
        assert CorpusConfig.typed(f" {name} ").source == name
    assert CorpusConfig.typed("./moliere").source == str(Path("moliere").absolute())


def test_a_choice_from_before_encodings_could_be_named_still_loads() -> None:
    old = b'{"source":"/a.txt","limit":5,"split":"tail","sha256":"ab"}'
    config = msgspec.json.decode(old, type=CorpusConfig)
    assert (config.encoding, config.encoding_errors) == (None, "strict")


def test_a_text_with_a_name_is_utf_8_whatever_is_named() -> None:
    corpus = load_corpus(CorpusConfig.typed(PLAY.name, encoding="cp1252"))
    assert corpus.text.encoding == "utf-8"
    assert "é" in corpus.characters


def test_no_n_grams_counted_in_one_reading_of_a_text_are_taken_for_those_of_another(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("Où est la clé de la maison?\n".encode("cp1252") * 100)
    latin = load_corpus(CorpusConfig.typed(str(path), encoding="cp1252"))
    cyrillic = load_corpus(CorpusConfig.typed(str(path), encoding="cp1251"))
    assert latin.config.sha256 == cyrillic.config.sha256
    list(evaluate_baselines(latin, "test"))
    assert known_baselines(latin.config, "test") is not None
    assert known_baselines(cyrillic.config, "test") is None


def test_a_known_text_that_may_not_be_read_is_not_called_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    MOLIERE.path.parent.mkdir(parents=True, exist_ok=True)
    MOLIERE.path.write_text("x" * MOLIERE.size, encoding="utf-8")

    def refuse(path: Path, *arguments: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        load_corpus(CorpusConfig(source=MOLIERE.name))
