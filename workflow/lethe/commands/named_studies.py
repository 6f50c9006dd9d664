"""Studies as a user names them: by their file, their folder or their name."""

import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from lethe.artefacts.paths import PROJECT, study_directory
from lethe.commands.missing_chains import missing_chains
from lethe.config.reading import DEFAULT, read_catalogue, read_study
from lethe.errors import UserError, guess, shown, some_of
from lethe.terminal import paint

FILE = "study.yaml"
"""What `lethe init` writes into a folder."""
ENDINGS = (".yaml", ".yml")
RESULTS = Path("results")
PLACES = (Path("."), Path("config"), PROJECT / "config")
"""Folders whose files may say `study: NAME`."""
TITLE = re.compile(r"^study:[ \t]*[\"']?([A-Za-z0-9_.-]+)", re.MULTILINE)
HELP = "its file, its name, or its folder: results/studies/NAME, a kept or assembled one"


def study_file(text: str) -> Path:
    """The file of a study that is given by its file, the folder it lies in, or its name.

    Raises:
        UserError: it is a name that no file here has, or several.
    """
    if (inside := Path(text) / FILE).is_file():
        return inside
    if not _is_name(text):
        return Path(text)
    found = [path for name, path in _titles() if name == text]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(map(str, found))
        raise UserError(f"{text}: several files have `study: {text}`; give one of {listed}.")
    made = study_directory(RESULTS, text)
    if made.is_dir():
        raise UserError(
            f"{text}: the study's results are in {made}, but no file here has `study: {text}`; "
            "give the file that it was run with."
        )
    hint = guess(text, (name for name, _ in _titles()))
    raise UserError(
        f"{shown(text)} is no file, and no file here or in config has `study: {text}`{hint or '.'}"
    )


def study_folder(text: str) -> Path:
    """The folder of a study's results, which may be given by its folder, its file or its name.

    Where a file is given that has chains without results, it says so.

    Raises:
        UserError: it is a name that has neither results nor a file, or a study that was not run.
    """
    path = Path(text)
    if (path / FILE).is_file():
        path = path / FILE
    elif _is_name(text):
        made = study_directory(RESULTS, text)
        path = made if made.is_dir() else study_file(text)
    if path.suffix in ENDINGS and path.is_file():
        study = read_study([path])
        path = study_directory(study.output, study.study)
        if not path.is_dir():
            raise UserError(
                f"study {study.study!r} has no results yet: there is no folder {path} (`lethe run "
                f"{text}` makes it)."
            )
        if missing := missing_chains(study, read_catalogue(study), path):
            print(f"{paint('Note:', 'yellow', sys.stderr)} {missing}", file=sys.stderr)
    return path


def _is_name(text: str) -> bool:
    """Whether it is a name alone, and neither a file nor a folder of a study has it.

    A folder that holds none, as one of data, gives way to the study whose name it has.
    """
    path = Path(text)
    if "/" in text or path.suffix in ENDINGS or path.is_file():
        return False
    if path.is_dir():
        holds_study = (path / FILE).is_file() or any(path.glob("scores.*"))
        return not holds_study and text in dict(_titles())
    return True


def require_named(folder: Path) -> None:
    """Refuse the default study, for which no file was named, where files of studies lie.

    Raises:
        UserError: names them, and how to run the default study.
    """
    if found := [path.name for _, path in _titles([folder])]:
        here = Path.cwd()
        default = DEFAULT.relative_to(here) if DEFAULT.is_relative_to(here) else DEFAULT
        raise UserError(
            f"expected the file of a study, as {some_of(found)} here, found none; "
            "the default study, which is run where no other lies, is "
            f"`lethe run {shlex.quote(str(default))}`."
        )


def _titles(places: Iterable[Path] = PLACES) -> Iterator[tuple[str, Path]]:
    """(Name, file) of every file of a study in some folders, each once."""
    seen = set()
    for place in places:
        for path in sorted(place.glob("*.y*ml")):
            if path.resolve() in seen or path.suffix not in ENDINGS:
                continue
            seen.add(path.resolve())
            found = TITLE.search(path.read_bytes().decode("utf-8", errors="replace"))
            if found:
                yield found[1], path
