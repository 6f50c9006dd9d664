"""Run the reduced study, stop it at a chosen point, kill a part of it, run it again, compare."""

import gzip
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from workflow_copy import copy_workflow

NANO = "config/test-nano.yaml"
SWITCH = "LETHE_FORKSERVER"
WAIT_SECONDS = 300
# What differs between runs of the same stage.
TIMES = (b",cost.seconds,", b",cost.cpu_seconds,", b",cost.peak_memory,")
DEATH_SECONDS = 60


@dataclass(frozen=True)
class Kill:
    """Where the run is stopped, and which process is killed there: job, driver or both."""

    name: str
    what: str
    fault: str
    snapshot_seconds: float = 1000.0
    forked: bool = True


class Run:
    """A copy of the workflow in a folder of its own, and the processes that it starts."""

    def __init__(
        self,
        folder: Path,
        data_from: Path | None = None,
        targets: tuple[str, ...] = (),
        study: str = NANO,
    ) -> None:
        self.folder, self.targets, self.study = folder, targets, study
        self.mark = f"LETHE_TEST_MARK={uuid.uuid4()}"
        if not (folder / "Snakefile").exists():
            copy_workflow(folder)
        if data_from is not None:
            for part in ("data", "specs"):
                shutil.copytree(data_from / "results" / part, folder / "results" / part)

    def start(self, kill: Kill | None = None, forked: bool = True) -> subprocess.Popen:
        """Snakemake in the background, with the fault of a kill laid in its jobs."""
        name, _, value = self.mark.partition("=")
        clean = {key: text for key, text in os.environ.items() if not key.startswith("LETHE_")}
        environment = clean | {name: value, SWITCH: "1" if forked else "0"}
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *self.targets]
        command += ["--configfile", self.study]
        if kill is not None:
            environment |= {"LETHE_FAULT": kill.fault, SWITCH: "1" if kill.forked else "0"}
            command += ["--config", f"snapshot_seconds={kill.snapshot_seconds}"]
        with open(self.folder / "driver.log", "ab") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log
            )

    def finish(self, forked: bool = True) -> int:
        """What `make figures` does: unlock, then run to the end; the exit status."""
        unlock = [sys.executable, "-m", "lethe", "unlock"]
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "workflow")}
        with open(self.folder / "driver.log", "ab") as log:
            unlocked = subprocess.run(
                unlock, cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        return unlocked.returncode or self.start(forked=forked).wait(WAIT_SECONDS)

    def interrupt(self, kill: Kill) -> str:
        """Run until the fault stops a job, kill, and see that nothing outlives it.

        Returns the files that were being written at that moment.
        """
        driver = self.start(kill)
        job = self._stopped_job(driver)
        writing = sorted(path.name for path in self.folder.glob("results/**/.*.tmp"))
        if kill.what != "job":
            driver.kill()
        if kill.what != "driver":
            os.kill(job, signal.SIGKILL)
        else:
            # A stopped process would not notice; a real one goes on until it does.
            os.kill(job, signal.SIGCONT)
        end = time.monotonic() + WAIT_SECONDS
        while driver.poll() is None and time.monotonic() < end:
            for other in self.processes():  # later jobs that reached the same point
                if state(other) == "T":
                    os.kill(other, signal.SIGCONT)
            time.sleep(0.05)
        assert driver.poll() != 0, "a run whose job was killed must not look like success"
        end = time.monotonic() + DEATH_SECONDS
        while (left := self.processes()) and time.monotonic() < end:
            time.sleep(0.05)
        assert not left, f"processes outlived the killed {kill.what}: {left}"
        return ", ".join(name.split(".tmp")[0].strip(".").rsplit(".", 2)[0] for name in writing)

    def outcome(self) -> dict[str, str]:
        """sha256 of all weights and training logs, and of the content of all tables.

        Without measured times, which differ between any two runs.
        """
        results = self.folder / "results"
        patterns = ("bases/*/*.safetensors", "stages/*/*.safetensors", "*s/*/training.csv")
        patterns += ("studies/*/*.csv*", "studies/*/tables/*", "studies/*/figures/*.csv")
        digests = {}
        for pattern in patterns:
            for path in sorted(results.glob(pattern)):
                # Manifests record files with times, tables of compute show times.
                if path.suffix == ".json" or path.stem == "compute":
                    continue
                content = path.read_bytes()
                if path.suffix == ".gz":
                    content = gzip.decompress(content)
                if path.name == "stages.csv":
                    content = _without_times(content)
                digests[str(path.relative_to(results))] = hashlib.sha256(content).hexdigest()
        return digests

    def log(self) -> str:
        """Everything that the drivers of this folder have said."""
        return (self.folder / "driver.log").read_text(errors="replace")

    def end(self) -> None:
        """Kill whatever this run may have left, each process by its own number."""
        for process in self.processes():
            os.kill(process, signal.SIGKILL)

    def _stopped_job(self, driver: subprocess.Popen) -> int:
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            for process in self.processes():
                if state(process) == "T":
                    return process
            assert driver.poll() is None, f"the fault was never reached:\n{self.log()[-3000:]}"
            time.sleep(0.02)
        raise AssertionError("no job stopped in time")

    def processes(self) -> list[int]:
        """Every living process of this run: drivers, servers, shells and jobs."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                environment = Path(f"/proc/{entry}/environ").read_bytes()
            except OSError:
                continue
            if self.mark.encode() in environment and state(int(entry)) not in ("Z", "X"):
                found.append(int(entry))
        return found


def state(process: int) -> str:
    """The kernel's letter for what a process does; X if there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def _without_times(stages: bytes) -> bytes:
    lines = stages.splitlines(keepends=True)
    kept = [line for line in lines if not any(time in line for time in TIMES)]
    # Each measure once a stage; otherwise something else is left out.
    assert len(lines) - len(kept) == len(TIMES) * sum(b",cost.steps," in line for line in lines) > 0
    return b"".join(kept)
