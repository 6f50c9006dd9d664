"""A wheel or an sdist of the Python index, found and fetched with the settings of a user's pip.

pip itself fetches wheels. It would run an sdist's own code to learn what it needs, so the file of
an sdist is looked up and fetched here, from where pip would take it.
"""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

from packaging.utils import (
    InvalidSdistFilename,
    canonicalize_name,
    parse_sdist_filename,
)
from packaging.version import InvalidVersion, Version

from lethe.errors import UserError
from lethe.sources.packages.downloads import TIMEOUT, Client, NotServed, local_path
from lethe.sources.packages.pip_settings import PipSettings, pip_settings, run_pip

UNREACHED = ("Retrying (", "timed out", "confirming the ssl certificate")
"""In what pip says of a network that does not answer."""
ABSENT = ("No matching distribution", "Could not find a version")
FULL = "No space left on device"


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
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode == 0 and wheels:
        return wheels[0]
    said = result.stderr + result.stdout
    if FULL in said:
        raise UserError(
            f"no space is left on the disk for the wheel of {wanted}; free some in {folder} and "
            "where TMPDIR is, and run again."
        )
    if any(words in said for words in UNREACHED):
        raise UserError(
            f"pip cannot reach your Python index to fetch {wanted}: fetch on a machine with "
            "network access (`lethe fetch NODE`), or correct the index in pip's settings (`pip "
            "config list`)."
        )
    if any(words in said for words in ABSENT):
        raise UserError(_not_served(package, "wheel"))
    errors = [line for line in said.splitlines() if line.startswith("ERROR:")]
    raise UserError(f"pip could not fetch the wheel of {wanted}: {(errors or [said])[-1]}")


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
        timeout=float(settings.text("timeout") or settings.text("default-timeout") or TIMEOUT),
    )
    found = [link for link in _links(client, settings, package) if _is_wanted(link, package)]
    if not found:
        raise UserError(_not_served(package, "sdist"))
    # The one with this digest, if the index tells digests.
    found.sort(key=lambda link: package["sha256"] not in link)
    address, _ = urldefrag(found[0])
    path = folder / _file_name(found[0])
    try:
        client.download(address, path)
    except NotServed:
        raise UserError(_not_served(package, "sdist")) from None
    return path


def _not_served(package: dict, archive: str) -> str:
    return (
        f"your Python index serves no {archive} of {package['name']} {package['version']}; correct "
        "`package` in the catalogue, or name an index that has it in pip's settings (`pip config "
        "list`)."
    )


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
            return [str(path) for path in sorted(local.iterdir()) if path.is_file()]
        address = page.absolute().as_uri()
    try:
        text, base = client.text(address, "text/html")
    except NotServed:
        return []
    parser = _Links(base)
    parser.feed(text)
    return parser.links


class _Links(HTMLParser):
    """The links of a page, as absolute addresses."""

    def __init__(self, base: str):
        super().__init__()
        self.base, self.links = base, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if href and tag == "base":
            self.base = urljoin(self.base, href)
        elif href and tag == "a":
            self.links.append(urljoin(self.base, href))


def _file_name(link: str) -> str:
    return unquote(urldefrag(link)[0].rpartition("/")[2])


def _is_wanted(link: str, package: dict) -> bool:
    """Whether a file is an sdist of the package's version, by its name."""
    try:
        name, version = parse_sdist_filename(_file_name(link))
        return name == canonicalize_name(package["name"]) and version == Version(package["version"])
    except (InvalidSdistFilename, InvalidVersion):
        return False
