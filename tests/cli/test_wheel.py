"""The wheel: built as for a release, installed outside the checkout, and used through its commands."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import urllib.request
import venv
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest

from tests.conftest import REPOSITORY, SMALL_TEXT

pytest.importorskip("build", reason="without build there is no wheel to try")
pytest.importorskip("hatchling", reason="the same")
if os.name != "posix":
    pytest.skip("the installation's folders are those of another system", allow_module_level=True)
from tests.tui.real_terminal import Terminal
from tests.waiting import DEADLINE

TINY = ["--epochs", "2", "--hidden-size", "8", "--embedding-size", "6", "--streams", "2", "--window", "10"]
WANTED = [
    "core/plays/l-homme-aux-contrats.txt", "core/models/moliere.safetensors", "charlstm_tui/app.tcss",
    "charlstm_tui/help/train.md", "charlstm_tui/web/app_index.html", "core/py.typed", "charlstm_tui/py.typed",
    "core/interchange/pytorch_model.py",
]  # fmt: skip
TYPED_PROGRAM = """\
from charlstm_tui.formatting.numbers import duration
from core.settings.config import ModelConfig

reveal_type(ModelConfig().hidden_size)
reveal_type(duration(12.0))
ModelConfig(hidden_size="many")
"""


class Distribution(NamedTuple):
    wheel: Path
    source: Path


class Installation(NamedTuple):
    """The program, installed in an environment of its own."""

    folder: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        ours = ("CHARLSTM_RUNS", "CHARLSTM_DATA", "XDG_DATA_HOME", "XDG_CACHE_HOME", "PYTHONPATH", "NO_COLOR")
        kept = {key: value for key, value in os.environ.items() if key not in ours}
        return kept | {"HOME": str(self.home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}

    @property
    def program(self) -> str:
        return str(self.folder / "bin" / "charlstm-tui")

    def run(self, *arguments: str) -> str:
        found = subprocess.run(
            [self.program, *arguments], cwd=self.home, env=self.environment, capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stderr
        return found.stdout

    def files(self) -> dict[str, tuple[int, int]]:
        """Return the size and the modification time of every installed file."""
        stats = {path: path.stat() for path in self.folder.rglob("*") if path.is_file()}
        return {str(path): (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """The source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    _build(folder)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Distribution(wheel, source)


def _build(folder: Path, *options: str) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", str(folder), str(REPOSITORY)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="session")
def installation(distribution: Distribution, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "venv" / "bin" / "python"), "--quiet", "install"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(distribution.wheel)], check=True)
    # Its dependencies come from the environment of the tests. The checkout's own packages do not: there a .pth file
    # makes them importable, and Python does not read the .pth files of a folder that another .pth file names.
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    home = folder / "home"
    home.mkdir()
    (home / "moutons.txt").write_text(SMALL_TEXT, encoding="utf-8")
    return Installation(folder / "venv", home)


def test_the_wheel_and_the_sdist_hold_the_play_the_model_and_the_styles(distribution: Distribution) -> None:
    with ZipFile(distribution.wheel) as wheel:
        names = wheel.namelist()
        size = wheel.getinfo("core/models/moliere.safetensors").file_size
    assert set(WANTED) <= set(names)
    assert size == (REPOSITORY / "checkpoints" / "moliere.safetensors").stat().st_size <= 12_000_000
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"core", "charlstm_tui"}
    styles = {f"charlstm_tui/{path.relative_to(REPOSITORY / 'charlstm_tui')}" for path in _styles()}
    assert styles <= set(names)
    with tarfile.open(distribution.source) as source:
        held = {name.partition("/")[2] for name in source.getnames()}
    assert {
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE",
        "CITATION.cff",
        "pyproject.toml",
        "checkpoints/README.md",
    } <= held
    assert styles | {"checkpoints/moliere.safetensors", "core/plays/l-homme-aux-contrats.txt"} <= held
    assert not [name for name in held if name.startswith(("checkpoints/runs", ".venv", "shared"))]


def _styles() -> list[Path]:
    return sorted((REPOSITORY / "charlstm_tui").rglob("*.tcss"))


def test_a_wheel_built_from_the_checkout_has_the_files_of_one_built_from_the_sdist(
    distribution: Distribution, tmp_path: Path
) -> None:
    _build(tmp_path, "--wheel")
    (path,) = tmp_path.glob("*.whl")
    with ZipFile(distribution.wheel) as one, ZipFile(path) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


