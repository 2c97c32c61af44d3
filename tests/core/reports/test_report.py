import csv
import hashlib
import io
import json
import math
import re
from itertools import product
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE
from core.data.splits import SPLITS, Part
from core.events import EpochCompleted
from core.reports.diagnosis import LITTLE, judge
from core.reports.formats import FORMATS, Line, as_csv, as_json, as_markdown, figure, lines
from core.reports.reference_losses import published_for
from core.reports.report import Bar, Report, SampleCopying
from core.reports.results import (
    NGRAM_NAMES,
    Baselines,
    Evaluation,
    PartLoss,
)
from tests.core.reports.examples import (
    ENOUGH,
    HESITATES,
    NO_ORDER,
    baselines,
    copied,
    evaluation,
    full,
    parts,
    plain,
    sample_copying,
)


@pytest.mark.parametrize(
    ("loss", "standard_error", "counted", "meaning"),
    [
        (1.5, None, ENOUGH, f"{HESITATES} The text is too short to tell whether that is chance."),
        (1.5, 0.01, None, HESITATES),
        (1.5, 0.01, ENOUGH, f"Better than a 5-gram, which only counts, by 0.50 nats. {HESITATES}"),
        (1.5, 0.01, NO_ORDER, f"Better than a model that ignores order, by 0.50 nats. {HESITATES}"),
        (1.5, 0.25, ENOUGH, f"No better and no worse than a 5-gram, which only counts (2.000). {HESITATES}"),
        (1.5, 0.25, NO_ORDER, f"No better and no worse than a model that ignores order (2.000). {HESITATES}"),
        (
            2.5,
            0.25,
            ENOUGH,
            "No better and no worse than a 5-gram, which only counts (2.000). "
            "On average it chooses among 12.2 characters.",
        ),
        (
            2.5,
            0.125,
            ENOUGH,
            "Worse than a 5-gram, which only counts, by 0.50 nats. On average it chooses among 12.2 characters.",
        ),
        (
            2.25,
            0.0625,
            NO_ORDER,
            "Worse than a model that ignores order, by 0.25 nats. On average it chooses among 9.49 characters.",
        ),
        (math.log(12_345), 0.01, None, "On average it chooses among 12,345 characters."),
    ],
)
def test_the_meaning_of_a_loss(
    loss: float, standard_error: float | None, counted: Baselines | None, meaning: str
) -> None:
    report = Report(model="sheep", evaluation=evaluation(loss, standard_error), baselines=counted)
    assert report.meaning == meaning


NOT_KNOWN = "Whether it overfits is not known: that takes the losses of its epochs, which are not here."
BETTER = "it predicts the text that it was trained on better than new text"


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        ({}, ""),
        ({"train": 1.0}, ""),
        ({"validation": 1.0, "test": 1.0}, ""),
        ({"train": 0.0, "test": LITTLE}, "Hardly a gap: test loss is 0.05 above training loss."),
        (
            {"train": 1.5, "test": 1.25},
            "A gap: test loss is 0.25 below training loss, so that part is easier to predict.",
        ),
        ({"train": 1.0, "test": 1.125}, f"A gap: test loss is 0.12 above training loss; {BETTER}. {NOT_KNOWN}"),
        (
            {"train": 1.0, "validation": 1.5},
            f"A gap: validation loss is 0.50 above training loss; {BETTER}. {NOT_KNOWN}",
        ),
        (
            {"train": 1.0, "validation": 1.0, "test": 0.5},
            "Hardly a gap: validation loss is 0.00 above training loss.",
        ),
        (
            {"train": 1.0, "validation": 1.0, "test": 1.25},
            "Hardly a gap: validation loss is 0.00 above training loss. The test part is harder, by 0.25.",
        ),
    ],
)
def test_without_a_history_the_verdict_is_only_the_gap(losses: dict[str, float], verdict: str) -> None:
    assert msgspec.structs.replace(plain(), parts=parts(**losses)).verdict == verdict


def history(*val_losses: float | None, train: float = 1.5) -> tuple[EpochCompleted, ...]:
    return tuple(
        EpochCompleted(
            epoch=number, train_loss=train - 0.1 * number, val_loss=loss, best=False, seconds=1.0,
            elapsed_seconds=number, chars_per_second=1.0,
        )
        for number, loss in enumerate(val_losses, start=1)
    )  # fmt: skip


