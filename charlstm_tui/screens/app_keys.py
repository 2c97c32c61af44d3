"""The keys of every screen."""

from textual.binding import Binding, BindingType

from charlstm_tui.state.modes import MODES

APP_KEYS: list[BindingType] = [
    *(
        Binding(
            f"f{number + 1},{number}", f"switch_mode('{mode}')", MODES[mode], show=False,
            key_display=f"F{number + 1}, {number}", id=f"app.{mode}",
        )
        for number, mode in enumerate(MODES, start=1)
    ),
    Binding("f1", "explain", "Help", key_display="F1", id="app.help"),
    Binding("f7", "lesson", "Lessons", key_display="F7", show=False, id="app.lesson"),
    Binding("q", "quit", "Quit", id="app.quit"),
    Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit-anywhere"),
    Binding(
        "ctrl+z", "suspend_process", "Suspend: `fg` in the shell continues", show=False, priority=True,
        id="app.suspend",
    ),
]  # fmt: skip
