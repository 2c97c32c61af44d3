"""Fine-tuning: the bundled model trained further on a text, against a new model in the same time and a quarter of it.

    python -m tests.benchmarks.fine_tuning [TEXT] [--preset small] [--seconds S] [--seed N]

The new model is trained first. The time that it takes, or S, is the time limit of the second run; a quarter of it that
of two more. Each run is an ordinary run of the command line, in a temporary folder.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from core.data.known_texts import PLAY
from core.runs.store import RunStore
from core.runs.summary import epochs_of


def command(*arguments: object) -> str:
    """Run a command of the program; return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "charlstm_tui", *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def main() -> None:
    """Train the models one after the other, and print their losses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", default=PLAY.name)
    parser.add_argument("--preset", default="small", help="preset of the new model")
    parser.add_argument("--seconds", type=float, default=0.0, help="time limit of the new model; 0 trains all epochs")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(Path(folder))
        common = ["--corpus", wanted.text, "--seed", wanted.seed, "--sample-length", 0, "--runs", folder]

        def trained(name: str, *options: object) -> float:
            """Train a run; print its losses and return the seconds that it took."""
            command("train", *common, "--name", name, *options)
            took = epochs_of(store.get(name).events())[-1].elapsed_seconds
            losses = [
                json.loads(command("evaluate", name, "--part", part, "--loss-only", "--json", "--runs", folder))["loss"]
                for part in ("validation", "test")
            ]
            print(f"{name:16}{took:8.1f} s   validation {losses[0]:.4f}   test {losses[1]:.4f}", flush=True)
            return took

        limit = ("--seconds", wanted.seconds) if wanted.seconds else ()
        took = trained("new", "--preset", wanted.preset, *limit)
        trained("from-moliere", "--from", "moliere", "--seconds", took)
        trained("quarter", "--from", "moliere", "--seconds", took / 4)
        trained("new-quarter", "--preset", wanted.preset, "--seconds", took / 4)


if __name__ == "__main__":
    main()
