"""Training runs as the screens show them, made up for tests."""

from charlstm_tui.training_view import TrainingView
from core.corpus import CorpusConfig
from core.events import EpochCompleted, Reason, RunFinished, RunStarted, StepsCompleted
from core.presets import preset_named
from core.runs import RunConfig

CORPUS = CorpusConfig(source="/textes/moliere.txt", limit=100_000)
QUICK = preset_named("quick")
STARTED = TrainingView(
    phase="preparing",
    doing="loading PyTorch",
    config=RunConfig(preset="quick", corpus=CORPUS, model=QUICK.model, training=QUICK.training),
)
LOSSES = [(2.0913, 1.8717), (1.6197, 1.7425), (1.4757, 1.6804), (1.3779, 1.6508), (1.3047, 1.6305), (1.2415, 1.6314)]


def running(epochs: int, *, of: int = 6, loss: float | None = None) -> TrainingView:
    """The view after so many of six epochs, or of more."""
    completed = [
        EpochCompleted(
            epoch=number, train_loss=train, val_loss=val, best=number < 6, seconds=1.7, elapsed_seconds=1.7 * number,
            chars_per_second=50_000.0,
        )
        for number, (train, val) in enumerate(LOSSES[:epochs], start=1)
    ]  # fmt: skip
    started = RunStarted(
        run="quick-1", parameters=424_524, vocabulary=76, train_characters=85_500, validation_characters=4_500,
        test_characters=10_000, epochs=of, steps_per_epoch=213,
    )  # fmt: skip
    steps = StepsCompleted(
        epoch=min(epochs + 1, of), step=213 if epochs == of else 71, steps=213, loss=loss or LOSSES[min(epochs, 5)][0],
        recent_loss=loss or LOSSES[min(epochs, 5)][0], total_steps=213 * epochs + 71, learning_rate=3.1e-3,
        gradient_norm=0.42, memory_bytes=612_000_000,
        chars_per_second=51_234.0, elapsed_seconds=1.7 * epochs + 0.6,
    )  # fmt: skip
    return STARTED.after([started, *completed, steps])


def finished(reason: Reason = "finished") -> TrainingView:
    """The view of a run that came to its end, or was stopped."""
    path = "/runs/quick-1/best.safetensors"
    return running(6).after(
        [
            RunFinished(reason=reason, epochs=6, elapsed_seconds=10.8, run="quick-1", best_checkpoint=path,
                        last_checkpoint=path),
        ]
    )  # fmt: skip
