"""The messages between a job and the fork server; imports only light standard modules."""

import array
import json
import os
import socket
import struct

# The package's folder, found here because a client must import as little as possible.
PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

SWITCH_VARIABLE = "LETHE_FORKSERVER"
SOCKET_VARIABLE = "LETHE_FORKSERVER_SOCKET"

STARTED = b"R"  # the job has started: from now on nobody else may run it
REFUSED = b"N"  # followed by the reason; the client runs the job itself
ENDED = b"E"  # followed by the exit status
SIGNAL = b"K"  # from the client: pass this signal on

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# Libraries read these when they are imported, so a server with other values cannot be used.
READ_AT_IMPORT = (
    *("CUDA_", "DATASETS_", "GOMP_", "HF_", "KMP_", "LANG", "LC_", "LD_", "MALLOC_", "MKL_"),
    *("MPL", "NVIDIA_", "OMP_", "OPENBLAS_", "PYTHON", "PYTORCH_", "SLURM_", "TOKENIZERS_"),
    *("TORCH", "TRANSFORMERS_", "XDG_"),
)
SET_BY_SERVER = {"PYTORCH_NVML_BASED_CUDA_CHECK"}

_LENGTH = struct.Struct("!I")
LONGEST_REQUEST = 1 << 24  # bytes; the system allows less for arguments and environment
STREAMS = 3
FORM = {
    "arguments": list,
    "folder": str,
    "environment": dict,
    "umask": int,
    "python": str,
    "package": str,
}


def import_environment(environment: dict[str, str]) -> dict[str, str]:
    """The variables that must be equal in the server and in a job it forks."""
    one_thread = dict.fromkeys(THREAD_VARIABLES, "1")
    return one_thread | {
        name: value
        for name, value in environment.items()
        if name.startswith(READ_AT_IMPORT) and name not in SET_BY_SERVER
    }


def send_request(connection: socket.socket, request: dict, descriptors: list[int]) -> None:
    """Send a job's request and its open stdin, stdout and stderr."""
    body = json.dumps(request).encode()
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    connection.sendmsg([_LENGTH.pack(len(body))], ancillary)
    connection.sendall(body)


class Incoming:
    """A job's request while it comes in; reading it never waits for the client."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.content = b""
        self.descriptors: list[int] = []

    def read(self) -> dict | None:
        """Take what has come; the request once it is complete, else None.

        Raises ConnectionError if the client has closed the connection, ValueError for anything
        that is not a request with three open files.
        """
        try:
            part = self._receive()
        except BlockingIOError:
            return None
        if not part:
            raise ConnectionError("the client closed the connection before its request was whole")
        self.content += part
        if self._missing():
            return None
        request = json.loads(self.content[_LENGTH.size :])
        if not is_request(request) or len(self.descriptors) != STREAMS:
            raise ValueError("not a request of a job")
        return request

    def _missing(self) -> int:
        """Bytes that are still to come, first of the length, then of the request."""
        if len(self.content) < _LENGTH.size:
            return _LENGTH.size - len(self.content)
        length = _LENGTH.unpack_from(self.content)[0]
        if length > LONGEST_REQUEST:
            raise ValueError(f"a request of {length} bytes")
        return _LENGTH.size + length - len(self.content)

    def _receive(self) -> bytes:
        # Never more than the request: a signal may already stand behind it.
        size = min(self._missing(), 1 << 16)
        part, ancillary, flags, _ = self.connection.recvmsg(size, socket.CMSG_SPACE(STREAMS * 4))
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                came = array.array("i")
                came.frombytes(data[: len(data) - len(data) % came.itemsize])
                self.descriptors += came
        if flags & socket.MSG_CTRUNC or len(self.descriptors) > STREAMS:
            raise ValueError("more open files than three streams")
        return part

    def close_descriptors(self) -> None:
        """Close the client's streams, which a forked job has taken over by then."""
        while self.descriptors:
            os.close(self.descriptors.pop())

    def close(self) -> None:
        """Drop the client."""
        self.close_descriptors()
        self.connection.close()


def is_request(value: object) -> bool:
    """Whether a value has the form that `send_request` sends."""
    if not isinstance(value, dict) or value.keys() != FORM.keys():
        return False
    if not all(type(value[name]) is kind for name, kind in FORM.items()):
        return False
    texts = [*value["arguments"], *value["environment"], *value["environment"].values()]
    return bool(value["arguments"]) and all(isinstance(text, str) for text in texts)
