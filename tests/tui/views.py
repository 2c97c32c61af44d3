"""Training runs as the screens show them, made up for tests."""

import math

from charlstm_tui.state.training import TrainingView
from core.data.corpus import CorpusConfig
from core.events import EpochCompleted, Reason, RunFinished, RunStarted, SampleDrawn, StepsCompleted
from core.reports.results import Baseline, Baselines
from core.runs.run import RunConfig
from core.settings.presets import preset_named

CORPUS = CorpusConfig(source="/textes/moliere.txt", limit=100_000)
QUICK = preset_named("quick")
STARTED = TrainingView(
    phase="preparing",
    doing="loading PyTorch",
    config=RunConfig(preset="quick", corpus=CORPUS, model=QUICK.model, training=QUICK.training),
)
COUNTED = Baselines(part="validation", characters=4_500, of=(Baseline(name="5-gram", order=5, loss=1.679),))
LOSSES = [(2.0913, 1.8717), (1.6197, 1.7425), (1.4757, 1.6804), (1.3779, 1.6508), (1.3047, 1.6305), (1.2415, 1.6314)]


PROMPT = "LE MEUNIER.\n\n"
WRITTEN = [
    "xû!Z?òi Hiv-uoïz Yæç nÏïle Lr(çÏs,;zl SRQ\nGr«q Hm ÊFX K.YMìN-RFVj UIZ-ôŒæ Dyvo(PuGoè(òPêVS'b JvOz(ûAoem\n",
    "Je le ne monsa de pous re, le la pour que ce de sont.\n\nLA MEURE.\n\nEt qui mon de plai la sa mont le de voi!\n",
    "Je vous le dis, mon ane, et que la roue du moulin de mon pere a tout perdu.\n\nL'ANE.\n\nHi han! hi han!\n",
    "Mon âne a bu la lune, monsieur, et le moulin ne tourne plus qu'à demi.\n\nLE JUGE.\n\nQu'on amène l'âne!\n",
]
"""By epoch; the last one is written again."""


def running(epochs: int, *, of: int = 6, loss: float | None = None, counted: bool = True) -> TrainingView:
    """The view after so many of six epochs, or of more."""
    completed = [
        EpochCompleted(
            epoch=number, train_loss=train, val_loss=val, best=number < 6, seconds=1.7, elapsed_seconds=1.7 * number,
            chars_per_second=50_000.0, total_steps=213 * number,
        )
        for number, (train, val) in enumerate(LOSSES[:epochs], start=1)
    ]  # fmt: skip
    started = RunStarted(
        run="quick-1", parameters=424_524, vocabulary=76, train_characters=85_500, validation_characters=4_500,
        test_characters=10_000, epochs=of, steps_per_epoch=213,
    )  # fmt: skip
    last = 213 * epochs + (71 if epochs < of else 0)
    steps = [
        StepsCompleted(
            epoch=min(step // 213 + 1, of), step=213 if step == 213 * of else max(step % 213, 1), steps=213,
            loss=loss or LOSSES[min(step // 213, 5)][0], recent_loss=loss or falling(step), total_steps=step,
            learning_rate=3.1e-3, gradient_norm=0.42, memory_bytes=612_000_000, chars_per_second=51_234.0,
            elapsed_seconds=1.7 * step / 213,
        )
        for step in [*range(3, last, 6), last]
    ]  # fmt: skip
    samples = [
        SampleDrawn(epoch=epoch, total_steps=213 * epoch, prompt=PROMPT, text=WRITTEN[min(epoch, 3)])
        for epoch in range(epochs + 1)
    ]
    view = STARTED.after([started, *completed, *steps, *samples])
    return view.with_baselines(COUNTED) if counted else view


def falling(step: int) -> float:
    """A loss that falls, and jumps about a little."""
    return 1.1 + 2.3 * math.exp(-step / 90) + 0.5 * math.exp(-step / 900) + 0.08 * math.sin(step * 1.7)


def finished(reason: Reason = "finished") -> TrainingView:
    """The view of a run that came to its end, or was stopped."""
    path = "/runs/quick-1/best.safetensors"
    return running(6).after(
        [
            RunFinished(reason=reason, epochs=6, elapsed_seconds=10.8, run="quick-1", best_checkpoint=path,
                        last_checkpoint=path),
        ]
    )  # fmt: skip
