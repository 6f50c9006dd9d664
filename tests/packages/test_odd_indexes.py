"""Indexes and settings of an odd kind: one sentence each, in time, and nothing is left behind."""

import gzip
import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from small_packages import NAME, STEM, VERSION, make_sdist, make_tarball, make_wheel

from lethe.sources.packages import downloads
from lethe.sources.packages.npm import NPM
from lethe.sources.packages.pip_settings import PIP

NOUNS = {"words/nouns.txt": None}
PAGE = f'<a href="/files/{STEM}.tar.gz">{STEM}</a>'.encode()
ABOUT = json.dumps({"dist": {"tarball": "http://HOST/files/small.tgz"}}).encode()


@pytest.fixture
def odd(monkeypatch, tmp_path):
    """A server whose pages and files are (status, headers, body), and its address.

    Every page has one answer and every file another; a header of None is not sent.
    """
    answers = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind = "file" if self.path.startswith("/files/") else "page"
            status, headers, body = answers[kind]
            host = f"127.0.0.1:{self.server.server_port}".encode()
            body = body.replace(b"HOST", host)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                if value is not None:
                    self.send_header(name, value.replace("SELF", self.path))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{running.server_port}"
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        monkeypatch.setenv("npm_config_registry", address)
        yield address, answers
        running.shutdown()


