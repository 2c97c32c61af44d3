"""`charlstm-tui train`: start a new run, or resume one."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import click
from click.core import ParameterSource

from charlstm_tui.commands import proposals, torchrun
from charlstm_tui.commands.dashboard_option import listeners_of, tensorboard_option
from charlstm_tui.commands.number_types import NumberRange
from charlstm_tui.commands.options import GroupedCommand, given, json_option, runs_option, setting_options
from charlstm_tui.commands.run_settings import config_option, configured_run, corpus_option, preset_option
from charlstm_tui.commands.stdio import plain_option
from charlstm_tui.commands.text_options import read_text, reading_options
from charlstm_tui.commands.train_renderer import RunRenderer
from charlstm_tui.terminal.signals import exit_code, handled
from charlstm_tui.terminal.suspending import suspension
from core.control import Control
from core.data.corpus import Corpus
from core.errors import UserError
from core.events import RunFinished
from core.runs.origin import hashed, origin_of
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.settings.config import ModelConfig, TrainingConfig, configure, fields_of

if TYPE_CHECKING:
    from core.model.device import ComputeSettings
    from core.training.process_group import ProcessGroup
    from core.training.trainer import Trainer

_WITH_RESUME = {
    "resumed", "corpus", "skip_unreadable", "epochs", "seconds", "device", "precision", "threads", "name", "store",
    "as_json", "autosave",
}  # fmt: skip

_MACHINE = ("device", "precision", "threads")


class TrainCommand(GroupedCommand):
    """The command `train`, whose help lists its options in four groups."""

    groups: ClassVar = {
        "The run": (
            "corpus", "limit", "split", "split_seed", "encoding", "encoding_errors", "skip_unreadable", "preset",
            "settings_path", "starting",
            "keep_vocabulary", "resumed", "name", "autosave", "tensorboard", "store", "plain", "as_json",
            "help",
        ),
        "The network": [field.name for field in fields_of(ModelConfig)],
        "The training": [field.name for field in fields_of(TrainingConfig) if field.name not in _MACHINE],
        "The machine": _MACHINE,
    }  # fmt: skip


@click.command("train", cls=TrainCommand, short_help="Train a model on a text, or resume a run.")
@corpus_option
@reading_options
@preset_option
@config_option
@click.option(
    "--resume",
    "resumed",
    metavar="RUN|FILE",
    shell_complete=proposals.runs_and_files,
    help="Resume a run with its own settings. --epochs or --seconds extend it.",
)
@click.option(
    "--from",
    "starting",
    metavar="MODEL",
    shell_complete=proposals.checkpoints,
    help="Begin with the weights of a run, a file or moliere, the bundled model, to train it further on another text.",
)
@click.option(
    "--keep-vocabulary", is_flag=True, help="With --from: keep the characters of the model that the text does not have."
)
@setting_options(TrainingConfig, show_defaults=False)
@setting_options(ModelConfig, show_defaults=False)
@click.option("--name", metavar="RUN", help="Name of the run. [default: the preset's name and a number]")
@click.option(
    "--autosave",
    metavar="SECONDS",
    type=NumberRange(0.1, 86_400),
    default=30.0,
    help="Interval between saves within an epoch. Each epoch's end is saved too. [default: 30]",
)
@tensorboard_option
@runs_option
@plain_option
@json_option
@click.pass_context
def train_command(
    ctx: click.Context,
    /,
    corpus: tuple[str, ...],
    resumed: str | None,
    starting: str | None,
    keep_vocabulary: bool,
    name: str | None,
    autosave: float,
    store: RunStore,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a model on a text and store it as a run. Ctrl-C stops and saves the run; --resume continues it."""
    with torchrun.process_group() as group:
        if group is not None and not group.leads:
            torchrun.take_part(group, partial(read_text, silent=True))
            return
        renderer = RunRenderer(as_json=as_json)
        if resumed is not None:
            _refuse_what_a_run_keeps(ctx)
            changes, skips = given(options, TrainingConfig), options["skip_unreadable"]
            _resume(ctx, renderer, store, resumed, name, corpus, changes, autosave, group, skip_unreadable=skips)
            return
        torchrun.check_name(name)
        if (again := torchrun.run_to_resume(store, name)) is not None:
            if not torchrun.says_it_is_finished(store, again):
                _resume(ctx, renderer, store, again, None, (), {}, autosave, group)
            return
        if keep_vocabulary and starting is None:
            raise UserError("--keep-vocabulary needs --from MODEL: a new model knows the characters of its text.")
        start = None
        if starting is not None:
            origin, network = origin_of(store, starting, keeps_vocabulary=keep_vocabulary)
            start = hashed(origin), network
        config, text = configured_run(corpus, start=start, **options)
        with renderer:
            renderer.say("loading PyTorch")
            from core.training.starting_model import start_of
            from core.training.trainer import Trainer

            compute = _choose_compute(renderer, config, text, group)
            renderer.say("building the network")
            trainer = Trainer(text, config.model, config.training, compute, group=group, start=start_of(config, text))
            run = store.create(config, name)
            torchrun.remember(run)
            _train(ctx, renderer, trainer, run, autosave)


