"""The report page of a student: what was done and answered, the runs and their losses, and the machine.

The page is Markdown for people. A comment at its end has the losses as JSON, for `charlstm-tui class`.
"""

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from charlstm_tui.lessons.expression import filled
from charlstm_tui.lessons.lesson import Lesson, Step
from charlstm_tui.lessons.progress import LessonResult, Progress
from charlstm_tui.lessons.report_words import ReportWords, report_words_of
from charlstm_tui.lessons.session import StepResult
from core.errors import UserError
from core.reports.class_files import DATA_BEGIN, DATA_END, Evaluated, LessonData
from core.runs.run import RunConfig
from core.runs.store import RunStore
from core.runs.summary import summarise
from core.text import in_one_line, sanitise

_SHOWN = (
    "optimizer",
    "learning_rate",
    "epochs",
    "streams",
    "window",
    "output_dropout",
    "weight_drop",
    "patience",
    "seed",
)


def report_page(progress: Progress, lessons: Sequence[Lesson], store: RunStore, versions: str) -> str:
    """Return the report on all lessons that were opened, in the language of `lessons`.

    Args:
        progress: what was done.
        lessons: the lessons, for their titles and questions; others are named by their id.
        store: the folder of the runs.
        versions: the versions of the program and its libraries, in one line.

    Raises:
        UserError: no lesson was opened yet.
    """
    opened = [(lesson, progress.lessons[lesson.id]) for lesson in lessons if lesson.id in progress.lessons]
    known = {lesson.id for lesson in lessons}
    own = {name: result for name, result in progress.lessons.items() if name not in known}
    if not progress.lessons:
        raise UserError("No lesson was opened yet. F7 in the app opens the lessons.")
    words = report_words_of(lessons[0].language if lessons else "en")
    page = [f"# {words.title}", "", *_overview(opened, own, words)]
    for lesson, result in opened:
        page += ["", f"## {lesson.number} {_plain(lesson.title)}", "", *_steps(lesson, result, words)]
    results = [*(result for _, result in opened), *own.values()]
    names = dict.fromkeys(name for result in results for name in result.runs)
    configs = {name: config for name in names if (config := _config_of(store, name)) is not None}
    if names:
        page += ["", f"## {words.runs}", "", *_runs(store, list(names), configs, words)]
    evaluations = [one for result in results for one in result.evaluations]
    if evaluations:
        page += ["", f"## {words.evaluations}", "", *_evaluations(evaluations, words)]
    page += ["", f"## {words.machine}", "", f"{_plain(versions)}, {platform.system()} {platform.machine()}"]
    data = LessonData(
        evaluations=tuple(
            msgspec.structs.replace(one, settings=_settings(configs[one.model])) if one.model in configs else one
            for one in evaluations
        )
    )
    return "\n".join(
        [*page, "", DATA_BEGIN, msgspec.json.encode(data).decode().replace("--", "-\\u002d"), DATA_END, ""]
    )


def _overview(
    opened: Sequence[tuple[Lesson, LessonResult]], own: Mapping[str, LessonResult], words: ReportWords
) -> Iterator[str]:
    def row(name: str, steps: Sequence[StepResult], total: int, asked: int | None) -> str:
        done = words.count_of.format(count=sum(step.done for step in steps), total=total)
        right: int | str = sum(step.right for step in steps)
        if asked is not None:
            right = words.count_of.format(count=right, total=asked)
        return _row((name, done, sum(step.skipped for step in steps), right, sum(step.right_at_once for step in steps)))

    yield _row(words.overview)
    yield "| --- | ---: | ---: | ---: | ---: |"
    for lesson, result in opened:
        steps = [result.steps.get(step.id, StepResult()) for step in lesson.steps]
        asked = sum(step.question is not None for step in lesson.steps)
        yield row(f"{lesson.number} {_plain(lesson.title)}", steps, len(steps), asked)
    for name, result in own.items():  # without the lesson's file, its steps and questions are not known
        yield row(_plain(name), [*result.steps.values()], len(result.steps), None)


def _steps(lesson: Lesson, result: LessonResult, words: ReportWords) -> Iterator[str]:
    for number, step in enumerate(lesson.steps, start=1):
        done = result.steps.get(step.id, StepResult())
        state = words.done if done.done else words.skipped if done.skipped else words.not_done
        yield f"{number}. {state}{_answers(step, done, words)}"


def _answers(step: Step, done: StepResult, words: ReportWords) -> str:
    if step.question is None or not done.answers:
        return ""
    asked, choices = done.asked or filled(step.question.ask, {}), step.question.choices
    chosen = [text or filled(choices[number].text, {}) for number, text in done.given if 0 <= number < len(choices)]
    given = words.then.join(words.quoted.format(text=_plain(text)) for text in chosen)
    return words.answered.format(
        asked=words.quoted.format(text=_plain(asked)),
        given=given,
        verdict=words.right if done.right else words.wrong,
    )


def _config_of(store: RunStore, name: str) -> RunConfig | None:
    try:
        return store.get(name).config()
    except UserError:
        return None


def _runs(store: RunStore, names: Sequence[str], configs: dict[str, RunConfig], words: ReportWords) -> Iterator[str]:
    yield _row(words.runs_table)
    yield "| --- | --- | --- | --- | ---: | ---: | ---: |"
    for name in names:
        config = configs.get(name)
        if config is None:
            yield f"| {_plain(name)} | {words.deleted} | | | | | |"
            continue
        summary, corpus = summarise(store.get(name)), config.corpus
        losses = [_number(loss, words) for loss in (summary.train_loss, summary.best_val_loss)]
        yield (
            f"| {_plain(name)} | {_plain(corpus.title)} · {corpus.split_name} | {corpus.sha256[:12]} "
            f"| {_settings(config)} | {summary.epochs} | {' | '.join(losses)} |"
        )


def _settings(config: RunConfig) -> str:
    model = config.model
    network = f"{model.cell} {model.num_layers}×{model.hidden_size}"
    settings = ", ".join(f"{name.replace('_', ' ')} {getattr(config.training, name)}" for name in _SHOWN)
    return f"{config.preset}: {network}, {settings}"


def _evaluations(evaluations: Sequence[Evaluated], words: ReportWords) -> Iterator[str]:
    yield _row(words.evaluations_table)
    yield "| --- | --- | --- | ---: | ---: |"
    for one in evaluations:
        numbers = _number(one.loss, words), _number(one.standard_error, words)
        yield _row((_plain(one.model), _plain(one.basis.title), one.basis.sha256[:12], *numbers))


def _number(value: float | None, words: ReportWords) -> str:
    return f"{value:.4f}".replace(".", words.decimal) if value is not None else "–"


def _row(cells: Iterable[object]) -> str:
    """Return a row of a table in Markdown."""
    return f"| {' | '.join(map(str, cells))} |"


def _plain(text: str) -> str:
    """Return text in one line, without characters that Markdown or a table gives a meaning to."""
    shown = in_one_line(sanitise(text))
    return "".join(f"\\{character}" if character in "\\`*_[]<>#|" else character for character in shown)
