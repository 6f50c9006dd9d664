"""A lock keeps others out while its holder lives, with flock or without; who must wait says so."""

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lethe.artefacts import locks
from lethe.artefacts.locks import Held, is_held, lock
from lethe.artefacts.processes import identity

WORKFLOW = Path(__file__).parents[2] / "workflow"

NO_FLOCK = (
    "import errno, fcntl, os\n"
    "def refuse(*_): raise OSError(errno.{name}, os.strerror(errno.{name}))\n"
    "fcntl.flock = refuse\n"
)
TAKE = (
    "import os, sys, time; from lethe.artefacts.locks import *\n"
    "with lock(sys.argv[1]) as waited:\n"
    "    print('mine', waited, flush=True); time.sleep(float(sys.argv[2]))\n"
    "    if sys.argv[3:]: os._exit(9)\n"
)


@pytest.fixture(params=["flock", "ENOSYS"])
def system(request, monkeypatch):
    """A file system with flock, or one without."""
    if request.param == "flock":
        return ""
    refuse_flock(monkeypatch, request.param)
    return NO_FLOCK.format(name=request.param)


def refuse_flock(monkeypatch, name: str) -> None:
    def refuse(*_):
        raise OSError(getattr(errno, name), "no flock here")

    monkeypatch.setattr(fcntl, "flock", refuse)


def begin(system: str, path: Path, seconds: float = 0.0, *how: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", system + TAKE, str(path), str(seconds), *how],
        cwd=WORKFLOW,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen) -> tuple[int, str, str]:
    said, told = process.communicate(timeout=120)
    return process.returncode, said, told


def kill(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def test_a_second_process_waits_says_once_for_whom_and_goes_on(system, tmp_path):
    path = tmp_path / "work" / "node-1" / "lock"
    with lock(path) as waited:
        assert not waited and is_held(path)
        second = begin(system, path)
        told = second.stderr.readline()
        assert second.poll() is None
    assert finish(second) == (0, "mine True\n", "")
    assert f"waiting for pid {os.getpid()} on " in told and str(path.parent) in told
    assert not is_held(path)


def test_who_does_not_wait_is_told_who_holds_it(system, tmp_path):
    path = tmp_path / "lock"
    with lock(path), pytest.raises(Held, match=f"pid {os.getpid()} on "), lock(path, wait=False):
        pass


@pytest.mark.parametrize("name", ["ENOSYS", "ENOTSUP", "EOPNOTSUPP", "ENOLCK"])
def test_every_way_in_which_a_system_says_that_it_has_no_flock_is_known(
    tmp_path, monkeypatch, name
):
    refuse_flock(monkeypatch, name)
    with lock(tmp_path / "lock"), pytest.raises(Held), lock(tmp_path / "lock", wait=False):
        pass


def test_a_holder_that_ends_without_a_word_keeps_nobody_out(system, tmp_path):
    path = tmp_path / "lock"
    assert finish(begin(system, path, 0, "abruptly"))[0] == 9
    assert not is_held(path)
    with lock(path, wait=False):
        assert is_held(path)


def test_a_killed_holder_is_succeeded_by_one_of_those_that_wait(system, tmp_path):
    path = tmp_path / "lock"
    holder = begin(system, path, 60)
    assert holder.stdout.readline() == "mine False\n"
    waiting = [begin(system, path, 0.2) for _ in range(4)]
    for process in waiting:
        assert "waiting for" in process.stderr.readline()
    kill(holder)
    assert [finish(process)[:2] for process in waiting] == [(0, "mine True\n")] * 4


def test_no_two_of_many_hold_it_at_once(system, tmp_path):
    """Each adds one to a number in a file, which goes wrong as soon as two do so together."""
    program = system + (
        "import sys; from pathlib import Path; from lethe.artefacts import locks\n"
        "locks.LOOK_SECONDS = 0.001\n"
        "count = Path(sys.argv[2])\n"
        "for _ in range(50):\n"
        "    with locks.lock(sys.argv[1]): count.write_text(str(int(count.read_text()) + 1))\n"
    )
    count = tmp_path / "count"
    count.write_text("0")
    command = [sys.executable, "-c", program, str(tmp_path / "lock"), str(count)]
    running = [subprocess.Popen(command, cwd=WORKFLOW, stderr=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
    assert count.read_text() == "200"


def test_the_last_holder_waits_for_one_that_has_not_written_its_name_yet(tmp_path):
    path = tmp_path / "lock"
    with lock(path):
        pass
    # The next one holds it, and what the file says is still what the last one left.
    descriptor = os.open(path, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    release = threading.Timer(0.3, os.close, [descriptor])
    release.start()
    with lock(path) as waited:
        assert waited
    release.join()


def test_a_lock_whose_folder_its_holder_removed_is_taken_anew(tmp_path):
    path = tmp_path / "work" / "lock"
    with lock(path):
        shutil.rmtree(path.parent)
        with lock(path, wait=False), pytest.raises(Held), lock(path, wait=False):
            pass


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b'{"pid": 1}', b"[" * 10**6, b"12 host\n"]
)
def test_whatever_a_lock_file_holds_it_can_be_taken(tmp_path, content):
    path = tmp_path / "lock"
    path.write_bytes(content)
    assert not is_held(path)
    with lock(path, wait=False):
        pass


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]"])
def test_a_holder_that_cannot_be_named_is_waited_for_all_the_same(tmp_path, content):
    path = tmp_path / "lock"
    with lock(path):
        path.write_bytes(content)
        with pytest.raises(Held, match="a process of unknown pid"), lock(path, wait=False):
            pass


@pytest.mark.parametrize("owner", [b"", b"[]", {"host": "elsewhere"}])
def test_without_flock_a_lock_whose_owner_cannot_be_judged_is_refused_with_advice(
    tmp_path, monkeypatch, owner
):
    refuse_flock(monkeypatch, "ENOSYS")
    monkeypatch.setattr(locks, "LOOK_SECONDS", 0.01)
    path = tmp_path / "lock"
    content = owner if isinstance(owner, bytes) else json.dumps(identity(1) | owner).encode()
    (tmp_path / "lock.owner").write_bytes(content)
    with pytest.raises(Held, match=r"no flock.*delete .*lock\.owner$"), lock(path):
        pass
    assert is_held(path)
    (tmp_path / "lock.owner").unlink()
    with lock(path):
        pass
    assert not (tmp_path / "lock.owner").exists()


def test_without_flock_a_takeover_that_was_broken_off_is_refused_with_advice(tmp_path, monkeypatch):
    refuse_flock(monkeypatch, "ENOSYS")
    monkeypatch.setattr(locks, "LOOK_SECONDS", 0.01)
    takeover_begins(tmp_path)
    with pytest.raises(Held, match=r"delete .*lock\.owner$"), lock(tmp_path / "lock"):
        pass


def test_without_flock_a_takeover_that_takes_its_time_is_waited_for(tmp_path, monkeypatch):
    refuse_flock(monkeypatch, "ENOSYS")
    begun = takeover_begins(tmp_path)
    end = threading.Timer(1.2, lambda: [path.unlink() for path in begun])
    end.start()
    with lock(tmp_path / "lock") as waited:
        assert waited
    end.join()


def takeover_begins(folder: Path) -> list[Path]:
    """The files while a process takes over the lock of a dead owner: the owner's and its own."""
    dead = identity(os.getpid()) | {"started": 1}
    owner, takeover = folder / "lock.owner", folder / f"lock.takeover-{dead['pid']}-1"
    owner.write_text(json.dumps(dead))
    takeover.touch()
    return [takeover, owner]
