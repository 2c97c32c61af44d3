import pytest

from core.data.encoding_detection import _ALPHABETIC, _IDEOGRAPHIC
from core.data.encodings import encoding_name, encoding_named
from core.errors import UserError


def test_encodings_are_shown_under_their_usual_names() -> None:
    names = [encoding_name(name) for name in ("cp1252", "utf-8-sig", "utf_16_le", "iso8859_15")]
    assert names == ["windows-1252", "utf-8", "utf-16-le", "iso-8859-15"]


@pytest.mark.parametrize("encoding", [*_ALPHABETIC, *_IDEOGRAPHIC])
def test_the_shown_name_is_accepted_as_input(encoding: str) -> None:
    content = bytes(range(0x20, 0x100))
    assert content.decode(encoding_named(encoding_name(encoding)), "replace") == content.decode(encoding, "replace")


@pytest.mark.parametrize(
    ("typed", "encoding"),
    [
        ("windows-1252", "cp1252"), ("Windows_1252", "cp1252"), (" UTF8 ", "utf-8"), ("latin1", "iso8859-1"),
        ("ISO-8859-2", "iso8859-2"), ("shift_jis", "shift_jis"), ("windows-874", "cp874"), ("KOI8-R", "koi8-r"),
    ],
)  # fmt: skip
def test_any_usual_name_of_an_encoding_is_accepted(typed: str, encoding: str) -> None:
    assert encoding_named(typed) == encoding


@pytest.mark.parametrize(
    ("typed", "near"),
    [("utf-9", "utf-8"), ("windows1225", "windows-1252"), ("koi8", "koi8-"), ("iso-8859-22", "iso-8859-2")],
)
def test_a_misspelt_name_is_refused_with_the_nearest_one(typed: str, near: str) -> None:
    with pytest.raises(UserError, match=f"There is no encoding called {typed}. Did you mean {near}"):
        encoding_named(typed)


@pytest.mark.parametrize("typed", ["rot13", "base64", "idna", "hex", "unicode\0", "zzz", "undefined", "mbcs"])
def test_names_that_are_not_text_encodings_are_refused(typed: str) -> None:
    with pytest.raises(UserError, match="There is no encoding called"):
        encoding_named(typed)
