import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.decoding import announced_encoding, looks_like_text, normalise, pieces, place_of_damage
from core.data.encoding_detection import DamagedUtf8Error, guessed_encoding
from core.errors import UserError
from tests.core.data.sentences import SAMPLES, encoded

FRENCH = "LE MEUNIER.\n\nEh bien! ma chère Adèle, où était l'âne? à la forêt, ou derrière la façade?\n" * 4
AWKWARD = st.sampled_from("a\r\n\ufeff\x1a é\u0301\u0323\u0327\u1100\u1161\u11a8각日𝄞")
texts = st.text(st.one_of(AWKWARD, st.characters(codec="utf-8")))


@given(texts, st.integers(1, 9))
def test_pieces_join_to_the_whole(text: str, chunk: int) -> None:
    assert "".join(pieces(io.BytesIO(text.encode()), "utf-8", chunk=chunk)) == normalise(text)


@given(texts)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    assert "\r" not in normalise(text)
    assert unicodedata.is_normalized("NFC", normalise(text))


def test_newlines_and_accents_are_normalised() -> None:
    assert normalise("a\r\nb\rc\ne\u0301") == "a\nb\nc\né"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_declares_the_encoding_and_is_not_text(encoding: str) -> None:
    content = FRENCH.encode(encoding)
    assert announced_encoding(content, "x") == encoding
    assert "".join(pieces(io.BytesIO(content), encoding)) == FRENCH


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "mac-roman"])
def test_french_in_an_old_encoding_is_read_as_it_was_written(encoding: str) -> None:
    content = FRENCH.encode(encoding)
    assert content.decode(guessed_encoding(content, "x")) == FRENCH


def test_a_sentence_of_eight_words_is_enough() -> None:
    assert guessed_encoding("Maudit métier que celui de poète à Paris, monsieur".encode("cp1252"), "x") == "cp1252"


WESTERN = {
    "French": "SGANARELLE.\n\nÉlève français, où êtes-vous? «Ça, mon père…» Hélas! très bien, à l'hôtel.\n",
    "German": "Der Müller saß früh am Bach und hörte, daß die Räder über Nacht stehen geblieben waren.\n",
    "Spanish": "¿Dónde está la niña? Allí, señor, detrás del molino, mañana volverá según su corazón.\n",
}


@pytest.mark.parametrize("times", [1, 3, 300])
@pytest.mark.parametrize("encoding", ["cp1252", "mac-roman"])
@pytest.mark.parametrize("language", WESTERN)
def test_a_western_language_is_never_read_as_another(language: str, encoding: str, times: int) -> None:
    content = (WESTERN[language] * times).encode(encoding)
    assert content.decode(guessed_encoding(content, "x")) == WESTERN[language] * times


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Zażółć gęślą jaźń, a potem wróć do młyna nad rzeką, gdzie mieszka stary młynarz i jego żona.\n", "cp1250"),
        ("Мельник жил у реки и каждое утро слушал, как шумит вода под старым колесом.\n", "cp1251"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy, a mlynář ho za to u řeky vůbec nechválil.\n", "cp1250"),
    ],
)
def test_other_alphabets_are_not_taken_for_a_western_one(text: str, encoding: str) -> None:
    content = (text * 3).encode(encoding)
    assert content.decode(guessed_encoding(content, "x")) == text * 3


def test_damaged_utf_8_is_not_taken_for_another_encoding() -> None:
    content = FRENCH.encode()
    with pytest.raises(DamagedUtf8Error):
        guessed_encoding(content[:30] + b"\xff" + content[30:], "x")


@pytest.mark.parametrize(
    ("magic", "kind"),
    [(b"%PDF-1.7", "PDF"), (b"PK\x03\x04", "word processor"), (b"{\\rtf1", "RTF"), (b"\x1f\x8b\x08", "compressed")],
)
def test_the_error_names_the_format_of_a_document(magic: bytes, kind: str) -> None:
    with pytest.raises(UserError, match=f"x is a.*{kind}.*Save its text"):
        announced_encoding(magic, "x")


def test_a_form_feed_is_text_and_a_nul_is_not() -> None:
    assert looks_like_text("une page\f une autre\n")
    assert not looks_like_text("une page\0")
    assert not looks_like_text("\x01\x02a")


def test_byte_order_marks_and_the_end_mark_of_a_dos_text_are_dropped() -> None:
    joined = "un\n".encode("utf-8-sig") + "deux\n".encode("utf-8-sig") + b"e" + "\ufeff\u0301\x1a".encode()
    assert normalise(joined.decode()) == "un\ndeux\né"
    for chunk in range(1, 9):
        assert "".join(pieces(io.BytesIO(joined), "utf-8", chunk=chunk)) == "un\ndeux\né"
        assert "".join(pieces(io.BytesIO(b"a\x1ab\r\n\x1a\x1a"), "utf-8", chunk=chunk)) == "a\x1ab\n"


MANY_BYTES = {
    "cp932": "Japanese", "euc-jp": "Japanese", "iso2022-jp": "Japanese", "gb18030": "Chinese, simplified",
    "big5": "Chinese, traditional", "cp949": "Korean", "iso2022-kr": "Korean", "utf-8": "Japanese",
    "utf-16": "Chinese, simplified", "utf-16-be": "Korean", "utf-32-le": "Thai",
}  # fmt: skip


@pytest.mark.parametrize("encoding", MANY_BYTES)
def test_a_character_may_be_cut_by_the_end_of_what_is_read_at_a_time(encoding: str) -> None:
    text = "x\n" + "\r\n".join(SAMPLES[MANY_BYTES[encoding]].sentences) + "𠮷" * encoding.startswith(("utf", "gb"))
    content = encoded(text, encoding)
    for chunk in range(1, 12):
        assert "".join(pieces(io.BytesIO(content), encoding, chunk=chunk)) == normalise(text)
    for cut in range(len(content)):
        beginning = "".join(pieces(io.BytesIO(content[:cut]), encoding, whole=False))
        assert normalise(text).startswith(beginning.removesuffix("\n"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "cp932", "cp1252"])
@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 1000])
def test_the_place_of_damage_is_given_by_line_and_byte(
    encoding: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.data.decoding.CHUNK", chunk)
    wrong = {"utf-8": b"\xff", "utf-16-le": b"\x00\xdc", "cp932": b"\x81\x20", "cp1252": b"\x81"}[encoding]
    for line_end in ("\n", "\r\n", "\r"):
        before = f"un{line_end}deux{line_end}tr".encode(encoding)
        line, byte, bytes_there = place_of_damage(io.BytesIO(before + wrong + "ois\n".encode(encoding)), encoding)
        assert (line, byte) == (3, len(before) + 1)
        assert bytes_there[0] == wrong[0]
