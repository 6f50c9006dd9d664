"""The job's side: hand the job to the fork server if one runs, else run it here.

It imports only the lightest part of the standard library, so a job starts in milliseconds.
"""

import os
import signal
import socket
import sys

from lethe.forkserver.preload import GROUP_OF_VERB
from lethe.forkserver.wire import (
    ENDED,
    PACKAGE,
    REFUSED,
    SIGNAL,
    SOCKET_VARIABLE,
    STARTED,
    SWITCH_VARIABLE,
    THREAD_VARIABLES,
    send_request,
)

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
LOST = 1


def run(arguments: list[str]) -> int:
    """Run `lethe ARGUMENTS`, forked if possible, and return its exit status."""
    for variable in THREAD_VARIABLES:
        os.environ.setdefault(variable, "1")
    path = os.environ.get(SOCKET_VARIABLE)
    if path and os.environ.get(SWITCH_VARIABLE) != "0" and arguments[:1]:
        if arguments[0] in GROUP_OF_VERB:
            status = _forward(path, arguments)
            if status is not None:
                return status
    from lethe.cli import main
    from lethe.jobs.drivers import end_with_driver

    end_with_driver()
    return main(arguments)


def _forward(path: str, arguments: list[str]) -> int | None:
    """The exit status of the forked job, or None if the server never started it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
            send_request(connection, _request(arguments), [0, 1, 2])
            return _wait(connection)
        except OSError as error:
            _report(f"the fork server cannot be reached ({error}), so this job starts without it")
            return None


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
    def pass_on(number: int, frame: object) -> None:
        try:
            connection.send(SIGNAL + bytes([number]))
        except OSError:
            pass  # the job has ended; its status follows

    # Under nohup a hang-up is ignored, and the job must not hear of it either.
    heard = [number for number in PASSED_ON if signal.getsignal(number) != signal.SIG_IGN]
    old_handlers = {number: signal.signal(number, pass_on) for number in heard}
    try:
        with connection.makefile("rb") as answers:
            first = answers.readline()
            if first[:1] == REFUSED:
                _report(f"{first[1:].decode().strip()}, so this job starts without it")
                return None
            if first[:1] != STARTED:
                _report("the fork server has ended, so this job starts without it")
                return None
            last = answers.readline()
    except ConnectionError:
        last = b""
    finally:
        for number, handler in old_handlers.items():
            signal.signal(number, handler)
    if last[:1] != ENDED:
        _report("the fork server ended, and this job with it; run again to continue")
        return LOST
    status = int(last[1:])
    return status if status >= 0 else 128 - status


def _report(text: str) -> None:
    print(f"lethe: {text}", file=sys.stderr)
