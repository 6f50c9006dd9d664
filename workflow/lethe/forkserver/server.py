"""The fork server itself: `python -m lethe.forkserver.server LISTENING_FD SOCKET PARENT`.

One thread, one loop: accept a job, fork it, pass signals on, report how it ended. The server ends
with its parent, after a change of the package's code, and when a library has started threads.
"""

import gc
import os
import selectors
import shutil
import signal
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from lethe.forkserver.client import PASSED_ON
from lethe.forkserver.job import become
from lethe.forkserver.preload import GROUP_OF_VERB, preload
from lethe.forkserver.wire import (
    ENDED,
    PACKAGE,
    REFUSED,
    SIGNAL,
    Incoming,
    import_environment,
)

LOOK_SECONDS = 0.25
REQUEST_SECONDS = 10.0
# Arrow's allocator keeps one thread that survives forks by its own at-fork handlers.
HARMLESS_THREADS = {"jemalloc_bg_thd"}


@dataclass
class Job:
    """A forked process and the connection to the client that waits for it."""

    process: int
    connection: socket.socket


class Server:
    """Forks jobs until its parent ends or its code is out of date."""

    def __init__(self, listener: socket.socket, path: Path, parent: int) -> None:
        self.listener, self.path, self.parent = listener, path, parent
        self.code = code_state()
        self.environment = import_environment(dict(os.environ))
        self.loaded: set[str] = set()
        self.retired = ""  # why no job is forked any more
        self.jobs: dict[int, Job] = {}
        self.incoming: dict[Incoming, float] = {}  # with the time at which each is dropped
        self.selector = selectors.DefaultSelector()
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ, self._accept)

    def serve(self) -> None:
        """Fork and watch jobs until there is nothing left to do."""
        wake, woken = socket.socketpair()
        for end in (wake, woken):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGTERM, lambda number, frame: self._end())
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self.selector.register(woken, selectors.EVENT_READ, lambda: woken.recv(4096))
        while not self.retired or self.jobs or self.incoming:
            for key, _ in self.selector.select(LOOK_SECONDS):
                # An earlier event of the same round may have closed this one's connection.
                if key.fileobj in self.selector.get_map():
                    key.data()
            self._reap()
            self._drop_overdue()
            self._end_if_parent_has()
        self._end()

    def _accept(self) -> bool:
        """Begin to read what the next client says; False if there is none now."""
        try:
            connection, _ = self.listener.accept()
        except BlockingIOError:
            return False
        except OSError as error:  # for instance, no descriptor is free
            print(f"no client was accepted: {error}", file=sys.stderr, flush=True)
            if self.incoming:
                self._drop(next(iter(self.incoming)), "it came in too slowly")
            return False
        incoming = Incoming(connection)
        self.incoming[incoming] = monotonic() + REQUEST_SECONDS
        self.selector.register(connection, selectors.EVENT_READ, lambda: self._read(incoming))
        return True

    def _read(self, incoming: Incoming) -> None:
        """Read what has come of a request; fork the job, or refuse it, once that is complete."""
        try:
            require_same_user(incoming.connection)
            request = incoming.read()
            if request is None:
                return
            reason = self._why_not(request) or self._fork(request, incoming)
            if reason:
                incoming.connection.sendall(REFUSED + reason.encode() + b"\n")
                self._drop(incoming, reason)
        except (OSError, ValueError, RecursionError) as error:
            self._drop(incoming, repr(error))

    def _drop(self, incoming: Incoming, reason: str) -> None:
        print(f"a request was dropped: {reason}", file=sys.stderr, flush=True)
        del self.incoming[incoming]
        self.selector.unregister(incoming.connection)
        incoming.close()

    def _drop_overdue(self) -> None:
        for incoming, end in list(self.incoming.items()):
            if monotonic() > end:
                self._drop(incoming, "it did not come in time")

    def _why_not(self, request: dict) -> str | None:
        """Why this job must start without the server; stops listening if it holds for all jobs."""
        if self.retired:
            return self.retired
        if request["python"] != sys.executable or request["package"] != PACKAGE:
            return "the fork server belongs to another installation"
        wanted = import_environment(request["environment"])
        if wanted != self.environment:
            names = {name for name, _ in wanted.items() ^ self.environment.items()}
            return f"the fork server was started with another {', '.join(sorted(names))}"
        verb = request["arguments"][0]
        if verb not in GROUP_OF_VERB:
            return f"the fork server knows no job {verb!r}"
        self._load(GROUP_OF_VERB[verb])
        if code_state() != self.code:
            return self._retire("code has changed since the fork server started")
        threads = own_threads()
        if threads:
            names = ", ".join(threads)
            return self._retire(f"a library started threads in the fork server ({names})")
        return None

    def _load(self, group: str) -> None:
        if group in self.loaded:
            return
        signal.signal(signal.SIGALRM, lambda number, frame: self._end_if_parent_has())
        signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)
        gc.disable()
        preload(group)
        gc.freeze()  # otherwise a collection in a job would copy every page of the server
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.loaded.add(group)
        # Nobody was read meanwhile.
        self.incoming = dict.fromkeys(self.incoming, monotonic() + REQUEST_SECONDS)

    def _fork(self, request: dict, incoming: Incoming) -> str | None:
        """Fork the job; returns why, if the system allows no further process."""
        server = os.getpid()
        connection = incoming.connection
        # A signal that comes before the job is ready waits, and is not taken for the server's.
        unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
        try:
            process = os.fork()
            if process == 0:
                self._close_in_child(incoming)
                connection.setblocking(True)
                become(request, incoming.descriptors, connection, server)
        except OSError as error:
            return f"the fork server cannot fork ({error.strerror})"
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        del self.incoming[incoming]
        incoming.close_descriptors()
        self.jobs[process] = job = Job(process, connection)
        self.selector.modify(connection, selectors.EVENT_READ, lambda: self._hear(job))
        return None

    def _close_in_child(self, own: Incoming) -> None:
        """Close what belongs to others: an open connection would keep their clients waiting."""
        self.selector.close()
        self.listener.close()
        for job in self.jobs.values():
            job.connection.close()
        for incoming in self.incoming:
            if incoming is not own:
                incoming.close()

    def _hear(self, job: Job) -> None:
        """Pass on a signal from the client, or end the job if the client has ended."""
        try:
            message = job.connection.recv(2)
        except OSError:
            message = b""
        if message[:1] == SIGNAL and len(message) == 2:
            kill_group(job.process, message[1])
        else:
            self.selector.unregister(job.connection)
            kill_group(job.process, signal.SIGKILL)

    def _reap(self) -> None:
        while self.jobs:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return
            # While its pid is still reserved, kill what the job may have left running.
            kill_group(ended.si_pid, signal.SIGKILL)
            process, status = os.waitpid(ended.si_pid, 0)
            job = self.jobs.pop(process)
            try:
                code = os.waitstatus_to_exitcode(status)
                job.connection.sendall(ENDED + str(code).encode() + b"\n")
            except OSError:
                pass  # the client has ended; nobody waits for the status
            if job.connection in self.selector.get_map():
                self.selector.unregister(job.connection)
            job.connection.close()

    def _retire(self, reason: str) -> str:
        """Stop listening; whoever has connected by now is still told this reason. Returns it."""
        self.retired = reason
        self.path.unlink(missing_ok=True)  # from here on nobody can connect
        while self._accept():
            pass
        self.selector.unregister(self.listener)
        self.listener.close()
        return reason

    def _end_if_parent_has(self) -> None:
        if os.getppid() != self.parent:
            self._end()

    def _end(self) -> None:
        for process in self.jobs:
            kill_group(process, signal.SIGKILL)
        shutil.rmtree(self.path.parent, ignore_errors=True)
        os._exit(0)


