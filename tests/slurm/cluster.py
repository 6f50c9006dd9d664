"""The reduced study in a folder of its own, run through the SLURM profile or on this machine."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from workflow_copy import copy_workflow

CONFIGS = ("config/test-nano.yaml", "config/test-slurm.yaml")
STUDY = "results/studies/slurm"
# As in the profile, but for jobs of ten seconds on one machine.
PROFILE = ["--profile", "profiles/slurm", "--latency-wait", "5"]
PROFILE += ["--seconds-between-status-checks", "2"]
PROFILE += ["--slurm-init-seconds-before-status-checks", "13"]
LOCAL = ["--cores", "2"]
CLUSTER = "lethe"  # ClusterName in slurm.conf.in
HOW = "`tests/slurm/start-slurm.sh` installs and starts a small one (Debian, as root)"
WAIT_SECONDS = 600
AWAY = "Unable to contact slurm controller (connect failure)"


def why_no_slurm() -> str | None:
    """A sentence that says why the tests cannot run here and what to do; None if they can."""
    if shutil.which("sbatch") is None:
        return f"the tests of the cluster need SLURM, and there is no sbatch: {HOW}."
    told = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True)
    if told.returncode:
        return f"the tests of the cluster need SLURM, and its controller does not answer: {HOW}."
    if not re.search(rf"^ClusterName\s*= {CLUSTER}$", told.stdout, re.M):
        return f"the tests of the cluster submit nothing to a real one; on another machine {HOW}."
    return None


@dataclass(frozen=True)
class Stopped:
    """A stage's process that a fault has stopped: its number, its environment, its SLURM job."""

    pid: int
    environment: dict[str, str]
    job: str
    node: str


class Study:
    """A copy of the workflow and the Snakemake that runs in it.

    of: a study that was run, whose models' bases and data are copied too.
    """

    def __init__(self, folder: Path, of: "Study | None" = None) -> None:
        self.folder, self.mark = folder, str(uuid.uuid4())
        if of is None:
            copy_workflow(folder)
            return
        shutil.copytree(of.folder, folder, ignore=shutil.ignore_patterns("driver.log"))
        for made in ("stages", "scores", "studies"):
            shutil.rmtree(folder / "results" / made)

    def start(self, *arguments: str, **variables: str) -> None:
        """Snakemake in the background; what it says goes to driver.log."""
        clean = {name: text for name, text in os.environ.items() if not name.startswith("LETHE_")}
        # Not from here, so that jobs can only have them from the workflow.
        for name in ("PYTHONPATH", "HF_HUB_OFFLINE", "OMP_NUM_THREADS"):
            clean.pop(name, None)
        with open(self.folder / "driver.log", "ab") as log:
            self.driver = subprocess.Popen(
                [sys.executable, "-m", "snakemake", "--configfile", *CONFIGS, *arguments],
                cwd=self.folder,
                env={**clean, "LETHE_TEST_MARK": self.mark, **variables},
                stdout=log,
                stderr=log,
            )

    def finish(self, held: tuple[str, ...] = ()) -> None:
        """Wait for the end; AssertionError with the log if it was not a good one.

        Stages that the fault stops go on at once, but for those of the SLURM jobs `held`.
        """
        end = time.monotonic() + WAIT_SECONDS
        while self.driver.poll() is None and time.monotonic() < end:
            for stage in self.stopped():
                if stage.job not in held:
                    os.kill(stage.pid, signal.SIGCONT)
            time.sleep(0.2)
        assert self.driver.poll() == 0, self.log()

    def has_nothing_to_do_here(self) -> bool:
        """Whether a run on this machine would make nothing anew."""
        self.start(*LOCAL, "--dry-run")
        assert self.driver.wait(WAIT_SECONDS) == 0, self.log()
        return "Nothing to be done" in self.log()

    def log(self) -> str:
        return (self.folder / "driver.log").read_text(errors="replace")

    def said(self) -> str:
        """What the run told its user of SLURM."""
        return "\n".join(line for line in self.log().splitlines() if line.startswith("lethe: "))

    def lethe(self, *arguments: str) -> str:
        """What a verb prints in the study's folder."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "workflow")}
        call = [sys.executable, "-m", "lethe", *arguments]
        told = subprocess.run(
            call, cwd=self.folder, env=environment, capture_output=True, text=True, check=True
        )
        return told.stdout

    def kill_driver(self) -> None:
        self.driver.kill()
        self.driver.wait()

    def jobs(self) -> dict[str, list[str]]:
        """SLURM job numbers in the order of submission, by node, group or rule."""
        found: dict[str, list[str]] = {}
        for number, log in re.findall(r"SLURM jobid (\d+) \(log: (\S+)\)", self.log()):
            found.setdefault(Path(log).parent.name, []).append(number)
        return found

    def wait_until(self, is_true: Callable[[], object], what: str) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while not is_true():
            assert self.driver.poll() is None, f"ended before {what}:\n{self.log()}"
            assert time.monotonic() < end, f"waited in vain until {what}:\n{self.log()}"
            time.sleep(0.2)

    def stopped(self) -> list[Stopped]:
        """Stages that a fault has stopped."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_STOPPED:
                    continue
                environment, command = process.environ(), process.cmdline()
            except psutil.Error:
                continue
            if environment.get("LETHE_TEST_MARK") == self.mark and "stage" in command:
                node = command[command.index("stage") + 1]
                found.append(Stopped(process.pid, environment, environment["SLURM_JOB_ID"], node))
        return found

    def end(self) -> None:
        """End what may be left: the driver, and its jobs by their numbers."""
        if self.driver.poll() is None:
            self.driver.kill()
        left = [number for numbers in self.jobs().values() for number in numbers]
        if left:
            subprocess.run(["scancel", *left], check=False, capture_output=True)


class Refusals:
    """Commands before SLURM's own in PATH, which refuse while a test wants them to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("sbatch", "squeue"):
            path = folder / name
            path.write_text(
                f"#!/bin/sh\n[ ! -e {path}.says ] || {{ cat {path}.says >&2; exit 1; }}\n"
                f'exec {shutil.which(name)} "$@"\n'
            )
            path.chmod(0o755)
        self.path = os.pathsep.join([str(folder), os.environ["PATH"]])

    def begin(self, command: str, says: str = AWAY) -> None:
        (self.folder / f"{command}.says").write_text(f"{command}: error: {says}\n")

    def end(self, command: str) -> None:
        (self.folder / f"{command}.says").unlink()


def told_of(job: str) -> dict[str, str]:
    """What SLURM knows of a job: JobState, TimeLimit, TresPerJob, ..."""
    told = subprocess.run(
        ["scontrol", "--oneliner", "show", "job", job], capture_output=True, text=True, check=True
    )
    return dict(word.split("=", 1) for word in told.stdout.split() if "=" in word)
