from hypothesis import given
from hypothesis import strategies as st

from core.data.vocabulary import Vocabulary

texts = st.text(st.characters(), min_size=1, max_size=100)


@given(texts)
def test_decoding_restores_the_encoded_text(text: str) -> None:
    vocabulary = Vocabulary(text)
    assert vocabulary.decode(vocabulary.encode(text)) == text


@given(texts, texts)
def test_unknown_characters_are_skipped_and_counted(known: str, text: str) -> None:
    vocabulary = Vocabulary(known)
    kept = [character for character in text if character in known]
    assert vocabulary.decode(vocabulary.encode(text)) == "".join(kept)
    unknown = vocabulary.unknown_in(text)
    assert sum(unknown.values()) == len(text) - len(kept)
    assert not set(unknown) & set(known)


def test_ids_follow_the_order_of_the_code_points_as_in_the_course() -> None:
    text = "élève, Éva 🎭"
    assert Vocabulary(text).characters == "".join(sorted(set(text)))


def test_a_text_without_a_prompt_starts_after_a_full_stop() -> None:
    assert Vocabulary("a.b").characters[Vocabulary("a.b").start_id] == "."
    assert Vocabulary("xyz").start_id == 0
