"""A job's request, as the fork server reads it."""

import os
import socket

from lethe.forkserver.wire import FORM, SIGNAL, Incoming, send_request


def test_a_signal_right_behind_the_request_is_left_for_the_job():
    values = {list: ["stage"], str: "x" * 100_000, dict: {"A": "b"}, int: 18}
    request = {name: values[kind] for name, kind in FORM.items()}
    client, server = socket.socketpair()
    incoming = Incoming(server)
    client.settimeout(10)
    streams = [os.open(os.devnull, os.O_RDWR) for _ in range(3)]
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    send_request(client, request, streams)
    client.send(SIGNAL + b"\x0f")
    read = None
    while read is None:
        read = incoming.read()
    assert read == request
    assert server.recv(16) == SIGNAL + b"\x0f"
    incoming.close()
    client.close()
    for stream in streams:
        os.close(stream)
