import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pytest

from core.data import encoded_text
from core.data.decoding import normalise, pieces
from core.data.encoded_text import EncodedText, encode, read_beginning, read_file
from core.data.encodings import Errors
from core.data.preview import preview
from core.data.text_slice import TextSlice
from core.errors import UserError
from core.folders import cache_folder
from tests.core.data.sentences import SAMPLES, encoded
from tests.core.data.test_decoding import MANY_BYTES


def read(path: Path, encoding: str | None = None, errors: Errors = "strict") -> EncodedText:
    *_, last = read_file(path, encoding, errors)
    assert isinstance(last, EncodedText)
    return last


def shown(text: EncodedText) -> str:
    return str(TextSlice(text=text, length=len(text), run=len(text), period=len(text)))


def old(path: Path) -> Path:
    """Set a file's time to a minute ago: the cache stores no hash of a file that has just changed."""
    os.utime(path, (time.time() - 60, time.time() - 60))
    return path


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of cached texts, in tests where a thousand bytes are large."""
    monkeypatch.setattr(encoded_text, "LARGE", 1000)
    return cache_folder() / "texts"


@pytest.mark.parametrize("characters", ["Où est l'argent?\n", "".join(map(chr, range(0x4E00, 0x4F40))), "𝄞\U0001f600"])
def test_a_text_is_decoded_unchanged(tmp_path: Path, kept: Path, characters: str) -> None:
    for times, name in ((3, "small.txt"), (500, "large.txt")):
        path = tmp_path / name
        path.write_text(characters * times, encoding="utf-8")
        text = read(old(path))
        assert shown(text) == characters * times
        assert text.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert len(text.alphabet) == len(set(characters))
        assert shown(read(path)) == characters * times, "when it is read again"


def test_a_large_text_is_encoded_once_and_mapped_into_memory(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_text(tmp_path)
    assert isinstance(read(path).codes, np.memmap)
    files = sorted(kept.iterdir())
    assert [file.suffix for file in files if file.suffix != ".seen"] == [".codes", ".json"]
    monkeypatch.setattr(encoded_text, "_encode", None)
    assert isinstance(read(path).codes, np.memmap)
    assert sorted(kept.iterdir()) == files


def old_text(folder: Path, text: str = "Il est là, le voilà.\n" * 100) -> Path:
    path = folder / "grand.txt"
    path.write_text(text, encoding="utf-8")
    return old(path)


def test_a_text_that_changed_is_encoded_again(tmp_path: Path, kept: Path) -> None:
    first = read(old_text(tmp_path))
    path = tmp_path / "grand.txt"
    path.write_text("Il est la, le voila!!\n" * 100, encoding="utf-8")  # the same number of bytes, a different time
    second = read(path)
    assert shown(second).startswith("Il est la,")
    assert shown(first).startswith("Il est là,")


@pytest.mark.parametrize("damage", ["cut", "gone", "other codes", "other letters", "entry cut", "seen cut"])
def test_a_damaged_cache_entry_is_written_again(tmp_path: Path, kept: Path, damage: str) -> None:
    path = old_text(tmp_path)
    expected = shown(read(path))
    (codes,), (entry,), (seen,) = (list(kept.glob(f"*{suffix}")) for suffix in (".codes", ".json", ".seen"))
    match damage:
        case "cut":
            codes.write_bytes(codes.read_bytes()[:-1])
        case "gone":
            codes.unlink()
        case "other codes":
            codes.write_bytes(b"\xff" * codes.stat().st_size)
        case "other letters":
            entry.write_bytes(entry.read_bytes().replace(b"v", b"w"))
        case "entry cut":
            entry.write_bytes(entry.read_bytes()[:-5])
        case "seen cut":
            seen.write_bytes(b"{")
    assert shown(read(path)) == expected


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_read_again(tmp_path: Path, kept: Path) -> None:
    path = old_text(tmp_path)
    read(path)
    status = path.stat()
    other = tmp_path / "other.txt"
    other.write_text("Il est là, le voici!.\n" * 100, encoding="utf-8")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert path.stat().st_size == status.st_size
    assert shown(read(path)).startswith("Il est là, le voici")


def test_a_nul_byte_far_into_a_text_is_found(tmp_path: Path, kept: Path) -> None:
    path = tmp_path / "n.txt"
    path.write_bytes(b"Il est tard, le ciel est noir.\n" * 50_000 + b"\0")
    with pytest.raises(UserError, match="is not text"):
        read(path)


def test_a_cancelled_reading_leaves_no_file_in_the_cache(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.data.decoding.pieces.__kwdefaults__", {**(pieces.__kwdefaults__ or {}), "chunk": 100})
    events = read_file(old_text(tmp_path))
    progress = [next(events), next(events)]
    assert 0 < progress[0].done < progress[1].done < 1  # type: ignore[union-attr]
    assert [file.suffix for file in kept.iterdir()] == [".tmp"]
    events.close()
    assert list(kept.iterdir()) == []


def test_a_cache_folder_that_cannot_be_written_is_reported(tmp_path: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_text("a file where the folder would be")
    with pytest.raises(UserError, match=r"cache of large texts, .*texts, cannot be written.*set CHARLSTM_DATA"):
        read(old_text(tmp_path))


def test_unused_cache_entries_are_deleted(tmp_path: Path, kept: Path) -> None:
    read(old_text(tmp_path))
    (abandoned := kept / "x.tmp").touch()
    (orphan := kept / "y.codes").touch()
    for path in kept.iterdir():
        os.utime(path, (0, 0))
    other = tmp_path / "autre.txt"
    other.write_text("Un autre texte, plus récent.\n" * 100, encoding="utf-8")
    read(other)
    assert not abandoned.exists()
    assert not orphan.exists()
    assert [path.stem[:64] for path in kept.glob("*.codes")] == [hashlib.sha256(other.read_bytes()).hexdigest()]


def test_an_encoding_is_detected_beyond_the_first_megabyte(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    plain, accented = b"sans accent, sans malice, sans rien\n", "Adèle, été, forêt, où ça\n".encode("cp1252")
    path.write_bytes(plain * 60_000 + accented * 9)
    text = read(path)
    assert text.encoding == "windows-1252"
    assert shown(text).endswith("Adèle, été, forêt, où ça\n")
    assert text.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_string_is_encoded_like_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("abé𝄞", encoding="utf-8")
    assert shown(encode("abé𝄞")) == shown(read(path))
    assert encode("abé𝄞").sha256 == read(path).sha256


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x7fELF" + bytes(500), "is not text"),
        (b"abc\0def", "is not text"),
        ("Un été".encode() * 50 + b"\0", "is not text: it contains NUL bytes"),
        (bytes(range(1, 9)) * 9, "is not text"),
        (b"%PDF-1.4", "is a PDF document"),
        (
            "é".encode() * 50 + b"\xff" + b"abc",
            "looks like utf-8, but line 1 has invalid bytes: FF, at byte 101",
        ),
        ("é".encode("utf-16") + b"\0", "looks like utf-16, but line 1 has invalid bytes: 00, at byte 5"),
    ],
)
def test_files_that_are_not_text_are_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "chose.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"chose.txt.*{sentence}"):
        read(path)


def test_unreadable_paths_are_refused_with_a_plain_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no file .*nothing\.txt"):
        read(tmp_path / "nothing.txt")
    with pytest.raises(UserError, match="is a folder"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is a device or a pipe"):
        read(tmp_path / "pipe")
    with pytest.raises(UserError) as refusal:
        read(tmp_path / ("x" * 5000))
    assert len(str(refusal.value)) < 250
    with pytest.raises(UserError, match="cannot be read"):
        read(Path("nul\0byte"))


@pytest.mark.parametrize("encoding", [name for name in MANY_BYTES if not name.startswith("utf")])
@pytest.mark.parametrize("offset", range(4))
def test_a_character_cut_by_the_end_of_a_sample_does_not_change_the_text(
    tmp_path: Path, encoding: str, offset: int
) -> None:
    sentence = SAMPLES[MANY_BYTES[encoding]].sentences[0]
    for line_end in ("\n", ""):  # without a line end, the sample can end only within a line
        text = "x" * offset + f"{sentence}{line_end}" * 16_000
        path = tmp_path / "text.txt"
        path.write_bytes(encoded(text, encoding))
        assert shown(read(path)) == normalise(text)


@pytest.mark.parametrize("encoding", MANY_BYTES)
@pytest.mark.parametrize("offset", range(4))
def test_a_character_cut_by_the_end_of_the_beginning_does_not_change_it(
    tmp_path: Path, encoding: str, offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoded_text, "LARGE", 1000)
    monkeypatch.setattr(encoded_text, "CHUNK", 3001)
    text = "x" * offset + f"{SAMPLES[MANY_BYTES[encoding]].sentences[0]}\n" * 300
    path = tmp_path / "text.txt"
    path.write_bytes(encoded(text, encoding))
    beginning, share = read_beginning(path)
    assert share < 1
    assert text.startswith(shown(beginning))
    assert len(beginning) > 600
    assert text.startswith(preview(str(path)).beginning)


def test_a_text_is_read_in_the_encoding_that_the_user_sets(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("Мельник жил у реки.\n".encode("mac-cyrillic"))
    with pytest.raises(UserError, match="--encoding"):
        read(path)
    text = read(path, "mac-cyrillic")
    assert (shown(text), text.encoding) == ("Мельник жил у реки.\n", "mac-cyrillic")
    with pytest.raises(UserError, match=r"no encoding called mac-cirillic\. Did you mean mac-cyrillic\?"):
        read(path, "mac-cirillic")


def test_bytes_that_are_invalid_in_the_set_encoding_are_refused_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("été\n".encode() + "là\n".encode("cp1252"))
    sentence = r"looks like utf-8, but line 2 has invalid bytes: E0, at byte 8 .* --encoding-errors replace"
    for encoding in (None, "utf-8"):
        with pytest.raises(UserError, match=sentence):
            read(path, encoding)
        assert shown(read(path, encoding, "replace")) == "été\nl\ufffd\n"
    path.write_bytes("山の上".encode("cp932") + b"\x81")
    assert shown(read(path, "cp932", "replace")) == "山の上\ufffd"


def test_a_cached_text_is_not_reused_for_another_encoding(tmp_path: Path, kept: Path) -> None:
    path = tmp_path / "grand.txt"
    path.write_bytes("Où était la clé?\n".encode("cp1252") * 100 + b"\x81")
    old(path)
    with pytest.raises(UserError, match=r"windows-1252, but line 101 .* 81, at byte 1,701"):
        read(path, "cp1252")
    for _ in range(2):  # the second time from the cache
        assert shown(read(path, "latin-1")).startswith("Où était")
        assert shown(read(path, "cp1250", "replace")).startswith("Oů était")
        assert shown(read(path, "cp1252", "replace")).endswith("\ufffd")
    assert len(list(kept.glob("*.codes"))) == 3
