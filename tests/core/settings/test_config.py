import math

import msgspec
import pytest

from core.errors import UserError
from core.settings.config import ModelConfig, SamplingConfig, TrainingConfig, configure, fields_of
from core.settings.explanations import EXPLANATIONS
from core.settings.presets import PRESETS, preset_named


@pytest.mark.parametrize("config", [ModelConfig, TrainingConfig, SamplingConfig])
def test_every_setting_has_a_sentence_and_a_default_within_its_bounds(config: type[msgspec.Struct]) -> None:
    for field in fields_of(config):
        assert field.description.endswith(".")
        assert field.check(field.default) == field.default


def test_every_preset_is_within_the_bounds_of_its_settings() -> None:
    for preset in PRESETS.values():
        assert configure(preset.model, msgspec.structs.asdict(preset.model)) == preset.model
        assert configure(preset.training, msgspec.structs.asdict(preset.training)) == preset.training


def test_the_notebook_preset_is_the_course_s_recipe() -> None:
    preset = preset_named("notebook")
    assert preset.model == ModelConfig(embedding_size=128, hidden_size=128, num_layers=1)
    assert preset.training == TrainingConfig(
        epochs=20, streams=1, window=100, learning_rate=1e-3, gradient_clip=0, validation=0, seed=0, precision="fp32"
    )


def test_configure_changes_only_what_it_is_given() -> None:
    changed = configure(ModelConfig(), {"hidden_size": 7})
    assert changed == ModelConfig(hidden_size=7)


@pytest.mark.parametrize("value", [0, -1, 8193, 1.5, "12", None, math.nan])
def test_a_value_out_of_bounds_is_refused_with_its_name_and_its_bounds(value: object) -> None:
    with pytest.raises(UserError, match=r"hidden size must be a whole number from 1 to 8192"):
        configure(ModelConfig(), {"hidden_size": value})


def test_not_a_number_is_no_learning_rate() -> None:
    with pytest.raises(UserError, match="learning rate must be a number above 0 and at most 10"):
        configure(TrainingConfig(), {"learning_rate": math.nan})


def test_a_misspelt_setting_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UserError, match=r"no setting called hiden_size.*hidden_size"):
        configure(ModelConfig(), {"hiden_size": 7})


def test_a_choice_is_refused_with_what_there_is() -> None:
    with pytest.raises(UserError, match="cell must be lstm, gru or rnn, not tree"):
        configure(ModelConfig(), {"cell": "tree"})


def test_an_unknown_preset_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UserError, match=r"no preset called speedy.*notebook, quick"):
        preset_named("speedy")


@pytest.mark.parametrize("config", [ModelConfig, TrainingConfig, SamplingConfig])
def test_what_is_shown_reads_back(config: type[msgspec.Struct]) -> None:
    for field in fields_of(config):
        assert field.parse(field.show(field.default)) == field.default
    seed = next(field for field in fields_of(TrainingConfig) if field.name == "seed")
    assert seed.parse(seed.show(1_234_567)) == 1_234_567


def test_numbers_are_read_as_people_type_them() -> None:
    fields = {field.name: field for field in [*fields_of(TrainingConfig), *fields_of(ModelConfig)]}
    assert fields["epochs"].parse("1 000") == 1000
    assert fields["learning_rate"].parse("0,003") == 0.003
    assert fields["learning_rate"].parse("3e-3") == 0.003
    for text in ("", "x", "1.5", "1,5", "1,00", "1 00", "1,000"):
        with pytest.raises(UserError, match=r"epochs(:| must be)"):
            fields["epochs"].parse(text)


def test_every_setting_of_a_run_is_explained_in_whole_sentences() -> None:
    names = [field.name for config in (ModelConfig, TrainingConfig) for field in fields_of(config)]
    assert sorted(EXPLANATIONS) == sorted(names)
    for name, explanation in EXPLANATIONS.items():
        assert explanation.does[0].isupper(), name
        assert all(part.endswith(".") and "  " not in part for part in explanation if part), name
        assert bool(explanation.larger) == bool(explanation.smaller), name