@pytest.mark.parametrize("validated", [(2.0, 1.5, 1.2), (2.0, 1.5, 1.5), (2.0, 1.5, 1.7)])
def test_the_verdict_combines_the_diagnosis_of_the_history_and_the_gap_of_the_parts(
    validated: tuple[float, ...],
) -> None:
    epochs = history(*validated)
    report = msgspec.structs.replace(plain(), history=epochs, parts=parts(train=1.0, validation=1.28))
    gap = f"A gap: validation loss is 0.28 above training loss; {BETTER}."
    assert report.verdict == f"{judge(epochs, report.vocabulary_size).text} {gap}"
    assert msgspec.structs.replace(report, parts=()).verdict == judge(epochs, report.vocabulary_size).text


def test_a_history_without_validation_gives_no_advice_to_evaluate() -> None:
    report = msgspec.structs.replace(plain(), history=history(None, None))
    assert report.verdict == judge(report.history, report.vocabulary_size).sentence
    assert "Evaluate it" in judge(report.history, report.vocabulary_size).advice


def test_a_note_says_how_the_losses_of_the_parts_are_computed() -> None:
    measured = msgspec.structs.replace(plain(), parts=parts(train=1.0, validation=1.1))
    assert measured.parts_note == "Evaluated with the saved weights."
    few = (PartLoss(part="train", characters=200_000, of=1_488_190, loss=1.016),)
    report = msgspec.structs.replace(measured, parts=few, has_dropout=True, history=history(1.4, 1.3))
    assert report.parts_note == (
        "Evaluated with the saved weights, without dropout, on 200,000 of 1,488,190 training characters. "
        "Train shows 1.3000: the mean over epoch 2, with dropout."
    )
    assert plain().parts_note == ""


def test_a_harder_test_part_is_compared_with_that_of_an_n_gram_model() -> None:
    report = Report(
        model="sheep",
        evaluation=evaluation(),
        baselines=baselines({"5-gram": 2.0, "6-gram": 1.75}),
        parts=parts(train=1.0, validation=1.0, test=1.25),
        validation_baselines=baselines({"5-gram": 1.5}, "validation"),
    )
    told = "Hardly a gap: validation loss is 0.00 above training loss. The test part is harder, by 0.25"
    assert report.verdict == f"{told}; for a 5-gram, by 0.50."
    replace = msgspec.structs.replace
    assert replace(report, baselines=None).verdict == f"{told}."
    assert replace(report, validation_baselines=None).verdict == f"{told}."
    assert replace(report, evaluation=evaluation(part="whole")).verdict == f"{told}."


def test_a_test_part_that_is_harder_only_for_the_network_is_reported_as_such() -> None:
    report = Report(
        model="sheep",
        evaluation=evaluation(),
        baselines=baselines({"5-gram": 1.25}),
        parts=parts(train=1.0, validation=1.0, test=1.25),
        validation_baselines=baselines({"5-gram": 1.5}, "validation"),
    )
    assert "The test part is harder, by 0.25" in report.verdict
    assert report.verdict.endswith("for a 5-gram it is not.")


@pytest.mark.parametrize(
    ("copying", "meaning"),
    [
        (None, ""),
        (
            sample_copying(copied(1_234), None),
            "The longest passage copied word for word has 1,234 characters.",
        ),
        (
            sample_copying(copied(1_234, 0.1), copied(30, 0.1)),
            "It copies: the longest passage found in the training text has 1,234 characters; in held-out text, 30.",
        ),
        (
            sample_copying(copied(61, 0.1), copied(8, 0.1)),
            "It copies: the longest passage found in the training text has 61 characters; in held-out text, 8.",
        ),
        (
            sample_copying(copied(40, 0.5), copied(30, 0.125)),
            "It copies: the longest passage found in the training text has 40 characters; in held-out text, 30.",
        ),
        (
            sample_copying(copied(60, 0.125), copied(8, 0.0)),
            "It hardly copies: the longest passage found in the training text has 60 characters; in held-out text, 8.",
        ),
        (
            sample_copying(copied(90, 0.375), copied(30, 0.125)),
            "It hardly copies: the longest passage found in the training text has 90 characters; in held-out text, 30.",
        ),
        (
            sample_copying(copied(9, math.nan), copied(30, 0.125)),
            "It hardly copies: the longest passage found in the training text has 9 characters; in held-out text, 30.",
        ),
    ],
)
def test_the_meaning_of_copying(copying: SampleCopying | None, meaning: str) -> None:
    assert msgspec.structs.replace(plain(), copying=copying).copying_meaning == meaning


def test_copying_is_reported_even_if_held_out_text_is_shorter_than_a_sequence() -> None:
    copying = sample_copying(copied(50, 1.0), copied(5, math.nan))
    assert msgspec.structs.replace(plain(), copying=copying).copying_meaning.startswith("It copies: ")


