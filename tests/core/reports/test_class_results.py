import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from core.reports.class_results import Basis, Result, as_csv, tables_of

TAIL = Basis(text="moliere", sha256="a" * 64, limit=100_000, split="tail")


def result(student: str, loss: float, basis: Basis = TAIL, model: str = "notebook-1") -> Result:
    return Result(student=student, model=model, basis=basis, loss=loss)


def test_results_are_ranked_by_their_loss() -> None:
    (table,) = tables_of([result("zoe", 1.5), result("ali", 1.4), result("eve", 1.6)])
    assert [one.student for one in table.results] == ["ali", "zoe", "eve"]
    assert (table.best.student, table.median) == ("ali", 1.5)
    assert table.mean == pytest.approx(1.5)
    assert table.title == "moliere, first 100,000 characters · tail · test"


@pytest.mark.parametrize(
    "other",
    [
        Basis(text="moliere", sha256="b" * 64, limit=100_000, split="tail"),
        Basis(text="moliere", sha256="a" * 64, limit=None, split="tail"),
        Basis(text="moliere", sha256="a" * 64, limit=100_000, split="interleaved"),
        Basis(text="moliere", sha256="a" * 64, limit=100_000, split="tail", part="train"),
    ],
)
def test_losses_on_different_texts_splits_or_parts_are_not_ranked_together(other: Basis) -> None:
    tables = tables_of([result("ali", 1.4), result("zoe", 1.1, other), result("eve", 1.5)])
    assert [[one.student for one in table.results] for table in tables] == [["ali", "eve"], ["zoe"]]


def test_a_text_is_recognised_by_its_content_and_not_by_its_name() -> None:
    copy = Basis(text="copie", sha256="a" * 64, limit=100_000, split="tail")
    (table,) = tables_of([result("ali", 1.4), result("zoe", 1.5, copy)])
    assert len(table.results) == 2
    unknown = [Basis(text=name, sha256="", split="tail") for name in ("one", "two")]
    assert len(tables_of([result("ali", 1.4, unknown[0]), result("zoe", 1.5, unknown[1])])) == 2


def test_a_loss_far_from_the_others_is_an_outlier() -> None:
    near = [result(f"s{number}", 1.5 + number / 100) for number in range(6)]
    (table,) = tables_of([*near, result("far", 2.9), result("low", 0.2)])
    assert table.outliers == {"far", "low"}


def test_few_or_equal_losses_have_no_outlier() -> None:
    assert tables_of([result("a", 1.0), result("b", 1.01), result("c", 9.0)])[0].outliers == frozenset()
    assert tables_of([result(f"s{number}", 1.5) for number in range(9)])[0].outliers == frozenset()
    almost = [*(result(f"s{number}", 1.5) for number in range(9)), result("near", 1.502)]
    assert tables_of(almost)[0].outliers == frozenset()


def test_no_results_are_an_error() -> None:
    with pytest.raises(UserError, match="no reports"):
        tables_of([])


def test_csv_has_one_row_per_result_with_its_basis() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(tables_of([result("ali", 1.4), result("b, c", 1.5)])).decode())))
    assert [(row["student"], row["text"], row["split"], row["loss"]) for row in rows] == [
        ("ali", "moliere", "tail", "1.4"), ("b, c", "moliere", "tail", "1.5"),
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.floats(0, 5), st.sampled_from("ab"), st.sampled_from(["tail", "interleaved"])), min_size=1)
)
def test_every_result_is_in_exactly_one_table(losses: list[tuple[float, str, str]]) -> None:
    results = [
        result(f"s{number}", loss, Basis(text="t", sha256=text, split=split))
        for number, (loss, text, split) in enumerate(losses)
    ]
    tables = tables_of(results)
    shown = [one for table in tables for one in table.results]
    assert sorted(one.student for one in shown) == sorted(one.student for one in results)
    for table in tables:
        assert len({one.basis.key for one in table.results}) == 1
        assert [one.loss for one in table.results] == sorted(one.loss for one in table.results)
        assert table.results[0].loss - 1e-9 <= table.mean <= table.results[-1].loss + 1e-9
