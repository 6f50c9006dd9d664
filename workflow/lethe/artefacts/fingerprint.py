"""A digest of what code does: its comments, docstrings and annotations do not count.

It covers the named modules and everything in this package that they import, directly or not. It
reads the source and imports nothing. Modules that are imported at run time under a computed name
are not seen: pass them as roots. The module `LEFT_OUT` does not count.
"""

import ast
import hashlib
import json
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lethe.errors import UserError

PACKAGE = "lethe"
ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("torch", "transformers")
MOST_KEPT = 5000
# It holds how jobs are run and where results are stored; it cannot change a result.
LEFT_OUT = "lethe.artefacts.rules"


def fingerprint(
    roots: Iterable[str], versions: tuple[str, ...] = (), root: Path | None = None
) -> str:
    """Hex sha256 of the code of `roots` (dotted names) and of all they import from the package.

    `versions` names installed libraries whose versions count too (`LIBRARIES` for training);
    `root` is the package's folder if it is not this one. Computed once per process, so the answer
    never changes during a run. Raises UserError for an unknown module or a file that is not Python.
    """
    return _fingerprint(tuple(sorted(set(roots))), tuple(sorted(set(versions))), root or ROOT)


def imported_modules(roots: Iterable[str], root: Path | None = None) -> list[str]:
    """The dotted names that `fingerprint(roots)` covers, sorted."""
    return sorted(_closure(tuple(sorted(set(roots))), root or ROOT))


@cache
def _fingerprint(roots: tuple[str, ...], versions: tuple[str, ...], root: Path) -> str:
    parts = [f"{name} {code}" for name, code in sorted(_closure(roots, root).items())]
    parts += [f"{library}=={_version(library)}" for library in versions]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _version(library: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(library).partition("+")[0]  # the CPU and CUDA builds count as one
    except PackageNotFoundError:
        raise UserError(f"the library {library} is not installed; run `make env`") from None


@cache
def _closure(roots: tuple[str, ...], root: Path) -> dict[str, str]:
    """Every module that `roots` import, directly or not, with the digest of its code."""
    kept = _Kept(root)
    reached: dict[str, str] = {}
    waiting = list(roots)
    for name in roots:
        if _source(name, root) is None:
            raise UserError(f"{name} is not a module of the package {PACKAGE}")
    while waiting:
        name = waiting.pop()
        source = _source(name, root)
        if source is None or name in reached or name == LEFT_OUT:
            continue
        reached[name], imports = kept.read(source, name)
        waiting += imports
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    kept.save()
    return reached


def _source(name: str, root: Path) -> Path | None:
    first, *rest = name.split(".")
    if first != PACKAGE:
        return None
    path = root.joinpath(*rest)
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.is_file() and (rest or candidate.name == "__init__.py"):
            return candidate
    return None


class _Kept:
    """A cache of the digests and imports of files, by content, kept beside Python's byte code.

    Parsing the whole package takes most of a second, and a run needs it several times.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / "__pycache__" / "fingerprints.json"
        self.own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
        self.new = False
        self.entries: dict[str, list] = {}
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            if stored["made_by"] == self.own and all(map(_is_kept, stored["entries"].values())):
                self.entries = stored["entries"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass  # only a cache: without it, parsing gives the same answer

    def read(self, source: Path, name: str) -> tuple[str, list[str]]:
        content = source.read_bytes()
        is_package = source.name == "__init__.py"
        key = hashlib.sha256(f"{name} {is_package} ".encode() + content).hexdigest()
        if key not in self.entries:
            self.entries[key] = list(_digest_and_imports(content, source, name, is_package))
            self.new = True
        code, imports = self.entries[key]
        return code, imports

    def save(self) -> None:
        if not self.new:
            return
        if len(self.entries) > MOST_KEPT:
            self.entries = {}
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(exist_ok=True)
            temporary.write_text(json.dumps({"made_by": self.own, "entries": self.entries}))
            os.replace(temporary, self.path)
        except OSError:
            pass  # a read-only installation works, a little slower


def _is_kept(entry: object) -> bool:
    """Whether an entry of the cache has its form: a digest, and names of modules."""
    match entry:
        case [str(), [*names]]:
            return all(isinstance(name, str) for name in names)
    return False


def _digest_and_imports(
    content: bytes, source: Path, name: str, is_package: bool
) -> tuple[str, list[str]]:
    from lethe.artefacts.normalised_code import imports_of, words

    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise UserError(f"{source}: not valid Python (line {line}: {error})") from None
    code = hashlib.sha256("\0".join(words(tree, PACKAGE)).encode()).hexdigest()
    return code, imports_of(tree, name, is_package)