ARCHIVES = {
    "sdist": (make_sdist, PAGE),
    "tarball": (make_tarball, ABOUT),
}
WHOLE = b"WHOLE"
"""Stands for the bytes of the archive."""
ZIPPED = {"Content-Encoding": "gzip"}
ODD = {
    "a login": ("page", 401, {}, b"", "found the answer 401"),
    "a fault": ("page", 503, {}, b"", "found the answer 503"),
    "a page that leads to itself": ("page", 302, {"Location": "SELF"}, b"", "TooManyRedirects"),
    "a page that leads to a file": (
        "page", 302, {"Location": "file:///etc/passwd"}, b"", "cannot be reached (InvalidSchema)",
    ),
    "half a page": ("page", 200, {"Content-Length": "999"}, b"<", "cannot be reached ("),
    "a page of no length": ("page", 200, {"Content-Length": "-many"}, b"[]", ""),
    "a page that is not packed": ("page", 200, ZIPPED, b"a plain text of several words", "(Decode"),
    "a file of a login": ("file", 200, {}, b"<html>Log in</html>", "expected the sha256"),
    "a file that is refused": ("file", 403, {}, b"", "found the answer 403"),
    "a file that is gone": ("file", 404, {}, b"", "serves no"),
    "a file that leads to itself": ("file", 302, {"Location": "SELF"}, b"", "TooManyRedirects"),
    "half a file": ("file", 200, {"Content-Length": "999"}, b"half", "cannot be reached ("),
    "a file cut at its length": ("file", 200, {"Content-Length": "9"}, WHOLE, "the sha256"),
    "a file of a huge length": ("file", 200, {"Content-Length": "9" * 18}, b"x", "GB are free"),
    "a file of no length": ("file", 200, {"Content-Length": None}, b"half", "expected the sha256"),
    "a file that is packed": (
        "file", 200, ZIPPED, gzip.compress(b"0" * 10**6), "the sha256",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("what", ODD)
def test_an_odd_answer_is_one_sentence(packages, tmp_path, odd, monkeypatch, refused, what, kind):
    _, answers = odd
    monkeypatch.setenv("PATH", str(tmp_path))  # npm's registry is asked without npm
    make, page = ARCHIVES[kind]
    archive = make(tmp_path, tmp_path / "mark")
    of, status, headers, body, words = ODD[what]
    answers |= {"page": (200, {}, page), "file": (200, {}, archive.read_bytes())}
    answers[of] = (status, headers, archive.read_bytes() if body is WHOLE else body)
    refused(packages.fetch(archive, NOUNS, kind), words)
    nothing_is_left(packages)


def nothing_is_left(packages) -> None:
    assert not packages.files.exists()
    work = packages.results / "work" / packages.ids["fetched"]
    assert not [path for path in work.rglob("*") if path.is_file() and path.name != "lock"]


def test_a_page_may_be_packed_and_a_file_comes_as_its_digest_says(packages, tmp_path, odd):
    _, answers = odd
    sdist = make_sdist(tmp_path, tmp_path / "mark")
    answers["page"] = (200, ZIPPED, gzip.compress(PAGE))
    # So some servers say of a file that its own format is packed.
    answers["file"] = (200, ZIPPED, sdist.read_bytes())
    assert packages.fetch(sdist, NOUNS, "sdist") == 0


def test_a_page_that_unpacks_to_more_than_any_page_has_is_refused(
    packages, tmp_path, odd, monkeypatch, refused
):
    _, answers = odd
    monkeypatch.setattr(downloads, "LARGEST_PAGE", 10_000)
    answers["page"] = (200, ZIPPED, gzip.compress(b" " * 10**6))
    sdist = make_sdist(tmp_path, tmp_path / "mark")
    refused(packages.fetch(sdist, NOUNS, "sdist"), "expected a page of an index", "longer")


@pytest.mark.parametrize(
    "page",
    [
        b'<base href="http://[x"><a href="http://[y">a</a>' + PAGE,
        b"\xff\xfe<a href='\xff'>" + PAGE,
        PAGE.replace(b".gz", b".gz?signed=1&until=2") + b"<![x[no HTML]]>",
    ],
)
def test_a_page_with_odd_links_is_read_for_the_right_one(packages, tmp_path, odd, page):
    _, answers = odd
    sdist = make_sdist(tmp_path, tmp_path / "mark")
    answers |= {"page": (200, {}, page), "file": (200, {}, sdist.read_bytes())}
    assert packages.fetch(sdist, NOUNS, "sdist") == 0


def test_a_folder_of_links_may_have_any_name(packages, tmp_path, monkeypatch):
    folder = tmp_path / "my#wheels?[1]%20"
    sdist = make_sdist(folder, tmp_path / "mark")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    assert packages.fetch(sdist, NOUNS, "sdist") == 0


NO_INDEX, TOKEN = {"PIP_NO_INDEX": "1"}, "npm_config_//HOST/:_authToken"
SETTINGS = {
    "sdist": {
        "words for a time": ({"PIP_TIMEOUT": "soon"}, "invalid floating-point value: 'soon'"),
        "a time below nought": ({"PIP_TIMEOUT": "-1"}, "timeout in pip's settings: expect"),
        "no number for a time": ({"PIP_DEFAULT_TIMEOUT": "nan"}, "expected seconds above 0, found"),
        "no end of time": ({"PIP_TIMEOUT": "inf"}, "expected seconds above 0, found 'inf'"),
        "words for a number": ({"PIP_RETRIES": "often"}, "invalid integer value: 'often'"),
        "an odd proxy": ({"PIP_PROXY": "http://[::1"}, "cannot be reached ("),
        "a proxy of blanks": ({"PIP_PROXY": "p r o x y"}, "cannot be reached ("),
        "an odd index": ({"PIP_INDEX_URL": "http://me:secret@[a/b"}, "address of an index, found"),
        "an index without a name": ({"PIP_INDEX_URL": "http://:80/"}, "cannot be reached ("),
        "an index of no port": ({"PIP_INDEX_URL": "http://a:b/"}, "cannot be reached ("),
        "an index of dots": ({"PIP_INDEX_URL": "http://a..b/"}, "cannot be reached ("),
        "a folder of nobody": ({"PIP_FIND_LINKS": "~nobody/x", **NO_INDEX}, "serves no"),
        "a device for links": ({"PIP_FIND_LINKS": "/dev/zero", **NO_INDEX}, "serves no"),
    },
    "tarball": {
        "an odd proxy": ({"npm_config_proxy": "http://[::1"}, "cannot be reached ("),
        "an odd registry": ({"npm_config_registry": "http://me:secret@[a"}, "address of an index"),
        "a registry that is a word": ({"npm_config_registry": "registry"}, "serves no tarball"),
        "a token of odd letters": ({TOKEN: "\u20ac"}, "cannot be reached ("),
        "a token of two lines": ({TOKEN: "a\nb"}, "cannot be reached ("),
    },
}  # fmt: skip
SET = [(kind, what) for kind, found in SETTINGS.items() for what in found]


@pytest.mark.parametrize(("kind", "what"), SET)
def test_an_odd_setting_is_one_sentence(packages, tmp_path, odd, monkeypatch, refused, kind, what):
    address, answers = odd
    answers["page"] = (404, {}, b"")
    given, words = SETTINGS[kind][what]
    for name, value in given.items():
        monkeypatch.setenv(name.replace("HOST", address.removeprefix("http://")), value)
    archive = ARCHIVES[kind][0](tmp_path, tmp_path / "mark")
    if kind == "tarball":
        monkeypatch.setenv("PATH", str(tmp_path))
    refused(packages.fetch(archive, NOUNS, kind), words)
    nothing_is_left(packages)


def test_no_login_is_shown(packages, tmp_path, odd, monkeypatch, capsys):
    for index in ("http://me:secret@[a/b", "http://me:secret@127.0.0.1:9/simple"):
        monkeypatch.setenv("PIP_INDEX_URL", index)
        assert packages.fetch(make_sdist(tmp_path, tmp_path / "mark"), NOUNS, "sdist") == 2
        assert "secret" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"PIP_TIMEOUT": "soon"}, "option timeout: invalid floating-point value"),
        ({"PIP_TIMEOUT": "-1"}, "ValueError: Attempted to set connect timeout to -1.0"),
        ({"PIP_PROXY": "http://[::1"}, "InvalidURL: Failed to parse: http://[::1"),
    ],
)
def test_what_stops_pip_is_said_in_its_own_last_words(
    packages, tmp_path, monkeypatch, refused, given, words
):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    status = packages.fetch(make_wheel(tmp_path), NOUNS)
    refused(status, f"pip could not fetch the wheel of {NAME} {VERSION}", words, "pip config list")
    nothing_is_left(packages)


def test_of_what_npm_says_the_line_that_says_why_is_shown():
    said = (
        "npm warn old\nnpm error code EMAXREDIRECT\nnpm error errno EMAXREDIRECT\n"
        "npm error maximum redirect reached at: http://here/small\n"
        "npm error A complete log of this run can be found in: /home/you/log\n"
    )
    assert NPM.reason(said) == "maximum redirect reached at: http://here/small"
    assert NPM.reason("") == PIP.reason("\n") == "it did not say why"


def test_an_index_that_is_silent_is_asked_once_and_not_for_ever(
    packages, tmp_path, monkeypatch, refused
):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
        monkeypatch.setenv("PIP_TIMEOUT", "0.2")
        status = packages.fetch(make_sdist(tmp_path, tmp_path / "mark"), NOUNS, "sdist")
        refused(status, "cannot be reached (ReadTimeout)")
        silent.settimeout(0)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
