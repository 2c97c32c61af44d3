"""Texts of many files: which files are read, in which order, as which text, and what is said about the others."""

import os
import sys
import time
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data import encoded_text, find_files, many_files, text_files
from core.data.corpus import Corpus, CorpusConfig, load_corpus, open_corpus, open_whole
from core.data.encoded_text import encode, read_file
from core.data.known_texts import PLAY
from core.data.preview import open_beginning, preview
from core.data.splits import MAX_VALIDATION, PARTS, files_of_parts, ranges_of
from core.data.text_stretches import TextStretches
from core.errors import UserError

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
needs_rights = pytest.mark.skipif(
    sys.platform == "win32" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="root may read everything"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three acts, one of which has two scenes."""
    folder = tmp_path / "lettres"
    folder.mkdir()
    (folder / "acte 2").mkdir()
    (folder / "acte 1.txt").write_text("Un.\n", encoding="utf-8")
    (folder / "acte 2" / "scène 10.txt").write_text("Dix", encoding="utf-8")
    (folder / "acte 2" / "scène 2.txt").write_text("Deux.\n\n", encoding="utf-8")
    (folder / "acte 10.txt").write_text("Fin.", encoding="utf-8")
    return folder


def text_of(corpus: Corpus) -> str:
    return str(corpus.part("whole"))


def load(*sources: object, **options: object) -> Corpus:
    return load_corpus(CorpusConfig.typed([str(source) for source in sources], **options))  # type: ignore[arg-type]


def paths(corpus: Corpus) -> list[str]:
    return [file.path for file in corpus.config.files]


def reasons(corpus: Corpus) -> dict[str, tuple[str, ...]]:
    return {one.reason: one.names for one in corpus.text.passed_over}


# --- the text


def test_a_folder_is_read_in_natural_order_with_a_blank_line_between_its_files(folder: Path) -> None:
    corpus = load(folder)
    assert paths(corpus) == ["acte 1.txt", "acte 2/scène 2.txt", "acte 2/scène 10.txt", "acte 10.txt"]
    assert text_of(corpus) == "Un.\n\nDeux.\n\n\nDix\n\nFin."
    assert corpus.characters == "".join(sorted(set(text_of(corpus))))


def test_the_characters_of_all_files_with_their_separators_are_those_of_the_text(folder: Path) -> None:
    corpus = load(folder)
    assert [file.characters for file in corpus.config.files] == [5, 8, 5, 4]
    assert sum(corpus.lengths) == len(corpus)


def test_a_folder_with_one_file_is_the_same_text_as_the_file(folder: Path) -> None:
    alone = load(folder / "acte 2" / "scène 2.txt")
    corpus = load(folder / "acte 2", limit=6)
    (folder / "acte 2" / "scène 10.txt").unlink()
    corpus = load(folder / "acte 2")
    assert (text_of(corpus), corpus.config.sha256) == (text_of(alone), alone.config.sha256)


def test_several_sources_are_read_in_the_order_given(folder: Path) -> None:
    corpus = load(folder / "acte 10.txt", folder / "acte 2", PLAY.name)
    assert paths(corpus) == ["acte 10.txt", "scène 2.txt", "scène 10.txt", PLAY.file]
    assert text_of(corpus).startswith("Fin.\n\nDeux.\n\n\nDix\n\nPERRINE")


def test_each_file_has_its_own_encoding(folder: Path) -> None:
    (folder / "acte 3.txt").write_bytes("Où êtes-vous, Éléonore ? Là-bas, à côté de la fenêtre.\n".encode("cp1252"))
    (folder / "acte 4.txt").write_bytes("La pièce.\r\n".encode("utf-16"))
    corpus = load(folder)
    assert {file.path: file.encoding for file in corpus.config.files}["acte 3.txt"] == "windows-1252"
    assert "Éléonore ? Là-bas, à côté de la fenêtre.\n\nLa pièce.\n" in text_of(corpus)
    assert corpus.text.encoding == "utf-8, windows-1252 and utf-16"


def test_files_with_more_than_255_characters_together_are_read(folder: Path) -> None:
    for number in range(4):
        (folder / f"{number}.txt").write_text("".join(map(chr, range(0x4E00 + 90 * number, 0x4E5A + 90 * number))))
    corpus = load(folder)
    assert len(corpus.characters) > 360
    assert corpus.text.codes.dtype == np.uint16
    assert text_of(corpus).startswith("".join(map(chr, range(0x4E00, 0x4E5A))) + "\n\n")


def test_the_text_is_the_same_from_the_cache_of_large_texts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = load(folder)
    for module in (encoded_text, many_files):
        monkeypatch.setattr(module, "LARGE", 5)
    large = load(folder)
    assert isinstance(large.text.codes, np.memmap)
    assert (text_of(large), large.config) == (text_of(small), small.config)


def test_a_text_of_many_files_can_be_evaluated_as_a_whole(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("a", encoding="utf-8")
    *_, corpus = open_whole(CorpusConfig.typed(str(tmp_path)))
    assert isinstance(corpus, Corpus)
    assert text_of(corpus) == "a\n\na"


@given(st.lists(st.text(alphabet="aé\n", min_size=1), min_size=1, max_size=6))
def test_the_joined_text_is_that_of_all_files(tmp_path_factory: pytest.TempPathFactory, contents: list[str]) -> None:
    folder = tmp_path_factory.mktemp("files")
    for number, content in enumerate(contents):
        (folder / f"{number}.txt").write_text(content, encoding="utf-8", newline="")
    expected = "".join(
        content + ("\n" if content.endswith("\n") else "\n\n") * (number + 1 < len(contents))
        for number, content in enumerate(contents)
    )
    *_, text = many_files.read_files([str(folder)], (None, "strict"))
    assert isinstance(text, encoded_text.EncodedText)
    assert text_of(Corpus(CorpusConfig(source="x"), text)) == expected


# --- which files


def test_a_glob_stands_for_the_files_that_it_matches(folder: Path) -> None:
    (folder / "acte 2" / "notes.md").write_text("Notes.", encoding="utf-8")
    assert paths(load(folder / "*.txt")) == ["acte 1.txt", "acte 10.txt"]
    assert paths(load(folder / "**" / "sc*.txt")) == ["acte 2/scène 2.txt", "acte 2/scène 10.txt"]
    assert paths(load(folder / "**" / "*[0-9].txt")) == [
        "acte 1.txt", "acte 2/scène 2.txt", "acte 2/scène 10.txt", "acte 10.txt",
    ]  # fmt: skip
    assert paths(load(folder / "acte ?" / "*.md")) == ["acte 2/notes.md"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a[1].txt").write_text("Celui-ci.", encoding="utf-8")
    (tmp_path / "a1.txt").write_text("Pas lui.", encoding="utf-8")
    assert text_of(load(tmp_path / "a[1].txt")) == "Celui-ci."


def test_hidden_and_other_files_are_passed_over(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "a.txt").write_text("Non.", encoding="utf-8")
    (folder / ".caché.txt").write_text("Non.", encoding="utf-8")
    (folder / "image.png").write_bytes(b"\x89PNG")
    (folder / "vide.txt").touch()
    corpus = load(folder)
    assert len(corpus.config.files) == 4
    found = reasons(corpus)
    assert set(found.pop("hidden")) == {".git", ".caché.txt"}
    assert found == {"other name": ("image.png",), "empty": ("vide.txt",)}
    assert paths(load(folder / "**" / "*.txt")) == paths(corpus)
    assert paths(load(folder / ".*" / "*.txt")) == [".git/a.txt"]


@needs_links
def test_links_to_folders_and_out_of_the_folder_are_passed_over(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("Secret.", encoding="utf-8")
    (folder / "dehors.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "cercle").symlink_to(folder)
    (folder / "acte 2" / "cercle").symlink_to(folder)
    (folder / "rompu.txt").symlink_to(folder / "rompu.txt")
    (folder / "encore.txt").symlink_to(folder / "acte 1.txt")
    corpus = load(folder)
    assert "Secret" not in text_of(corpus)
    found = reasons(corpus)
    assert set(found.pop("linked folder")) == {"cercle", "acte 2/cercle"}
    assert found == {"link": ("dehors.txt",), "broken link": ("rompu.txt",), "twice": ("encore.txt",)}
    assert paths(load(folder / "**" / "*.txt")) == paths(corpus), "links in a circle are not followed"
    (tmp_path / "lien").symlink_to(folder)
    assert text_of(load(tmp_path / "lien")) == text_of(corpus), "a link that is named itself is followed"


def test_a_file_that_is_named_twice_is_read_once(folder: Path) -> None:
    corpus = load(folder / "acte 10.txt", folder, folder / "acte 10.txt")
    assert paths(corpus)[0] == "acte 10.txt"
    assert len(paths(corpus)) == 4
    twice = next(one for one in corpus.text.passed_over if one.reason == "twice")
    assert twice.sentence() == "acte 10.txt and acte 10.txt are named twice, and read once."


def test_names_that_a_terminal_would_act_on_are_shown_safely(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J\n.txt").write_text("Un.", encoding="utf-8")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.txt")).write_text("Deux.", encoding="utf-8")
    corpus = load(tmp_path)
    assert paths(corpus) == ["a␛[2J⏎.txt", "b�.txt"]
    assert msgspec.json.decode(msgspec.json.encode(corpus.config), type=CorpusConfig) == corpus.config


# --- what is wrong


def test_a_folder_without_text_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lettres.md").write_text("Un.", encoding="utf-8")
    with pytest.raises(UserError, match=r"has no text files: in a folder, those are read whose names end in \.txt"):
        load(tmp_path)


def test_a_glob_without_files_and_a_missing_file_are_refused(tmp_path: Path, small_text: Path) -> None:
    with pytest.raises(UserError, match=r"No file matches .*\*\.md"):
        load(tmp_path / "*.md")
    with pytest.raises(UserError, match=r"There is no file .*nulle-part/\*\.txt"):
        load(tmp_path / "nulle-part" / "*.txt")
    with pytest.raises(UserError, match=r"There is no file or folder .*nulle-part"):
        load(small_text, tmp_path / "nulle-part")
    with pytest.raises(UserError, match=r"There is no file or folder .*nulle-part"):
        load(small_text, tmp_path / "nulle-part", skip_unreadable=True)
    with pytest.raises(UserError, match="not here yet"):
        load(small_text, "moliere")
    for name in ("a\0*", "a\0", "a" * 300, "b*" * 300):
        with pytest.raises(UserError):
            load(small_text, tmp_path / name)


def test_a_folder_of_empty_files_is_refused(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"None of 2 files has any text\. a\.txt and b\.txt are empty"):
        load(tmp_path)
    with pytest.raises(UserError, match="None of 2 files has any text"):
        preview(str(tmp_path))


def spoil(folder: Path) -> None:
    (folder / "binaire.txt").write_bytes(b"\0\1\2" * 50)
    (folder / "livre.txt").write_bytes(b"%PDF-1.7")
    (folder / "coupé.txt").write_bytes("Il était là, Éléonore.\n".encode() * 40 + b"\xc3\x28 \xe2\x82")


@pytest.mark.parametrize("name", ["binaire.txt", "livre.txt", "coupé.txt"])
def test_one_unreadable_file_is_named_with_the_option_that_skips_it(folder: Path, name: str) -> None:
    spoil(folder)
    for other in {"binaire.txt", "livre.txt", "coupé.txt"} - {name}:
        (folder / other).unlink()
    with pytest.raises(UserError, match=rf"{name} .*--skip-unreadable"):
        load(folder)


def test_unreadable_files_are_skipped_if_that_is_asked_for(folder: Path) -> None:
    whole = text_of(load(folder))
    spoil(folder)
    corpus = load(folder, skip_unreadable=True)
    assert text_of(corpus) == whole
    (skipped,) = corpus.text.passed_over
    assert skipped.sentence(2) == "binaire.txt, coupé.txt and 1 more cannot be read."
    assert skipped.details[0].endswith("binaire.txt is not text: it contains NUL bytes. Choose a text file.")
    assert corpus.config.skip_unreadable


@needs_rights
def test_a_folder_that_may_not_be_read_is_skipped_only_if_that_is_asked_for(folder: Path) -> None:
    (folder / "acte 2").chmod(0)
    try:
        with pytest.raises(UserError, match=r"acte 2 cannot be read: .*--skip-unreadable"):
            load(folder)
        assert paths(load(folder, skip_unreadable=True)) == ["acte 1.txt", "acte 10.txt"]
    finally:
        (folder / "acte 2").chmod(0o755)


def test_a_folder_that_cannot_be_listed_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "acte 2":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(UserError, match=r"acte 2 cannot be read: Permission denied\. .*--skip-unreadable"):
        load(folder)
    corpus = load(folder, skip_unreadable=True)
    assert (paths(corpus), reasons(corpus)) == (["acte 1.txt", "acte 10.txt"], {"unreadable": ("acte 2",)})


def test_a_full_disk_is_no_reason_to_skip_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_text, "LARGE", 1)
    Path(os.environ["CHARLSTM_DATA"]).mkdir()
    (Path(os.environ["CHARLSTM_DATA"]) / "cache").write_text("not a folder")
    with pytest.raises(UserError, match="The cache of large texts"):
        load(folder, skip_unreadable=True)


def test_a_name_that_stands_for_too_many_files_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_files, "MAX_ENTRIES", 3)
    with pytest.raises(UserError, match="has more than 3 files and folders"):
        load(folder)


# --- the same text


def test_a_changed_added_or_removed_file_changes_the_hash_but_a_moved_folder_does_not(folder: Path) -> None:
    before = load(folder).config
    moved = folder.rename(folder.with_name("ailleurs"))
    same = load(moved).config
    assert (same.sha256, same.files, same.name) == (before.sha256, before.files, "ailleurs")
    assert before.is_like(same)
    (moved / "acte 11.txt").write_text("Encore.", encoding="utf-8")
    added = load(moved).config
    (moved / "acte 11.txt").unlink()
    (moved / "acte 1.txt").write_text("Uns\n", encoding="utf-8")
    changed = load(moved).config
    (moved / "acte 1.txt").unlink()
    removed = load(moved).config
    assert len({config.sha256 for config in (before, added, changed, removed)}) == 4
    assert text_files.changes_between(before.files, added.files) == " (new: acte 11.txt)"
    assert text_files.changes_between(added.files, removed.files) == " (missing: acte 1.txt and acte 11.txt)"
    assert text_files.changes_between(before.files, changed.files) == " (changed: acte 1.txt)"


def test_a_configuration_saved_before_there_were_several_files_is_loaded_and_equal_to_one_of_today(
    small_text: Path,
) -> None:
    old = (
        f'{{"source":"{small_text}","limit":null,"split":"tail","sha256":"","encoding":null,'
        '"encoding_errors":"strict"}'
    )
    assert msgspec.json.decode(old, type=CorpusConfig) == CorpusConfig.typed(str(small_text))
    assert load(small_text).config.files == ()


def test_the_title_says_how_many_files_there_are(folder: Path, small_text: Path) -> None:
    assert load(folder).config.title == "lettres, 4 files"
    assert load(folder, limit=12).config.title == "lettres, 4 files, first 12 characters"
    assert load(folder / "acte *.txt").config.title == "lettres/acte *.txt, 2 files"
    assert load(folder, small_text).config.title == "lettres and 1 other, 5 files"
    assert load(small_text).config.title == "moutons"


# --- the split by files


@given(
    st.lists(st.integers(1, 300_000), min_size=2, max_size=60),
    st.floats(0, 0.5),
    st.integers(0, 2**32 - 1),
)
def test_no_file_is_on_both_sides_and_every_character_is_in_one_part(
    lengths: list[int], validation: float, seed: int
) -> None:
    numbers = files_of_parts(lengths, validation, seed)
    assert sorted(number for part in PARTS for number in numbers[part]) == list(range(len(lengths)))
    assert numbers["train"]
    assert len(numbers["test"]) == max(1, len(lengths) // 10)
    assert bool(numbers["validation"]) == (validation > 0 and len(lengths) - len(numbers["test"]) >= 2)
    ranges = sorted(each for part in PARTS for each in ranges_of(lengths, part, validation, seed))
    assert ranges[0][0] == 0
    assert ranges[-1][1] == sum(lengths)
    assert all(one[1] == other[0] for one, other in pairwise(ranges))


def test_the_files_of_the_validation_part_come_close_to_its_share() -> None:
    lengths = [100 + number for number in range(200)]
    numbers = files_of_parts(lengths, 0.1, seed=3)
    rest = sum(lengths[number] for part in ("train", "validation") for number in numbers[part])
    assert abs(sum(lengths[number] for number in numbers["validation"]) - 0.1 * rest) <= 150
    assert sum([100_000] * len(files_of_parts([100_000] * 200, 0.5, 0)["validation"])) == MAX_VALIDATION


def test_another_seed_draws_other_files_and_the_same_seed_the_same() -> None:
    assert files_of_parts([5] * 100, 0.1, 0) == files_of_parts([5] * 100, 0.1, 0)
    assert files_of_parts([5] * 100, 0.1, 0)["test"] != files_of_parts([5] * 100, 0.1, 1)["test"]
    assert files_of_parts([5] * 20, 0, 0)["test"] == (6, 14), "a run of an earlier version has the same test part"


def test_a_text_is_split_by_its_files(folder: Path) -> None:
    corpus = load(folder, split="files")
    contents = {"Un.\n\n", "Deux.\n\n\n", "Dix\n\n", "Fin."}
    parts = {part: str(corpus.part(part, 0.3)) for part in PARTS}
    assert parts["test"] in contents
    assert parts["validation"] in contents
    assert len(text_of(corpus)) == sum(map(len, parts.values()))
    assert {str(load(folder, split="files", split_seed=seed).part("test")) for seed in range(20)} == contents


def test_files_beyond_the_limit_do_not_exist_for_the_split(folder: Path) -> None:
    corpus = load(folder, split="files", limit=7)
    assert corpus.lengths == (5, 2)
    assert {str(corpus.part("train")), str(corpus.part("test"))} == {"Un.\n\n", "De"}
    with pytest.raises(UserError, match=r"needs at least 2 files, .*but the text has 1 file"):
        load(folder, split="files", limit=5)


def test_a_single_file_cannot_be_split_by_files(small_text: Path) -> None:
    with pytest.raises(UserError, match=r"needs at least 2 files.* has 1 file\. Name a folder .*tail split"):
        load(small_text, split="files")


@st.composite
def stretches(draw: st.DrawFn) -> TextStretches:
    bounds = sorted(draw(st.lists(st.integers(0, 15), max_size=10)))
    ranges = list(zip(bounds[::2], bounds[1::2], strict=False))
    return TextStretches.of(encode("abcdefghijklmno"), ranges)


def places(passage: TextStretches) -> list[int]:
    return list(passage.places(np.arange(len(passage))))


@given(stretches(), st.data())
def test_a_passage_of_stretches_has_the_characters_of_its_ranges(passage: TextStretches, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(passage)))
    cut = passage.cut(start, data.draw(st.integers(start, len(passage))))
    assert str(cut) == str(passage)[start : start + len(cut)]
    for each in (passage, cut):
        assert places(each) == [place for begin, end in each.stretches() for place in range(begin, end)]


@given(stretches(), stretches())
def test_the_characters_that_two_passages_of_stretches_share_are_counted(
    one: TextStretches, other: TextStretches
) -> None:
    assert one.characters_shared_with(other) == len(set(places(one)) & set(places(other)))


# --- many, large, and stopped


def test_a_thousand_files_are_read_in_natural_order(tmp_path: Path) -> None:
    for number in range(1_000):
        (tmp_path / f"{number}.txt").write_text(f"{number}\n", encoding="utf-8")
    corpus = load(tmp_path, split="files")
    assert text_of(corpus) == "\n".join(f"{number}\n" for number in range(1_000))
    assert len(files_of_parts(corpus.lengths, 0.1, 0)["test"]) == 100


@pytest.mark.thorough
def test_each_of_many_files_takes_less_than_a_millisecond_of_the_cpu(tmp_path: Path) -> None:
    page = ("Il était une fois, dans un pays lointain, une reine.\n" * 200)[:10_000]
    for number in range(1_000):
        (tmp_path / f"{number}.txt").write_text(page, encoding="utf-8")

    def seconds() -> float:
        started = time.process_time()
        load(tmp_path)
        return time.process_time() - started

    assert min(seconds() for _ in range(3)) < 1


def test_reading_reports_its_progress_and_can_be_stopped_between_files(folder: Path) -> None:
    reading = open_corpus(CorpusConfig.typed(str(folder)))
    done = []
    for event in reading:
        if isinstance(event, Corpus):
            break
        done.append(event.done)
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert len(done) > 4
    reading = open_corpus(CorpusConfig.typed(str(folder)))
    next(reading)
    reading.close()


# --- the preview


def test_a_preview_lists_the_files_and_what_is_passed_over(folder: Path) -> None:
    (folder / "image.png").touch()
    look = preview(str(folder), validation=0.3)
    corpus = load(folder)
    assert (look.name, look.characters, look.exact) == ("lettres", len(corpus), True)
    assert look.files == corpus.config.files
    assert [one.reason for one in look.passed_over] == ["other name"]
    assert sum(look.parts["files"].values()) == look.characters
    assert look.beginning == text_of(corpus)


def test_a_preview_of_a_large_folder_reads_only_the_beginning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_files, "BEGINNING_BYTES", 5)
    look = preview(str(folder))
    assert not look.exact
    assert [bool(file.encoding) for file in look.files] == [True, True, False, False]
    assert look.characters == sum(file.characters for file in look.files)
    begun = open_beginning(CorpusConfig.typed(str(folder), split="files"))
    assert len(begun.lengths) == 4


def test_the_files_read_alone_and_together_are_the_same(folder: Path) -> None:
    *_, alone = read_file(folder / "acte 1.txt")
    assert isinstance(alone, encoded_text.EncodedText)
    assert load(folder).config.files[0].sha256 == alone.sha256