def test_the_title_names_the_model_the_text_and_the_part() -> None:
    def title(found: Evaluation) -> str:
        return Report(model="sheep", evaluation=found).title

    assert title(evaluation(characters=1_234)) == "sheep on moutons · tail · test · 1,234 characters"
    assert title(evaluation(part="whole", characters=1)) == "sheep on moutons · all of it · 1 character"
    limited = evaluation(part="train", limit=1_000)
    assert title(limited) == "sheep on moutons, first 1,000 characters · tail · train · 1,000 characters"


def test_bars_are_in_descending_order_and_the_model_s_own_is_marked() -> None:
    assert full().bars == [
        Bar("uniform", 3.0),
        Bar("unigram", 3.0),
        Bar("6-gram", 3.0),
        Bar("bigram", 2.0),
        Bar("5-gram", 1.75),
        Bar("this model", 1.5, ours=True),
        Bar("a GPT", 1.25),
    ]
    assert plain().bars == [Bar("this model", 1.5, ours=True)]
    with_trigram = msgspec.structs.replace(plain(), baselines=baselines({"3-gram": 1.0}))
    assert with_trigram.bars[-1] == Bar("3-gram", 1.0), "the best baseline is always shown"
    assert "4-gram" not in [bar.name for bar in with_trigram.bars]


def test_published_losses_are_shown_only_for_their_text_limit_split_and_part() -> None:
    texts = [MOLIERE.sha256, "", hashlib.sha256(b"another text").hexdigest(), MOLIERE.sha256.upper()]
    limits = [None, 1, 99_999, 100_000, 100_001, 1_687_290]
    told = {
        (sha256, limit, split, part): published
        for sha256, limit, split, part in product(texts, limits, SPLITS, get_args(Part))
        if (published := published_for(CorpusConfig(source="x", sha256=sha256, limit=limit, split=split), part))
    }
    assert {cut: [figure.loss for figure in published] for cut, published in told.items()} == {
        (MOLIERE.sha256, 100_000, "tail", "test"): [1.5117],
        (MOLIERE.sha256, None, "tail", "test"): [1.4835],
    }


def test_the_hash_of_the_published_text_is_that_of_moliere_s_plays(moliere: Path) -> None:
    assert hashlib.sha256(moliere.read_bytes()).hexdigest() == MOLIERE.sha256


def test_figures_are_formatted_by_unit_and_type() -> None:
    assert figure(Line("loss", "loss", 1.23456, "nats/char")) == "1.2346"
    assert figure(Line("loss", "right", 0.1234, "share")) == "12.3%"
    assert figure(Line("loss", "characters", 12_345)) == "12,345"
    assert figure(Line("loss", "standard error", None)) == "–"


def test_a_figure_that_is_nan_or_infinite_is_none() -> None:
    found = {(line.section, line.name): line.value for line in lines(full())}
    assert found["copying, sample", "40-character sequences"] is None
    assert found["copying, held-out", "words"] is None
    astray = Report(model="sheep", evaluation=evaluation(1_000.0))
    assert {line.name: line.value for line in lines(astray)}["perplexity"] is None


def test_json_contains_all_results() -> None:
    told = json.loads(as_json(full()))
    assert (told["model"], told["corpus"], told["split"], told["part"]) == ("sheep", "moutons", "tail", "test")
    assert (told["characters"], told["unknown_characters"], told["learnt_characters"]) == (1_000, 10, 7)
    assert (told["loss"], told["standard_error"]) == (1.5, 0.01)
    assert (told["accuracy"], told["accuracy_of_five"]) == (0.5, 0.875)
    assert told["bits_per_character"] == pytest.approx(1.5 / math.log(2))
    assert told["perplexity"] == pytest.approx(math.exp(1.5))
    assert told["kinds"][1] == {"name": "newline", "characters": 90, "loss": 6.5, "share": 0.4}
    assert told["roles"] == [{"name": "speech", "characters": 990, "loss": 1.5, "share": 1.0}]
    assert told["meaning"] == full().meaning
    assert [one["name"] for one in told["baselines"]] == list(NGRAM_NAMES)
    assert told["published"] == [{"name": "a GPT", "loss": 1.25, "source": "a course"}]
    assert [(one["part"], one["loss"]) for one in told["parts"]] == [
        ("train", 1.25), ("validation", 1.5), ("test", 1.625),
    ]  # fmt: skip
    assert told["verdict"] == full().verdict
    copying = told["copying"]
    assert (copying["characters"], copying["temperature"], copying["seed"]) == (5_000, 0.5, 3)
    assert copying["sample"] == {"longest": "x" * 20, "shares": {"10": 0.5, "20": 0.25, "40": None}, "words": 0.5}
    assert copying["held_out"]["words"] is None
    assert told["least_expected"][0] == {"begin": 3, "text": "Il sort.", "loss": 4.5}
    assert told["most_expected"] == [{"begin": 50, "text": "Il sort.", "loss": 0.25}]


