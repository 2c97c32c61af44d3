"""`--version`: what it names, and that it answers without PyTorch."""

import importlib.metadata
import subprocess
import sys

import pytest

from charlstm_tui.formatting import versions
from tests.cli.test_commands import call


def test_the_versions_and_the_device_are_named() -> None:
    shown = call("--version").stdout
    assert shown.startswith(f"charlstm-tui {importlib.metadata.version('charlstm-tui')}, torch ")
    assert f"textual {importlib.metadata.version('textual')}, Python 3." in shown
    assert "device: " in shown
    assert len(shown.splitlines()) == 1


def test_it_is_printed_without_importing_pytorch() -> None:
    code = (
        "import sys; from charlstm_tui.cli import commands; commands(['--version'], standalone_mode=False); "
        "print([name for name in ('torch', 'numpy', 'textual', 'rich.console') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_a_package_that_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "version_of", lambda name: None if name == "torch" else "1.0")
    assert "torch missing, textual 1.0" in versions.version_line()


@pytest.mark.parametrize(("built", "there", "system", "machine", "device"), [
    ("cuda", ("nvidia[0-9]*", "dxg"), "linux", "x86_64", "cuda"),
    ("cuda", (), "linux", "x86_64", "cpu (2 cores, bf16)"),
    ("", ("nvidia[0-9]*", "dxg"), "linux", "x86_64", "cpu (2 cores, bf16)"),
    ("hip", ("kfd",), "linux", "x86_64", "cuda (ROCm)"),
    ("", (), "darwin", "arm64", "mps"),
    ("", (), "darwin", "x86_64", "cpu (2 cores, bf16)"),
])  # fmt: skip
def test_the_device_is_guessed_from_the_build_of_pytorch_and_the_device_files(
    built: str, there: tuple[str, ...], system: str, machine: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(versions, "_is_built_for", lambda gpu: gpu == built)
    monkeypatch.setattr(versions, "_has_file", lambda *patterns: patterns == there)
    monkeypatch.setattr(versions, "_cpu_info", lambda: "flags\t\t: fpu amx_bf16 amx_tile\n")
    monkeypatch.setattr(versions, "available_cores", lambda: 2)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert versions.likely_device() == device


def test_a_cpu_without_instructions_for_bf16_is_shown_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_is_built_for", lambda _: False)
    for info in ("flags\t\t: fpu avx2 avx512f\nmodel name\t: bf16\n", ""):
        monkeypatch.setattr(versions, "_cpu_info", lambda info=info: info)
        assert "bf16" not in versions.likely_device()


def test_the_build_of_pytorch_is_that_which_it_reports() -> None:
    import torch

    assert versions._is_built_for("cuda") == (torch.version.cuda is not None)
    assert versions._is_built_for("hip") == (torch.version.hip is not None)
