"""The questions of the lessons: whatever a run gave, exactly one choice is right, and it is the true one."""

import ast
import random
import re

import pytest

from charlstm_tui.lessons.expression import filled, holds
from charlstm_tui.lessons.facts import FACTS, Value
from charlstm_tui.lessons.lesson import Lesson, Question, Step
from tests.tui.lessons.course_files import ENGLISH, ENGLISH_STEPS, FRENCH, QUESTIONS, named

SAMPLES = 80
"""Number of sets of facts that each question is tried with."""
NUMBERS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3, 0.31, 0.5, 0.8, 0.9, 1.0, 1.4, 1.47, 1.5, 1.55, 2.0, 4.5, 10.0, 50.0)
Facts = dict[str, Value]

# The figures of real runs where there is one: of the preset and the text that are named.
QUICK: Facts = {
    "run.count": 1.0, "run.preset": "quick", "run.state": "finished", "run.name": "quick-1",
    "evaluation.model": "quick-1", "evaluation.count": 1.0, "evaluation.part": "test",
}  # fmt: skip
NOTEBOOK: Facts = {
    "run.count": 1.0, "run.preset": "notebook", "run.state": "finished", "run.epochs": 20.0, "run.name": "notebook-1",
    "run.first_train_loss": 2.188, "run.middle_train_loss": 1.297, "run.last_train_loss": 1.102,
    "evaluation.model": "notebook-1", "evaluation.count": 1.0, "evaluation.part": "test",
}  # fmt: skip
CELL: Facts = {
    "inspection.count": 1.0, "inspection.model": "moliere", "inspection.characters": 40.0,
    "inspection.step_moves": 20.0, "inspection.forget": 0.95, "inspection.input": 0.3, "inspection.candidate": 0.4,
    "inspection.state_before": -1.2, "inspection.kept": -1.14, "inspection.added": 0.12,
}  # fmt: skip
PLAY_30000: Facts = {
    "run.count": 1.0, "run.state": "finished", "run.output_dropout": 0.0, "run.patience": 0.0, "run.epochs": 20.0,
    "run.planned_epochs": 20.0, "run.verdict": "overfitting", "run.best_val_loss": 1.8207, "run.best_epoch": 3.0,
    "run.last_val_loss": 2.9992, "run.last_train_loss": 0.0577, "run.characters": 30_000.0, "run.weight_drop": 0.0,
    "run.start": "",
}  # fmt: skip
EARLY: Facts = PLAY_30000 | {
    "run.patience": 2.0,
    "run.epochs": 5.0,
    "before.best_val_loss": 1.8207,
    "before.epochs": 20.0,
}
DROPPED: Facts = EARLY | {
    "run.output_dropout": 0.5, "run.epochs": 7.0, "run.best_val_loss": 1.7506, "before.output_dropout": 0.0,
    "before.characters": 30_000.0,
}  # fmt: skip
BEATEN: Facts = {
    "run.name": "quick-4", "evaluation.model": "quick-4", "evaluation.part": "test", "evaluation.count": 2.0,
    "evaluation.loss": 1.4105, "evaluation.standard_error": 0.0236, "evaluation.notebook": 1.4918,
}  # fmt: skip
TWO_CELLS: Facts = {
    "run.count": 2.0, "run.cell": "lstm", "run.state": "finished", "run.last_train_loss": 1.17, "run.epochs": 20.0,
    "run.characters": 100_000.0, "before.characters": 100_000.0, "before.cell": "rnn", "before.last_train_loss": 1.33,
    "run.output_dropout": 0.0, "run.weight_drop": 0.0, "run.start": "", "before.output_dropout": 0.0,
}  # fmt: skip
MEMORY: Facts = {
    "memory.count": 1.0, "memory.models": 2.0, "memory.rnn": 18.0, "memory.lstm": 25.0, "memory.rnn_context": 10.0,
    "memory.lstm_context": 20.0, "memory.rnn_loss": 1.587, "memory.lstm_loss": 1.570, "app.screen": "memory",
}  # fmt: skip
TUNED: Facts = {
    "run.name": "fine-tune-1", "evaluation.model": "fine-tune-1", "evaluation.count": 1.0, "evaluation.page": "before",
    "evaluation.gained": 0.324, "evaluation.longest_copy": 20.0, "evaluation.natural_copy": 26.0,
    "evaluation.copies": False,
}  # fmt: skip
HOT: Facts = {
    "generation.count": 3.0, "generation.is_done": True, "generation.lowest_temperature": 0.0,
    "generation.highest_temperature": 1.5, "generation.surprise_at_lowest": 0.4, "generation.surprise_at_highest": 2.9,
}  # fmt: skip

SEEN: Facts = {"app.screen": "train", "next.limit": 50_000.0}
DISTINCT = ((72.0, 1), (73.0, 1), (27.0, 0), (39.0, 0), (40.0, 1), (120.0, 1), (2_100.0, 2))

