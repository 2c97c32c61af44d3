"""The help pages in French: the same content as the English ones, in French typography.

Only files are read. A change of an English page fails here until its French page follows.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from charlstm_tui.screens.all_keys import all_actions
from charlstm_tui.screens.help import keys_in

ROOT = Path(__file__).parents[2]
ENGLISH = ROOT / "charlstm_tui" / "help"
FRENCH = ENGLISH / "fr"
README = ENGLISH / "README.fr.md"
PAGES = sorted(path.name for path in ENGLISH.glob("*.md") if path != README)
IN_FRENCH = [*(FRENCH / name for name in PAGES), README]

SPACE = "\u00a0"
"""The no-break space of French typography."""
SPANS_OF_FRENCH: dict[str, Counter[str]] = {}
"""Code spans that a French page has in addition to those of the English one, by page, since its sentences need them."""
SPANS_OF_ENGLISH: dict[str, Counter[str]] = {}
"""Code spans that only the English page has."""
TRANSLATED = frozenset(
    {
        # In bold: terms that a page explains, and beginnings of paragraphs. The screens do not show them.
        "step", "epoch", "fine-tuning", "The chart", "Below the chart",
        "forget gate", "input gate", "output gate", "cell state",
        "During generation", "Writing together",
        "The text", "The rows", "The equations", "Stretches",
        "Set one up.", "Watch it.", "What it found.", "The test part", "seeds",
        "silenced", "list", "Space", "on", "places",
        # In italics: stress.
        "higher",
    }
)  # fmt: skip
"""Stressed words of the English pages that are French in the French ones. All others are words of the screen."""
ENGLISH_WORDS = ("the", "is", "are", "of", "and", "with", "which", "that", "to", "it", "this", "for", "from")
MOST_ENGLISH_WORDS = 0


def english(name: str) -> str:
    return (ENGLISH / name).read_text(encoding="utf-8")


def french(name: str) -> str:
    return (FRENCH / name).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """Return a page without its blocks and spans of code, and without addresses of links."""
    page = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    page = re.sub(r"`[^`]*`", "code", page)
    page = re.sub(r"\]\([^)]*\)", "]", page)
    return re.sub(r"^\|(?: --- \|)+$", "", page, flags=re.MULTILINE)


def spans(page: str) -> Counter[str]:
    """Return the code spans of a page. A span may continue in the next line."""
    return Counter(" ".join(span.split()) for span in re.findall(r"`([^`]*)`", page))


def structure(page: str) -> list[str]:
    """Return what begins each heading, bullet and paragraph of a page."""
    kinds = []
    is_open = False
    for line in page.splitlines():
        marker = re.match(r"(#+|-) ", line)
        if marker:
            kinds.append(marker[1])
        elif line and not is_open:
            kinds.append("paragraph")
        is_open = bool(line)
    return kinds


def stressed(page: str) -> set[str]:
    """Return what is bold or in italics."""
    found = re.findall(r"(\*{1,2})(?=\S)(.+?)(?<=\S)\1", " ".join(prose(page).split()))
    return {words for _, words in found}


def figures(page: str, *, thousands: str, points: str) -> Counter[str]:
    """Return the numbers of a page's prose, without separators of thousands and with a decimal point."""
    number = rf"\d{{1,3}}(?:{thousands}\d{{3}})+(?!\d)|\d+(?:[{points}]\d+)?"
    found = re.findall(number, prose(page))
    return Counter(re.sub(f"[{points}]", ".", re.sub(rf"{thousands}(?=\d{{3}})", "", figure)) for figure in found)


