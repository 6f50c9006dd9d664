"""A lock is removed only when the death of every run that may hold it is proved."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lethe.artefacts import processes
from lethe.artefacts.files import read_json, write_json
from lethe.artefacts.processes import identity, is_proved_dead
from lethe.commands.unlock import LOCKS, unlock
from lethe.errors import UserError
from lethe.jobs.drivers import RECORDS, record_driver

WORKFLOW = Path(__file__).parents[2] / "workflow"
DRIVE = (
    "import sys, time; from lethe.jobs.drivers import *; record_driver(sys.argv[1]); "
    "print('ready', flush=True); time.sleep(float(sys.argv[2]))"
)


def lock(folder: Path) -> None:
    (folder / LOCKS).mkdir(parents=True)
    for name in ("0.input.lock", "0.output.lock"):
        (folder / LOCKS / name).write_text("results/x\n")


def locked(folder: Path) -> bool:
    return any((folder / LOCKS).iterdir())


def drive(folder: Path, seconds: float = 60) -> subprocess.Popen:
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVE, str(folder), str(seconds)],
        cwd=WORKFLOW,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert driver.stdout.readline() == "ready\n"
    return driver


def kill(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def test_a_folder_without_a_lock_needs_nothing(tmp_path):
    assert unlock(tmp_path) == []


def test_the_lock_of_a_killed_run_is_removed_with_its_record(tmp_path):
    driver = drive(tmp_path)
    lock(tmp_path)
    kill(driver)
    assert unlock(tmp_path) == [driver.pid]
    assert not locked(tmp_path) and not list((tmp_path / RECORDS).iterdir())
    assert unlock(tmp_path) == []


def test_the_lock_of_a_living_run_stays(tmp_path):
    driver, dead = drive(tmp_path), drive(tmp_path)
    lock(tmp_path)
    kill(dead)
    try:
        with pytest.raises(UserError, match=f"in progress.*kill {driver.pid}$"):
            unlock(tmp_path)
        assert locked(tmp_path)
    finally:
        kill(driver)
    assert unlock(tmp_path) == sorted([driver.pid, dead.pid]) or not locked(tmp_path)


def test_a_lock_without_a_record_stays_and_one_is_told_what_to_type(tmp_path):
    lock(tmp_path)
    with pytest.raises(UserError, match="snakemake --unlock"):
        unlock(tmp_path)
    assert locked(tmp_path)


def test_an_orderly_end_leaves_no_record(tmp_path):
    driver = drive(tmp_path, seconds=0)
    assert driver.wait() == 0
    assert not list((tmp_path / RECORDS).iterdir())


def test_a_run_on_another_machine_is_never_called_dead(tmp_path):
    record = identity(2**22 + 1) | {"host": "elsewhere"}
    assert not is_proved_dead(record)
    write_json(tmp_path / RECORDS / "elsewhere-1.json", record)
    lock(tmp_path)
    with pytest.raises(UserError, match="on the machine 'elsewhere'.*snakemake --unlock"):
        unlock(tmp_path)
    assert locked(tmp_path)


def test_a_number_used_again_and_an_earlier_boot_are_proofs(monkeypatch):
    this = identity(os.getpid())
    assert not is_proved_dead(this)
    assert is_proved_dead(this | {"started": this["started"] - 1})
    assert is_proved_dead(this | {"boot": "an-earlier-one"})
    monkeypatch.setattr(processes, "_stat_fields", lambda pid: [])
    monkeypatch.setattr(processes, "boot", lambda: None)
    assert not is_proved_dead(this | {"started": this["started"] - 1})


def test_a_killed_process_that_nobody_has_waited_for_is_dead(tmp_path):
    driver = drive(tmp_path)
    record = identity(driver.pid)
    driver.kill()
    os.waitid(os.P_PID, driver.pid, os.WEXITED | os.WNOWAIT)
    assert is_proved_dead(record)
    driver.wait()
    assert is_proved_dead(record)


@pytest.mark.parametrize("record", [{}, [], {"pid": 1}, None])
def test_a_record_that_says_too_little_proves_nothing(record):
    assert not is_proved_dead(record)


def test_the_verb_prints_one_sentence(tmp_path):
    lock(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "lethe", "unlock", "--directory", str(tmp_path)],
        cwd=WORKFLOW,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("lethe: ") and done.stderr.count("\n") == 1


def test_a_local_job_ends_with_its_driver(tmp_path):
    job = (
        "import time; from lethe.jobs.announced import *; end_with_driver(); "
        "print('working', flush=True); time.sleep(60)"
    )
    driver_program = (
        "import subprocess, sys; from lethe.jobs.announced import *; announce_driver(); "
        "job = subprocess.Popen([sys.executable, '-c', sys.argv[1]]); print(job.pid, flush=True); "
        "job.wait()"
    )
    driver = subprocess.Popen(
        [sys.executable, "-c", driver_program, job], cwd=WORKFLOW, stdout=subprocess.PIPE, text=True
    )
    said = {driver.stdout.readline().strip() for _ in range(2)}
    (pid,) = (int(line) for line in said if line != "working")
    started = processes.start_time(pid)
    kill(driver)
    end = time.monotonic() + 10
    while processes.start_time(pid) == started and time.monotonic() < end:
        time.sleep(0.02)
    assert processes.start_time(pid) != started


def test_a_record_tells_pid_start_boot_and_machine(tmp_path):
    assert set(read_json(record_driver(tmp_path))) == {"pid", "started", "boot", "host"}
