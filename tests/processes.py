"""What tests that start the program as a process of its own share."""

import signal


def heed_ctrl_c() -> None:
    """Undo what a shell does to its jobs in the background, and so to tests run in one: they ignore ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
