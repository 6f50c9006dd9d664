"""A lock is removed only when the death of every run that may hold it is proved."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lethe.artefacts import processes
from lethe.artefacts.files import read_json, write_json
from lethe.artefacts.processes import identity, is_proved_dead
from lethe.cli import main
from lethe.commands.unlock import LOCKS, unlock
from lethe.errors import UserError
from lethe.jobs.announced import ENDED_WITH_DRIVER, announced_driver
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


def damage(path: Path, how: str) -> None:
    text = path.read_text()
    if how == "no access":
        path.unlink()
        path.mkdir()  # root may read any file
    else:
        path.write_bytes(
            {
                "empty": b"",
                "truncated": text[: len(text) // 2].encode(),
                "not text": b"\xff\xfe",
                "a list": b"[1]",
                "another pid": text.replace('"pid": ', '"pid": 1').encode(),
                "pid of words": b'{"pid": "one", "started": "two", "boot": [], "host": {}}',
                "start of words": text.replace('"started": ', '"started": "x", "was": ').encode(),
            }[how]
        )


HOWS = ["empty", "truncated", "not text", "a list", "another pid", "pid of words", "start of words"]


@pytest.mark.parametrize("how", [*HOWS, "no access"])
def test_a_damaged_record_is_judged_by_its_name(tmp_path, how):
    driver = drive(tmp_path)
    (record,) = (tmp_path / RECORDS).iterdir()
    damage(record, how)
    lock(tmp_path)
    try:
        with pytest.raises(UserError, match=f"damaged.* {driver.pid}, is alive.*delete the record"):
            unlock(tmp_path)
    finally:
        kill(driver)
    if record.is_dir():
        record.rmdir()
        record.touch()
    assert unlock(tmp_path) == [driver.pid]
    assert not locked(tmp_path) and not list((tmp_path / RECORDS).iterdir())


@pytest.mark.parametrize("name", ["x.json", "a-0.json", "a-.json", "-.json", "a-b.json"])
def test_a_file_that_names_no_process_is_no_record(tmp_path, name):
    (tmp_path / RECORDS).mkdir(parents=True)
    (tmp_path / RECORDS / name).touch()
    lock(tmp_path)
    with pytest.raises(UserError, match="no record shows"):
        unlock(tmp_path)


def test_a_record_of_a_pid_that_no_system_gives_is_of_a_dead_run(tmp_path):
    (tmp_path / RECORDS).mkdir(parents=True)
    (tmp_path / RECORDS / f"{socket.gethostname()}-{10**30}.json").touch()
    lock(tmp_path)
    assert unlock(tmp_path) == [10**30] and not locked(tmp_path)


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


@pytest.mark.parametrize(("name", "found"), [("nope", "none"), ("file", "a file")])
def test_a_directory_that_is_none_is_refused(tmp_path, capsys, name, found):
    (tmp_path / "file").touch()
    assert main(["unlock", "--directory", str(tmp_path / name)]) == 2
    assert f"expected a folder at {tmp_path / name}, found {found}." in capsys.readouterr().err


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
    end = time.monotonic() + 60
    while processes.start_time(pid) == started and time.monotonic() < end:
        time.sleep(0.02)
    assert processes.start_time(pid) != started


def test_a_job_whose_driver_is_dead_ends_at_once_with_a_sentence(tmp_path):
    driver = drive(tmp_path, seconds=0)
    record = read_dead_identity(driver)
    announced = f"{record['pid']} {record['started']} {record['boot']}"
    job = "from lethe.jobs.announced import *; end_with_driver(); print('working')"
    done = subprocess.run(
        [sys.executable, "-c", job],
        cwd=WORKFLOW,
        env={**os.environ, "LETHE_DRIVER": announced},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (ENDED_WITH_DRIVER, "")
    assert done.stderr.count("\n") == 1 and f"(pid {driver.pid}) has ended" in done.stderr


def read_dead_identity(driver: subprocess.Popen) -> dict:
    driver.wait()
    return identity(driver.pid) | {"started": 1}


@pytest.mark.parametrize("announced", ["", "x", "1", "1 2 another-boot", "-1 2 3", "1 2 3 4"])
def test_a_driver_that_is_not_of_this_machine_ends_nothing(monkeypatch, announced):
    monkeypatch.setenv("LETHE_DRIVER", announced)
    assert announced_driver() == {}


def test_a_record_tells_pid_start_boot_and_machine(tmp_path):
    assert set(read_json(record_driver(tmp_path))) == {"pid", "started", "boot", "host"}
