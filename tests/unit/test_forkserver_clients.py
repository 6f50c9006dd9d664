"""Whatever a client of the same user says, other jobs start and the fork server lives on."""

import array
import json
import os
import socket
import struct
import sys
from contextlib import ExitStack, suppress
from itertools import product

import pytest
from forkserver_case import Place

from lethe.forkserver.server import REQUEST_SECONDS
from lethe.forkserver.wire import REFUSED, SIGNAL, STARTED, THREAD_VARIABLES, send_request

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only"),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One server for tests after which it must be as before."""
    place = Place(tmp_path_factory.mktemp("shared"))
    yield place
    place.driver.kill()
    place.driver.wait()


def whole(body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + body


BAD_REQUESTS = {
    "nothing": b"",
    "half a length": b"\0\0",
    "half a request": whole(b'{"arguments": ["plain"]}')[:-3],
    "a list": whole(b"[1]"),
    "an empty object": whole(b"{}"),
    "garbage": whole(b"\xff\xfe garbage"),
    "deep nesting": whole(b"[" * 100_000),
    "a huge length": struct.pack("!I", 2**32 - 1) + b"x" * 1000,
    "no arguments": whole(json.dumps({"arguments": []}).encode()),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_no_job_waits_for_a_client_that_asks_for_none(shared, name):
    """Neither for one that has gone, nor for one that stays; with and without open files."""
    server = shared.server()
    with ExitStack() as staying:
        for descriptors, goes in product((0, 3, 4), (False, True)):
            bad = staying.enter_context(socket.socket(socket.AF_UNIX))
            bad.connect(str(shared.socket))
            if BAD_REQUESTS[name]:
                send_with(bad, BAD_REQUESTS[name], descriptors)
            if goes:
                bad.close()
        assert shared.run("plain", "status", "7", timeout=REQUEST_SECONDS / 2).returncode == 7
    assert shared.server() == server


@pytest.mark.parametrize(
    "wrong",
    [
        {"arguments": [3]},
        {"arguments": ["unheard of"]},
        {"umask": ""},
        {"environment": {"A": 1}},
        {"folder": None},
        {"more": 1},
    ],
)
def test_a_request_of_another_form_starts_nothing(shared, wrong):
    server = shared.server()
    request = request_for(shared, "plain", "status", "7")
    with socket.socket(socket.AF_UNIX) as bad:
        bad.settimeout(REQUEST_SECONDS / 2)
        bad.connect(str(shared.socket))
        send_with(bad, whole(json.dumps(request | wrong).encode()), 3)
        assert bad.recv(100)[:1] in (b"", REFUSED)
    assert shared.server() == server


def test_a_client_that_asks_for_a_signal_that_there_is_not_ends_no_server(shared):
    server = shared.server()
    with socket.socket(socket.AF_UNIX) as bad, open(os.devnull, "r+") as nothing:
        bad.connect(str(shared.socket))
        request = request_for(shared, "plain", "wait", os.devnull)
        send_request(bad, request, [nothing.fileno()] * 3)
        assert bad.recv(100) == STARTED + b"\n"
        bad.sendall(SIGNAL + b"\xff")
        assert shared.server() == server


def send_with(connection: socket.socket, content: bytes, descriptors: int) -> None:
    with open(os.devnull, "r+") as nothing:
        files = array.array("i", [nothing.fileno()] * descriptors)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)] if descriptors else []
        connection.sendmsg([content[:4]], rights)
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(content[4:])


def request_for(place: Place, *arguments: str) -> dict:
    """What the job's own client would ask for."""
    return {
        "arguments": list(arguments),
        "folder": "/",
        "environment": place.environment | dict.fromkeys(THREAD_VARIABLES, "1"),
        "umask": 0,
        "python": sys.executable,
        "package": str(place.package),
    }
