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


def receive_request(connection: socket.socket, count: int) -> tuple[dict, list[int]]:
    """Receive a job's request and `count` descriptors; ConnectionError if the client has ended."""
    head, ancillary, _, _ = connection.recvmsg(_LENGTH.size, socket.CMSG_SPACE(count * 4))
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    try:
        head += receive(connection, _LENGTH.size - len(head))
        request = json.loads(receive(connection, _LENGTH.unpack(head)[0]))
        if len(descriptors) != count:
            raise ConnectionError("the job came without its standard streams")
    except BaseException:
        for descriptor in descriptors:
            os.close(descriptor)
        raise
    return request, list(descriptors)


def receive(connection: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes; ConnectionError if the other side has closed the connection."""
    parts = []
    while size > 0:
        part = connection.recv(min(size, 1 << 16))
        if not part:
            raise ConnectionError("the other side has closed the connection")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
