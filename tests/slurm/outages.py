"""Long disturbances of a run through SLURM; each ends in the scores of an undisturbed run.

    python tests/slurm/outages.py FOLDER [NAME ...]    all of them, or some of those below

FOLDER is made. Minutes each; the quick ones are tests (`test_outages.py`).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from cluster import LOCAL, PROFILE, STUDY, Refusals, Study, told_of, why_no_slurm  # noqa: E402

from lethe.artefacts.files import read_json  # noqa: E402

SCORES = f"{STUDY}/scores.csv"
OUTAGE_SECONDS = 60
STATE = Path(os.environ.get("LETHE_SLURM_STATE", "/tmp/lethe-slurm"))


def stages(study: Study) -> list[str]:
    """Numbers of the jobs that train stages."""
    specs = study.folder / "results" / "specs"
    return [
        number
        for node, numbers in study.jobs().items()
        if (specs / f"{node}.json").exists()
        and read_json(specs / f"{node}.json")["kind"] == "stage"
        for number in numbers
    ]


def wait_for_stages(study: Study) -> None:
    study.wait_until(lambda: len(stages(study)) >= 2, "two stages were submitted")


def refused_submissions(study: Study, refusals: Refusals) -> None:
    """sbatch fails for a minute."""
    refusals.begin("sbatch")
    study.start(*PROFILE, SCORES, PATH=refusals.path)
    time.sleep(OUTAGE_SECONDS)
    refusals.end("sbatch")


def failing_questions(study: Study, refusals: Refusals) -> None:
    """squeue fails for a minute while jobs end."""
    study.start(*PROFILE, SCORES, PATH=refusals.path)
    wait_for_stages(study)
    refusals.begin("squeue")
    time.sleep(OUTAGE_SECONDS)
    refusals.end("squeue")


def stopped_controller(study: Study, refusals: Refusals) -> None:
    """slurmctld is stopped for a minute while stages train."""
    study.start(*PROFILE, SCORES)
    wait_for_stages(study)
    os.kill(int((STATE / "slurmctld.pid").read_text()), signal.SIGTERM)
    time.sleep(OUTAGE_SECONDS)
    subprocess.run([str(HERE / "start-slurm.sh")], check=True)


def forgotten_jobs(study: Study, refusals: Refusals) -> None:
    """Jobs end and are purged while the driver does not look."""
    configuration = STATE / "slurm.conf"
    before = configuration.read_text()
    try:
        configuration.write_text(before.replace("MinJobAge=300", "MinJobAge=2"))
        subprocess.run(["scontrol", "reconfigure"], check=True)
        study.start(*PROFILE, SCORES)
        wait_for_stages(study)
        study.driver.send_signal(signal.SIGSTOP)
        ask = ["squeue", "--noheader", "--states=all", "--format=%i"]
        while set(stages(study)) & set(subprocess.check_output(ask, text=True).split()):
            time.sleep(1)
        study.driver.send_signal(signal.SIGCONT)
    finally:
        configuration.write_text(before)
        subprocess.run(["scontrol", "reconfigure"], check=True)


def killed_driver(study: Study, refusals: Refusals) -> None:
    """The driver is killed while two stages train, and started again."""
    arguments = [*PROFILE, SCORES, "--config", "snapshot_seconds=0.01"]
    study.start(*arguments, LETHE_FAULT="stage/rename:1:stop")
    study.wait_until(lambda: len(study.stopped()) == 2, "two stages were in training")
    study.kill_driver()
    print(study.lethe("unlock"), end="")
    study.start(*arguments)


def short_limit(study: Study, refusals: Refusals) -> None:
    """The time of two stages is nearly over before their training is; SLURM starts them again."""
    limit = ["--set-resources", "stage:runtime=3", "--config", "snapshot_seconds=0.01"]
    study.start(*PROFILE, SCORES, *limit, LETHE_FAULT="stage/rename:1:stop")
    study.wait_until(lambda: len(study.stopped()) == 2, "two stages were in training")
    ends = [float(stage.environment["LETHE_END"]) for stage in study.stopped()]
    # Less is left then than a stage leaves itself to save its state.
    time.sleep(max(0.0, max(ends) - 20 - time.time()))


FAULTS: dict[str, Callable[[Study, Refusals], None]] = {
    fault.__name__: fault
    for fault in (
        *(refused_submissions, failing_questions, stopped_controller, forgotten_jobs),
        *(killed_driver, short_limit),
    )
}


def disturb(name: str, folder: Path, local: Study) -> None:
    """One fault. AssertionError if the run does not end well, or with other scores."""
    began = time.monotonic()
    study = Study(folder / name, of=local)
    try:
        FAULTS[name](study, Refusals(folder / f"{name}-commands"))
        study.finish()
    finally:
        study.end()
    seconds = time.monotonic() - began
    print(study.said())
    assert (study.folder / SCORES).read_text() == (local.folder / SCORES).read_text()
    numbers = set(stages(study))
    again = [told_of(number).get("Restarts") for number in numbers if name != "forgotten_jobs"]
    assert len(numbers) == 2, f"{len(numbers)} jobs for two stages"
    print(f"{name}: the same scores, no try lost, {seconds:.0f} s; restarts: {again}\n")


def main() -> None:
    if reason := why_no_slurm():
        sys.exit(reason)
    folder, *names = sys.argv[1:]
    local = Study(Path(folder) / "undisturbed")
    local.start(*LOCAL, SCORES)
    local.finish()
    for name in names or FAULTS:
        disturb(name, Path(folder), local)


if __name__ == "__main__":
    main()
