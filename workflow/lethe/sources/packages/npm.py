"""A tarball of npm's registry: fetched by npm where it is there, else with npm's own settings."""

import json
import os
import re
import shutil
from pathlib import Path
from urllib.parse import quote, urlsplit

from lethe.errors import UserError
from lethe.sources.packages.asking import Tool, run_tool
from lethe.sources.packages.downloads import Client, NotServed

NPM = Tool(
    name="npm",
    index="npm's registry",
    settings="npm config list",
    error=re.compile(r"npm (?:ERR!|error) (?!A complete log|code |errno )(.*)"),
    absent=("E404", "ETARGET", "404 Not Found"),
    unreached=("ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EAI_AGAIN", "network"),
    full="ENOSPC",
)


def download_tarball(package: dict, folder: Path) -> Path:
    """Fetch a tarball into an empty folder; return its path. None of its scripts is run.

    Raises:
        UserError: the registry does not serve it or cannot be reached, or the disk is full.
    """
    npm = shutil.which("npm")
    return _by_npm(npm, package, folder) if npm else _without_npm(package, folder)


def _by_npm(npm: str, package: dict, folder: Path) -> Path:
    wanted = f"{package['name']}@{package['version']}"
    place = str(folder.resolve())
    command = [npm, "pack", wanted, "--ignore-scripts", "--pack-destination", place]
    return NPM.archive(run_tool(command, folder), folder, "*.tgz", package)


def _without_npm(package: dict, folder: Path) -> Path:
    settings = npm_settings()
    scope = package["name"].partition("/")[0]
    registry = settings.get(f"{scope}:registry") or settings.get("registry", "")
    if not registry:
        raise UserError(
            f"{package['name']} is a package of npm, which is not installed here; install npm, or "
            "name a registry with the variable npm_config_registry or in ~/.npmrc."
        )
    client = _client(registry, settings)
    name = quote(package["name"], safe="@")
    address = f"{registry.rstrip('/')}/{name}/{package['version']}"
    try:
        text, _ = client.text(address, "application/json")
        tarball = str(json.loads(text)["dist"]["tarball"])
        # A token is for its own registry only.
        elsewhere = urlsplit(tarball).hostname != urlsplit(registry).hostname
        path = folder / "package.tgz"
        (_client("", settings) if elsewhere else client).download(tarball, path)
    except NotServed:
        raise NPM.not_served(package) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError(
            f"{package['name']}: expected the description of a package from npm's registry, found "
            "something else; correct `registry` in npm's settings."
        ) from None
    return path


def npm_settings() -> dict[str, str]:
    """npm's settings of this user: ~/.npmrc, and above it the environment (`npm_config_...`)."""
    settings = {}
    file = Path(os.environ.get("npm_config_userconfig") or Path.home() / ".npmrc")
    lines = (
        file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    )
    for line in lines:
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith(("#", ";")):
            named = re.sub(r"\$\{(\w+)\}", lambda m: os.environ.get(m[1], ""), value.strip())
            settings[key.strip()] = named.strip("\"'")
    for variable, value in os.environ.items():
        if variable.lower().startswith("npm_config_"):
            key = variable[len("npm_config_") :]
            # What is set for one registry, such as `//HOST/:_authToken`, is named as in a file.
            settings[key if key.startswith("//") else key.lower().replace("_", "-")] = value
    return settings


def _client(registry: str, settings: dict[str, str]) -> Client:
    """A client that shows the registry the user's token, if there is one for it."""
    headers = {}
    place = re.sub(r"^https?:", "", registry.rstrip("/") + "/")
    for key, value in settings.items():
        of, _, what = key.rpartition(":")
        # Of //HOST.one a registry at //HOST.one.two is no part.
        if registry and what == "_authToken" and place.startswith(of.rstrip("/") + "/"):
            headers["Authorization"] = f"Bearer {value}"
    certificates = settings.get("cafile") or settings.get("strict-ssl", "true") != "false"
    proxy = settings.get("https-proxy") or settings.get("proxy") or ""
    return Client(certificates, proxy=proxy, headers=headers)
