import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.decoding import announced_encoding, encoding_name, guessed_encoding, looks_like_text, normalise, pieces
from core.errors import UserError

FRENCH = "LE MEUNIER.\n\nEh bien! ma chère Adèle, où était l'âne? à la forêt, ou derrière la façade?\n" * 4
AWKWARD = st.sampled_from("a\r\n é\u0301\u0323\u0327\u1100\u1161\u11a8각日𝄞")
texts = st.text(st.one_of(AWKWARD, st.characters(codec="utf-8")))


@given(texts, st.integers(1, 9))
def test_pieces_join_to_the_whole(text: str, chunk: int) -> None:
    assert "".join(pieces(io.BytesIO(text.encode()), "utf-8", chunk=chunk)) == normalise(text)


@given(texts)
def test_what_is_normalised_stays_as_it_is(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    assert "\r" not in normalise(text)
    assert unicodedata.is_normalized("NFC", normalise(text))


def test_newlines_and_accents_come_in_one_form() -> None:
    assert normalise("a\r\nb\rc\ne\u0301") == "a\nb\nc\né"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_announces_the_encoding_and_is_not_text(encoding: str) -> None:
    content = FRENCH.encode(encoding)
    assert announced_encoding(content, "x") == encoding
    assert "".join(pieces(io.BytesIO(content), encoding)) == FRENCH


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "mac-roman", "utf-16-le", "utf-16-be"])
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
    with pytest.raises(UserError, match="x is UTF-8, but some of its bytes are damaged"):
        guessed_encoding(content[:30] + b"\xff" + content[30:], "x")


def test_random_bytes_are_no_text() -> None:
    with pytest.raises(UserError, match="x is not text"):
        guessed_encoding(bytes(range(256)) * 20, "x")


@pytest.mark.parametrize(
    ("magic", "kind"),
    [(b"%PDF-1.7", "PDF"), (b"PK\x03\x04", "word processor"), (b"{\\rtf1", "RTF"), (b"\x1f\x8b\x08", "compressed")],
)
def test_a_document_that_holds_text_is_called_what_it_is(magic: bytes, kind: str) -> None:
    with pytest.raises(UserError, match=f"x is a.*{kind}.*Save its text"):
        announced_encoding(magic, "x")


def test_encodings_are_called_what_people_call_them() -> None:
    names = [encoding_name(name) for name in ("cp1252", "utf-8-sig", "utf_16_le")]
    assert names == ["windows-1252", "utf-8", "utf-16-le"]


def test_a_form_feed_is_text_and_a_nul_is_not() -> None:
    assert looks_like_text("une page\f une autre\n")
    assert not looks_like_text("une page\0")
    assert not looks_like_text("\x01\x02a")
