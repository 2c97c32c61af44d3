"""An experiment in a PostgreSQL database that two machines share. The test starts the database server itself."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.runs.store import RunStore
from core.runs.summary import epochs_of
from tests.cli.test_commands import call
from tests.cli.test_sweep_command import new, run, start, states
from tests.waiting import DEADLINE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="starts the server of a Unix system")
PASSWORD = "mouton-noir"
ADDRESS = "postgresql://berger:{password}@127.0.0.1:{port}/postgres"


class Server:
    """A PostgreSQL server on a free port of this computer."""

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        """Create a database in `folder`.

        Args:
            programs: folder with `initdb` and `pg_ctl`.
            folder: an empty folder that belongs to `user`.
            user: who runs the server; None for who runs this process.
        """
        self._programs = programs
        self._folder = folder
        self._user = user
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "password").write_text(PASSWORD, "utf-8")
        self._do("initdb", "-D", folder / "data", "--username=berger", f"--pwfile={folder / 'password'}",
                 "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync")  # fmt: skip
        (folder / "data" / "postgresql.auto.conf").write_text(
            f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = '{folder}'\nfsync = off\n",
            "utf-8",
        )

    @property
    def url(self) -> str:
        """Address of its database."""
        return ADDRESS.format(password=PASSWORD, port=self.port)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self._do("pg_ctl", "-D", self._folder / "data", "-l", self._folder / "log", "-w", "start")

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        self._do("pg_ctl", "-D", self._folder / "data", "-m", "immediate", "-w", "stop")

    def end(self) -> None:
        """Stop it if it runs."""
        if (self._folder / "data" / "postmaster.pid").exists():
            self.stop()

    def _do(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [self._programs / program, *map(str, arguments)], user=self._user, group=self._user and _group(self._user),
            extra_groups=[] if self._user else None, cwd=self._folder, env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=DEADLINE,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()


def _group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, which Debian does not put into the PATH; None if there is none."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if all((place / name).is_file() for name in ("initdb", "pg_ctl"))), None)


def _other_user() -> str:
    """Return a user who may run the server, which refuses to be run by root."""
    import pwd

    known = {user.pw_name for user in pwd.getpwall()}
    user = next((user for user in ("postgres", "nobody") if user in known), None)
    if user is None:
        pytest.skip("root cannot run PostgreSQL, and there is no user called postgres or nobody")
    return user


@pytest.fixture
def server() -> Iterator[Server]:
    """A running server. Its folder has a short path: the path of a Unix socket has at most 107 bytes."""
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("the package psycopg is missing: pip install 'psycopg[binary]'")
    programs = _programs()
    if programs is None:
        pytest.skip("there is no initdb: PostgreSQL's server is missing")
    user = _other_user() if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        made = Server(programs, folder, user)
        try:
            made.start()
            yield made
        finally:
            made.end()


def assert_one_sentence(said: str) -> None:
    """Assert that an error names the database in one line, without its password."""
    lines = said.splitlines()
    assert len(lines) == 1, said
    assert "berger:***@127.0.0.1" in lines[0]
    assert "cannot be used" in lines[0]


def test_two_machines_share_an_experiment(
    server: Server, small_text: Path, tmp_path: Path, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    new("shared", small_text, "--vary", "window=8,9,10", "--seeds", 2, "--epochs", 15, "--storage", server.url)
    here = start("run", "shared", "--workers", 1, "--json")
    assert here.stdout is not None
    first = next(line for line in here.stdout if "trial_epoch" in line)
    # The first machine waits until the other one has joined, however long that takes to start.
    (worker,) = psutil.Process(here.pid).children()
    worker.suspend()
    monkeypatch.setenv("CHARLSTM_RUNS", str(tmp_path / "other"))
    there = start("run", "shared", "--workers", 1, "--storage", server.url, "--json")
    assert there.stdout is not None
    began = next(line for line in there.stdout if "trial_epoch" in line)
    worker.resume()
    mine, errors = here.communicate(timeout=DEADLINE)
    its, its_errors = there.communicate(timeout=DEADLINE)
    assert (here.returncode, there.returncode) == (0, 0), errors + its_errors
    assert (errors, its_errors) == ("", "")

    ended = [
        [json.loads(line)["trial"] for line in lines.splitlines() if "trial_ended" in line]
        for lines in (first + mine, began + its)
    ]
    # A number is left unused if both machines claimed the same combination at the same moment.
    numbers = sorted(ended[0] + ended[1])
    assert len(set(numbers)) == len(numbers) == 6, "each trial once"
    assert all(ended), "each machine had some"
    for machine, trials in zip((store, RunStore(tmp_path / "other")), ended, strict=True):
        assert sorted(run.name for run in machine.all()) == [f"shared-{number}" for number in sorted(trials)]
        for each in machine.all():
            assert [epoch.epoch for epoch in epochs_of(each.events())] == list(range(1, 16))
    shown = json.loads(call("sweep", "show", "shared", "--json").stdout)["trials"]
    assert [(trial["number"], trial["state"]) for trial in shown] == [(number, "finished") for number in numbers]
    assert Counter((trial["params"]["window"], trial["seed"]) for trial in shown) == Counter(
        (window, seed) for window in (8, 9, 10) for seed in (0, 1)
    )
    assert [trial["number"] for trial in shown if trial["is_here"]] == sorted(ended[1])


@pytest.mark.thorough
def test_a_server_that_stops_in_mid_run_is_a_sentence_and_nothing_is_lost(
    server: Server, small_text: Path, store: RunStore
) -> None:
    new("cut", small_text, "--vary", "window=8,9", "--epochs", 40, "--storage", server.url)
    process = start("run", "cut", "--workers", 2, "--json")
    assert process.stdout is not None
    seen: set[int] = set()
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "trial_epoch":
            seen.add(event["trial"])
        if len(seen) == 2:
            break
    server.stop()
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode in (1, 2), errors
    assert errors
    for line in errors.splitlines():
        assert_one_sentence(line)
    assert "Traceback" not in errors
    assert PASSWORD not in errors

    for command in (["run"], ["show"], ["delete", "--yes"]):
        refused = call("sweep", *command, "cut")
        assert refused.exit_code == 2
        assert_one_sentence(refused.stderr)

    server.start()
    assert set(states("cut")) == {"interrupted"}
    done = run("cut", "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert states("cut") == ["finished"] * 2
    for each in store.all():
        assert [epoch.epoch for epoch in epochs_of(each.events())] == list(range(1, 41))


def test_a_wrong_password_is_a_sentence(server: Server, small_text: Path) -> None:
    address = ADDRESS.format(password="agneau-blanc", port=server.port)
    done = call("sweep", "new", "locked", "--corpus", small_text, "--vary", "window=8", "--storage", address)
    assert done.exit_code == 2
    assert_one_sentence(done.stderr)
    assert "agneau-blanc" not in done.output
    assert "password authentication failed" in done.stderr