def _refuse_what_a_run_keeps(ctx: click.Context) -> None:
    """Raise a `UserError` for options that cannot be used with `--resume`."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    wrong = [
        option.opts[0]
        for option in ctx.command.params
        if option.name not in _WITH_RESUME and sources.get(option.name or "") is ParameterSource.COMMANDLINE
    ]
    if wrong:
        raise UserError(
            f"A resumed run keeps its settings: remove {', '.join(sorted(wrong))}. Allowed with --resume: "
            "--epochs, --seconds, --corpus, --skip-unreadable, --device, --precision, --threads, --autosave, "
            "--tensorboard."
        )


def _resume(
    ctx: click.Context,
    renderer: RunRenderer,
    store: RunStore,
    named: str,
    name: str | None,
    corpus: tuple[str, ...],
    changes: dict[str, Any],
    autosave: float,
    group: "ProcessGroup | None",
    *,
    skip_unreadable: bool = False,
) -> None:
    configure(TrainingConfig(), changes)
    with renderer:
        renderer.say("loading PyTorch")
        from core.training.resume import resume, run_of
    run = run_of(store, named)
    if run is not None and name is not None:
        raise UserError("A resumed run keeps its name: remove --name, or use `charlstm-tui runs rename`.")
    with run.locked() if run is not None else nullcontext():
        resumption = resume(store, named, run, changes, corpus, skip_unreadable=skip_unreadable)
        text = read_text(resumption.config.corpus)
        with renderer:
            compute = resumption.compute or _choose_compute(renderer, resumption.config, text, group)
            renderer.say("building the network")
            trainer = resumption.trainer(text, compute, group)
            _train(ctx, renderer, trainer, resumption.begin(store, name), autosave)


def _choose_compute(
    renderer: RunRenderer, config: RunConfig, text: Corpus, group: "ProcessGroup | None"
) -> "ComputeSettings":
    """Choose device, precision and threads, and show each trial: this may take seconds.

    With several processes, each uses its share of the cores, unless the settings give a number of threads.
    """
    from core.model.device import ComputeSettings, choosing

    training = config.training
    if group is not None and not training.threads:
        training = configure(training, {"threads": group.threads})
    for event in choosing(config.model, len(text.characters), training):
        if isinstance(event, ComputeSettings):
            break
        renderer.say(event.doing)
    assert isinstance(event, ComputeSettings)
    return event


def _train(ctx: click.Context, renderer: RunRenderer, trainer: "Trainer", run: Run, autosave: float) -> None:
    """Train and record the run; exit with the code for how it ended."""
    control = Control()
    trouble: BaseException | None = None
    with _ending_in_order(control, renderer) as ended, suspension(renderer.show_cursor, renderer.hide_cursor):
        for event in record(run, trainer, control, autosave=autosave, listeners=listeners_of(ctx, run)):
            if trouble is None:
                try:
                    renderer.show(event)
                except (OSError, SystemExit) as error:  # the output is closed: stop, and save the run
                    trouble = error
                    control.stop()
    if ended:
        ctx.exit(0 if torchrun.is_torchrun() else exit_code(ended[0]))  # torchrun would start a failed run again
    if trouble is not None:
        if isinstance(event, RunFinished):
            renderer.say_without_output(event)
        raise trouble
    if isinstance(event, RunFinished):
        stopped = 0 if torchrun.is_torchrun() else exit_code(signal.SIGINT)
        codes = {"finished": 0, "failed": 1, "stopped": stopped}
        ctx.exit(1 if event.unsaved else codes[event.reason])


@contextmanager
def _ending_in_order(control: Control, renderer: RunRenderer) -> Iterator[list[int]]:
    """Stop the run on a signal, and exit at once on a second ctrl-C. Yields the list of received signals."""
    ended: list[int] = []

    def end(number: int) -> None:
        if ended and number == signal.SIGINT:
            renderer.leave_at_once(exit_code(number))
        ended.append(number)
        control.stop()
        renderer.say("stopping")

    with handled(end):
        yield ended