def test_each_english_page_has_a_french_one_and_no_other_is_there() -> None:
    assert PAGES
    assert sorted(path.name for path in FRENCH.glob("*.md")) == PAGES
    assert {path.name for path in FRENCH.iterdir()} - set(PAGES) == {"keys.toml"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_headings_bullets_and_paragraphs_of_the_english_one(name: str) -> None:
    assert structure(french(name)) == structure(english(name))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_begins_with_the_name_of_the_screen(name: str) -> None:
    title = english(name).splitlines()[0]
    assert re.fullmatch(re.escape(title) + r" \(.+\)", french(name).splitlines()[0])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_each_key_as_often_as_the_english_one(name: str) -> None:
    expected = spans(english(name)) + SPANS_OF_FRENCH.get(name, Counter()) - SPANS_OF_ENGLISH.get(name, Counter())
    assert spans(french(name)) == expected


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_figures_of_the_english_one(name: str) -> None:
    in_english = english(name)
    in_french = french(name)
    as_typed = "1,000"  # an example of what is refused, the same on both
    assert in_french.count(as_typed) == in_english.count(f"{as_typed} is refused")
    expected = figures(in_english.replace(f"{as_typed} is refused", ""), thousands=",", points=".")
    assert figures(in_french.replace(as_typed, ""), thousands=SPACE, points=".,") == expected


@pytest.mark.parametrize("name", PAGES)
def test_a_page_quotes_the_words_of_the_screen(name: str) -> None:
    translated = TRANSLATED - {"forget gate", "input gate", "output gate", "cell state"}
    if name == "train.md":  # which explains the gates; Inspect shows their names
        translated = TRANSLATED
    assert stressed(english(name)) - translated <= stressed(french(name))


def test_each_translated_word_is_stressed_on_an_english_page() -> None:
    assert set().union(*(stressed(english(name)) for name in PAGES)) >= TRANSLATED


@pytest.mark.parametrize("path", IN_FRENCH, ids=lambda path: path.name)
def test_no_sentence_is_english(path: Path) -> None:
    page = re.sub(r"(\*{1,2})(?=\S)(.+?)(?<=\S)\1", "", prose(path.read_text(encoding="utf-8")))
    page = re.sub(f"«{SPACE}.+?{SPACE}»", "", page)
    words = re.findall(rf"\b(?:{'|'.join(ENGLISH_WORDS)})\b", page)
    assert len(words) <= MOST_ENGLISH_WORDS, words


@pytest.mark.parametrize("path", IN_FRENCH, ids=lambda path: path.name)
def test_no_break_spaces_stand_where_french_has_them(path: Path) -> None:
    page = prose(path.read_text(encoding="utf-8"))
    after_a_word = re.findall(rf".{{0,20}}[^{SPACE}][:;!?»%](?=\W|$)", page, re.MULTILINE)
    assert not after_a_word, "a no-break space is missing"
    assert not re.findall(rf".{{0,10}}«[^{SPACE}]", page), "a no-break space is missing"
    assert not re.findall(rf"{SPACE}(?: |$)| {SPACE}", page, re.MULTILINE), "a space too many"
    assert "\u202f" not in page, "narrow: one kind of no-break space is used"


@pytest.mark.parametrize("path", IN_FRENCH, ids=lambda path: path.name)
def test_apostrophes_and_quotation_marks_are_french(path: Path) -> None:
    assert not re.findall(r".{0,20}['\"“”].{0,20}", prose(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", PAGES)
def test_lines_are_at_most_120_columns(name: str) -> None:
    assert [line for line in french(name).splitlines() if len(line) > 120 or line != line.rstrip(" ")] == []


def test_each_key_is_described_in_french() -> None:
    pages = {"app": "everywhere", "together": "generate", "where-else": "where_else", "memory-list": "memory"}
    lists = ("experiment-list", "lesson-list", "run-list", "text-list")
    known = {name.removesuffix(".md") for name in PAGES} | {"everywhere", "lists"}
    expected: dict[str, set[str]] = {}
    for action in all_actions():
        page = "lists" if action.section in lists else pages.get(action.section, action.section)
        if page in known:
            expected.setdefault(page, set()).update(does.split(": ")[0] for does in action.does)
    found = {page: {name.split(": ")[0] for name in keys} for page, keys in keys_in("fr").items()}
    of_textual = {"Focus Next", "Focus Previous", "Copy selected text"}
    assert {**found, "everywhere": found["everywhere"] - of_textual} == expected
    said = "\n".join(does for keys in keys_in("fr").values() for does in keys.values())
    assert not re.search(r"(?<!\u00a0)[:;?!]", re.sub(r"`[^`]*`", "", said)), "a no-break space stands before each"
    assert "'" not in said


def test_the_readme_has_the_two_commands_and_no_picture() -> None:
    page = README.read_text(encoding="utf-8")
    commands = r"^python3 .*$"
    whole = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(commands, page, re.MULTILINE) == re.findall(commands, whole, re.MULTILINE)
    assert "![" not in page
    assert len(page.splitlines()) <= 110


def test_the_readme_has_the_keys_of_the_english_one() -> None:
    def keys_of(path: Path) -> list[Counter[str]]:
        rows = re.search(r"^\| (?:key|touche) \|.*\n\| ---.*\n((?:\|.*\n)+)", path.read_text(encoding="utf-8"), re.M)
        assert rows
        return [spans(row) for row in rows[1].splitlines()]

    assert keys_of(README) == keys_of(ROOT / "README.md")


def test_the_readme_names_only_commands_options_and_files_of_the_english_one() -> None:
    whole = (ROOT / "README.md").read_text(encoding="utf-8")
    page = README.read_text(encoding="utf-8")
    named = {*re.findall(r"--[a-z][\w-]*|\bcharlstm-tui [a-z]+|\b[A-Z]+_[A-Z]+\b", page)}
    named |= {span for span in spans(page) if re.fullmatch(r"[\w.-]+/?[\w.-]*", span) and len(span) > 1}
    assert sorted(name for name in named if name not in whole) == []


def test_the_readme_has_only_figures_of_the_english_one() -> None:
    whole = figures((ROOT / "README.md").read_text(encoding="utf-8"), thousands=",", points=".")
    page = figures(README.read_text(encoding="utf-8"), thousands=SPACE, points=".,")
    assert sorted(page.keys() - whole.keys()) == []


def test_each_link_of_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", README.read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert link.startswith("https://") or (README.parent / link).exists(), link
