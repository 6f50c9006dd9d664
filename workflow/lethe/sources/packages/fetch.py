"""Fetch one node: files out of a package, as the catalogue gives their digests, or not at all."""

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from lethe.artefacts.disk_errors import disk_errors_as_sentences
from lethe.artefacts.files import sha256_file
from lethe.artefacts.nodes import NO_CODE, make_node
from lethe.artefacts.paths import fetched_files, work_directory
from lethe.errors import UserError
from lethe.sources.packages.archives import keep_members, licence_of, opened
from lethe.sources.packages.npm import download_tarball
from lethe.sources.packages.pypi import download_sdist, download_wheel

DOWNLOADS = {"wheel": download_wheel, "sdist": download_sdist, "tarball": download_tarball}


def fetch_package(node: str, spec: dict, results: Path) -> dict:
    """Fetch the package of `spec`, keep its members and publish them; return the manifest.

    The archive lies in the work folder until its members are in place, so that a fetch that was
    stopped downloads nothing twice. Nothing of a package is run.

    Raises:
        UserError: it is not served, its index cannot be reached, a digest differs, a member is
            missing, the archive is damaged or hostile, or there is no room on the disk.
    """
    package, work = spec["package"], work_directory(results, node)

    def make(directory: Path) -> tuple[dict, list[str]]:
        started = time.monotonic()
        path = _download(package, work / "archive")
        place, files = fetched_files(results, node), work / "files"
        shutil.rmtree(files, ignore_errors=True)
        with opened(path) as archive:
            sizes = keep_members(archive, package["members"], files)
            licence = licence_of(archive)
        facts = {
            "archive": path.name,
            "licence": licence,
            "bytes": path.stat().st_size,
            "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - started, 3),
        }
        with disk_errors_as_sentences(place):
            # What an earlier fetch left that stopped before its manifest.
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(files, place)
            shutil.rmtree(work / "archive", ignore_errors=True)
        return facts, [f"files/{name}" for name in sizes]

    return make_node(results, node, spec, NO_CODE, make)


def _download(package: dict, folder: Path) -> Path:
    """The archive of a package in a folder, downloaded unless it is there and whole.

    Raises:
        UserError: see `fetch_package`.
    """
    left = [path for path in folder.glob("*") if path.is_file()] if folder.is_dir() else []
    for path in left:
        if sha256_file(path) == package["sha256"]:
            return path
    with disk_errors_as_sentences(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    name = f"{package['name']} {package['version']}"
    print(f"{name}: fetching the {package['archive']} from {package['index']}", flush=True)
    path = DOWNLOADS[package["archive"]](package, folder)
    if (found := sha256_file(path)) == package["sha256"]:
        return path
    path.unlink()
    raise UserError(
        f"{path.name} of {name}: expected the sha256 {package['sha256'][:12]}..., found {found}, "
        "so it was removed; run again, or correct `sha256` of the package in the catalogue if the "
        "index has another file for good reason."
    )
