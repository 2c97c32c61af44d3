"""What tests that start the program as a process of its own share."""

import signal


def heed_signals() -> None:
    """Undo what shells and nohup do to what they start, and so to tests run by them: signals that are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
