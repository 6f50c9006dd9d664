"""What a verb prints passes through any encoding of a terminal."""

import io
import sys

import pytest

from lethe.cli import main
from lethe.terminal import print_any_text


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_letters_that_a_terminal_lacks_are_escaped_not_an_error(monkeypatch, encoding):
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding) for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    assert main(["wh\u2192re"]) == 2
    print("xs \u2192 s")
    for stream in streams.values():
        stream.flush()
    assert rb"wh\u2192re" in streams["stderr"].buffer.getvalue()
    assert streams["stdout"].buffer.getvalue() == b"xs \\u2192 s\n"


def test_letters_that_a_terminal_has_stay_as_they_are(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    print_any_text()
    print("xs \u2192 s")
    stream.flush()
    assert stream.buffer.getvalue().decode() == "xs \u2192 s\n"
