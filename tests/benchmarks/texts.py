"""Benchmark of texts: loading one, counting its n-grams, searching it, and cancelling a download that stalls.

    python -m tests.benchmarks.texts TEXT

The text is Molière's collected plays, 1.7 million characters. Each line has a time and its limit. On an idle
machine all are below the limit; the exit code says whether they were.
"""

import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from core.data.corpus import CorpusConfig, load_corpus
from core.data.download import FetchProgress, fetch
from core.data.known_texts import KnownText
from core.data.splits import Split
from core.evaluation.memorization import copying
from core.evaluation.ngram import evaluate_baselines
from core.reports.results import Baselines


def seconds(act: Callable[[], object]) -> float:
    """Return the duration of a call in seconds."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def count(path: Path, limit: int | None, split: Split) -> float:
    """Time the counting of a text's n-grams, n = 1 to 6."""
    corpus = load_corpus(CorpusConfig(source=str(path), limit=limit, split=split))

    def all_of_them() -> None:
        *_, last = evaluate_baselines(corpus, "test", 0.0)
        assert isinstance(last, Baselines)

    return seconds(all_of_them)


def look_for_copies() -> float:
    """Time the search for the longest passage of 2,000 characters in 400,000."""
    text = "".join(chr(97 + (place * place + place // 7) % 26) for place in range(400_000))
    return seconds(lambda: list(copying(text[1_000:3_000], text)))


def cancel_a_stalled_fetch() -> float:
    """Time the cancelling of a download from a server that no longer sends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_begin_to_answer, args=(server,), daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        wanted = KnownText(
            name="x", title="A text", licence="none", file="x.txt", url=address, size=1_000_000, sha256=""
        )
        with closing(fetch(wanted)) as events:
            next(event for event in events if isinstance(event, FetchProgress) and event.received)
            started = time.perf_counter()
        return time.perf_counter() - started


def _begin_to_answer(server: socket.socket) -> None:
    connection, _ = server.accept()
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 200_000)
    threading.Event().wait()


def main() -> None:
    """Print one line for each measurement."""
    path = Path(sys.argv[1]).absolute()
    load = partial(load_corpus, CorpusConfig(source=str(path)))
    load()
    slow = False
    measures: list[tuple[str, float, Callable[[], float]]] = [
        ("to load it", 0.05, lambda: seconds(load)),
        ("5-grams of 100,000 characters, tail", 2.0, lambda: count(path, 100_000, "tail")),
        ("6-grams of all, tail", 2.0, lambda: count(path, None, "tail")),
        ("6-grams of all, interleaved", 2.0, lambda: count(path, None, "interleaved")),
        ("copies of 2,000 characters in 400,000", 2.0, look_for_copies),
        ("to cancel a fetch that stalls", 1.0, cancel_a_stalled_fetch),
    ]
    for name, bar, measure in measures:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["CHARLSTM_DATA"] = folder
            took = measure()
        slow = slow or took > bar
        print(f"{name:40} {took:6.3f} s   limit {bar:g} s")
    sys.exit(slow)


if __name__ == "__main__":
    main()
