"""Make a freshly forked process behave like one that the job's own shell started."""

import ctypes
import gc
import os
import random
import signal
import socket
import sys
import tempfile
import traceback
from typing import NoReturn

from lethe.forkserver.wire import STARTED
from lethe.jobs.announced import end_with_driver

PR_SET_PDEATHSIG = 1


def become(
    request: dict, descriptors: list[int], connection: socket.socket, server: int
) -> NoReturn:
    """Run the requested command in this process and end it with the command's exit status."""
    status = 1
    try:
        _end_with(server)
        os.setsid()
        _reset_signals()
        _take_over(request, descriptors)
        connection.sendall(STARTED + b"\n")
        connection.close()
        end_with_driver()  # the server sees to that too, unless it hangs
        status = _run(request["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                status = status or 1  # a log that cannot be written must not look like success
        os._exit(status)


def _end_with(server: int) -> None:
    """Have the kernel kill this process when the server ends, even by SIGKILL."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != server:
        os._exit(1)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _take_over(request: dict, descriptors: list[int]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    sys.stdin = open(0, closefd=False)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))
    sys.stderr.reconfigure(line_buffering=True)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.umask(request["umask"])
    os.chdir(request["folder"])
    sys.argv = ["lethe", *request["arguments"]]
    tempfile.tempdir = None  # to be read again from this job's TMPDIR
    gc.enable()
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


def _run(arguments: list[str]) -> int:
    from lethe.cli import main

    try:
        # What the client has passed on since the fork comes now.
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        return main(arguments)
    except KeyboardInterrupt:
        print("lethe: interrupted before it started", file=sys.stderr)
        return 128 + signal.SIGINT
    except SystemExit as ending:
        if ending.code is None or isinstance(ending.code, int):
            return ending.code or 0
        print(ending.code, file=sys.stderr)
        return 1
