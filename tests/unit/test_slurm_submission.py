"""A job is submitted once, however SLURM answers, and a killed run's job is not made again."""

import io
import os
import sys

import pytest
from fake_slurm import AWAY, TIMED_OUT, FakeSlurm

from lethe.slurm.desk import PATIENCE
from lethe.slurm.records import Job, jobs_of, remember, write_left, write_plan
from lethe.slurm.submission import submit, targets_of

NODE = "stage:node=a-stage"
COMMENT = "rule_stage_wildcards_a-stage"
ARGUMENTS = [
    *("--parsable", "--job-name", "this-run", "--comment", COMMENT, "-t", "10"),
    f"--wrap=python -m snakemake --target-jobs '{NODE}' --allowed-rules stage --cores 1",
]


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    return FakeSlurm(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "reason",
    [
        "Unable to contact slurm controller (connect failure)",
        TIMED_OUT,
        "sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job "
        "violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
        "sbatch: error: QOSMaxSubmitJobPerUserLimit",
        "Slurm backup controller in standby mode",
        "sbatch: error: Batch job submission failed: Protocol authentication error",
    ],
)
def test_a_job_that_is_refused_for_now_is_submitted_in_the_end_and_that_is_said_once(
    slurm, capsys, reason
):
    slurm.answers("sbatch", f"!{reason}", f"!{reason}", "7\n")
    slurm.answers("squeue", "")
    assert submit(slurm.desk, ARGUMENTS) == 0
    assert capsys.readouterr().out == "7\n"
    assert len(slurm.calls("sbatch")) == 3
    away, back = slurm.said
    assert reason.splitlines()[0] in away and "again" in back


@pytest.mark.parametrize(
    "reason",
    [
        "sbatch: error: invalid partition specified: nowhere",
        "sbatch: error: Batch job submission failed: Invalid account or account/partition "
        "combination specified",
        "sbatch: unrecognized option '--nonsense'",
        "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job "
        "submit limit, user's size and/or time limits)",
        "sbatch: error: Batch job submission failed: Requested node configuration is not available",
    ],
)
def test_a_job_that_can_never_be_submitted_fails_at_once_with_slurms_reason(slurm, capsys, reason):
    slurm.answers("sbatch", f"!{reason}", "7\n")
    assert submit(slurm.desk, ARGUMENTS) == 1
    assert reason in capsys.readouterr().err
    assert len(slurm.calls("sbatch")) == 1 and not slurm.said


def test_a_job_is_given_up_with_slurms_reason_when_the_patience_is_over(slurm, capsys, monkeypatch):
    monkeypatch.setenv(PATIENCE, "0.05")
    slurm.answers("sbatch", f"!{AWAY}")
    assert submit(slurm.desk, ARGUMENTS) == 1
    assert AWAY in capsys.readouterr().err


def test_a_job_that_slurm_took_although_the_call_timed_out_is_not_submitted_twice(slurm, capsys):
    slurm.answers("sbatch", f"!{TIMED_OUT}", "8\n")
    slurm.answers("squeue", f"!{AWAY}", f"6|rule_data_wildcards_x\n7|{COMMENT}\n")
    assert submit(slurm.desk, ARGUMENTS) == 0
    assert capsys.readouterr().out == "7\n" and len(slurm.calls("sbatch")) == 1
    assert [job.number for job in jobs_of(slurm.desk.folder, "this-run")] == ["7"]


def test_a_job_of_which_nobody_knows_whether_slurm_took_it_is_not_submitted_again(
    slurm, monkeypatch
):
    monkeypatch.setenv(PATIENCE, "0.2")
    slurm.answers("sbatch", f"!{TIMED_OUT}", "8\n")
    slurm.answers("squeue", f"!{AWAY}")
    assert submit(slurm.desk, ARGUMENTS) == 1
    assert len(slurm.calls("sbatch")) == 1


def test_an_earlier_try_of_the_same_job_is_not_taken_for_a_lost_submission(slurm, capsys):
    remember(slurm.desk.folder, "this-run", Job("7", "this-run", [NODE]))
    slurm.answers("sbatch", f"!{TIMED_OUT}", "8\n")
    slurm.answers("squeue", f"7|{COMMENT}\n")
    assert submit(slurm.desk, ARGUMENTS) == 0
    assert capsys.readouterr().out == "8\n"


