"""Property tests with bad input: every input gives either a result or an error message.

A normal test run tries a few dozen cases of each kind. This command tries tens of thousands:

    pytest tests/cli/test_bad_input.py --hypothesis-profile bulk --timeout 3000
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click
import pytest
import safetensors.torch
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from charlstm_tui.cli import COMMANDS, commands
from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.training_state import load_snapshot
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.preview import preview
from core.data.streams import Streams
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.events import StepsCompleted
from core.files import write_atomically
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.sampling.sampler import Sampler
from core.settings.config import ModelConfig, SamplingConfig, TrainingConfig
from core.settings.toml_file import read_settings
from core.text import read_escapes, sanitise
from core.training.resume import resume
from core.training.trainer import Trainer
from tests.conftest import SMALL_TEXT

ACTS_ON_A_TERMINAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
NASTY = st.sampled_from(
    [
        "\x1b]0;title\x07",
        "\x1b[2J",
        "[/b]",
        "[@click=app.quit]x",
        "\u202eabc",
        "\x00",
        "\r",
        "\u2028",
        "é",
        "\ud800",
        "%s",
    ]
)
WORDS = st.lists(st.one_of(NASTY, st.text(max_size=8)), max_size=4).map("".join)
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.floats(allow_nan=False, allow_infinity=False),
        WORDS,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=5,
)
Edit = tuple[str, float, bytes]
KINDS = st.sampled_from(["replace", "insert", "cut", "end"])
EDITS = st.lists(st.tuples(KINDS, st.floats(0, 1), st.binary(max_size=9)), min_size=1, max_size=3)


def only_a_user_error(do: Callable[[], object]) -> bool:
    """Call `do` and return whether it succeeded. It may raise only a `UserError` whose message is not too long."""
    try:
        do()
    except UserError as error:
        said = str(error)
    else:
        return True
    assert 0 < len(said) < 2000
    return False


def called(arguments: list[str], **options: Any) -> tuple[int, str]:
    """Call a command; return its exit code and its output."""
    result = CliRunner().invoke(commands, arguments, **options)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    shown = result.stdout + result.stderr
    assert not ACTS_ON_A_TERMINAL.search(shown), repr(shown)
    assert "Traceback" not in shown
    assert result.exit_code in (0, 1, 2)
    assert result.exit_code == 0 or result.stderr
    return result.exit_code, shown


def edited(content: bytes, edits: list[Edit]) -> bytes:
    for kind, share, piece in edits:
        place = int(share * len(content))
        match kind:
            case "replace":
                content = content[:place] + piece + content[place + len(piece) :]
            case "insert":
                content = content[:place] + piece + content[place:]
            case "cut":
                content = content[:place] + content[place + len(piece) :]
            case "end":
                content = content[:place]
    return content


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[RunStore, Run, Corpus]]:
    """A small run that was stopped during its second epoch."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "moutons.txt"
        path.write_text(SMALL_TEXT, encoding="utf-8")
        corpus = load_corpus(CorpusConfig(source=str(path)))
        model = ModelConfig(embedding_size=2, hidden_size=3)
        training = TrainingConfig(
            epochs=3, streams=2, window=10, validation=0.1, averaging=0.5, weight_drop=0.1, precision="fp32", threads=1
        )
        store = RunStore(Path(folder) / "runs")
        run = store.create(RunConfig(preset="quick", corpus=corpus.config, model=model, training=training), "sheep")
        control = Control()
        for event in record(run, Trainer(corpus, model, training), control):
            if isinstance(event, StepsCompleted) and event.epoch == 2:
                control.stop()
        yield store, run, corpus


@given(content=st.one_of(
    st.binary(max_size=400), WORDS.map(lambda text: text.encode("utf-8", "surrogatepass") * 40),
    st.text(max_size=200).flatmap(
        lambda text: st.sampled_from(["utf-8", "utf-16", "utf-32", "cp1252", "utf-8-sig"]).map(
            lambda encoding: text.encode(encoding, "replace") * 9
        )
    ),
), limit=st.one_of(st.none(), st.integers(1, 500)))  # fmt: skip
def test_any_bytes_as_a_text(tmp_path_factory: pytest.TempPathFactory, content: bytes, limit: int | None) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(content)

    def use() -> None:
        corpus = load_corpus(CorpusConfig(source=str(path), limit=limit))
        Streams(corpus.part("train", 0.1).ids(Vocabulary(corpus.characters)), streams=2, window=5)

    only_a_user_error(use)
    only_a_user_error(lambda: preview(str(path), limit=limit))


