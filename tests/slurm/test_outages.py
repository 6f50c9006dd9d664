"""The scheduler goes away, the driver is killed, a job ends early: nothing is lost or made twice.

`outages.py` beside this file has the long ones.
"""

import os
import signal
import subprocess

import pytest
from cluster import AWAY, PROFILE, Refusals, Study, told_of

from lethe.artefacts.files import read_json

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stage(local):
    """The manifest of one stage of the undisturbed run."""
    local.finish()
    return sorted((local.folder / "results/stages").glob("*/stage.json"))[0]


@pytest.fixture(scope="module")
def study(local, stage, tmp_path_factory):
    """One stage: its submission is refused; its driver is killed; the next one's squeue fails."""
    folder = tmp_path_factory.mktemp("outages")
    study, refusals = Study(folder / "study", of=local), Refusals(folder / "refusals")
    target = str(stage.relative_to(local.folder))
    arguments = [*PROFILE, target, "--config", "snapshot_seconds=0.01"]
    variables = {"PATH": refusals.path, "LETHE_FAULT": "stage/rename:1:stop"}
    try:
        refusals.begin("sbatch")
        study.start(*arguments, **variables)
        study.wait_until(lambda: "takes no job for now" in study.said(), "a refusal was said")
        refusals.end("sbatch")
        study.wait_until(study.stopped, "the stage was in training")
        study.kill_driver()
        study.unlocked = study.lethe("unlock")
        study.start(*arguments, **variables)
        study.wait_until(lambda: "takes over job" in study.said(), "the job was taken over")
        refusals.begin("squeue")
        study.wait_until(lambda: "SLURM does not answer" in study.said(), "a failure was said")
        refusals.end("squeue")
        end_early(study)
        study.finish()
        yield study
    finally:
        study.end()


def end_early(study: Study) -> None:
    """Ask the stage to save its state and stop; SLURM then starts its job again, soon."""
    stage = study.stopped()[0]
    subprocess.run(["scancel", "--signal=TERM", stage.job], check=True)
    os.kill(stage.pid, signal.SIGCONT)
    study.wait_until(lambda: told_of(stage.job)["JobState"] == "PENDING", "it was put back")
    # Left alone, it waits for two minutes; within a second, its node would take it for the old one.
    soon = ["scontrol", "update", f"JobId={stage.job}", "StartTime=now+10"]
    subprocess.run(soon, check=True)


def test_the_weights_are_those_of_an_undisturbed_run(study, local, stage):
    made = read_json(study.folder / stage.relative_to(local.folder))
    assert made["files"]["model.safetensors"] == read_json(stage)["files"]["model.safetensors"]


def test_one_job_has_made_the_stage_and_no_try_was_lost(study, stage):
    assert len(set(study.jobs()[stage.parent.name])) == 1
    assert " failed: " not in study.log()


def test_a_stage_that_saved_its_state_and_stopped_went_on_in_the_same_job(study, stage):
    assert told_of(study.jobs()[stage.parent.name][0])["Restarts"] == "1"


def test_the_user_is_told_of_both_outages_and_their_ends_once(study):
    said = study.said()
    assert said.count(AWAY) == 2
    assert said.count("SLURM answers sbatch again") == 1
    assert said.count("SLURM answers squeue again") == 1


def test_unlock_tells_what_the_killed_run_left_in_the_queue(study, stage):
    number = study.jobs()[stage.parent.name][0]
    assert "removed the lock" in study.unlocked
    assert f"SLURM job {number}: stage {stage.parent.name}" in study.unlocked
