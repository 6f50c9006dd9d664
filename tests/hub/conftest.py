"""A hub on this machine alone for every test here, and nodes to fetch from it."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hub_endpoint import start_endpoint
from node_specs import write_spec
from small_models import bloom_files, llama_files, mt0_files

from lethe.artefacts.paths import node_directory
from lethe.cli import main

MAKERS = {"bloom": bloom_files, "llama": llama_files, "mt0": mt0_files}


@pytest.fixture
def hub_endpoint(monkeypatch):
    """A running endpoint to which this process and those it starts are directed."""
    endpoint, server = start_endpoint()
    monkeypatch.setenv("HF_ENDPOINT", endpoint.url)
    allow_network(monkeypatch)
    yield endpoint
    server.shutdown()
    server.server_close()


def allow_network(monkeypatch) -> None:
    """Let the hub's library, perhaps imported long ago, ask this machine; without any token."""
    from huggingface_hub import constants, file_download
    from huggingface_hub.utils import _http

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nonexistent/token")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    # It waits between attempts; waiting proves nothing here.
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)


@pytest.fixture(scope="session")
def small_models() -> dict[str, dict[str, bytes]]:
    """The files of a small random model by architecture."""
    return {name: make() for name, make in MAKERS.items()}


@dataclass(frozen=True)
class Nodes:
    """A results folder with nodes of one's own; every verb runs as on the command line."""

    results: Path
    ids: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, /, **spec) -> str:
        """The id of a node, which the tests also know by a name."""
        self.ids[name] = write_spec(self.results, name, spec)
        return self.ids[name]

    def fetched(self, repo: str, revision: str | None = None, **changes) -> str:
        """The spec of a fetched node."""
        spec = {"kind": "fetched", "repo": repo, "repo_type": "model", "revision": revision}
        return self.write("fetched", **{**spec, "include": [], "gated": False, **changes})

    def base(self, family: str, **changes) -> str:
        """The spec of a base on the fetched node."""
        spec = {"kind": "base", "family": family, "source": "hub", "fetched": self.ids["fetched"]}
        return self.write("base", **{**spec, **changes})

    def run(self, verb: str, node: str) -> int:
        return main([verb, node, "--results", str(self.results)])

    def place(self, kind: str, name: str) -> Path:
        """The folder of a node, by its name here or by its id."""
        return node_directory(self.results, kind, self.ids.get(name, name))


@pytest.fixture
def nodes(tmp_path) -> Nodes:
    return Nodes(tmp_path / "results")
