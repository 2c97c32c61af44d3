"""Every module can be imported by a Python that has only what Windows has."""

import subprocess
import sys

from tests.conftest import REPOSITORY
from tests.windows import NO_MODULES, NO_OS, NO_SIGNAL

POSIX_ONLY = "charlstm_tui.terminal.posix_driver"
IMPORTS = f"""
import importlib, os, pkgutil, signal, sys

# Other packages first: they have their own code for Windows, which cannot run here.
import aiohttp.web, asyncio, click.testing, filelock, logging.config, multiprocessing.pool, optuna, platformdirs, pooch
import psutil, pyperclip, requests, rich.progress, sqlalchemy.exc, subprocess, tempfile, textual.app
import textual.drivers.web_driver, textual.pilot, textual.widgets, textual_hires_canvas, textual_serve.server
import threadpoolctl, torch, torch.distributed, torch.nn.parallel, torch.func

for name in {NO_MODULES!r}:
    sys.modules[name] = None  # importing it raises ModuleNotFoundError
for module, names in ((os, {NO_OS!r}), (signal, {NO_SIGNAL!r})):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
sys.platform = "win32"

imported = 0
for package in ("core", "charlstm_tui"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if module.name not in ({POSIX_ONLY!r}, "charlstm_tui.__main__"):
            importlib.import_module(module.name)
            imported += 1
assert {POSIX_ONLY!r} not in sys.modules, "it is for Linux and macOS"
from charlstm_tui.terminal import signals
assert signals.ENDINGS == (signal.SIGINT, signal.SIGTERM)
print(imported)
"""


def test_every_module_but_one_is_imported_without_what_only_posix_has() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTS], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 250