@given(edits=EDITS, last=st.booleans())
def test_any_damage_to_a_checkpoint_is_detected(
    made: tuple[RunStore, Run, Corpus], edits: list[Edit], last: bool
) -> None:
    run = made[1]
    content = (run.last_path if last else run.best_path).read_bytes()
    changed = edited(content, edits)
    path = run.path.parent.parent / "changed.safetensors"
    path.write_bytes(changed)
    whole = only_a_user_error(lambda: load_checkpoint(path))
    assert whole == (changed == content)
    assert only_a_user_error(lambda: load_snapshot(path)) == (whole and last)


def signed_with(content: bytes, changes: list[tuple[list[str], Any]]) -> bytes:
    """Return a checkpoint with changed values in its header and a valid sha256."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    ours = json.loads(header["__metadata__"]["charlstm-tui"])
    for names, value in changes:
        place = ours
        for name in names[:-1]:
            place = place[name] if isinstance(place, dict) and isinstance(place.get(name), dict) else {}
        place[names[-1]] = value
    ours["sha256"] = "0" * 64
    text = json.dumps(ours, separators=(",", ":"))
    tensors = safetensors.torch.load(content)
    unsigned = safetensors.torch.save(tensors, {"charlstm-tui": text})
    return unsigned.replace(b"0" * 64, hashlib.sha256(unsigned).hexdigest().encode(), 1)


FIELDS = {
    "": ["format_version", "kind", "preset", "model", "vocabulary", "corpus", "training", "epoch", "val_loss",
         "progress"],
    "model": ["cell", "embedding_size", "hidden_size", "num_layers"],
    "training": ["epochs", "seconds", "streams", "window", "averaging", "learning_rate", "warmup", "device", "seed"],
    "corpus": ["source", "limit", "split", "sha256"],
    "progress": ["device", "precision", "threads", "processes", "plan", "now", "good"],
    "progress.now": ["steps", "reading", "window", "elapsed", "epochs", "epoch_steps", "epoch_loss", "epoch_over",
                     "best_val_loss", "running_loss", "checked_steps", "retreats", "rate_factor", "validating_seconds"],
    "progress.plan": ["epochs", "steps", "seconds"],
}  # fmt: skip
CHANGES = st.lists(
    st.sampled_from(
        [[*filter(None, group.split(".")), name] for group, names in FIELDS.items() for name in names]
    ).flatmap(
        lambda names: st.tuples(
            st.just(names), st.one_of(st.integers(-2, 90), JSON, st.sampled_from([1e308, 2**53, 0.5]))
        )
    ),
    min_size=1,
    max_size=2,
)


@given(changes=CHANGES)
@example(changes=[(["progress", "now", "epoch_steps"], 0)])
@example(changes=[(["progress", "now", "checked_steps"], 90)])
def test_a_checkpoint_with_a_changed_header_is_refused_or_used(
    made: tuple[RunStore, Run, Corpus], changes: list[tuple[list[str], Any]]
) -> None:
    store, run, corpus = made
    path = run.path.parent.parent / "lies.safetensors"
    path.write_bytes(signed_with(run.last_path.read_bytes(), changes))

    def write() -> None:
        checkpoint = load_checkpoint(path)
        list(islice(Sampler(checkpoint.model, checkpoint.vocabulary, SamplingConfig(), "3"), 5))
        only_a_user_error(lambda: checkpoint.corpus.path)

    def go_on() -> None:
        control = Control()
        resumption = resume(store, str(path), None, {"threads": 1, "precision": "fp32", "device": "cpu"})
        for event in resumption.trainer(corpus).run(control):
            if isinstance(event, StepsCompleted):
                control.stop()

    only_a_user_error(write)
    only_a_user_error(go_on)
    called(["generate", str(path), "--length", "3", "--prompt", "x"])


@given(text=st.one_of(
    WORDS,
    st.binary(max_size=60),
    st.dictionaries(
        st.sampled_from(["preset", "corpus", "limit", "split", "hidden_size", "epochs", "hidden-size", "seconds", "x"]),
        JSON, max_size=4,
    ).map(lambda said: "\n".join(f"{name} = {json.dumps(value)}" for name, value in said.items())),
))  # fmt: skip
def test_any_settings(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    if not only_a_user_error(lambda: read_settings(path)):
        assert called(["train", "--config", str(path)])[0] == 2


VALUES = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "1", "3", "abc", "nan", "inf", "1e400", "9" * 40, "0.5", "--", "-", "sheep", "quick"]
    ),
    WORDS,
)
NAMED = {name: commands.get_command(click.Context(commands), name) for name in COMMANDS}
OPTIONS = sorted({option for command in NAMED.values() if command for parameter in command.params
                  for option in parameter.opts if option.startswith("--")} - {"--length"})  # fmt: skip
LINES = st.tuples(
    st.sampled_from([*COMMANDS, "", "trian"]),
    st.lists(
        st.one_of(
            VALUES,
            st.tuples(st.sampled_from(OPTIONS), VALUES),
            st.sampled_from(["list", "show", "path", "rename", "export", "delete", "--yes"]),
        ),
        max_size=5,
    ),
).map(lambda line: [line[0], *(word for item in line[1] for word in ([item] if isinstance(item, str) else item))])


@given(line=LINES)
def test_any_command_line(
    made: tuple[RunStore, Run, Corpus], tmp_path_factory: pytest.TempPathFactory, line: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("line")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # exported files are written there
        patch.setenv("CHARLSTM_RUNS", str(folder / "runs"))
        patch.setenv("CHARLSTM_DATA", str(folder))
        patch.setattr("core.training.trainer.Trainer", lambda *_, **__: None)  # real training could take very long
        patch.setattr("charlstm_tui.commands.train._train", lambda *_, **__: None)
        patch.setattr("charlstm_tui.commands.doctor_trials.trials", lambda: iter(()))  # it trains
        patch.setattr("charlstm_tui.web.server.Server.serve", lambda server: server.close())  # a server would not end
        called(["--runs", str(made[0].root), *line] if "delete" not in line and "rename" not in line else line)


@given(prompt=WORDS, seed=st.integers(0, 2**32 - 1), temperature=st.floats(0, 100))
def test_any_prompt(made: tuple[RunStore, Run, Corpus], prompt: str, seed: int, temperature: float) -> None:
    store = made[0]
    arguments = ["--prompt", prompt, "--length", "5", "--seed", str(seed), "--temperature", str(temperature)]
    code, shown = called(["--runs", str(store.root), "generate", "sheep", *arguments])
    assert code == 0
    assert sanitise(read_escapes(prompt)) in shown
    code, shown = called(["--runs", str(store.root), "generate", "sheep", "--json", *arguments])
    assert code == 0


@given(
    what=st.sampled_from(["config.json", "metrics.jsonl"]),
    content=st.one_of(st.binary(max_size=99), EDITS, JSON.map(lambda value: json.dumps(value).encode())),
)
def test_any_run_folder(
    made: tuple[RunStore, Run, Corpus], tmp_path_factory: pytest.TempPathFactory, what: str, content: bytes | list[Edit]
) -> None:
    run = made[1]
    store = RunStore(tmp_path_factory.mktemp("runs"))
    copy = Run(store.root / "sheep")
    copy.path.mkdir()
    for path in (run.config_path, run.metrics_path):
        write_atomically(copy.path / path.name, path.read_bytes())
    path = copy.path / what
    write_atomically(path, content if isinstance(content, bytes) else edited(path.read_bytes(), content))
    for command in (["runs", "list"], ["runs", "list", "--json"], ["runs", "show", "sheep"],
                    ["runs", "show", "sheep", "--json"], ["evaluate", "sheep"]):  # fmt: skip
        called(["--runs", str(store.root), *command])
    only_a_user_error(lambda: resume(store, "sheep", copy, {}))


def test_the_names_here_are_those_of_a_header(made: tuple[RunStore, Run, Corpus]) -> None:
    content = made[1].last_path.read_bytes()
    ours = json.loads(
        json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["charlstm-tui"]
    )
    for group, names in FIELDS.items():
        place = ours
        for name in filter(None, group.split(".")):
            place = place[name]
        assert set(names) <= place.keys()
