"""One file or page from an index, with a user's certificates and proxies, whole or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfile
from urllib.parse import SplitResult, urlsplit, urlunsplit
from urllib.request import url2pathname

import requests
import urllib3

from lethe.artefacts.disk_errors import disk_errors_as_sentences
from lethe.artefacts.files import CHUNK_BYTES, atomic_path
from lethe.errors import UserError, shown
from lethe.sources.packages.archives import require_room

TIMEOUT = 60.0  # seconds without a byte
ABSENT = (404, 410)
PLAIN = {"Accept-Encoding": "identity"}
LARGEST_PAGE = 2**27
"""Bytes of a page that are read at most."""


class NotServed(Exception):
    """An index was reached and does not have what was asked for."""


class Client:
    """Reads http, https and file addresses.

    Environment variables of proxies and certificates count, and so do the logins in ~/.netrc.
    """

    def __init__(
        self,
        certificates: str | bool = True,
        trusted: tuple[str, ...] = (),
        proxy: str = "",
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ):
        """trusted: hosts whose certificates are not checked.

        Raises:
            UserError: there are no `certificates` where a path names them.
        """
        if isinstance(certificates, str):
            certificates = os.path.expanduser(certificates)
            if not os.path.exists(certificates):
                raise UserError(
                    f"expected certificates at {certificates}, found none; correct `cert` in the "
                    "settings of your pip, or `cafile` in those of your npm."
                )
        self.trusted, self.timeout = trusted, timeout
        self.session = requests.Session()
        self.session.headers.update(headers or {})
        self.certificates = certificates
        if proxy:
            self.session.proxies = {"http": proxy, "https": proxy}

    def text(self, address: str, accept: str) -> tuple[str, str]:
        """A page, and the address where it was found in the end."""
        if (path := local_path(address)) is not None:
            if not path.is_file():
                raise NotServed(address)
            return path.read_text(encoding="utf-8", errors="replace"), address
        with self._get(address, {"Accept": accept, **PLAIN}) as response:
            content = b"".join(_chunks(address, response, LARGEST_PAGE))
            return content.decode("utf-8", "replace"), response.url

    def download(self, address: str, path: Path) -> None:
        """Write what an address holds to `path`, whole or not at all."""
        if (local := local_path(address)) is not None:
            if not local.is_file():
                raise NotServed(address)
            require_room(local.stat().st_size, path.parent, path.name)
            with atomic_path(path) as temporary:
                copyfile(local, temporary)
            return
        with self._get(address, PLAIN) as response:
            require_room(_length(response), path.parent, path.name)
            with atomic_path(path) as temporary, open(temporary, "wb") as file:
                for chunk in _chunks(address, response):
                    with disk_errors_as_sentences(path, temporary):
                        file.write(chunk)

    def _get(self, address: str, headers: dict[str, str]) -> requests.Response:
        parts = _split(address)
        verify = False if {parts.hostname, parts.netloc} & {*self.trusted} else self.certificates
        response = _in_time(
            address,
            lambda: self.session.get(
                address, headers=headers, stream=True, timeout=self.timeout, verify=verify
            ),
        )
        if response.status_code in ABSENT:
            raise NotServed(address)
        if response.status_code != requests.codes.ok:
            raise UserError(
                f"{public(address)}: expected the package's files, found the answer "
                f"{response.status_code} {response.reason}; see the index and login in the "
                "settings of your pip or npm."
            )
        return response


def local_path(address: str) -> Path | None:
    """The path of a file address or of a plain path; None for an address on a network."""
    parts = _split(address)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    # As `expanduser`, but a user that there is not stays as it is written.
    return None if parts.scheme in ("http", "https") else Path(os.path.expanduser(address))


def public(address: str) -> str:
    """An address without the login in it."""
    parts = _split(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def unreachable(address: str, error: object) -> UserError:
    """The error of an index that does not answer."""
    return UserError(
        f"{public(address)} cannot be reached ({error}); fetch on a machine with network access "
        "(`lethe fetch NODE`), or correct the index in the settings of your pip or npm."
    )


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        raise UserError(
            f"expected the address of an index, found {shown(address.rpartition('@')[2])}; correct "
            "it in the settings of your pip or npm."
        ) from None


def _in_time(address: str, call):
    try:
        return call()
    # Settings that no request can be made of are errors of many kinds.
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
        raise unreachable(address, type(error).__name__) from error


def _length(response: requests.Response) -> int:
    """The bytes that an answer promises; 0 if it does not say."""
    said = response.headers.get("Content-Length", "")
    return int(said) if said.isdecimal() and len(said) < 20 else 0


def _chunks(address: str, response: requests.Response, most: int | None = None):
    """The bytes of an answer; UserError if the connection breaks, or there are more than `most`.

    most: given for a page, which is unpacked if it was packed on its way. An archive stays as it
        is sent, since that is what its digest is of.
    """
    is_page = most is not None
    packed = is_page and response.headers.get("Content-Encoding")
    received, expected = 0, 0 if packed else _length(response)
    chunks = response.raw.stream(CHUNK_BYTES, decode_content=is_page)
    while chunk := _in_time(address, lambda: next(chunks, b"")):
        received += len(chunk)
        if most is not None and received > most:
            raise UserError(f"{public(address)}: expected a page of an index, found a longer text.")
        yield chunk
    if expected and received != expected:
        raise unreachable(address, f"{received} of {expected} bytes came")
