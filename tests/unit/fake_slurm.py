"""Commands that answer as SLURM's do, in a PATH of their own, and a run's folder beside them."""

import os
from pathlib import Path

import pytest

from lethe.slurm import desk as desk_module
from lethe.slurm import submission
from lethe.slurm.desk import Desk

AWAY = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
TIMED_OUT = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"


class FakeSlurm:
    """Commands that answer as a test tells them; what they were called with is kept."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch):
        self.folder, self.binaries = folder, folder / "bin"
        self.binaries.mkdir()
        patch.setenv("PATH", os.pathsep.join([str(self.binaries), "/usr/bin", "/bin"]))
        # Backing off for real would make these tests wait.
        patch.setattr(desk_module, "FIRST_PAUSE", 0.01)
        patch.setattr(submission, "UNHEARD_SECONDS", 0.0)
        self.notices = folder / "notices"
        self.notices.touch()
        self.desk = Desk(folder / "run", str(self.notices))
        self.desk.folder.mkdir()
        self.said: list[str] = []
        patch.setattr(self.desk, "say", self.said.append)

    def answers(self, command: str, *answers: str) -> None:
        """The command answers so, a call at a time; the last one stays.

        An answer that begins with `!` is an error, said on stderr; others are printed.
        """
        for place, answer in enumerate(answers):
            (self.folder / f"{command}-{place}").write_text(answer)
        calls = self.folder / f"{command}-calls"
        calls.write_text("")
        path = self.binaries / command
        path.write_text(
            f"""#!/bin/sh
place=$(grep -c ^CALL {calls}); [ $place -lt {len(answers)} ] || place={len(answers) - 1}
echo "CALL $@" >> {calls}
env > {self.folder}/{command}-environment
case "$@" in */dev/stdin) cat > {self.folder}/{command}-script;; esac
answer={self.folder}/{command}-$place
if [ "$(head -c 1 $answer)" = "!" ]; then tail -c +2 $answer >&2; exit 1; fi
cat $answer
"""
        )
        path.chmod(0o755)

    def calls(self, command: str) -> list[str]:
        """What each call was given, in one line each."""
        told = (self.folder / f"{command}-calls").read_text()
        return [call.strip() for call in told.split("CALL ")[1:]]

    def environment(self, command: str) -> str:
        return (self.folder / f"{command}-environment").read_text()
