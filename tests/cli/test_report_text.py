import re

import msgspec

from charlstm_tui.commands.report_text import as_text
from core.reports.report import Report
from core.reports.results import COPIED_LENGTHS
from tests.core.reports.examples import HESITATES, copied, evaluation, full, sample_copying, score


def test_a_shell_shows_the_figures_and_the_sentences() -> None:
    shown = as_text(full()).split("\n")
    assert shown[:7] == [
        "sheep on moutons · tail · test · 1,000 characters",
        "",
        "loss                    1.5000 ± 0.0100  nats per character",
        "bits per character      2.1640",
        "perplexity                4.48",
        "top-1 accuracy           50.0%",
        "top-5 accuracy           87.5%",
    ]
    assert "unknown                     10  characters that are not in the vocabulary, not scored" in shown
    assert full().meaning in shown
    assert f"  {full().verdict}" in shown
    assert f"  {full().copying_meaning}" in shown
    headings = [line for line in shown if line and not line.startswith(" ") and line != full().meaning][7:]
    assert [re.split(r" {2,}", heading)[0] for heading in headings] == [
        "baselines", "by part", "speaker", "kind of character", "found in training text", "least expected",
        "most expected",
    ]  # fmt: skip


def test_a_shell_shows_bars_as_long_as_their_losses_and_marks_the_model_s() -> None:
    rows = [line for line in as_text(full()).split("\n") if "█" in line]
    assert [row.count("█") for row in rows] == [40, 40, 40, 27, 23, 20, 17]
    assert [row for row in rows if "◂" in row] == ["  this model          1.5000  " + "█" * 20 + "  ◂"]


def test_a_shell_shows_no_empty_sections() -> None:
    found = msgspec.structs.replace(evaluation(standard_error=None, unknown=0), score=score(standard_error=None))
    bare = msgspec.structs.replace(found, score=msgspec.structs.replace(found.score, kinds=(), roles=()))
    assert as_text(Report(model="sheep", evaluation=bare)).split("\n") == [
        "sheep on moutons · tail · test · 1,000 characters",
        "",
        "loss                    1.5000  nats per character",
        "bits per character      2.1640",
        "perplexity                4.48",
        "top-1 accuracy           50.0%",
        "top-5 accuracy           87.5%",
        "",
        f"{HESITATES} The text is too short to tell whether that is chance.",
    ]


def test_a_shell_shows_copying_in_columns_and_a_dash_for_none() -> None:
    shown = as_text(full()).split("\n")
    begin = next(place for place, line in enumerate(shown) if line.startswith("found in training text"))
    assert [line.split() for line in shown[begin : begin + 6]] == [
        ["found", "in", "training", "text", "a", "sample", "held-out", "text"],
        ["longest", "passage,", "characters", "20", "18"],
        ["10-character", "sequences", "50.0%", "50.0%"],
        ["20-character", "sequences", "25.0%", "12.5%"],
        ["40-character", "sequences", "–", "–"],
        ["words", "50.0%", "–"],
    ]
    assert [f"{length}-character" for length in COPIED_LENGTHS] == ["10-character", "20-character", "40-character"]
    alone = as_text(msgspec.structs.replace(full(), copying=sample_copying(copied(20), None)))
    assert "held-out text" not in alone


def test_control_characters_of_the_text_do_not_reach_a_shell() -> None:
    shown = as_text(full("\x1b[2Jun\nmouton", title="/somewhere/a\x1bb.txt", model="\x1b]0;x\x07"))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "␛[2Jun⏎mouton" in shown
