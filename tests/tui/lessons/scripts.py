"""What a student does in each lesson, step by step, on texts and with networks so small that it takes seconds."""

from pathlib import Path

from core.data.known_texts import PLAY
from tests.tui.conftest import until
from tests.tui.lessons.student import Script, Student

SHORT, OWN, LONG = slice(0, 5_000), slice(60_000, 71_000), slice(0, 100_000)
"""Parts of the bundled play that stand for a text."""
ENOUGH, FEW = "64", "8"
"""Cells of a network that learns the short text by heart, and of one that reads the long text soon."""
NO_LIMIT = "0"
"""Pace of a text that is written as fast as the model can."""


def text_file(folder: Path, part: slice) -> str:
    path = folder / f"text-{part.start}-{part.stop}.txt"
    path.write_text(PLAY.path.read_text(encoding="utf-8")[part], encoding="utf-8")
    return str(path)


async def characters(student: Student, folder: Path) -> None:
    await student.type_in("#corpus", text_file(folder, LONG))
    await student.type_in("#limit", "50000")
    await student.sees_done("text")
    await student.type_in("#limit", "100000")
    await student.sees_done("more")
    await student.choose("#preset", "notebook")
    await student.sees_done("outputs")
    await student.type_in("#setting-hidden_size", "256")
    await student.sees_done("parameters")
    await student.go_to("f4", "generate")
    await student.type_in("#setting-pace", NO_LIMIT)
    await student.choose("#model", "moliere")
    await student.write("Bonjour @ tous")
    await student.sees_done("unknown")
    await student.go_to("f2", "train")
    await student.choose("#split", "interleaved")
    await student.sees_done("split")
    await student.choose("#split", "tail")
    await student.sees_done("back")


async def loss(student: Student, folder: Path) -> None:
    await student.type_in("#corpus", text_file(folder, SHORT))
    await student.choose("#preset", "quick")
    await student.type_in("#limit", "100000")
    await student.press("s")
    await student.sees_done("train")
    await student.go_to("e", "evaluate")
    await student.sees_done("evaluate")
    await student.press_until("k", student.fact_is("evaluation.page", "breakdown"))
    await student.sees_done("kinds")
    await student.press_until("j", student.fact_is("evaluation.page", "baselines"))
    await student.sees_done("units")
    await student.press("t")
    await student.press_until("n", lambda: student.session.result.done)
    await student.sees_done("surprise")
    await student.choose("#part", "train")
    await student.press("e")
    await student.sees_done("train-part")
    await student.choose("#part", "test")
    await student.press("e")
    await student.sees_done("test-part")


async def first_training(student: Student, folder: Path) -> None:
    await student.type_in("#corpus", text_file(folder, SHORT))
    await student.choose("#preset", "notebook")
    await student.type_in("#limit", "100000")
    await student.sees_done("recipe")
    await student.press("s")
    await student.sees_done("start")
    await student.sees_done("curve")
    await student.press_until("left", lambda: student.session.result.done)
    await student.sees_done("samples")
    await student.press("f2")
    await student.go_to("e", "evaluate")
    await student.sees_done("test")
    await student.press("f2")
    await student.go_to("g", "generate")
    await student.type_in("#setting-pace", NO_LIMIT)
    await student.press("enter")
    await student.sees_done("generate")


async def gates(student: Student, folder: Path) -> None:
    await student.go_to("f5", "inspect")
    await student.choose("#model", "moliere")
    await student.write("Fermez la porte, monsieur, je vous prie.")
    await student.sees_done("read")
    await student.press_until("right", lambda: student.session.result.done)
    await student.sees_done("state")
    await student.press_until("v", student.fact_is("inspection.quantity", "f"))
    await student.press_until("right", lambda: student.session.result.done)
    await student.sees_done("forget")
    await student.press_until("v", student.fact_is("inspection.quantity", "o"))
    await student.look_for("output")
    await student.sees_done("output")
    await student.press_until("v", student.fact_is("inspection.quantity", "c"))
    await student.press_until("f", student.fact_is("inspection.sort", "position in the line"))
    await student.sees_done("follow")
    await student.press_until("k", lambda: student.session.result.done)
    await student.sees_done("chance")
    await student.go_to("x", "silence")
    await student.sees_done("silence")


