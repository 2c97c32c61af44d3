"""The losses of the notebook's recipe: known for the course's own cut of a known text only."""

import msgspec
import pytest

from charlstm_tui.lessons.notebook_loss import LIMIT, notebook_loss
from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE, PLAY

ON_MOLIERE = CorpusConfig(source=MOLIERE.name, sha256=MOLIERE.sha256, limit=LIMIT)
ON_PLAY = CorpusConfig(source=PLAY.name, limit=LIMIT)


def test_the_loss_is_the_published_one_or_the_measured_one() -> None:
    assert notebook_loss(ON_MOLIERE, "test") == 1.5117
    assert notebook_loss(ON_PLAY, "test") == pytest.approx(1.4918)


@pytest.mark.parametrize("corpus", [ON_MOLIERE, ON_PLAY])
def test_losses_that_cannot_be_compared_are_unknown(corpus: CorpusConfig) -> None:
    assert notebook_loss(corpus, "train") is None
    assert notebook_loss(corpus, "whole") is None
    assert notebook_loss(msgspec.structs.replace(corpus, limit=None), "test") is None
    assert notebook_loss(msgspec.structs.replace(corpus, limit=50_000), "test") is None
    assert notebook_loss(msgspec.structs.replace(corpus, split="interleaved"), "test") is None


def test_the_loss_on_another_text_is_unknown() -> None:
    assert notebook_loss(CorpusConfig(source="letters.txt", limit=LIMIT), "test") is None
