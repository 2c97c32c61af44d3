"""The checks of `charlstm-tui doctor` that need PyTorch: the device, the bundled model, and a run of two seconds."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from charlstm_tui.commands.doctor_result import Check, without_home
from charlstm_tui.commands.stdio import bar
from charlstm_tui.formatting.numbers import size_in_bytes
from charlstm_tui.terminal.signals import end, handled
from core.control import Control
from core.data.corpus import CorpusConfig, load_corpus
from core.data.known_texts import PLAY
from core.errors import UserError, in_plain_words
from core.events import RunFinished, StepsCompleted
from core.runs import bundled_model
from core.runs.recorder import record
from core.runs.run import RunConfig
from core.runs.store import RunStore
from core.settings.presets import PRESETS
from core.text import count_of

if TYPE_CHECKING:
    from core.model.device import ComputeSettings

SECONDS = 2.0
"""Duration of the trial run, unless it takes longer to complete `MIN_STEPS`."""
MIN_STEPS = 20
PRESET = "quick"
"""Preset of the trial run."""
_REPORT = "Report this with the lines above."
_FAILURES = (UserError, MemoryError, RuntimeError, OSError)


def trials() -> Iterator[Check]:
    """Yield the checks that need PyTorch. Each shows a bar while it works; ctrl-C ends it."""
    loaded = _pytorch()
    yield loaded
    if loaded.state == "wrong":
        yield Check(name="trial run", state="wrong", found="not tried, because PyTorch cannot be loaded")
        return
    yield _device()
    yield _model()
    compute: list[ComputeSettings] = []
    yield _computing(compute)
    if compute:
        yield _run(compute[0])


def _failed(name: str, error: BaseException, advice: str = _REPORT) -> Check:
    text = str(error) if isinstance(error, UserError) or not isinstance(error, Exception) else in_plain_words(error)
    return Check(name=name, state="wrong", found=without_home(text), advice=advice)


def _pytorch() -> Check:
    begun = time.perf_counter()
    try:
        with bar("loading PyTorch") as progress:
            progress.add_task("", total=None)
            import torch
    except (ImportError, OSError) as error:
        return _failed("PyTorch", UserError(f"It cannot be loaded: {error}"), "Install PyTorch again.")
    seconds = time.perf_counter() - begun
    gpu = f"CUDA {torch.version.cuda}" if torch.version.cuda else None
    gpu = gpu or (f"ROCm {torch.version.hip}" if torch.version.hip else "no NVIDIA or AMD GPU")
    return Check(
        name="PyTorch", found=f"{torch.__version__}, built for {gpu}; loaded in {seconds:.1f} s",
        figures={"seconds": seconds},
    )  # fmt: skip


def _device() -> Check:
    import torch

    if torch.cuda.is_available():
        gpus = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
        shown = ", ".join(f"{gpu.name} ({size_in_bytes(gpu.total_memory)})" for gpu in gpus)
        return Check(name="device", found=f"cuda: {shown}")
    if torch.backends.mps.is_available():
        return Check(name="device", found="mps: the GPU of this Mac")
    if torch.version.cuda or torch.version.hip:
        return Check(
            name="device", state="note", found="cpu: PyTorch finds no GPU",
            advice="If this machine has one, check its driver.",
        )  # fmt: skip
    return Check(name="device", found="cpu")


def _model() -> Check:
    """Read the bundled model, whose hash is checked."""
    from core.checkpoints.checkpoint import load_checkpoint

    path = bundled_model.shipped_path()
    if path is None:
        return Check(name="model", state="wrong", found="the bundled model is missing", advice="Install again.")
    try:
        model = load_checkpoint(path)
    except _FAILURES as error:
        return _failed("model", error, "Install the program again.")
    parameters = count_of(model.model.count_parameters(), "parameter")
    return Check(
        name="model", found=f"{bundled_model.NAME}, {size_in_bytes(path.stat().st_size)}, {parameters}, readable"
    )


def _computing(compute: list["ComputeSettings"]) -> Check:
    """Choose precision and threads as `train` does; append them to `compute`."""
    from core.cores import available_cores
    from core.model.device import ComputeSettings, choosing, works_here

    preset = PRESETS[PRESET]
    try:
        characters = len(load_corpus(CorpusConfig(source=PLAY.name)).characters)
        with bar("{task.description}") as progress:
            task = progress.add_task("choosing threads and precision", total=None)
            for event in choosing(preset.model, characters, preset.training):
                if isinstance(event, ComputeSettings):
                    compute.append(event)
                else:
                    progress.update(task, description=event.doing, total=event.of, completed=event.number - 1)
        chosen = compute[-1]
        bf16 = works_here(ComputeSettings(device=chosen.device, precision="bf16", threads=1))
    except _FAILURES as error:
        return _failed("computing", error)
    verdict = "bf16 works and is faster" if bf16 else "bf16 does not work"
    if bf16 and chosen.precision == "fp32":
        verdict = "bf16 works and is not faster"
    threads = f"{count_of(chosen.threads, 'thread')} of {available_cores()}"
    return Check(
        name="computing", found=f"{threads}, {chosen.precision} ({verdict}), for the preset {preset.name}",
        figures={"threads": chosen.threads},
    )  # fmt: skip


def _run(compute: "ComputeSettings") -> Check:
    """Train on the bundled play in a temporary folder, save the run and read it back. A signal stops it.

    Another signal changes nothing: the folder must be deleted, and that takes a moment.
    """
    control = Control()
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        control.stop()

    with handled(stop):
        try:
            with tempfile.TemporaryDirectory(prefix="charlstm-doctor-", ignore_cleanup_errors=True) as folder:
                check = _trained(compute, RunStore(Path(folder)), control)
        except _FAILURES as error:
            check = _failed("trial run", error)
    if received:
        end(received[0])
    return check


def _trained(compute: "ComputeSettings", store: RunStore, control: Control) -> Check:
    from core.checkpoints.checkpoint import load_checkpoint
    from core.training.trainer import Trainer

    preset = PRESETS[PRESET]
    training = structs.replace(preset.training, sample_length=0, threads=compute.threads)
    corpus = load_corpus(CorpusConfig(source=PLAY.name))
    config = RunConfig(preset=preset.name, corpus=corpus.config, model=preset.model, training=training)
    trainer = Trainer(corpus, config.model, config.training, compute)
    run = store.create(config)
    steps: list[StepsCompleted] = []
    finished: RunFinished | None = None
    with bar("training for two seconds") as progress:
        task = progress.add_task("", total=SECONDS)
        for event in record(run, trainer, control):
            match event:
                case StepsCompleted():
                    steps.append(event)
                    progress.update(task, completed=event.elapsed_seconds)
                    if event.elapsed_seconds >= SECONDS and event.total_steps >= MIN_STEPS:
                        control.stop()
                case RunFinished():
                    finished = event
    assert finished is not None
    if finished.reason == "failed" or finished.unsaved or not steps:
        return Check(
            name="trial run", state="wrong", found=without_home(finished.unsaved or "it failed"), advice=_REPORT
        )
    load_checkpoint(run.last_path)
    return _verdict(steps)


def _verdict(steps: list[StepsCompleted]) -> Check:
    first, last = steps[0], steps[-1]
    speed = last.total_steps / last.elapsed_seconds
    falls = last.recent_loss < first.recent_loss
    losses = f"loss {first.recent_loss:.2f} to {last.recent_loss:.2f}"
    return Check(
        name="trial run",
        state="ok" if falls else "wrong",
        found=f"{count_of(last.total_steps, 'step')} in {last.elapsed_seconds:.1f} s, {speed:.0f} steps per second, "
        f"{losses}; saved and read back",
        advice="" if falls else f"The loss does not fall. {_REPORT}",
        figures={
            "steps": last.total_steps, "seconds": last.elapsed_seconds, "steps_per_second": speed,
            "first_loss": first.recent_loss, "last_loss": last.recent_loss,
        },
    )  # fmt: skip
