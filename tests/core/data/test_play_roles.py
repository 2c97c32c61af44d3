from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.data.play_roles
from core.data.known_texts import PLAY
from core.data.play_roles import MIN_LINES, RAREST, ROLES, SPEECH, RoleFinder
from tests.core.by_hand import passage_of

LETTERS = "NDs"
"""One letter per role (speaker line, stage direction, speech), so that roles can be written under their text."""

EXCHANGE = "HARPAGON, bas.\n\nTais-toi. (Il sort.)\n\nLA FLÈCHE.\n\nOui,\nmonsieur.\n\n"
"""Two speaker lines, with different names."""

PROSE = """LE CHAT NOIR

CHAPITRE PREMIER.

Il faisait nuit (déjà), et le vent soufflait. Personne ne parlait dans la maison.

Le chat dormait: il avait couru tout le jour.

CHAPITRE SECOND.

Au matin, il n'y eut plus de vent. JAMAIS on n'avait vu cela.

CHAPITRE TROISIÈME.

«Où est le chat?» dit-elle.

CHAPITRE DERNIER.

Il revint.
"""

PARAGRAPHS = st.sampled_from(
    [
        "HARPAGON, bas.",
        "LA FLÈCHE.",
        "First Citizen:\nSpeak, speak.",
        "Tais-toi. (Il sort.)",
        "Oui,\nmonsieur (mon\nmaître).",
        "ACTE I",
        "ÉLISE.\nOui (non",
    ]
)


def found(text: str) -> tuple[str, RoleFinder]:
    """Return the roles of a text, one letter per character, and the finder."""
    finder = RoleFinder()
    pieces = list(finder.roles(passage_of(text)))
    return "".join(LETTERS[role] for piece in pieces for role in piece), finder


def found_in_pieces(text: str, size: int) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.data.play_roles, "_PIECE", size)
        return found(text)[0]


def is_play(text: str) -> bool:
    return found(text)[1].is_play


def test_there_is_one_letter_per_role() -> None:
    assert ROLES == ("speaker line", "stage direction", "speech")
    assert len(LETTERS) == len(ROLES)


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("HARPAGON.\n\nTais-toi.", "NNNNNNNNNNNsssssssss"),
        ("HARPAGON, bas.\n\nOui.", "NNNNNNNNDDDDDDDDssss"),
        ("HARPAGON, bas,\nà part.\n\nOui.", "NNNNNNNN" + "D" * 16 + "ssss"),
        ("LA FLÈCHE.\nOui.", "NNNNNNNNNNNssss"),
        ("MAÎTRE D'ARMES.\n\nOui.", "N" * 17 + "ssss"),
        ("FROSINE", "NNNNNNN"),
        ("Oui. (Il sort.) Non.", "sssss" + "D" * 10 + "sssss"),
        ("Oui (bas) ou (haut)\n(non).", "ssssDDDDDssssDDDDDDsDDDDDs"),
        ("(à part)\n\nOui", "DDDDDDDDsssss"),
        ("Oui (bas, non.", "s" * 14),
        ("Oui ((bas)).", "sssssDDDDDss"),
        ("First Citizen:\nSpeak.", "NNNNNNNNNNNNNNNssssss"),
        ("Hamlet:\nWords (aside) words.", "NNNNNNNNssssssDDDDDDDsssssss"),
        ("Speak: I listen.", "s" * 16),
        ("Harpagon.\n\nOui.", "s" * 15),
        ("OUI monsieur.", "s" * 13),
        ("O ciel!", "s" * 7),
        ("\n\nFROSINE.\n\n\nOui.\n", "ssNNNNNNNNNNNsssss"),
    ],
)
def test_each_character_has_its_role(text: str, roles: str) -> None:
    assert found(text)[0] == roles


@pytest.mark.parametrize("text", ["да, конечно.", "но он ушёл.", "ναι, βέβαια."])
def test_small_letters_of_other_alphabets_are_not_names(text: str) -> None:
    assert found(text)[0] == "s" * len(text)


def test_an_empty_text_has_no_roles_and_is_not_a_play() -> None:
    roles, finder = found("")
    assert roles == ""
    assert not finder.is_play


@given(text=st.text("AÉéb (),.:\n'-", max_size=120) | st.text(max_size=60), size=st.integers(1, 30))
def test_there_are_as_many_roles_as_characters(text: str, size: int) -> None:
    assert len(found(text)[0]) == len(text)
    assert len(found_in_pieces(text, size)) == len(text)


