"""The texts with a name: the play that is part of the program, and Molière's plays, which are downloaded."""

from pathlib import Path

from msgspec import Struct

from core.errors import UserError
from core.folders import data_folder

_COURSE = "SimonThomine/CoursDeepLearning/aa8ec3d5d44a157884f08c544c3f760d73d5eff0"


class KnownText(Struct, frozen=True, kw_only=True):
    """A text that users can choose by name."""

    name: str
    title: str
    licence: str
    file: str
    sha256: str = ""
    """SHA-256 of the file to download; empty for a text that is part of the program."""
    size: int = 0
    """Size of the file to download, in bytes."""
    url: str = ""
    """Address to download from; empty for a text that is part of the program."""

    @property
    def bundled(self) -> bool:
        """Whether the text is part of the program."""
        return not self.url

    @property
    def path(self) -> Path:
        """Path of the file; a downloaded text may not be there yet."""
        return (Path(__file__).parent.parent / "plays" if self.bundled else data_folder() / "texts") / self.file

    @property
    def here(self) -> bool:
        """Whether the file exists and has the right size. Its hash is checked when it is read."""
        return self.path.is_file() and self.size in (0, self.path.stat().st_size)

    def path_here(self) -> Path:
        """Return the path of the file.

        Raises:
            UserError: the text was not downloaded yet.
        """
        if not self.here:
            raise UserError(
                f"{self.title} are not here yet. Fetch them with `charlstm-tui corpus fetch`, or with f on the Train "
                "screen; or name another text."
            )
        return self.path


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
    # The course's file, at a fixed commit.
    url=f"https://raw.githubusercontent.com/{_COURSE}/fr/05_NLP/moliere.txt",
    sha256="9589b888061b947f572349272728147e6de1c34887a1298c92563e7cb1f10d28",
    size=1_723_219,
)
KNOWN: dict[str, KnownText] = {known.name: known for known in (MOLIERE, PLAY)}


def default_name() -> str:
    """Return the name of the default text: Molière's plays if they have been downloaded, otherwise the bundled play."""
    return MOLIERE.name if MOLIERE.here else PLAY.name
