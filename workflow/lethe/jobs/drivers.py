"""Drivers of the workflow: each run records its process, so that its death can be proved.

Snakemake's own locks name no process; the record's name holds the machine and the pid.
"""

import atexit
import os
import re
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path

from lethe.artefacts.files import read_json, write_json
from lethe.artefacts.processes import identity
from lethe.errors import UserError

RECORDS = Path(".snakemake") / "lethe-drivers"
RECORD_NAME = re.compile(r"(?P<host>.+)-(?P<pid>[1-9][0-9]*)\.json")


def record_driver(folder: Path | str = ".") -> Path:
    """Record this process as a driver in a workflow's folder; removed when it exits normally."""
    this = identity(os.getpid())
    path = Path(folder).absolute() / RECORDS / f"{this['host']}-{this['pid']}.json"
    write_json(path, this)
    atexit.register(_forget, path, os.getpid())
    return path


@cache
def marker() -> Path:
    """A file of this driver that is removed when it exits; see `planning.standing`."""
    path = RECORDS.parent / "lethe-again" / f"{socket.gethostname()}-{os.getpid()}"
    atexit.register(_forget, path.absolute(), os.getpid())
    return path


def recorded_drivers(folder: Path | str = ".") -> dict[Path, dict]:
    """Records in a workflow's folder, by file."""
    paths = sorted((Path(folder) / RECORDS).glob("*.json"))
    records = {path: named_process(path) for path in paths}
    return {path: record for path, record in records.items() if record}


def named_process(path: Path) -> dict:
    """The process of a record that is called HOST-PID.json; empty if it has another name.

    What the file holds counts only if it agrees with its name. So a record that is empty, truncated
    or altered still tells which process to look for.
    """
    name = RECORD_NAME.fullmatch(path.name)
    if name is None:
        return {}
    process = {"host": name["host"], "pid": int(name["pid"])}
    with suppress(UserError):
        content = read_json(path)
        if isinstance(content, dict) and process.items() <= content.items():
            if isinstance(content.get("started"), int | type(None)):
                return content
    return process


def _forget(path: Path, pid: int) -> None:
    if os.getpid() == pid:  # a forked child that ends must not remove it
        with suppress(OSError):
            path.unlink()
