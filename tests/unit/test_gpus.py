"""A job gets the GPUs that it asked for, for itself alone, or refuses before it works."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lethe.errors import UserError
from lethe.jobs import announced, gpus

WORKFLOW = Path(__file__).parents[2] / "workflow"
# A job on a made-up machine: its GPUs are those of the second argument.
JOB = (
    "import os, sys, time; from pathlib import Path; from lethe.jobs import gpus\n"
    "folder, pool, seconds = sys.argv[1:4]\n"
    "gpus._folder = lambda: Path(folder)\n"
    "gpus.visible_gpus = lambda: pool.split(',')\n"
    "gpus.take_asked_gpus()\n"
    "print(os.environ.get(gpus.VISIBLE), flush=True)\n"
    "time.sleep(float(seconds))\n"
)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Make a machine of this many GPUs, as torch would count them."""
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.delenv("LETHE_DRIVER", raising=False)
    for variable in (gpus.VISIBLE, gpus.SHARE, gpus.SEEN):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(gpus, "_folder", lambda: tmp_path)

    def of(count: int) -> None:
        monkeypatch.setattr(gpus, "COUNT", f"print({count})")

    return of


def begin(folder: Path, pool: str, seconds: float, **variables: str) -> subprocess.Popen:
    clean = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return subprocess.Popen(
        [sys.executable, "-c", JOB, str(folder), pool, str(seconds)],
        cwd=WORKFLOW,
        env={**clean, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def waits(job: subprocess.Popen, for_what: str) -> bool:
    """Whether a job says that it waits, rather than ends or is given a device.

    It may also say that others hold the lock under which devices are counted.
    """
    lines = iter(job.stderr.readline, "")
    return f"note: waiting for {for_what}\n" in lines and job.poll() is None


LEFT_OUT = ("SLURM_JOB_ID", "LETHE_DRIVER", gpus.VISIBLE, gpus.SHARE, gpus.SEEN)


def test_two_jobs_never_have_the_same_device(tmp_path):
    jobs = [begin(tmp_path, "4,7", 60, LETHE_GPUS="1") for _ in range(2)]
    devices = {job.stdout.readline().strip() for job in jobs}
    assert devices == {"4", "7"}
    third = begin(tmp_path, "4,7", 0, LETHE_GPUS="1")
    assert waits(third, "1 of the GPUs 4, 7"), "it must wait while all devices are taken"
    jobs[0].kill()
    jobs[0].wait()
    said, told = third.communicate(timeout=120)
    assert said.strip() in devices and "GPUs" not in told
    jobs[1].kill()
    jobs[1].wait()


def test_jobs_that_each_want_all_devices_do_not_wait_for_each_other(tmp_path):
    jobs = [begin(tmp_path, "0,1,2", 0.1, LETHE_GPUS="3") for _ in range(3)]
    assert [job.communicate(timeout=60)[0] for job in jobs] == ["0,1,2\n"] * 3


def test_jobs_share_a_device_up_to_the_number_said_and_spread_first(tmp_path):
    sharing = {"LETHE_GPUS": "1", gpus.SHARE: "2"}
    jobs = []
    for _ in range(4):
        jobs.append(begin(tmp_path, "4,7", 60, **sharing))
        jobs[-1].device = jobs[-1].stdout.readline().strip()
    assert [job.device for job in jobs] == ["4", "7", "4", "7"]
    fifth = begin(tmp_path, "4,7", 0, **sharing)
    assert waits(fifth, "1 of the GPUs 4, 7"), "it must wait while all places are taken"
    # Who does not share, or wants several devices, waits until nobody is left on them.
    alone = begin(tmp_path, "4", 0, LETHE_GPUS="1")
    both = begin(tmp_path, "4,7", 0, LETHE_GPUS="2", LETHE_JOBS_PER_GPU="2")
    assert waits(alone, "1 of the GPUs 4") and waits(both, "2 of the GPUs 4, 7")
    jobs[1].kill()
    jobs[1].wait()
    assert fifth.communicate(timeout=120)[0].strip() == "7"
    jobs[0].kill()
    jobs[0].wait()
    time.sleep(1.5)  # they look every half second
    assert alone.poll() is None and both.poll() is None
    for job in jobs[2:]:
        job.kill()
        job.wait()
    assert alone.communicate(timeout=120)[0].strip() == "4"
    assert both.communicate(timeout=120)[0].strip() == "4,7"


def test_who_shares_leaves_a_device_alone_that_another_has_for_itself(tmp_path):
    alone = begin(tmp_path, "0", 60, LETHE_GPUS="1")
    assert alone.stdout.readline().strip() == "0"
    sharing = begin(tmp_path, "0", 0, LETHE_GPUS="1", LETHE_JOBS_PER_GPU="4")
    assert waits(sharing, "1 of the GPUs 0")
    alone.kill()
    alone.wait()
    assert sharing.communicate(timeout=120)[0].strip() == "0"


@pytest.mark.parametrize("share", ["0", "-2", "many", "1.5"])
def test_a_number_of_jobs_a_gpu_that_is_none_is_refused(machine, monkeypatch, share):
    machine(1)
    monkeypatch.setenv(gpus.ASKED, "1")
    monkeypatch.setenv(gpus.SHARE, share)
    with pytest.raises(UserError, match=f"{gpus.SHARE}: expected a number of jobs, 1 or more, f"):
        gpus.take_asked_gpus()


def test_jobs_believe_their_driver_who_counted_and_nobody_else(machine, monkeypatch):
    machine(2)
    assert gpus.announce_gpus() == 2
    assert os.environ[gpus.SEEN] == "0,1"
    monkeypatch.setenv(gpus.SEEN, "")
    monkeypatch.setenv(gpus.ASKED, "1")
    with monkeypatch.context() as patch, pytest.raises(UserError, match="sees none"):
        announced.announce_driver()
        patch.setattr(gpus, "visible_gpus", lambda: pytest.fail("it was counted already"))
        gpus.take_asked_gpus()
    monkeypatch.delenv("LETHE_DRIVER")
    gpus.take_asked_gpus()
    assert os.environ[gpus.VISIBLE] == "0"


def test_a_job_that_asked_and_sees_too_few_refuses_and_says_what_to_do(machine, monkeypatch):
    machine(0)
    monkeypatch.setenv(gpus.ASKED, "1")
    with pytest.raises(UserError, match=r"1 GPU and sees none \(no CUDA_VIS.*--set-resources"):
        gpus.take_asked_gpus()
    machine(1)
    monkeypatch.setenv(gpus.ASKED, "2")
    monkeypatch.setenv(gpus.VISIBLE, "3")
    with pytest.raises(UserError, match="2 GPUs and sees 1 .CUDA_VISIBLE_DEVICES='3'"):
        gpus.take_asked_gpus()


@pytest.mark.parametrize("asked", [None, "", "0"])
def test_a_job_that_asked_for_none_is_left_alone(machine, monkeypatch, asked):
    machine("no number")
    if asked is None:
        monkeypatch.delenv(gpus.ASKED, raising=False)
    else:
        monkeypatch.setenv(gpus.ASKED, asked)
    gpus.take_asked_gpus()
    assert gpus.VISIBLE not in os.environ


@pytest.mark.parametrize("asked", ["-1", "one", "1.5", "\u00b2"])
def test_a_number_of_gpus_that_is_none_is_refused(machine, monkeypatch, asked):
    monkeypatch.setenv(gpus.ASKED, asked)
    with pytest.raises(UserError, match="LETHE_GPUS: expected a number"):
        gpus.take_asked_gpus()


def test_the_pool_is_what_is_visible_already(machine, monkeypatch):
    machine(2)
    assert gpus.visible_gpus() == ["0", "1"]
    monkeypatch.setenv(gpus.VISIBLE, "GPU-3f, GPU-a2")
    assert gpus.visible_gpus() == ["GPU-3f", "GPU-a2"]
    machine(0)
    for nothing in ("", "-1"):
        monkeypatch.setenv(gpus.VISIBLE, nothing)
        assert gpus.visible_gpus() == []


def test_a_scheduler_that_sets_the_devices_is_not_interfered_with(machine, monkeypatch):
    machine(4)
    monkeypatch.setenv(gpus.ASKED, "1")
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv(gpus.VISIBLE, "0,1,2,3")
    gpus.take_asked_gpus()
    assert os.environ[gpus.VISIBLE] == "0,1,2,3"


def test_torch_that_cannot_count_is_reported(machine, monkeypatch):
    monkeypatch.setattr(gpus, "COUNT", "raise RuntimeError('no driver')")
    with pytest.raises(UserError, match="cannot count the GPUs.*no driver"):
        gpus.visible_gpus()


def test_the_command_line_refuses_a_job_but_no_other_verb(tmp_path):
    environment = {**os.environ, gpus.ASKED: "99", "LETHE_DRIVER": ""}
    for verb, refuses in (["stage", "x", "--results", str(tmp_path)], True), (["where"], False):
        done = subprocess.run(
            [sys.executable, "-m", "lethe", *verb],
            cwd=WORKFLOW.parent,
            env={**environment, "PYTHONPATH": str(WORKFLOW)},
            capture_output=True,
            text=True,
        )
        assert ("asked for 99 GPUs" in done.stderr) == refuses, done.stderr
        assert done.stderr.count("\n") <= 1