def test_a_script_on_standard_input_reaches_every_try(slurm, monkeypatch):
    script = f"#!/bin/sh\npython -m snakemake --target-jobs '{NODE}' --cores 1"
    monkeypatch.setattr(sys, "stdin", io.StringIO(script))
    slurm.answers("sbatch", f"!{AWAY}", "7\n")
    assert submit(slurm.desk, [*ARGUMENTS[:-1], "/dev/stdin"]) == 0
    assert (slurm.folder / "sbatch-script").read_text() == script
    assert jobs_of(slurm.desk.folder, "this-run")[0].targets == [NODE]


def test_jobs_inherit_neither_the_stand_ins_nor_what_is_the_drivers(slurm, monkeypatch):
    monkeypatch.setenv("PATH", os.pathsep.join([str(slurm.desk.commands), os.environ["PATH"]]))
    monkeypatch.setenv("LETHE_DRIVER", "1 2 3")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    slurm.answers("sbatch", "7\n")
    assert submit(slurm.desk, ARGUMENTS) == 0
    told = slurm.environment("sbatch")
    assert str(slurm.desk.commands) not in told and "LETHE_DRIVER" not in told
    assert "OMP_NUM_THREADS=1" in told


@pytest.fixture
def left(slurm):
    """What a killed run left: a job that makes the node; this run would make it likewise."""

    def leave(params):
        old = Job("3", "old-run", [NODE], [str(slurm.folder / "made")], params, 0.0)
        remember(slurm.desk.folder, "old-run", old)
        write_left(slurm.desk.folder, [old])
        entry = {"outputs": old.outputs, "params": "as now"}
        write_plan(slurm.desk.folder, {NODE: entry})
        slurm.answers("sbatch", "7\n")
        return old

    return leave


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "COMPLETING", "SUSPENDED", "COMPLETED"])
def test_a_killed_runs_job_that_makes_the_same_is_taken_over(slurm, left, capsys, state):
    left("as now")
    slurm.answers("squeue", f"3|{state}\n")
    assert submit(slurm.desk, ARGUMENTS) == 0
    assert capsys.readouterr().out == "3\n" and not slurm.calls("sbatch")
    assert [job.run for job in jobs_of(slurm.desk.folder, "this-run")] == ["old-run"]


def test_a_killed_runs_job_that_slurm_forgot_is_taken_over_if_its_work_is_there(
    slurm, left, capsys
):
    left("as now")
    (slurm.folder / "made").touch()
    slurm.answers("squeue", "")
    assert submit(slurm.desk, ARGUMENTS) == 0
    assert capsys.readouterr().out == "3\n"


@pytest.mark.parametrize("answer", ["", "3|FAILED\n", "3|CANCELLED\n", "3|TIMEOUT\n"])
def test_a_killed_runs_job_that_failed_is_made_anew(slurm, left, capsys, answer):
    left("as now")
    slurm.answers("squeue", answer)
    assert submit(slurm.desk, ARGUMENTS) == 0
    assert capsys.readouterr().out == "7\n"


def test_a_job_that_was_taken_over_and_failed_is_not_taken_over_again(slurm, left, capsys):
    left("as now")
    slurm.answers("squeue", "3|RUNNING\n")
    assert submit(slurm.desk, ARGUMENTS) == submit(slurm.desk, ARGUMENTS) == 0
    assert capsys.readouterr().out == "3\n7\n"


def test_a_killed_runs_job_with_other_values_or_code_is_cancelled_first(slurm, left, capsys):
    left("as then")
    slurm.answers("scancel", "")
    slurm.answers("squeue", "3|RUNNING\n", "3|COMPLETING\n", "3|CANCELLED\n")
    assert submit(slurm.desk, ARGUMENTS) == 0
    assert capsys.readouterr().out == "7\n"
    assert slurm.calls("scancel") == ["3"] and len(slurm.calls("squeue")) == 3


def test_a_job_that_cannot_be_noted_is_submitted_all_the_same(slurm, capsys):
    (slurm.desk.folder / "this-run.jsonl").mkdir()
    slurm.answers("sbatch", "7\n")
    assert submit(slurm.desk, ARGUMENTS) == 0
    assert capsys.readouterr().out == "7\n" and "not noted" in slurm.said[0]


def test_what_a_job_makes_is_read_from_the_snakemake_call_in_it():
    command = "cd /x && python -m snakemake --target-jobs collect: 'stage:node=a b' --cores 1"
    assert targets_of(command) == ["collect:", "stage:node=a b"]
    assert targets_of("python -m snakemake 'half a quote") == []
