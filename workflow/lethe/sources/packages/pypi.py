"""A wheel or an sdist of the Python index, found and fetched with the settings of a user's pip.

pip itself fetches wheels. It would run an sdist's own code to learn what it needs, so the file of
an sdist is looked up and fetched here, from where pip would take it.
"""

from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    canonicalize_name,
    parse_sdist_filename,
)
from packaging.version import InvalidVersion, Version

from lethe.sources.packages.downloads import TIMEOUT, Client, NotServed, local_path
from lethe.sources.packages.pip_settings import PIP, PipSettings, pip_settings, run_pip


def download_wheel(package: dict, folder: Path) -> Path:
    """Fetch a wheel into an empty folder; return its path.

    Raises:
        UserError: the index does not serve it or cannot be reached, or the disk is full.
    """
    wanted = f"{package['name']}=={package['version']}"
    result = run_pip(
        "download", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python",
        "--progress-bar", "off", "--dest", str(folder), wanted,
    )  # fmt: skip
    return PIP.archive(result, folder, "*.whl", package)


def download_sdist(package: dict, folder: Path) -> Path:
    """Fetch the file of an sdist into a folder; return its path. None of its code is run.

    Raises:
        UserError: the index does not serve it or cannot be reached, or the disk is full.
    """
    settings = pip_settings()
    client = Client(
        settings.text("cert") or True,
        tuple(settings.words("trusted-host")),
        settings.text("proxy"),
        timeout=settings.seconds("timeout", settings.seconds("default-timeout", TIMEOUT)),
    )
    found = [link for link in _links(client, settings, package) if _is_wanted(link, package)]
    if not found:
        raise PIP.not_served(package)
    # The one with this digest, if the index tells digests.
    found.sort(key=lambda link: package["sha256"] not in link)
    address, _ = urldefrag(found[0])
    path = folder / _file_name(found[0])
    try:
        client.download(address, path)
    except NotServed:
        raise PIP.not_served(package) from None
    return path


def _links(client: Client, settings: PipSettings, package: dict) -> Iterator[str]:
    """Addresses of files that may be of a package: of the indexes, then of folders and pages."""
    for place in settings.words("find-links"):
        yield from _of_page(client, place)
    for index in settings.indexes():
        yield from _of_page(client, f"{index.rstrip('/')}/{canonicalize_name(package['name'])}/")


def _of_page(client: Client, address: str) -> list[str]:
    """The links of a page, or the files of a folder on this machine; none if it is not there."""
    local = local_path(address)
    if local is not None and local.is_dir():
        page = local / "index.html"
        if not page.is_file():
            return [path.absolute().as_uri() for path in sorted(local.iterdir()) if path.is_file()]
        address = page.absolute().as_uri()
    try:
        text, base = client.text(address, "text/html")
    except NotServed:
        return []
    parser = _Links(base)
    # So the parser answers what is no HTML; the links before it count.
    with suppress(AssertionError):
        parser.feed(text)
    return parser.links


class _Links(HTMLParser):
    """The links of a page, as absolute addresses."""

    def __init__(self, base: str):
        super().__init__()
        self.base, self.links = base, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if not href or tag not in ("base", "a"):
            return
        try:
            address = urljoin(self.base, href)
        except ValueError:
            return  # it leads nowhere
        if tag == "base":
            self.base = address
        else:
            self.links.append(address)


def _file_name(link: str) -> str:
    return unquote(urlsplit(link).path.rpartition("/")[2])


def _is_wanted(link: str, package: dict) -> bool:
    """Whether a file is an sdist of the package's version, by its name."""
    try:
        name, version = parse_sdist_filename(_file_name(link))
        return name == canonicalize_name(package["name"]) and version == Version(package["version"])
    except (InvalidSdistFilename, InvalidVersion):
        return False