def code_state() -> dict[str, tuple[int, int]]:
    """Time of modification (ns) and size of every file of the package."""
    state = {}
    for folder, folders, files in os.walk(PACKAGE):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in files:
            status = os.stat(os.path.join(folder, name))
            state[os.path.join(folder, name)] = (status.st_mtime_ns, status.st_size)
    return state


def own_threads() -> list[str]:
    """Names of the threads that a fork would lose: all but the main one."""
    names = []
    for thread in os.listdir("/proc/self/task"):
        if int(thread) != os.getpid():
            names.append(Path(f"/proc/self/task/{thread}/comm").read_text().strip())
    return sorted(set(names) - HARMLESS_THREADS)


def require_same_user(connection: socket.socket) -> None:
    """PermissionError unless the client runs under this user."""
    size = struct.calcsize("3i")
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    _, user, _ = struct.unpack("3i", packed)
    if user != os.getuid():
        raise PermissionError(f"a job of user {user} came to the server of user {os.getuid()}")


def kill_group(process: int, number: int) -> None:
    """Signal a job and its children; its process group may not exist yet, or no longer."""
    for kill in (os.killpg, os.kill):
        try:
            kill(process, number)
            return
        except OSError:  # it has ended, or there is no such signal
            continue


if __name__ == "__main__":
    Server(
        socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]), parent=int(sys.argv[3])
    ).serve()
