"""Settings that the app remembers in tests of whole processes: they train in no time, for as long as a test looks."""

from pathlib import Path

from charlstm_tui.state.preferences import Preferences, save_preferences
from core.data.corpus import CorpusConfig
from core.data.known_texts import PLAY
from core.runs.run import RunConfig
from core.settings.config import ModelConfig, TrainingConfig


def remember_small_settings(text: Path | None = None, *, validation: float = 0.0) -> None:
    """Have the next app in this data folder begin with them, and with this text or the play."""
    config = RunConfig(
        preset="small",
        corpus=CorpusConfig(source=str(text or PLAY.name)),
        model=ModelConfig(embedding_size=8, hidden_size=16),
        training=TrainingConfig(
            epochs=100_000, streams=4, window=20, threads=1, precision="fp32", validation=validation
        ),
    )
    save_preferences(Preferences(run=config))
