"""The texts that the program knows by name: the play that comes with it, and Molière's plays, which are fetched."""

from pathlib import Path

from msgspec import Struct

from core.folders import data_folder

_COURSE = "SimonThomine/CoursDeepLearning/aa8ec3d5d44a157884f08c544c3f760d73d5eff0"


class KnownText(Struct, frozen=True, kw_only=True):
    """A text that has a name."""

    name: str
    title: str
    licence: str
    file: str
    sha256: str = ""
    """Of the file to fetch; empty for a text that comes with the program."""
    size: int = 0
    """Of the file to fetch, in bytes."""
    url: str = ""

    @property
    def bundled(self) -> bool:
        """Whether it comes with the program."""
        return not self.url

    @property
    def path(self) -> Path:
        """Where it lies, or would lie once fetched."""
        return (Path(__file__).parent.parent / "plays" if self.bundled else data_folder() / "texts") / self.file

    @property
    def here(self) -> bool:
        """Whether it is there, by its size; its hash is looked at when it is read."""
        return self.path.is_file() and self.size in (0, self.path.stat().st_size)


PLAY = KnownText(
    name="l-homme-aux-contrats",
    title="L'Homme aux contrats, a comedy written for this program",
    licence="public domain (CC0)",
    file="l-homme-aux-contrats.txt",
)
MOLIERE = KnownText(
    name="moliere",
    title="Molière's plays",
    licence="public domain",
    file="moliere.txt",
    # As the course publishes them, at a commit that cannot change.
    url=f"https://raw.githubusercontent.com/{_COURSE}/fr/05_NLP/moliere.txt",
    sha256="9589b888061b947f572349272728147e6de1c34887a1298c92563e7cb1f10d28",
    size=1_723_219,
)
KNOWN: dict[str, KnownText] = {known.name: known for known in (MOLIERE, PLAY)}


def default_name() -> str:
    """Return the text to learn from when none is named: Molière once fetched, else the play."""
    return MOLIERE.name if MOLIERE.here else PLAY.name
