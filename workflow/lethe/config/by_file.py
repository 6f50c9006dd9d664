"""Methods, tables and figures are found by their files: to add one is to add a file.

Files are read, not imported, so nothing heavy is loaded.
"""

import re

from lethe.artefacts.paths import PACKAGE
from lethe.errors import UserError
from lethe.parameters.sentences import require

# What a file of each room must define at its top level; other files are helpers.
DEFINES = {"methods": "METHOD", "tables": "build", "figures": "draw"}


def names_in(room: str) -> list[str]:
    """Names of all methods, tables or figures, sorted."""
    paths = sorted((PACKAGE / room).glob("*.py"))
    return [path.stem for path in paths if _defines(path.read_text(encoding="utf-8"), room)]


def require_file(where: str, room: str, name: str) -> None:
    """Refuse the name of a method, table or figure that has no file, or only a helper's.

    Raises:
        UserError: there is no file of that name, or it does not define what `DEFINES` demands.
    """
    path = PACKAGE / room / f"{name}.py"
    if not path.is_file():
        require(where, name, names_in(room))
    elif not _defines(path.read_text(encoding="utf-8"), room):
        raise UserError(
            f"{where}: {name!r} has a file, {path.relative_to(PACKAGE.parent)}, but it does not "
            f"define `{DEFINES[room]}`, as every file of {room} must."
        )


def _defines(text: str, room: str) -> bool:
    return re.search(rf"^(def )?{DEFINES[room]}\b\s*[(:=]", text, re.MULTILINE) is not None
