"""A user's own tool for an index, pip or npm: what it answers, as an archive or as a sentence."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lethe.errors import UserError


def run_tool(command: list[str], folder: Path | None = None) -> subprocess.CompletedProcess:
    """Run a command that is asked nothing; what it says in text."""
    return subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )


@dataclass(frozen=True)
class Tool:
    """A tool, the index that it asks, and how it words what went wrong.

    settings: the command that lists its settings. error: a line of an error; its group is the
    words. absent, unreached, full: in what it says of a package that is not there, of a network
    that does not answer, and of a disk without room.
    """

    name: str
    index: str
    settings: str
    error: re.Pattern
    absent: tuple[str, ...]
    unreached: tuple[str, ...]
    full: str

    def archive(
        self, result: subprocess.CompletedProcess, folder: Path, pattern: str, package: dict
    ) -> Path:
        """The archive that the tool wrote into a folder.

        Raises:
            UserError: it wrote none.
        """
        found = sorted(folder.glob(pattern))
        if result.returncode == 0 and found:
            return found[0]
        said, what = f"{result.stdout}\n{result.stderr}", _named(package)
        if self.full in said:
            raise UserError(
                f"no space is left on the disk for the {what}; free some in {folder}, where TMPDIR "
                f"is and in the cache of {self.name}, and run again."
            )
        if any(words in said for words in self.unreached):
            raise UserError(
                f"{self.name} cannot reach {self.index} to fetch the {what}: fetch on a machine "
                "with network access (`lethe fetch NODE`), or correct the index in "
                f"{self.name}'s settings (`{self.settings}`)."
            )
        if any(words in said for words in self.absent):
            raise self.not_served(package)
        raise UserError(
            f"{self.name} could not fetch the {what}: {self.reason(said)}; correct "
            f"{self.name}'s settings (`{self.settings}`), or `package` in the catalogue."
        )

    def not_served(self, package: dict) -> UserError:
        """The error of an index that does not have the archive."""
        return UserError(
            f"{self.index} serves no {_named(package)}; correct `package` in the catalogue, or "
            f"name an index that has it in {self.name}'s settings (`{self.settings}`)."
        )

    def reason(self, said: str) -> str:
        """The last line of an error, else the last line of all: of a traceback, that is its end."""
        lines = [line for line in said.splitlines() if line.strip()] or ["it did not say why"]
        errors = [match[1] for line in lines if (match := self.error.match(line))]
        return (errors or lines)[-1].strip().rstrip(".")


def _named(package: dict) -> str:
    return f"{package['archive']} of {package['name']} {package['version']}"