async def overfitting(student: Student, folder: Path) -> None:
    await student.type_in("#corpus", text_file(folder, SHORT))
    await student.choose("#preset", "quick")
    await student.type_in("#limit", "30000")
    await student.type_in("#setting-hidden_size", ENOUGH)
    await student.type_in("#setting-epochs", "20")
    await student.press("s")
    await student.sees_done("overfit")
    await student.go_to("e", "evaluate")
    await student.sees_done("kept")
    await student.go_to("f2", "train")
    await student.press("n", "a")
    await student.type_in("#setting-patience", "2")
    await student.press("s")
    await student.sees_done("early-stopping")
    await student.press("n")
    await student.type_in("#setting-output_dropout", "0.5")
    await student.press("s")
    await student.sees_done("dropout")
    await student.press("n")
    await student.type_in("#corpus", text_file(folder, LONG))
    await student.type_in("#limit", "100000")
    await student.type_in("#setting-epochs", "6")
    await student.type_in("#setting-hidden_size", FEW)
    await student.press("s")
    await student.sees_done("more-text")
    await student.go_to("e", "evaluate")
    await student.sees_done("goal")


async def why_lstm(student: Student, folder: Path) -> None:
    await student.type_in("#corpus", text_file(folder, SHORT))
    await student.choose("#preset", "notebook")
    await student.type_in("#limit", "100000")
    await student.type_in("#setting-epochs", "10")
    await student.choose("#setting-cell", "rnn")
    await student.press("s")
    await student.sees_done("rnn")
    await student.press("n")
    await student.choose("#setting-cell", "lstm")
    await student.press("escape", "s")
    await student.sees_done("lstm")
    await student.go_to("f5", "inspect")
    await student.press("escape")
    await student.go_to("m", "memory")
    await student.mark_only(0, 1)
    await student.press("enter")
    await student.sees_done("gradient")
    await student.sees_done("context")
    await student.mark_only(0)
    await student.press("enter")
    await student.sees_done("time-constants")
    student.app.screen.query_one("#cells").focus()
    await student.go_to("enter", "inspect")
    await student.press_until("v", student.fact_is("inspection.quantity", "f"))
    await student.press_until("right", lambda: student.session.result.done)
    await student.sees_done("cell")


async def sampling(student: Student, folder: Path) -> None:
    await student.go_to("f4", "generate")
    await student.type_in("#setting-pace", NO_LIMIT)
    await student.choose("#model", "moliere")
    await student.type_in("#setting-length", "300")
    await student.press("enter")
    await until(lambda: student.app.screen.check_action("tint", ()) is True)  # once there is a text
    await student.press("t")
    await student.sees_done("draw")
    for temperature, step in (("0", "zero"), ("1.5", "hot")):
        await student.type_in("#setting-temperature", temperature)
        await student.press("enter")
        await student.sees_done(step)
    await student.type_in("#setting-temperature", "1")
    await student.press("h")
    await student.sees_done("three")
    await student.type_in("#setting-top_k", "1")
    await student.press("enter")
    await student.sees_done("top-k")
    await student.type_in("#setting-top_k", "0")
    await student.type_in("#setting-top_p", "0.9")
    await student.press("enter")
    await student.sees_done("top-p")
    await student.type_in("#setting-top_p", "1")
    await student.type_in("#setting-seed", "7")
    for _ in range(2):
        texts = student.known("generation.count")
        await student.press("enter")
        await student.waits(lambda texts=texts: student.known("generation.count") != texts)  # type: ignore[misc]
    await student.sees_done("seed")


async def your_own_text(student: Student, folder: Path) -> None:
    await student.choose("#start-model", "")
    await student.type_in("#corpus", text_file(folder, OWN))
    await student.sees_done("text")
    await student.choose("#start-model", "moliere")
    await student.sees_done("start-from")
    await student.type_in("#setting-epochs", "2")
    await student.press("s")
    await student.sees_done("train")
    await student.go_to("e", "evaluate")
    await student.press_until("k", student.fact_is("evaluation.page", "before"))
    await student.sees_done("gained")
    await student.press_until("j", student.fact_is("evaluation.page", "copying"))
    await student.sees_done("copying")
    await student.press("f2")
    await student.go_to("g", "generate")
    await student.type_in("#setting-pace", NO_LIMIT)
    for model in ("fine-tune-1", "moliere"):
        texts = student.known("generation.count")
        await student.choose("#model", model)
        await student.write("PERRINE")
        await student.waits(lambda texts=texts: student.known("generation.count") != texts)  # type: ignore[misc]
    await student.sees_done("generate")


SCRIPTS: dict[str, Script] = {
    "characters": characters,
    "loss": loss,
    "first-training": first_training,
    "gates": gates,
    "overfitting": overfitting,
    "why-lstm": why_lstm,
    "sampling": sampling,
    "your-own-text": your_own_text,
}
"""By the id of the lesson."""
