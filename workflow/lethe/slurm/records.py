"""What a run remembers of its jobs, so that its own questions and later runs find them.

In the folder: `RUN.jsonl`, one line a job, RUN being the name under which the plugin submits all
jobs of a run; `plan.json`, what each job of this run makes; `left.json`, jobs of earlier runs that
may still be at work.
"""

import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json, write_json
from lethe.errors import UserError

PLAN, LEFT = "plan.json", "left.json"
CLOCK_SECONDS = 60.0
"""By so much a file server's clock may be behind."""


@dataclass(frozen=True)
class Job:
    """One submitted job.

    number: SLURM's, without a task's.
    run: the name of the run that submitted it.
    targets: Snakemake's words for what it makes, RULE:WILDCARDS.
    outputs: files that are there once it has succeeded.
    params: digest of the values that its rules were called with.
    judged: whether squeue, asked here, would know it; not so on another cluster, or for an array.
    """

    number: str
    run: str
    targets: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    params: str = ""
    submitted: float = 0.0
    judged: bool = True

    def is_made(self) -> bool:
        """Whether everything that it makes was written after it was submitted."""
        try:
            times = [os.stat(path).st_mtime for path in self.outputs]
        except OSError:
            return False
        return bool(times) and min(times) >= self.submitted - CLOCK_SECONDS

    def words(self) -> str:
        """What it makes, for a reader."""
        made = [
            rule + (f" {values.split('=', 1)[-1]}" if values else "")
            for rule, _, values in (target.partition(":") for target in self.targets)
        ]
        return ", ".join(made) or "what was not noted"


def remember(folder: Path, run: str, job: Job) -> None:
    """Add a job to a run's."""
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps(asdict(job)) + "\n"
    # One write at the end of the file: submissions run beside one another.
    descriptor = os.open(folder / f"{run}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def jobs_of(folder: Path, run: str) -> list[Job]:
    """A run's jobs in the order of submission; a line that a kill cut short is left out."""
    try:
        lines = (folder / f"{run}.jsonl").read_text(errors="replace").splitlines()
    except OSError:
        return []
    return list(_jobs(lines))


def _jobs(lines: Iterable[str]) -> Iterable[Job]:
    for line in lines:
        try:
            yield Job(**json.loads(line))
        except (ValueError, TypeError):
            continue


def runs(folder: Path) -> list[str]:
    """Names of the runs that are remembered."""
    return sorted(path.stem for path in folder.glob("*.jsonl"))


def forget(folder: Path, run: str) -> None:
    (folder / f"{run}.jsonl").unlink(missing_ok=True)


def write_plan(folder: Path, plan: dict[str, dict[str, Any]]) -> None:
    """Keep what each job of a run makes: {target: {"outputs": [...], "params": digest}}."""
    write_json(folder / PLAN, plan, indent=None)


def planned(folder: Path, run: str, targets: list[str]) -> Job:
    """A job that is about to be submitted; without outputs if the plan does not know it."""
    plan = _read(folder / PLAN, {})
    entries = [plan.get(target) for target in targets]
    job = Job("", run, targets, submitted=time.time())
    if not entries or None in entries:
        return job
    outputs = [path for entry in entries for path in entry["outputs"]]
    params = " ".join(entry["params"] for entry in entries)
    return Job("", run, targets, outputs, params, job.submitted)


def write_left(folder: Path, jobs: list[Job]) -> None:
    """Keep the jobs of earlier runs that this run may take over."""
    write_json(folder / LEFT, [asdict(job) for job in jobs])


def left(folder: Path) -> list[Job]:
    return [Job(**entry) for entry in _read(folder / LEFT, [])]


def _read(path: Path, otherwise: Any) -> Any:
    try:
        return read_json(path)
    except UserError:
        return otherwise
