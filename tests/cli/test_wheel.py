"""The wheel: built as for a release, installed outside the checkout, and used through its commands."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import urllib.request
import venv
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
    "charlstm_tui/help/train.md", "charlstm_tui/web/app_index.html",
]  # fmt: skip


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
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Distribution(wheel, source)


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
        "pyproject.toml",
        "checkpoints/README.md",
    } <= held
    assert styles | {"checkpoints/moliere.safetensors", "core/plays/l-homme-aux-contrats.txt"} <= held
    assert not [name for name in held if name.startswith(("checkpoints/runs", ".venv", "shared"))]


def _styles() -> list[Path]:
    return sorted((REPOSITORY / "charlstm_tui").rglob("*.tcss"))


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
