"""Windows, as far as it can be simulated on Linux: its rules for open files, and what its Python lacks.

Nothing here replaces a test on Windows. The rules are those of its documentation:

- A file that is open or mapped into memory cannot be replaced, renamed or deleted. (Python opens files without
  FILE_SHARE_DELETE: https://learn.microsoft.com/windows/win32/fileio/creating-and-opening-files.)
- A folder in which a file is open cannot be renamed.
- `os.rename` replaces no file (https://docs.python.org/3/library/os.html#os.rename).
- Most users may not create symbolic links, and some file systems have no hard links.
- A folder cannot be opened to flush it.
"""

import contextlib
import importlib
import os
import pkgutil
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import filelock  # noqa: F401 (before `sys.platform` is changed)
import pytest

NO_MODULES = (
    "fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty",
)  # fmt: skip
"""Modules of the standard library that Windows lacks."""
NO_OS = (
    "chown", "chroot", "confstr", "ctermid", "fchdir", "fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid",
    "getgid", "getgroups", "getloadavg", "getpgid", "getpgrp", "getpriority", "getresuid", "getsid", "getuid", "killpg",
    "lchown", "lockf", "memfd_create", "mkfifo", "mknod", "nice", "openpty", "pathconf", "pipe2", "posix_fadvise",
    "posix_fallocate", "posix_spawn", "posix_spawnp", "pread", "pwrite", "readv", "register_at_fork",
    "sched_getaffinity", "sched_setaffinity", "sched_yield", "sendfile", "setgid", "setpgid", "setpriority", "setsid",
    "setuid", "statvfs",
    "fstatvfs", "sync", "sysconf", "tcgetpgrp", "tcsetpgrp", "ttyname", "uname", "wait", "wait3", "wait4", "waitid",
    "writev", "WNOHANG", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "fdatasync", "get_blocking",
    "set_blocking",
)  # fmt: skip
"""Names in `os` that Python 3.11 documents as "Availability: Unix"."""
NO_SIGNAL = (
    "SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP", "SIGTSTP", "SIGTTIN",
    "SIGTTOU",
    "SIGUSR1", "SIGUSR2", "SIGWINCH", "alarm", "getitimer", "pause", "pthread_kill", "pthread_sigmask", "setitimer",
    "siginterrupt", "sigpending", "sigtimedwait", "sigwait", "sigwaitinfo",
)  # fmt: skip
"""The same for `signal`."""


class Without(ModuleType):
    """A module as Windows has it: without some of its names."""

    def __init__(self, module: ModuleType, missing: tuple[str, ...]) -> None:
        super().__init__(module.__name__)
        self._module = module
        self._missing = missing

    def __getattr__(self, name: str) -> Any:
        if name in self._missing:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on Windows")
        return getattr(self._module, name)


def is_held(path: Path) -> bool:
    """Return whether this process has the file, or a file in the folder, open or mapped into memory."""
    mapped = Path("/proc/self/maps").read_text("utf-8", "surrogateescape").splitlines()
    found = [line.split(maxsplit=5)[5] for line in mapped if "/" in line]
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists them
            found.append(str(link.readlink()))
    place = str(path.resolve())
    return any(each == place or each.startswith(f"{place}/") for each in found)


def use_windows_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process treat files as Windows does, and this project's modules see what Python has there."""
    if not Path("/proc/self/maps").exists():
        pytest.skip("which files are open is read from /proc")
    for package in ("core", "charlstm_tui"):
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if found.name != "charlstm_tui.__main__":
                importlib.import_module(found.name)
    monkeypatch.setattr(sys, "platform", "win32")
    system: Any = Without(os, NO_OS)
    system.open = _open  # only for this project: the locks of filelock are those of Linux here, and open folders
    for name, module in [*sys.modules.items()]:
        if name.partition(".")[0] in ("core", "charlstm_tui") and name != "charlstm_tui.terminal.posix_driver":
            if vars(module).get("os") is os:
                monkeypatch.setattr(module, "os", system)
            if vars(module).get("signal") is signal:
                monkeypatch.setattr(module, "signal", Without(signal, NO_SIGNAL))
    for name in ("replace", "rename", "unlink", "remove", "rmdir"):
        monkeypatch.setattr(os, name, _guarded(name, getattr(os, name)))
    for name in ("symlink", "link"):
        monkeypatch.setattr(os, name, _refused)
    monkeypatch.setattr(shutil, "_use_fd_functions", False)  # its way on Windows: by paths, not by open folders


def _guarded(name: str, really: Callable[..., None]) -> Callable[..., None]:
    def guarded(first: Any, *rest: Any, **options: Any) -> None:
        path = Path(os.fsdecode(first))
        moved = [path, Path(os.fsdecode(rest[0]))] if name in ("replace", "rename") else [path]
        for each in moved:
            if each.exists() and is_held(each):
                raise PermissionError(13, "Access is denied", str(each))
        if name == "rename" and moved[1].exists() and not moved[1].samefile(path):
            raise FileExistsError(17, "Cannot create a file when that file already exists", str(moved[1]))
        really(first, *rest, **options)

    return guarded


def _open(path: Any, flags: int, *rest: Any, **options: Any) -> int:
    if Path(path).is_dir():
        raise PermissionError(13, "Access is denied", str(path))
    return os.open(path, flags, *rest, **options)


def _refused(*arguments: Any, **options: Any) -> None:
    raise OSError(22, "A required privilege is not held by the client")
