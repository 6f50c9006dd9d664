"""Start the fork server: called by the workflow's main process before its first job."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from lethe.forkserver.wire import PACKAGE, SOCKET_VARIABLE, SWITCH_VARIABLE, THREAD_VARIABLES
from lethe.jobs.announced import VARIABLE

LONGEST_SOCKET_PATH = 100  # the system allows 107 bytes


def start() -> Path | None:
    """Start the server for this process's jobs and return its socket; None when switched off.

    Call it once, from the process that starts the jobs; they find the socket in their environment.
    When that process ends, the server and every job it forked end within a second. The server
    imports nothing until a job needs it, so a run without heavy jobs costs nothing.
    """
    if os.environ.get(SWITCH_VARIABLE) == "0" or not sys.platform.startswith("linux"):
        return None
    folder = Path(tempfile.mkdtemp(prefix="lethe-"))  # for this user alone
    if len(os.fsencode(folder)) > LONGEST_SOCKET_PATH - len("/socket"):
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="lethe-", dir="/tmp"))
    path = folder / "socket"
    try:
        _spawn(path)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"lethe: no fork server, so jobs start without it ({error})", file=sys.stderr)
        return None
    os.environ[SOCKET_VARIABLE] = str(path)
    return path


def forget() -> None:
    """Remove server and driver of an outer run from the environment that jobs inherit.

    Jobs must not end with a process that did not start them, nor with one of another machine.
    """
    for variable in (SOCKET_VARIABLE, VARIABLE):
        os.environ.pop(variable, None)


def _spawn(path: Path) -> None:
    # Listen before the server starts, so that no job comes too early.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(128)
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")}
        # The other way to look for GPUs starts CUDA, which then fails in forked processes.
        environment["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
        with open(path.parent / "log", "ab") as log:
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "lethe.forkserver.server",
                    str(listener.fileno()),
                    str(path),
                    str(os.getpid()),
                ],
                cwd=os.path.dirname(PACKAGE),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
