"""A SLURM job knows when its time ends, and goes back into the queue only when that is right."""

import os
from datetime import datetime

import pytest
from fake_slurm import FakeSlurm

from lethe.slurm import own_job
from lethe.slurm.own_job import END, JOB, announce_end, put_back

TOLD = "JobId=7 JobState={} Restarts={} TimeLimit=00:10:00 EndTime={} Deadline=N/A\n"
LIMIT = "2026-11-25T23:59:30"
SECONDS = str(int(datetime.fromisoformat(LIMIT).timestamp()))


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    for name in (END, JOB, "SLURM_JOB_END_TIME"):
        monkeypatch.setenv(name, "")  # so that what a test sets is undone
        monkeypatch.delenv(name)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr(own_job.time, "sleep", lambda seconds: None)
    slurm = FakeSlurm(tmp_path, monkeypatch)
    slurm.answers("scontrol", TOLD.format("RUNNING", 0, LIMIT))
    return slurm


def test_a_job_learns_its_end_from_slurm(slurm):
    announce_end()
    assert (os.environ[END], os.environ[JOB]) == (SECONDS, "7")
    assert slurm.calls("scontrol") == ["--oneliner show job 7"]


def test_slurm_is_asked_once_for_all_processes_of_a_job(slurm):
    announce_end()
    announce_end()
    assert len(slurm.calls("scontrol")) == 1


def test_slurms_own_variable_is_believed_where_there_is_one(slurm, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_END_TIME", "123")
    announce_end()
    assert os.environ[END] == "123" and not slurm.calls("scontrol")


def test_a_job_started_within_another_does_not_keep_the_others_end(slurm, monkeypatch):
    monkeypatch.setenv(JOB, "6")
    monkeypatch.setenv(END, "1")
    announce_end()
    assert (os.environ[END], os.environ[JOB]) == (SECONDS, "7")


@pytest.mark.parametrize("told", ["!slurm_load_jobs error", TOLD.format("RUNNING", 0, "Unknown")])
def test_without_a_known_end_none_is_announced(slurm, told):
    slurm.answers("scontrol", told)
    announce_end()
    assert END not in os.environ and os.environ[JOB] == "7"


def test_outside_slurm_nothing_is_announced_and_nothing_put_back(slurm, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID")
    announce_end()
    put_back()
    assert END not in os.environ and not slurm.calls("scontrol")


def test_a_job_that_runs_goes_back_into_the_queue(slurm):
    announce_end()
    put_back()
    assert slurm.calls("scontrol")[-1] == "requeue 7"


@pytest.mark.parametrize(
    "told",
    [
        TOLD.format("CANCELLED", 0, LIMIT),
        TOLD.format("PREEMPTED", 0, LIMIT),
        TOLD.format("RUNNING", own_job.MOST_RESTARTS, LIMIT),
        "!slurm_load_jobs error",
    ],
)
def test_a_job_that_is_ended_or_gets_nowhere_does_not(slurm, told):
    announce_end()
    slurm.answers("scontrol", told)
    put_back()
    assert not [call for call in slurm.calls("scontrol") if "requeue" in call]


def test_an_allocation_that_holds_a_whole_run_is_never_put_back(slurm):
    put_back()  # SLURM_JOB_ID is set, and no job was announced
    assert not slurm.calls("scontrol")
