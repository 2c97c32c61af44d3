import msgspec
import pytest

from core.events import (
    CheckpointSaved,
    EpochCompleted,
    Event,
    Paused,
    RunFinished,
    StepsCompleted,
    ValidationProgressed,
    from_json,
    to_json,
)

EPOCH = EpochCompleted(
    epoch=3, train_loss=1.5, val_loss=None, best=True, seconds=2.0, elapsed_seconds=6.5, chars_per_second=4e4
)


@pytest.mark.parametrize(
    "event",
    [
        EPOCH,
        StepsCompleted(
            epoch=1,
            step=2,
            steps=3,
            loss=4.0,
            recent_loss=4.5,
            total_steps=7,
            chars_per_second=5.0,
            elapsed_seconds=6.0,
        ),
        ValidationProgressed(epoch=1, done=0.5, elapsed_seconds=6.0),
        CheckpointSaved(kind="best", epoch=1, path="/tmp/Molière/best.safetensors"),
        Paused(),
        RunFinished(reason="stopped", epochs=0, elapsed_seconds=0.1, run="quick-1"),
    ],
)
def test_an_event_is_read_back_from_its_line_of_json(event: Event) -> None:
    line = to_json(event)
    assert "\n" not in line
    assert from_json(line) == event


def test_the_line_names_the_event_in_snake_case() -> None:
    assert msgspec.json.decode(to_json(EPOCH))["event"] == "epoch_completed"


def test_half_a_line_is_not_an_event() -> None:
    with pytest.raises(msgspec.DecodeError):
        from_json(to_json(EPOCH)[:-5])
