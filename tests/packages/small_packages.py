"""Small packages as archives: a wheel, an sdist whose setup.py leaves a mark, an npm tarball."""

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

NAME, VERSION = "lethe-small-words", "1.2.0"
LICENCE = "CC0-1.0"
METADATA = (
    f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\nLicense: {LICENCE}\n\nWords.\n"
)
FILES = {
    "words/nouns.txt": b"river\nstone\n",
    "words/verbs.txt": b"run\nsee\n",
    "words/__init__.py": b"raise SystemExit('code of a package was run')\n",
}
STEM = NAME.replace("-", "_") + f"-{VERSION}"
WHEEL = f"{STEM}-py3-none-any.whl"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digest(path: Path) -> str:
    return sha256(path.read_bytes())


def make_wheel(folder: Path, files: dict[str, bytes] | None = None) -> Path:
    """A wheel that pip accepts, with these files."""
    info = f"{STEM}.dist-info"
    held = {
        **(FILES if files is None else files),
        f"{info}/METADATA": METADATA.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    held[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in held).encode()
    return make_zip(folder / WHEEL, held)


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_sdist(folder: Path, mark: Path) -> Path:
    """An sdist that writes the file `mark` when any of its code is run."""
    setup = f"open({str(mark)!r}, 'w').close()\nfrom setuptools import setup\nsetup()\n"
    files = {**FILES, "PKG-INFO": METADATA.encode(), "setup.py": setup.encode()}
    return make_tar(folder / f"{STEM}.tar.gz", {f"{STEM}/{name}": files[name] for name in files})


def make_tarball(folder: Path, mark: Path) -> Path:
    """An npm tarball whose scripts would write the file `mark`."""
    scripts = {name: f"touch {mark}" for name in ("preinstall", "install", "prepare", "prepack")}
    about = {"name": NAME, "version": VERSION, "license": LICENCE, "scripts": scripts}
    files = {**FILES, "package.json": json.dumps(about).encode()}
    path = folder / f"{NAME}-{VERSION}.tgz"
    return make_tar(path, {f"package/{name}": files[name] for name in files})


def make_tar(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    """A compressed tar with files, and symbolic links by their name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return path
