"""Indexes on this machine alone, and nodes of packages to fetch from them."""

import json
import os
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from node_specs import write_spec
from small_packages import NAME, VERSION, digest

from lethe.artefacts.paths import fetched_files, node_directory
from lethe.cli import main

# No test asks an index of the network, whatever this machine's pip and npm are told.
ELSEWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Packages:
    """A results folder with nodes of packages; every verb runs as on the command line."""

    results: Path
    ids: dict[str, str] = field(default_factory=dict)

    def fetch(self, archive: Path, members, kind: str = "wheel", **changes) -> int:
        """Fetch members of an archive of the small package; the verb's exit status."""
        index = "npm" if kind == "tarball" else "pypi"
        package = {"index": index, "name": NAME, "version": VERSION, "archive": kind}
        package |= {"sha256": digest(archive), "members": dict(members), **changes}
        self.ids["fetched"] = write_spec(
            self.results, "small", {"kind": "fetched", "package": package}
        )
        return self.run("fetch", self.ids["fetched"])

    def base(self, **changes) -> int:
        """Make a base of the fetched package; the verb's exit status."""
        spec = {"kind": "base", "family": "causal", "source": "package"}
        spec |= {"fetched": self.ids["fetched"], **changes}
        self.ids["base"] = write_spec(self.results, "base", spec)
        return self.run("base", self.ids["base"])

    def run(self, verb: str, node: str) -> int:
        return main([verb, node, "--results", str(self.results)])

    @property
    def files(self) -> Path:
        return fetched_files(self.results, self.ids["fetched"])

    def record(self, kind: str = "fetched") -> dict:
        name = {"fetched": "fetch.json", "base": "base.json"}[kind]
        return json.loads((node_directory(self.results, kind, self.ids[kind]) / name).read_text())


@pytest.fixture
def packages(tmp_path, monkeypatch) -> Packages:
    monkeypatch.setenv("npm_config_registry", ELSEWHERE)
    monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "no-npmrc"))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    # Neither the machine's files of settings nor its variables.
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        if name != "PIP_CONFIG_FILE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_INDEX_URL", ELSEWHERE)
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return Packages(tmp_path / "results")


@pytest.fixture
def links(tmp_path, monkeypatch) -> Path:
    """A folder that pip is told to look into, and into nothing else."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@dataclass(frozen=True)
class Server:
    """A web server on this machine: `answers` by path, and the paths and logins `asked` for."""

    address: str
    answers: dict[str, bytes]
    asked: list[tuple[str, str | None]]


@pytest.fixture
def server():
    answers: dict[str, bytes] = {}
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            content = answers.get(self.path)
            self.send_response(404 if content is None else 200)
            is_page = (content or b"").startswith(b"<")
            self.send_header("Content-Type", "text/html" if is_page else "application/json")
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *arguments) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield Server(f"http://127.0.0.1:{running.server_port}", answers, asked)
        running.shutdown()


@pytest.fixture
def refused(capsys):
    """Holds what a verb said against the words that a sentence must have."""

    def hold(status: int, *words: str) -> None:
        said = capsys.readouterr().err.partition("lethe: ")[2].strip()
        assert status == 2 and "\n" not in said and said.endswith("."), said
        for word in words:
            assert word in said, said

    return hold