def test_json_of_an_incomplete_report_has_the_same_keys() -> None:
    told = json.loads(as_json(plain()))
    assert told.keys() == json.loads(as_json(full())).keys()
    assert (told["baselines"], told["published"], told["parts"], told["copying"]) == ([], [], [], None)
    assert (told["verdict"], told["least_expected"], told["most_expected"]) == ("", [], [])


def test_json_has_no_split_for_a_whole_text_and_no_infinite_number() -> None:
    told = json.loads(as_json(Report(model="sheep", evaluation=evaluation(1_000.0, None, part="whole"))))
    assert (told["split"], told["perplexity"], told["standard_error"]) == (None, None, None)
    without = msgspec.structs.replace(full(), copying=sample_copying(copied(3), None))
    assert json.loads(as_json(without))["copying"]["held_out"] is None


@given(text=st.text(min_size=1, max_size=30) | st.text(',"|\r\n\\=\t;`<', min_size=1, max_size=30))
def test_csv_parses_back_to_every_figure(text: str) -> None:
    report = full(text)
    header, title, *rows = csv.reader(io.StringIO(as_csv(report).decode(), newline=""))
    assert header == ["section", "name", "value", "unit", "characters"]
    assert title[:3] == ["report", "title", report.title]
    assert rows == [["" if one is None else str(one) for one in line] for line in lines(report)]
    assert ["least expected", text, "4.5", "nats/char", str(len(text))] in rows


def cells(row: str) -> list[str]:
    """Return the cells of a row of a Markdown table, without escapes."""
    assert row.startswith("|")
    found = re.findall(r"((?:\\.|[^\\|])*)\|", row[1:])
    return [re.sub(r"\\(.)", r"\1", cell).strip(" ") for cell in found]


@given(
    text=st.text(min_size=1, max_size=30) | st.text("|\\\n\r\t`*_<>[]#~ a", min_size=1, max_size=30),
)
def test_no_text_breaks_a_markdown_table(text: str) -> None:
    page = as_markdown(full(text)).decode()
    rows = [line for line in page.split("\n") if line.startswith("|")]
    assert page.splitlines() == page.split("\n")[:-1], "the text adds no line breaks"
    assert all(len(cells(row)) == 3 for row in rows)
    figures = [cells(row) for row in rows if not set(row) <= set("|-: ")]
    assert [value for _, value, _ in figures] == [figure(line) for line in lines(full(text))]


def test_markdown_escapes_the_text_of_a_passage() -> None:
    page = as_markdown(full("|a\\|*b*\n<i>`c`")).decode().split("\n")
    row = next(line for line in page if "4.5000" in line)
    assert cells(row) == ["|a\\|*b* ⏎ <i>`c`", "4.5000", "nats/char, 14 characters"]
    assert r"\<i\>" in row


def test_markdown_escapes_character_references() -> None:
    page = as_markdown(full("&eacute;")).decode()
    assert "| &eacute; |" not in page


def test_markdown_has_the_title_the_sentences_and_one_table_per_section() -> None:
    page = as_markdown(full()).decode()
    assert page.startswith(f"# sheep on moutons · tail · test · 1,000 characters\n\n{full().meaning}\n\n")
    assert f"\n\n{full().verdict}\n\n" in page
    assert f"## Copying, sample\n\n{full().copying_meaning}\n\n| | | |" in page
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == [
        "Loss", "Baselines", "By part", "By role", "By kind", "Copying, sample", "Copying, held-out",
        "Least expected", "Most expected",
    ]  # fmt: skip
    assert "| top-1 accuracy | 50.0% |  |" in page
    assert "| loss | 1.5000 | nats/char, 990 characters |" in page


def test_markdown_escapes_names_in_the_title() -> None:
    first, *_ = as_markdown(full(title="/somewhere/a|*b*.txt", model="[x](y)")).decode().split("\n")
    assert first.startswith(r"# \[x\](y) on a\|\*b\* · ")


def test_each_file_extension_has_its_format() -> None:
    assert {".json": as_json, ".csv": as_csv, ".md": as_markdown} == FORMATS
    for write in FORMATS.values():
        assert write(plain()).endswith(b"\n")
