"""A student who follows a lesson: does on the real screens what each step asks for, and answers its questions."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Select, SelectionList, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.lessons.expression import holds
from charlstm_tui.lessons.facts import Value
from charlstm_tui.lessons.session import LessonSession
from charlstm_tui.screens.base import shown_page
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.lessons.lesson_panel import LessonPanel
from tests.tui.conftest import until

PATIENCE = 30.0
"""Seconds that a student waits for a run, at most."""
MOST_PRESSES = 30


@dataclass
class Student:
    """Presses keys, fills in fields, and answers each question first wrongly, then rightly."""

    app: CharLSTMApp
    pilot: Pilot[None]

    @property
    def session(self) -> LessonSession:
        assert self.app.session is not None
        return self.app.session

    def known(self, fact: str) -> Value:
        return self.session.known(fact)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def go_to(self, key: str, screen: str) -> None:
        """Press a key and wait for the screen that it leads to, with the panel of the lesson."""
        await self.press(key)
        await until(lambda: shown_page(self.app.screen) == screen and bool(self.app.screen.query(LessonPanel)))
        await self.pilot.pause()

    async def type_in(self, field: str, text: str) -> None:
        """Fill in a field and leave it with Esc."""
        found = self.app.screen.query_one(field)
        box = found if isinstance(found, Input) else found.query_one(Input)
        box.focus()
        box.value = text  # pressed key by key, the path of a text would take ten seconds
        await self.press("escape")

    async def write(self, prompt: str) -> None:
        """Fill in the prompt box and press Enter."""
        box = self.app.screen.query_one("#prompt", Input)
        box.focus()
        box.value = prompt
        await self.press("enter")

    async def choose(self, field: str, value: str) -> None:
        """Choose in a list that folds out, and leave it."""
        found = self.app.screen.query_one(field)
        select = found if isinstance(found, Select) else found.query_one(Select)
        if not value:
            select.clear()
        elif isinstance(select, CheckpointSelect):
            await until(lambda: _has(select, value))
            select.choose_model(value)
        else:
            select.value = value
        await self.pilot.pause()

    async def press_until(self, key: str, done: Callable[[], bool]) -> None:
        """Press a key until something is so; wait after each press for what comes of it."""
        for _ in range(MOST_PRESSES):
            if done():
                return
            await self.press(key)
            await self.pilot.pause()
        await until(done)

    async def look_for(self, step: str) -> None:
        """Move through the line, in one cell after the other, until the place is found that the step asks for."""
        assert self.session.step.id == step
        for turn in range(MOST_PRESSES):
            for _ in range(MOST_PRESSES):
                if self.session.result.done:
                    return
                await self.press("left" if turn % 2 else "right")
            await self.press("k")

    async def waits(self, condition: Callable[[], bool]) -> None:
        await until(condition, PATIENCE)

    def fact_is(self, fact: str, value: Value) -> Callable[[], bool]:
        return lambda: self.known(fact) == value

    async def mark_only(self, *places: int) -> None:
        """Mark these models of Memory with Space, and no others."""
        models = self.app.screen.query_one("#models", SelectionList)
        models.focus()
        for place in range(models.option_count):
            if (models.get_option_at_index(place).value in models.selected) != (place in places):
                models.highlighted = place
                await self.press("space")

    async def sees_done(self, step: str) -> None:
        """Wait until the present step is noticed as done, and answer its question; then continue."""
        session = self.session
        assert session.step.id == step
        with contextlib.suppress(AssertionError):
            await until(lambda: session.result.done, PATIENCE)
        missing = [part for part in session.step.done.split(" and ") if not holds(part, session.facts)]
        assert session.result.done, f"{step} is not done: {missing}"
        await self.pilot.pause()
        assert self.said("state").startswith("✓")
        if not self.app.panels.is_used:
            await self.press("f7")
        assert session.step.question is not None
        right = [session.is_right(choice) for choice in session.step.question.choices].index(True)
        await self.answer((right + 1) % len(session.step.question.choices))
        assert self.said("why").startswith("✗ ")
        await self.answer(right)
        assert self.said("why").startswith("✓ ")
        assert "{" not in "".join(map(self.said, ("say", "ask", "why"))), "a fact that is shown is known"
        place = session.place
        await self.press("enter")
        await until(lambda: self.app.session is None or session.place == place + 1)
        await self.pilot.pause()

    async def answer(self, number: int) -> None:
        """Move to an answer in the panel and choose it."""
        choices = self.app.screen.query_one("#lesson-choices", OptionList)
        await until(lambda: choices.has_focus and choices.highlighted is not None)
        away = number - (choices.highlighted or 0)
        await self.press(*["down" if away > 0 else "up"] * abs(away), "enter")
        await self.pilot.pause()

    def said(self, part: str) -> str:
        return str(self.app.screen.query_one(f"#lesson-{part}", Static).content)


def _has(select: CheckpointSelect, name: str) -> bool:
    select.choose_model(name)
    return select.chosen_name == name


Script = Callable[[Student, Path], Awaitable[None]]
"""What a student does in a lesson, with a folder for texts."""
