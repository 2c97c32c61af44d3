import pytest

from charlstm_tui.lessons.languages import LANGUAGES, WORDS, language_of_user


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_CA.UTF-8", "LC_ALL": ""}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LC_MESSAGES": "fr_BE", "LANG": "de_DE"}, "fr"),
    ],
)
def test_the_language_is_that_of_the_locale(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language_of_user() == language
    assert language_of_user("fr") == "fr"
    assert language_of_user("xx") == language


def test_each_language_has_the_words_of_the_panel() -> None:
    assert WORDS.keys() == LANGUAGES.keys()
    for words in WORDS.values():
        assert "{key}" in words.leads_here
        assert "{key}" in words.offer
        assert words.unfinished.format(key="F7", title="Gates", step=2, steps=7).startswith("`F7`")
