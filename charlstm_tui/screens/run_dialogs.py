"""Dialogs of the Train screen about runs: resume one, add epochs, stop the current one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from textual.screen import Screen

from charlstm_tui.screens.dialogs import AskAboutRun, EndOfRun
from charlstm_tui.screens.more_epochs import AskMoreEpochs, with_epochs
from charlstm_tui.state.compared_runs import PastRun
from charlstm_tui.state.messages import ResumeTraining, StopTraining
from core.errors import UserError
from core.runs.run import RunConfig
from core.runs.store import RunStore


class RunDialogs:
    """Opens dialogs on a screen and posts the resulting messages from it.

    `complain` is called with the reason if a run cannot be resumed.
    """

    def __init__(self, screen: Screen[Any], store: RunStore, complain: Callable[[str], None]) -> None:
        self._screen = screen
        self._store = store
        self._complain = complain

    def resume_chosen(self, run: PastRun) -> None:
        """Resume a run from the list. If it is finished, ask first how many epochs to add."""
        if run.is_finished:
            self.ask_for_more(run.name, run.config, len(run.epochs))
        else:
            self.resume(run.name)

    def ask_for_more(self, name: str, config: RunConfig, done: int) -> None:
        """Ask how many epochs to add to a finished run with `done` epochs, and resume it."""
        self._screen.app.push_screen(AskMoreEpochs(name, config.training, done), partial(self._resume_to, name))

    def resume(self, name: str, epochs: int | None = None) -> None:
        """Resume the run of that name. If `epochs` is given, it is the new total number of epochs."""
        try:
            config = self._store.get(name).config()
        except UserError as error:
            self._complain(str(error))
            return
        if epochs is not None:
            config = msgspec.structs.replace(config, training=with_epochs(config.training, epochs))
        self._screen.post_message(ResumeTraining(config, name, epochs))

    def stop(self, title: str, then: Callable[[], None] = lambda: None) -> None:
        """Ask whether to save or discard the current run, and stop it; call `then` first unless the run continues."""
        self._screen.app.push_screen(AskAboutRun(title, then=""), partial(self._stop, then))

    def _stop(self, then: Callable[[], None], answer: EndOfRun | None) -> None:
        if answer in ("save", "discard"):
            then()
            self._screen.post_message(StopTraining(discard=answer == "discard"))

    def _resume_to(self, name: str, epochs: int | None) -> None:
        if epochs is not None:
            self.resume(name, epochs)