def test_the_metadata_name_the_licences_and_the_citation(distribution: Distribution) -> None:
    with ZipFile(distribution.wheel) as wheel:
        names = wheel.namelist()
        (folder,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        metadata = message_from_string(wheel.read(f"{folder}/METADATA").decode())
        citation = wheel.read(f"{folder}/extra_metadata/CITATION.cff").decode()
    assert "Typing :: Typed" in _all(metadata, "Classifier")
    assert metadata["License-Expression"] == "MIT AND CC0-1.0"
    assert _all(metadata, "License-File") == ["LICENSE", "core/plays/README.md"]
    assert {f"{folder}/licenses/LICENSE", f"{folder}/licenses/core/plays/README.md"} <= set(names)
    assert f"title: {metadata['Name']}\n" in citation
    assert f"version: {metadata['Version']}\n" in citation
    assert f"abstract: {metadata['Summary']}\n" in citation


def _all(metadata: Message, field: str) -> list[str]:
    return [str(value) for value in metadata.get_all(field, [])]


def test_every_picture_of_the_readme_has_a_description() -> None:
    """Where the README stands without the pictures' files, as on a package index, the descriptions are shown."""
    page = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[(.*?)\]\(", page)
    assert pictures
    assert all(len(description) > 40 for description in pictures)


def test_mypy_reads_the_types_of_an_installed_wheel(installation: Installation, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="without the extra `lint` no types are checked")
    (tmp_path / "program.py").write_text(TYPED_PROGRAM, encoding="utf-8")
    python = installation.folder / "bin" / "python"
    command = [
        sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", "--config-file", "",
        "--cache-dir", str(tmp_path / "cache"), "--python-executable", str(python), "program.py",
    ]  # fmt: skip
    found = subprocess.run(
        command, cwd=tmp_path, env=installation.environment, capture_output=True, text=True, check=False
    )
    assert found.stdout.replace('"builtins.', '"').splitlines() == [  # so named by older versions of mypy
        'program.py:4: note: Revealed type is "int"',
        'program.py:5: note: Revealed type is "str"',
        'program.py:6: error: Argument "hidden_size" to "ModelConfig" has incompatible type "str"; expected "int"'
        "  [arg-type]",
    ], found.stderr


def test_installed_from_the_wheel_everything_works_and_the_installation_is_not_changed(
    installation: Installation,
) -> None:
    run, before = installation.run, installation.files()
    assert run("--version").startswith("charlstm-tui 0.")
    assert "standard" in run("presets")
    assert "l-homme-aux-contrats" in run("corpus", "list")
    play = Path(run("corpus", "path", "l-homme-aux-contrats").strip())
    assert play.is_file()
    assert installation.folder in play.parents
    assert "sheep" in run("train", "--corpus", "moutons.txt", *TINY, "--name", "sheep")
    runs = installation.home / ".local" / "share" / "charlstm-tui" / "runs"
    if sys.platform == "linux":
        assert (runs / "sheep" / "best.safetensors").is_file()
    assert "sheep" in run("runs", "list")
    assert json.loads(run("runs", "show", "sheep", "--json"))["summary"]["epochs"] == 2
    run("runs", "export", "sheep", "--weights", "--output", "small.safetensors")
    assert json.loads(run("evaluate", "small.safetensors", "--json", "--corpus", "moutons.txt"))["loss"] > 0
    assert run("generate", "moliere", "--prompt", "HARPAGON.\n\n", "--length", "20").startswith("HARPAGON.\n\n")
    assert installation.files() == before


def test_installed_from_the_wheel_it_serves_its_page(installation: Installation) -> None:
    pytest.importorskip("textual_serve", reason="without the extra `web` nothing is served")
    before = installation.files()
    server = subprocess.Popen(
        [installation.program, "serve", "--port", "0"], cwd=installation.home, env=installation.environment,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        with urllib.request.urlopen(server.stdout.readline().strip()) as page:
            assert "<title>charlstm-tui</title>" in page.read().decode()
    finally:
        server.terminate()
        server.communicate(timeout=DEADLINE)
    assert server.returncode == 143
    assert installation.files() == before


def test_installed_from_the_wheel_every_screen_works(installation: Installation, tmp_path: Path) -> None:
    before = installation.files()
    terminal = Terminal(installation.program, [], installation._replace(home=tmp_path).environment, cwd=str(tmp_path))
    try:
        terminal.until_shown("s Start")
        terminal.until_shown("l-homme-aux-contrats")
        terminal.send("3")
        terminal.until_shown("prompt ▸")
        terminal.send("\r")
        terminal.until(lambda screen: "characters" in screen.split("prompt ▸")[1])
        terminal.send("\x1b")
        terminal.until_shown("c Continue")
        terminal.send("4")
        terminal.until_shown("text ▸")
        terminal.send("\r")
        terminal.until_shown("401 characters")
        terminal.send("2")
        terminal.until_shown("e Evaluate")
        terminal.send("e")
        terminal.until_shown("the text is missing")  # the training text of the bundled model
        terminal.send("\x1b")
        terminal.until(lambda screen: "the text is missing" not in screen)
        terminal.send("q")
        assert terminal.exit_code() == 0
    finally:
        terminal.close()
    assert installation.files() == before
