"""The job's side: hand the job to the fork server if one runs, else run it here.

It imports only the lightest part of the standard library, so a job starts in milliseconds.
"""

import os
import signal
import socket
import sys
from contextlib import suppress
from typing import BinaryIO

from lethe.forkserver.preload import GROUP_OF_VERB
from lethe.forkserver.wire import (
    PACKAGE,
    REFUSED,
    SIGNAL,
    SOCKET_VARIABLE,
    SWITCH_VARIABLE,
    THREAD_VARIABLES,
    send_request,
)
from lethe.jobs.announced import announced_driver, end_if_dead, end_with_driver

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
LOST = 1


def run(arguments: list[str]) -> int:
    """Run `lethe ARGUMENTS`, forked if possible, and return its exit status."""
    for variable in THREAD_VARIABLES:
        os.environ.setdefault(variable, "1")
    end_with_driver()
    path = os.environ.get(SOCKET_VARIABLE)
    if path and os.environ.get(SWITCH_VARIABLE) != "0" and arguments[:1]:
        if arguments[0] in GROUP_OF_VERB:
            status = _forward(path, arguments)
            if status is not None:
                return status
    from lethe.cli import main

    return main(arguments)


def _forward(path: str, arguments: list[str]) -> int | None:
    """The exit status of the forked job, or None if no server took it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
        except OSError as error:
            _note(f"the fork server cannot be reached ({error}), so this job starts without it")
            return None
        # From here on the server may have started the job, and nobody else may.
        with suppress(ConnectionError):
            send_request(connection, _request(arguments), [0, 1, 2])
            return _wait(connection)
    # Its end may be the first sign of the driver's.
    end_if_dead(announced_driver())
    print(
        "lethe: the fork server ended, and this job with it; run again to continue", file=sys.stderr
    )
    return LOST


def _request(arguments: list[str]) -> dict:
    umask = os.umask(0)
    os.umask(umask)
    return {
        "arguments": arguments,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "umask": umask,
        "python": sys.executable,
        "package": PACKAGE,
    }


def _wait(connection: socket.socket) -> int | None:
    """The job's exit status, or None if the server refused it; ConnectionError if it ended."""

    def pass_on(number: int, frame: object) -> None:
        with suppress(OSError):  # the job has ended; its status follows
            connection.send(SIGNAL + bytes([number]))

    # Under nohup a hang-up is ignored, and the job must not hear of it either.
    heard = [number for number in PASSED_ON if signal.getsignal(number) != signal.SIG_IGN]
    old_handlers = {number: signal.signal(number, pass_on) for number in heard}
    try:
        with connection.makefile("rb") as answers:
            first = _line(answers)
            if first[:1] == REFUSED:
                _note(f"{first[1:].decode()}, so this job starts without it")
                return None
            last = _line(answers)
    finally:
        for number, handler in old_handlers.items():
            signal.signal(number, handler)
    status = int(last[1:])
    return status if status >= 0 else 128 - status


def _line(answers: BinaryIO) -> bytes:
    line = answers.readline()
    if not line.endswith(b"\n"):
        raise ConnectionError("the server has closed the connection")
    return line[:-1]


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)
