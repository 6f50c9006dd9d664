"""A copy of the workflow to run, to edit and to run again."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

NANO = "config/test-nano.yaml"


@dataclass(frozen=True)
class Project:
    """A folder with the workflow and, after `run`, its results."""

    folder: Path

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", NANO]
        done = subprocess.run(
            [*command, *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        return done

    def planned(self, *arguments: str) -> dict[str, int]:
        """Jobs by rule that a dry run would do."""
        told = self.snakemake("--dry-run", *arguments)
        text = told.stdout + told.stderr
        table = re.search(r"^Job stats:\njob\s+count\n[- ]+\n(.*?)\n\n", text, re.S | re.M)
        if table is None:
            assert "Nothing to be done" in text, text
            return {}
        counts = dict(line.split() for line in table[1].splitlines())
        return {rule: int(n) for rule, n in counts.items() if rule not in ("all", "total")}

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that must be there."""
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{name} no longer holds {old!r}"
        path.write_text(text.replace(old, new, 1))

    def lethe(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "lethe", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(self.folder / "workflow")},
        )
