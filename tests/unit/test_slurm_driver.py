"""A run calls the stand-ins of SLURM's commands, and finds what killed runs left in the queue."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_slurm import AWAY, FakeSlurm

from lethe.commands import unlock as unlock_module
from lethe.errors import UserError
from lethe.jobs.drivers import record_driver
from lethe.slurm import driver
from lethe.slurm.desk import PATIENCE
from lethe.slurm.driver import FOLDER, Left, entries, jobs_left
from lethe.slurm.records import Job, jobs_of, left, planned, remember, runs, write_plan

WORKFLOW = Path(__file__).parents[2] / "workflow"
OLD = Job("3", "old-run", ["stage:node=a-stage"], ["/made"], "values", 1.0)
DRIVE = """
import subprocess, time
from lethe.slurm.driver import begin, jobs_left
begin([], jobs_left())
for call in ("sbatch --parsable --job-name r", "sinfo -o %P"):
    print(subprocess.run(call, shell=True, capture_output=True, text=True).stdout, end="")
time.sleep(0.5)
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    return FakeSlurm(tmp_path, monkeypatch)


@pytest.fixture
def folder(tmp_path):
    """A workflow's folder in which a killed run has submitted a job."""
    remember(tmp_path / FOLDER, "old-run", OLD)
    return tmp_path


def test_a_run_calls_the_stand_ins_and_shows_what_they_say(slurm, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(WORKFLOW))
    slurm.answers("sbatch", f"!{AWAY}", "7\n")
    slurm.answers("squeue", "")
    slurm.answers("sinfo", "main*\n")
    told = subprocess.run(
        [sys.executable, "-c", DRIVE], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert told.stdout == "7\nmain*\n"
    assert "lethe: SLURM takes no job for now" in told.stderr and "again, after" in told.stderr
    assert [job.number for job in jobs_of(tmp_path / FOLDER, "r")] == ["7"]
    stand_ins = {path.name for path in (tmp_path / FOLDER / "commands").iterdir()}
    assert stand_ins >= {"sbatch", "squeue", "sinfo"}


def test_jobs_of_killed_runs_are_those_that_wait_or_run(slurm, folder):
    remember(folder / FOLDER, "old-run", Job("4", "old-run"))
    slurm.answers("squeue", "3|RUNNING\n4|FAILED\n")
    assert jobs_left(folder) == Left([OLD])


def test_an_array_is_at_work_as_long_as_one_of_its_tasks_is(slurm, folder):
    slurm.answers("squeue", "3_1|COMPLETED\n3_[2-9]|PENDING\n")
    assert jobs_left(folder) == Left([OLD])


def test_if_slurm_does_not_answer_all_that_is_remembered_may_be_at_work(slurm, folder, monkeypatch):
    monkeypatch.setattr(driver, "LOOK_SECONDS", 0.05)
    slurm.answers("squeue", f"!{AWAY}")
    assert jobs_left(folder) == Left([OLD], is_known=False)


def test_without_earlier_jobs_slurm_is_not_asked(slurm, tmp_path):
    slurm.answers("squeue", "")
    assert jobs_left(tmp_path) == Left([]) and not slurm.calls("squeue")


def test_where_slurm_is_gone_nothing_is_left(folder, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert jobs_left(folder) == Left([])


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_a_wrong_patience_is_refused_at_the_start(tmp_path, monkeypatch, text):
    monkeypatch.setenv(PATIENCE, text)
    with pytest.raises(UserError, match=f"{PATIENCE}: expected seconds"):
        jobs_left(tmp_path)


def test_a_run_forgets_the_runs_that_left_nothing(slurm, folder, monkeypatch):
    remember(folder / FOLDER, "done-run", Job("1", "done-run"))
    monkeypatch.setenv("PATH", str(slurm.binaries))  # restored afterwards
    driver.begin([], Left([OLD]), folder)
    assert runs(folder / FOLDER) == ["old-run"] and left(folder / FOLDER) == [OLD]


def test_a_line_that_a_kill_cut_short_is_left_out(folder):
    with open(folder / FOLDER / "old-run.jsonl", "a") as file:
        file.write('{"number": "4", "ru')
    assert jobs_of(folder / FOLDER, "old-run") == [OLD]


def test_a_job_of_the_plan_is_found_by_snakemakes_words_for_it(tmp_path):
    job = SimpleNamespace(
        rule=SimpleNamespace(name="stage"),
        wildcards_dict={"node": "a-stage"},
        params={"code": "c"},
        output=["results/stage.json"],
    )
    write_plan(tmp_path, dict(entries(job)))
    found = planned(tmp_path, "run", ["stage:node=a-stage"])
    assert found.outputs == [str(Path("results/stage.json").absolute())] and found.params
    assert planned(tmp_path, "run", ["stage:node=another"]).outputs == []
    job.params["code"] = "d"
    write_plan(tmp_path, dict(entries(job)))
    assert planned(tmp_path, "run", ["stage:node=a-stage"]).params != found.params


def unlock(folder, *arguments):
    parser = unlock_module.argparse.ArgumentParser()
    unlock_module.add_arguments(parser)
    unlock_module.run(parser.parse_args(["--directory", str(folder), *arguments]))


def test_unlock_lists_what_a_killed_run_left_in_the_queue(slurm, folder, capsys):
    slurm.answers("squeue", "3|PENDING\n")
    unlock(folder)
    told = capsys.readouterr().out
    assert "SLURM job 3: stage a-stage" in told and "--cancel" in told


def test_unlock_cancels_it_if_asked_to(slurm, folder, capsys):
    slurm.answers("squeue", "3|PENDING\n", "3|CANCELLED\n")
    slurm.answers("scancel", "")
    unlock(folder, "--cancel")
    assert slurm.calls("scancel") == ["3"] and "cancelled" in capsys.readouterr().out


def test_unlock_cancels_nothing_while_slurm_does_not_answer(slurm, folder, monkeypatch):
    monkeypatch.setattr(driver, "LOOK_SECONDS", 0.05)
    slurm.answers("squeue", f"!{AWAY}")
    slurm.answers("scancel", "")
    with pytest.raises(UserError, match="nothing was cancelled"):
        unlock(folder, "--cancel")
    assert not slurm.calls("scancel")


def test_unlock_does_not_wait_for_ever_for_jobs_that_do_not_end(slurm, folder, monkeypatch):
    monkeypatch.setattr(driver, "CANCEL_SECONDS", 0.05)
    slurm.answers("squeue", "3|COMPLETING\n")
    slurm.answers("scancel", "")
    with pytest.raises(UserError, match="squeue --me"):
        unlock(folder, "--cancel")


def test_unlock_leaves_the_jobs_of_a_run_in_progress_alone(slurm, folder, capsys):
    record_driver(folder)
    slurm.answers("squeue", "3|RUNNING\n")
    slurm.answers("scancel", "")
    unlock(folder, "--cancel")
    assert not slurm.calls("scancel") and not capsys.readouterr().out