STORIES: list[tuple[str, str, Facts, int]] = [
    # the lesson, the step, what a student's run gave, and the place of the right choice
    *(("characters", "text", SEEN | {"next.distinct": distinct}, right) for distinct, right in DISTINCT),
    *(
        (
            "loss", "evaluate",
            QUICK | {"evaluation.loss": loss, "evaluation.best_ngram": 1.528, "evaluation.standard_error": 0.03}, right,
        )
        for loss, right in ((1.42, 0), (1.467, 0), (1.468, 0), (1.47, 1), (1.528, 1), (1.58, 1), (1.65, 2))
    ),
    *(
        (
            "loss", "train-part",
            QUICK | {
                "evaluation.part": "train", "evaluation.train_loss": train, "evaluation.validation_loss": validation,
            }, right,
        )
        for train, validation, right in ((1.31, 1.5, 0), (1.5, 1.52, 1), (1.5, 1.5, 1), (1.6, 1.5, 2))
    ),
    ("first-training", "curve", NOTEBOOK, 0),
    ("first-training", "curve", NOTEBOOK | {"run.middle_train_loss": 2.0}, 2),
    ("first-training", "test", NOTEBOOK | {"evaluation.loss": 1.4926}, 2),
    ("first-training", "test", NOTEBOOK | {"evaluation.loss": 1.4918}, 2),
    ("first-training", "test", NOTEBOOK | {"evaluation.loss": 1.12}, 1),
    ("first-training", "test", NOTEBOOK | {"evaluation.loss": 1.0}, 0),
    ("gates", "state", CELL, 0),
    ("gates", "state", CELL | {"inspection.state_before": 0.0, "inspection.kept": 0.0}, 1),
    ("gates", "state", CELL | {"inspection.kept": -0.06, "inspection.added": -0.27}, 1),
    *(
        ("gates", "forget", CELL | {"inspection.quantity": "f", "inspection.forget": forget}, right)
        for forget, right in ((0.95, 0), (0.8, 1), (0.2, 1), (0.03, 2))
    ),
    *(
        (
            "gates", "follow",
            CELL | {
                "inspection.quantity": "c", "inspection.sort": "position in the line", "inspection.correlation": r,
            }, right,
        )
        for r, right in ((-0.99, 1), (0.98, 0), (0.0, 2), (0.3, 0), (-0.3, 1))
    ),
    ("overfitting", "overfit", PLAY_30000, 1),
    ("overfitting", "early-stopping", EARLY, 1),
    ("overfitting", "early-stopping", EARLY | {"run.best_val_loss": 1.95}, 2),
    ("overfitting", "dropout", DROPPED, 0),
    ("overfitting", "dropout", DROPPED | {"run.best_val_loss": 1.83}, 1),
    ("overfitting", "dropout", DROPPED | {"run.best_val_loss": 1.9}, 2),
    ("overfitting", "goal", BEATEN, 0),
    ("overfitting", "goal", BEATEN | {"evaluation.loss": 1.4421, "evaluation.notebook": 1.5117}, 0),
    ("overfitting", "goal", BEATEN | {"evaluation.standard_error": 0.05}, 1),
    ("why-lstm", "lstm", TWO_CELLS, 0),
    ("why-lstm", "lstm", TWO_CELLS | {"run.last_train_loss": 1.33}, 1),
    ("why-lstm", "lstm", TWO_CELLS | {"run.last_train_loss": 1.4}, 2),
    ("why-lstm", "gradient", MEMORY, 0),
    ("why-lstm", "gradient", MEMORY | {"memory.lstm": 18.0}, 1),
    ("why-lstm", "gradient", MEMORY | {"memory.lstm": 8.0}, 2),
    ("why-lstm", "gradient", MEMORY | {"memory.rnn": 200.0, "memory.lstm": 200.0}, 1),
    ("why-lstm", "gradient", MEMORY | {"memory.rnn": 200.0, "memory.lstm": 60.0}, 2),
    ("why-lstm", "context", MEMORY, 0),
    ("why-lstm", "context", MEMORY | {"memory.lstm_context": 10.0}, 1),
    ("sampling", "hot", HOT, 2),
    ("sampling", "hot", HOT | {"generation.surprise_at_lowest": 3.0}, 0),
    ("your-own-text", "gained", TUNED, 0),
    ("your-own-text", "gained", TUNED | {"evaluation.gained": 0.01}, 1),
    ("your-own-text", "gained", TUNED | {"evaluation.gained": -0.2}, 2),
    ("your-own-text", "copying", TUNED | {"evaluation.page": "copying"}, 1),
    (
        "your-own-text", "copying",
        TUNED | {"evaluation.page": "copying", "evaluation.longest_copy": 180.0, "evaluation.copies": True}, 2,
    ),
]  # fmt: skip


def right_choices(question: Question, facts: Facts) -> list[int]:
    return [place for place, choice in enumerate(question.choices) if holds(choice.right, facts)]


@pytest.mark.parametrize(("lesson", "step", "facts", "right"), STORIES)
def test_the_right_choice_is_the_true_one(lesson: str, step: str, facts: Facts, right: int) -> None:
    found = next(one for of, one, _ in QUESTIONS if (of.id, one.id) == (lesson, step))
    assert found.question is not None
    assert holds(found.done, facts)
    assert right_choices(found.question, facts) == [right]


