from pathlib import Path

import msgspec
import pytest

from core.errors import UserError
from core.settings.config import configure
from core.settings.presets import PRESETS, preset_for
from core.settings.toml_file import Settings, as_toml, read_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_a_file_may_contain_only_some_settings(file: Path) -> None:
    file.write_text('preset = "quick"\nlimit = 1_000\nhidden-size = 12\nlearning_rate = 1\nprecision = "fp32"\n')
    assert read_settings(file) == Settings(
        preset="quick", limit=1000, model={"hidden_size": 12}, training={"learning_rate": 1, "precision": "fp32"}
    )


def test_a_relative_corpus_path_starts_at_the_folder_of_the_file(file: Path) -> None:
    file.write_text('corpus = "lettres.txt"')
    assert read_settings(file).corpus == (str(file.parent / "lettres.txt"),)
    file.write_text('corpus = "moliere"')
    assert read_settings(file).corpus == ("moliere",)
    file.write_text('corpus = "/textes/lettres.txt"')
    assert read_settings(file).corpus == ("/textes/lettres.txt",)
    file.write_text('corpus = ["lettres", "moliere"]\nsplit = "files"\nsplit_seed = 3\nskip_unreadable = true')
    said = read_settings(file)
    assert said.corpus == (str(file.parent / "lettres"), "moliere")
    assert (said.split, said.split_seed, said.skip_unreadable) == ("files", 3, True)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("hiden_size = 3", r"mine.toml: There is no setting called hiden_size.*hidden_size"),
        ("hidden_size = 0", r"hidden size must be a whole number from 1 to 8192, not 0"),
        ("hidden_size = true", "hidden size must be a whole number"),
        ("epochs = 2.5", "epochs must be a whole number"),
        ("learning_rate = nan", "learning rate must be a number above 0"),
        ('cell = "tree"', "cell must be lstm, gru or rnn, not tree"),
        ("cell = 1979-05-27", "cell must be lstm, gru or rnn"),
        ("[training]\nepochs = 3", "no setting called training"),
        ('preset = "speedy"', "no preset called speedy"),
        ("preset = 3", "no preset called 3"),
        ("limit = 0", "limit must be a whole number of at least 1, not 0"),
        ("limit = true", "limit must be a whole number"),
        ('split = "middle"', "split must be tail, interleaved or files, not middle"),
        ('encoding = "windows-1225"', r"no encoding called windows-1225\. Did you mean windows-125"),
        ("encoding = 3", "no encoding called 3"),
        ('encoding_errors = "ignore"', "encoding_errors must be strict or replace, not ignore"),
        ("split = []", "split must be tail, interleaved or files"),
        ("split_seed = -1", "split_seed must be a whole number from 0"),
        ("split_seed = true", "split_seed must be a whole number from 0"),
        ('skip_unreadable = "yes"', "skip_unreadable must be true or false, not yes"),
        ('corpus = ["a.txt", 3]', "corpus must be the path of a text file"),
        ("corpus = []", "corpus must be the path of a text file"),
        ("corpus = 3", "corpus must be the path of a text file or a folder, or one of: moliere"),
        ("epochs 3", "mine.toml is not TOML"),
        ("epochs = 3\nepochs = 4", "mine.toml is not TOML"),
        pytest.param("[" * 100_000, "mine.toml is not TOML", id="nested too deep"),
        pytest.param("#" * 1_000_001, "too large for a settings file", id="too large"),
    ],
)
def test_the_error_names_the_wrong_setting(file: Path, content: str, sentence: str) -> None:
    file.write_text(content)
    with pytest.raises(UserError, match=sentence):
        read_settings(file)


def test_the_error_names_a_file_that_cannot_be_read(file: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_settings(file)
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_settings(file.parent)
    file.write_bytes(b"preset = '\xff'")
    with pytest.raises(UserError, match="not UTF-8"):
        read_settings(file)


def test_a_file_may_begin_with_a_byte_order_mark(file: Path) -> None:
    file.write_bytes('preset = "quick"'.encode("utf-8-sig"))
    assert read_settings(file) == Settings(preset="quick")


def test_a_file_may_set_the_encoding(file: Path) -> None:
    file.write_text('encoding = "koi8-r"\nencoding-errors = "replace"')
    assert read_settings(file) == Settings(encoding="koi8-r", encoding_errors="replace")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_shown_as_a_file_reads_back(file: Path, name: str) -> None:
    preset = PRESETS[name]
    file.write_text(as_toml(preset))
    settings = read_settings(file)
    assert settings.preset == name
    assert configure(preset.model, settings.model) == preset.model
    assert configure(preset.training, settings.training) == preset.training
    assert len(settings.training) == len(msgspec.structs.fields(preset.training)), "each setting is in the file"


def test_the_recommended_preset_depends_on_the_length_of_the_text() -> None:
    assert preset_for(100_000).name == "small"
    assert preset_for(300_000).name == "standard"
