"""A hub on this machine alone: the file protocol of the pinned huggingface_hub, from memory.

Speaks what that client asks: information on a repository, its tree, and its files, the large ones
behind a redirection to another host name. Faults can be ordered by path.
"""

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE_SUFFIXES = (".safetensors", ".parquet", ".bin")
PAGE = 3  # entries of a tree in one answer, few, so that paging is exercised
API = re.compile(r"/api/(model|dataset)s/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?")
RESOLVE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


@dataclass(frozen=True)
class Repository:
    """The files of a repository at one commit; `revision` is made of them if it is not given."""

    files: dict[str, bytes]
    revision: str
    gated: bool = False


@dataclass
class HubEndpoint:
    """A running endpoint.

    Attributes:
        url: what HF_ENDPOINT is to be set to.
        requests: method, path and whether a token came with it, in order.
        granted: tokens that open gated repositories.
        cut: path -> how many further answers end after half of the file.
        alter: paths of files that are sent with their last byte changed.
    """

    url: str = ""
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    requests: list[tuple[str, str, bool]] = field(default_factory=list)
    granted: set[str] = field(default_factory=set)
    cut: dict[str, int] = field(default_factory=dict)
    alter: set[str] = field(default_factory=set)

    def serve(
        self,
        repos: dict[str, dict[str, bytes | str]],
        repo_type: str = "model",
        gated: bool = False,
        revision: str | None = None,
    ) -> dict[str, str]:
        """Serve repositories, given as name -> file -> content; return name -> revision.

        revision: 40 hex digits that they are served at; None: made of their content.
        """
        revisions = {}
        for name, files in repos.items():
            content = {p: t.encode() if isinstance(t, str) else t for p, t in files.items()}
            digest = hashlib.sha1(repr((name, sorted(content.items()))).encode())
            revisions[name] = revision or digest.hexdigest()
            self.repositories[repo_type, name] = Repository(content, revisions[name], gated)
        return revisions

    def fetched_paths(self) -> list[str]:
        """Names of the files whose content was asked for, in order."""
        return [
            path.rpartition("/")[2]
            for method, path, _ in self.requests
            if method == "GET" and ("/resolve/" in path or "/cdn/" in path)
        ]


def start_endpoint() -> tuple[HubEndpoint, ThreadingHTTPServer]:
    """An endpoint on a free port of 127.0.0.1; the caller shuts the server down."""
    endpoint = HubEndpoint()

    class Handler(HubHandler):
        hub = endpoint

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    return endpoint, server


class HubHandler(BaseHTTPRequestHandler):
    """One connection."""

    hub: HubEndpoint
    protocol_version = "HTTP/1.1"
    timeout = 20  # seconds until an idle connection is closed

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *arguments) -> None:
        pass

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.hub.requests.append((self.command, parts.path, bool(token)))
        path = unquote(parts.path)
        if parts.path.startswith("/cdn/"):
            kind, owner, name, file = path.removeprefix("/cdn/").split("/", 3)
            self._send_file(self.hub.repositories[kind, f"{owner}/{name}"], file)
        elif found := API.fullmatch(path):
            self._answer_api(*found.groups(), token, parts.query)
        elif found := RESOLVE.fullmatch(path):
            dataset, name, revision, file = found.groups()
            self._answer_file("dataset" if dataset else "model", name, revision, file, token)
        else:
            self._refuse(404, "RepoNotFound")

    def _find(self, kind: str, name: str, revision: str | None, token: str) -> Repository | None:
        """The repository, or None after a refusal."""
        repository = self.hub.repositories.get((kind, name))
        if repository is None:
            # The hub does not tell strangers whether a private repository exists.
            self._refuse(404 if token else 401, "RepoNotFound")
        elif revision not in (None, "main", repository.revision):
            self._refuse(404, "RevisionNotFound")
        else:
            return repository
        return None

    def _answer_api(self, kind, name, what, revision, token, query) -> None:
        repository = self._find(kind, name, revision, token)
        if repository is None:
            return
        if what == "tree":
            self._answer_tree(repository, query)
            return
        siblings = [{"rfilename": path} for path in sorted(repository.files)]
        gated = "manual" if repository.gated else False
        about = {"_id": "0", "id": name, "sha": repository.revision, "siblings": siblings}
        self._send_json({**about, "private": False, "gated": gated, "tags": [], "downloads": 0})

    def _answer_tree(self, repository: Repository, query: str) -> None:
        begin = int(dict(re.findall(r"(\w+)=(\w+)", query)).get("cursor", 0))
        folders = {p.rpartition("/")[0] for p in repository.files if "/" in p}
        entries = [{"type": "directory", "path": f, "size": 0, "oid": "0" * 40} for f in folders]
        for path, content in sorted(repository.files.items()):
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            entry = {"type": "file", "path": path, "size": len(content), "oid": blob}
            if path.endswith(LARGE_SUFFIXES):
                sha256 = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 134}
            entries.append(entry)
        headers = {}
        if begin + PAGE < len(entries):
            here = self.path.partition("?")[0]
            following = f"{self.hub.url}{here}?recursive=true&cursor={begin + PAGE}"
            headers["Link"] = f'<{following}>; rel="next"'
        self._send_json(entries[begin : begin + PAGE], headers)

    def _answer_file(self, kind, name, revision, file, token) -> None:
        repository = self._find(kind, name, revision, token)
        if repository is None:
            return
        if repository.gated and token not in self.hub.granted:
            self._refuse(403 if token else 401, "GatedRepo")
        elif file not in repository.files:
            self._refuse(404, "EntryNotFound", {"X-Repo-Commit": repository.revision})
        elif file.endswith(LARGE_SUFFIXES):
            content = repository.files[file]
            port = self.server.server_address[1]
            self._send_head(
                302,
                {
                    "Location": f"http://localhost:{port}/cdn/{kind}/{name}/{file}",
                    "X-Repo-Commit": repository.revision,
                    "X-Linked-Size": str(len(content)),
                    "X-Linked-ETag": f'"{hashlib.sha256(content).hexdigest()}"',
                },
            )
        else:
            self._send_file(repository, file)

    def _send_file(self, repository: Repository, file: str) -> None:
        content = repository.files[file]
        etag = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        if file in self.hub.alter:
            content = content[:-1] + bytes([content[-1] ^ 1])
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": repository.revision}
        status, begin = 200, 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked:
            status, begin = 206, int(asked[1])
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        body = content[begin:]
        self._send_head(status, {**headers, "Accept-Ranges": "bytes"}, len(body))
        if self.command == "HEAD":
            return
        if self.hub.cut.get(file, 0) > 0:
            self.hub.cut[file] -= 1
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def _send_json(self, value, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self._send_head(200, {"Content-Type": "application/json", **(headers or {})}, len(body))
        if self.command == "GET":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        self._send_head(status, {"X-Error-Code": code, "X-Error-Message": code, **(headers or {})})

    def _send_head(self, status: int, headers: dict[str, str], length: int = 0) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