def test_each_question_on_a_run_has_a_story() -> None:
    told = {(lesson, step) for lesson, step, _, _ in STORIES}
    on_runs = {
        (lesson.id, step.id)
        for lesson, step, question in QUESTIONS
        if any(choice.right not in ("true", "false") for choice in question.choices)
    }
    assert told >= on_runs


def facts_in(condition: str) -> set[str]:
    return {name for name in FACTS if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", condition)}


def values_for(name: str, conditions: list[str], alone: list[str]) -> list[Value]:
    """Return values of a fact for which the conditions on it alone hold, near the constants of all conditions."""
    constants = [
        node.value for one in conditions for node in ast.walk(ast.parse(one)) if isinstance(node, ast.Constant)
    ]
    kind = FACTS[name].kind
    values: list[Value] = []
    if kind is bool:
        values = [True, False]
    elif kind is str:
        values = ["another", *(constant for constant in constants if isinstance(constant, str))]
    else:
        near = [float(c) + by for c in constants if isinstance(c, int | float) for by in (-0.01, 0.0, 0.01, 1.0)]
        values = [*sorted({*NUMBERS, *near, *(-number for number in NUMBERS)})]
    return [value for value in values if all(holds(one, {name: value}) for one in alone)]


@pytest.mark.parametrize(("lesson", "step", "question"), QUESTIONS, ids=named)
def test_exactly_one_choice_is_right_for_whatever_did_the_step(lesson: Lesson, step: Step, question: Question) -> None:
    parts = step.done.split(" and ") if " or " not in step.done else [step.done]
    conditions = [step.done, *(choice.right for choice in question.choices)]
    names = sorted(set().union(*map(facts_in, conditions)))
    pools = {name: values_for(name, conditions, [part for part in parts if facts_in(part) == {name}]) for name in names}
    draw = random.Random(0)
    tried = 0
    for _ in range(20 * SAMPLES):
        facts = {name: draw.choice(values) for name, values in pools.items()}
        if holds(step.done, facts):
            assert len(right_choices(question, facts)) == 1, facts
            tried += 1
            if tried == SAMPLES:
                break
    assert tried


def done_of(lesson: str, step: str) -> str:
    return next(one.done for of, one in ENGLISH_STEPS if (of.id, one.id) == (lesson, step))


def test_more_text_is_noticed_of_a_student_who_comes_back() -> None:
    first_run_of_a_session: Facts = {
        "run.count": 1.0, "run.state": "finished", "run.characters": 100_000.0, "run.output_dropout": 0.5,
        "run.best_val_loss": 1.42,
    }  # fmt: skip
    assert holds(done_of("overfitting", "more-text"), first_run_of_a_session)


@pytest.mark.parametrize(
    "leak", [{"run.output_dropout": 0.5}, {"run.weight_drop": 0.5}, {"run.start": "moliere"}], ids=str
)
def test_settings_of_other_lessons_do_not_count_as_a_plain_run(leak: Facts) -> None:
    rnn = NOTEBOOK | {
        "run.cell": "rnn", "run.output_dropout": 0.0, "run.weight_drop": 0.0, "run.start": "", "run.parameters": 42e3,
    }  # fmt: skip
    for lesson, step, facts in (
        ("why-lstm", "rnn", rnn), ("why-lstm", "lstm", TWO_CELLS), ("overfitting", "overfit", PLAY_30000)
    ):  # fmt: skip
        assert holds(done_of(lesson, step), facts)
        assert not holds(done_of(lesson, step), facts | leak)


def test_the_same_text_twice_needs_two_texts_in_its_step() -> None:
    # At temperature 1, the step with three temperatures has generated this text already, with the usual seed.
    usual: Facts = {
        "generation.count": 9.0, "generation.repeated": True, "generation.temperature": 1.0, "generation.top_k": 0.0,
        "generation.top_p": 1.0, "generation.seed": 0.0,
    }  # fmt: skip
    assert not holds(done_of("sampling", "seed"), usual)
    assert holds(done_of("sampling", "seed"), usual | {"generation.seed": 7.0})


@pytest.mark.parametrize(("lesson", "step", "question"), QUESTIONS, ids=named)
def test_no_step_is_done_before_anything_is_known(lesson: Lesson, step: Step, question: Question) -> None:
    assert not holds(step.done, {})


def test_explanations_show_the_students_own_figures_as_each_language_writes_them() -> None:
    facts: Facts = QUICK | {
        "evaluation.loss": 1.4671,
        "evaluation.best_ngram": 1.528,
        "evaluation.standard_error": 0.0304,
    }
    shown = []
    for lessons in (ENGLISH, FRENCH):
        step = next(step for step in lessons["2-loss.toml"].steps if step.id == "evaluate")
        assert step.question is not None
        shown.append(filled(step.question.choices[0].why, facts, lessons["2-loss.toml"].language))
    assert "1.467 ± 0.030" in shown[0]
    assert "1,467 ± 0,030" in shown[1]