@given(paragraphs=st.lists(PARAGRAPHS, max_size=12), size=st.integers(30, 90))
def test_the_borders_of_pieces_change_nothing_if_a_piece_holds_a_paragraph(paragraphs: list[str], size: int) -> None:
    text = "\n\n".join(paragraphs)
    assert found_in_pieces(text, size) == found(text)[0]


@pytest.mark.parametrize("size", range(16, 18))
def test_the_borders_of_pieces_change_nothing_among_many_newlines(size: int) -> None:
    text = "HARPAGON, bas.\n\n\n\nOui."
    assert found_in_pieces(text, size) == found(text)[0]


def test_a_paragraph_longer_than_a_piece_keeps_its_length() -> None:
    text = "HARPAGON.\n\n" + "Ô ciel. " * 40 + "\n\nLA FLÈCHE.\n\nOui."
    roles = found_in_pieces(text, 50)
    assert len(roles) == len(text)
    assert roles.startswith("N" * 11 + "s")
    assert roles.endswith("N" * 12 + "ssss")


def test_the_roles_come_as_bytes_a_piece_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.data.play_roles, "_PIECE", 100)
    pieces = list(RoleFinder().roles(passage_of(EXCHANGE * 10)))
    assert len(pieces) == -(-len(EXCHANGE * 10) // 100)
    assert {piece.dtype for piece in pieces} == {np.dtype(np.uint8)}


def test_a_million_newlines_are_speech() -> None:
    """A linear algorithm takes milliseconds; a quadratic one would take hours."""
    roles = np.concatenate(list(RoleFinder().roles(passage_of("\n" * 1_000_000))))
    assert roles.tolist() == [SPEECH] * 1_000_000


def test_a_play_is_recognised() -> None:
    assert is_play(EXCHANGE * 2)
    assert is_play(PLAY.path.read_text(encoding="utf-8"))
    assert is_play("First Citizen:\nSpeak.\n\nAll:\nSpeak, speak.\n\n" * 2)


def test_prose_with_headings_in_capitals_is_not_a_play() -> None:
    roles, finder = found(PROSE)
    assert roles.count("N") > 0
    assert not finder.is_play


def test_prose_without_headings_is_not_a_play() -> None:
    assert not is_play("Il faisait nuit (déjà), et le vent soufflait.\n\n" * 50)


def test_a_play_has_a_minimum_of_speaker_lines() -> None:
    assert is_play("FROSINE.\n\nOui.\n\n" * MIN_LINES)
    assert not is_play("FROSINE.\n\nOui.\n\n" * (MIN_LINES - 1))


def test_the_names_of_a_play_occur_at_least_twice_on_average() -> None:
    names = ["FROSINE", "CLÉANTE", "ÉLISE"]
    lines = [f"{name}.\n\nOui.\n\n" for name in names]
    assert is_play("".join(lines * 2))
    assert not is_play("".join([*lines * 2, "VALÈRE.\n\nOui.\n\n"]))
    assert is_play("".join([*lines * 2, "VALÈRE.\n\nOui.\n\n", "VALÈRE, bas.\n\nNon.\n\n"]))


def test_a_play_has_a_minimum_density_of_speaker_lines() -> None:
    scene = "FROSINE.\n\n"
    speech = "o" * (RAREST - len(scene) - 2) + "\n\n"
    assert is_play((scene + speech) * MIN_LINES)
    assert not is_play((scene + speech) * MIN_LINES + "o")


def test_the_corpus_is_a_play(moliere: Path) -> None:
    roles, finder = found(moliere.read_text(encoding="utf-8")[:100_000])
    assert finder.is_play
    assert roles.startswith("NNNNNNNNNs"), "VALÈRE."
    assert 0.02 < roles.count("N") / len(roles) < 0.2


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("HAMLET: To be.\n\n", "NNNNNNNNsssssssss"),
        ("HARPAGON (bas).\n\nOui.", "NNNNNNNNNDDDDDNNNssss"),
        ("LES DEUX. Bonjour.", "NNNNNNNNNNssssssss"),
    ],
)
def test_a_speaker_line_may_continue_after_the_name(text: str, roles: str) -> None:
    assert found(text)[0][: len(text)] == (roles + "s" * len(text))[: len(text)]
