"""A lesson in progress: its steps, what was done and answered, and the facts that this depends on."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from charlstm_tui.lessons.derived import Derived, only_facts
from charlstm_tui.lessons.expression import filled, holds
from charlstm_tui.lessons.facts import Value
from charlstm_tui.lessons.lesson import Choice, Lesson, Step
from core.reports.class_files import Evaluated
from core.reports.class_results import Basis


class StepResult(Struct, frozen=True, kw_only=True):
    """What a student did with a step."""

    done: bool = False
    """Whether the app saw that it was done."""
    skipped: bool = False
    answers: tuple[int, ...] = ()
    """Chosen answers in order, by their place in the file, from 0."""
    asked: str = ""
    """The question as it was shown, with the figures of this run; empty in files of earlier versions."""
    texts: tuple[str, ...] = ()
    """The same answers as they were shown, with the figures of this run; empty in files of earlier versions."""
    right: bool = False
    """Whether the last answer is right."""

    @property
    def over(self) -> bool:
        """Whether the step is done or skipped."""
        return self.done or self.skipped

    def best_with(self, later: "StepResult") -> "StepResult":
        """Return what is remembered of this result and a later one: the later one, unless it is less than this."""
        return later if later._worth >= self._worth else self

    @property
    def given(self) -> list[tuple[int, str]]:
        """The answers, each with its text as it was shown; "" where that is not known."""
        return list(zip(self.answers, (*self.texts, *("" for _ in self.answers)), strict=False))

    @property
    def right_at_once(self) -> bool:
        """Whether the first answer was right."""
        return self.right and len(self.answers) == 1

    @property
    def _worth(self) -> tuple[bool, bool, bool]:
        return self.right, self.done, self.skipped


def _again(step: Step, result: StepResult) -> StepResult:
    """Return what counts of a step when its lesson is opened again."""
    choices = range(len(step.question.choices) if step.question is not None else 0)
    kept = [one for one in result.given if one[0] in choices]  # the lesson may have been changed
    again = StepResult(
        answers=tuple(number for number, _ in kept), asked=result.asked, texts=tuple(text for _, text in kept)
    )
    if step.question is None or not result.done or (result.right and kept):
        return msgspec.structs.replace(result, answers=again.answers, texts=again.texts)
    return again


class LessonSession:
    """A lesson in progress. Only the app changes it, in its own thread."""

    def __init__(
        self, lesson: Lesson, results: Mapping[str, StepResult] | None = None, *, earlier_runs: Iterable[str] = ()
    ) -> None:
        """Begin with the first step that is not over in earlier `results`, or with the first of all.

        A step whose question was not answered rightly is done again, because the facts that it is about are forgotten.
        """
        self.lesson = lesson
        self.results = {step.id: _again(step, (results or {}).get(step.id, StepResult())) for step in lesson.steps}
        self._known: dict[str, Value] = {}
        self.earlier_runs = tuple(earlier_runs)
        """Names of the runs that were started when the lesson was open before, in order."""
        self._derived = Derived(self.earlier_runs)
        self.runs: list[str] = []
        """Names of the runs that were started during the lesson."""
        self.evaluations: list[Evaluated] = []
        """Evaluations during the lesson, of each model and text the last one."""
        self._then: dict[str, dict[str, Value]] = {}  # by step: the facts at the moment it was done
        self._moves_before = 0.0  # number of moves when the current step began, or another quantity was chosen
        self._quantity: Value = None
        self.place = 0
        """Place of the current step, from 0."""
        self.go_to_first_open()

    def go_to_first_open(self) -> None:
        """Move to the first step that is neither done nor skipped."""
        self.place = next(
            (number for number, step in enumerate(self.lesson.steps) if not self.results[step.id].over), 0
        )
        self._begin_step()

    def translate(self, lesson: Lesson) -> None:
        """Continue with the same lesson in another language."""
        self.lesson = lesson

    @property
    def step(self) -> Step:
        """The current step."""
        return self.lesson.steps[self.place]

    @property
    def result(self) -> StepResult:
        """What was done with the current step."""
        return self.results[self.step.id]

    @property
    def is_over(self) -> bool:
        """Whether all steps are done or skipped."""
        return all(result.over for result in self.results.values())

    @property
    def answered(self) -> int:
        """Number of questions whose last answer is right."""
        return sum(result.right for result in self.results.values())

    @property
    def answered_at_once(self) -> int:
        """Number of questions whose first answer was right."""
        return sum(result.right_at_once for result in self.results.values())

    @property
    def questions(self) -> int:
        """Number of questions."""
        return sum(step.question is not None for step in self.lesson.steps)

    def learn(self, facts: Mapping[str, Value]) -> bool:
        """Take new facts; return whether the current step was done by them."""
        if facts.get("inspection.quantity", self._quantity) != self._quantity:
            self._quantity = facts["inspection.quantity"]
            self._moves_before = self._moves
        self._known.update(self._derived.of(facts, self._known) | only_facts(facts))
        self._known["inspection.step_moves"] = self._moves - self._moves_before
        self._note(facts)
        return self._check()

    @property
    def _moves(self) -> float:
        return float(self._known.get("inspection.moves") or 0.0)

    def _begin_step(self) -> None:
        """Count what is counted of the current step from 0; it may be done already by what was done before."""
        self._moves_before = self._moves
        self._known.update(self._derived.begin_step() | {"inspection.step_moves": 0.0})
        self._check()

    def _note(self, facts: Mapping[str, Value]) -> None:
        """Note runs and evaluations for the report."""
        name = self._known.get("run.name")
        if isinstance(name, str) and self._known.get("run.count") and name not in self.runs:
            self.runs.append(name)
        loss, text = facts.get("evaluation.loss"), facts.get("evaluation.text")
        if isinstance(loss, float) and isinstance(text, str):
            limit, error = facts.get("evaluation.limit"), facts.get("evaluation.standard_error")
            part = str(facts.get("evaluation.part"))
            basis = Basis(
                text=text,
                sha256=str(facts.get("evaluation.sha256") or ""),
                limit=round(limit) if isinstance(limit, float) else None,
                split=str(facts.get("evaluation.split")) if part != "whole" else None,
                part=part,
            )
            evaluated = Evaluated(
                model=str(facts.get("evaluation.model")),
                basis=basis,
                loss=loss,
                standard_error=error if isinstance(error, float) else None,
            )
            same = (evaluated.model, basis.key)
            self.evaluations = [one for one in self.evaluations if (one.model, one.basis.key) != same] + [evaluated]

    def count(self, names: Iterable[str]) -> bool:
        """Add 1 to facts that count something since the lesson began; return the same as `learn`."""
        return self.learn({name: float(self._known.get(name) or 0.0) + 1.0 for name in names})

    def known(self, name: str) -> Value:
        """Return a fact; None if it is unknown."""
        return self._known.get(name)

    def _check(self) -> bool:
        step = self.step
        if self.results[step.id].done or not holds(step.done, self._known):
            return False
        self._then[step.id] = dict(self._known)
        self._change(done=True, skipped=False)
        return True

    @property
    def facts(self) -> Mapping[str, Value]:
        """The facts at the moment when the current step was done; until then, those of now."""
        return self._then.get(self.step.id, self._known)

    def shown(self, text: str) -> str:
        """Return a sentence of the current step with its facts."""
        return filled(text, self.facts, self.lesson.language)

    @property
    def asks(self) -> bool:
        """Whether the question of the current step can be asked: the step is done, and one choice is right."""
        question = self.step.question
        return question is not None and self.result.done and any(map(self.is_right, question.choices))

    def is_right(self, choice: Choice) -> bool:
        """Return whether a choice is right, by the facts of the step."""
        return holds(choice.right, self.facts)

    def answer(self, number: int) -> Choice:
        """Answer the question with a choice, by its place from 0; return it."""
        assert self.step.question is not None
        choice = self.step.question.choices[number]
        self._change(
            answers=(*self.result.answers, number),
            asked=self.shown(self.step.question.ask),
            texts=(*self.result.texts, self.shown(choice.text)),
            right=self.is_right(choice),
        )
        return choice

    def skip(self) -> None:
        """Skip the current step, if it is not done, and move to the next one."""
        if not self.result.done:
            self._change(skipped=True)
        self.move(1)

    def repeat(self) -> None:
        """Do the current step again."""
        self.results[self.step.id] = StepResult()
        self._then.pop(self.step.id, None)

    def move(self, by: int) -> None:
        """Move to another step, within the lesson."""
        self.place = min(max(self.place + by, 0), len(self.lesson.steps) - 1)
        self._begin_step()

    def _change(self, **changes: object) -> None:
        self.results[self.step.id] = msgspec.structs.replace(self.result, **changes)
