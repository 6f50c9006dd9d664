"""One-line manual entries: the first sentence of the docstring of a package's functions.

The package's files are parsed and never imported.
"""

import ast
import warnings
from pathlib import Path

from lethe.sources.real.packages import Part

SHORTEST, LONGEST = 4, 20
"""Words of an entry."""


def read_manual(part: Part) -> dict[str, str]:
    """The one line of every public function, by its name.

    Names that a package gives to several functions with different entries are left out, and entries
    that two names share: which was meant, no reader could tell.

    Raises:
        UserError: no Python files, or one that cannot be parsed.
    """
    entries: dict[str, set[str]] = {}
    for path in part.files("*.py"):
        if "tests" in path.relative_to(part.folder).parts:
            continue
        for node in _parsed(part, path).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                line = _first_line(ast.get_docstring(node) or "")
                entries.setdefault(node.name, set()).add(line)
    single = {name: lines.pop() for name, lines in sorted(entries.items()) if len(lines) == 1}
    told = list(single.values())
    return {
        name: line
        for name, line in single.items()
        if SHORTEST <= len(line.split()) <= LONGEST and told.count(line) == 1
    }


def _parsed(part: Part, path: Path) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # How a package's own code could be better is not said here.
            warnings.simplefilter("ignore")
            # Bytes, since a file of Python may name its encoding.
            return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise part.wrong(path, "a file of Python 3", f"another: {error}") from None
    # So a parser answers too deep nesting.
    except (RecursionError, MemoryError):
        raise part.wrong(path, "a file of Python 3", "one nested too deeply") from None


def _first_line(docstring: str) -> str:
    """The first paragraph as one line, without marks of code; `?` for half a character."""
    paragraph = docstring.strip().split("\n\n")[0]
    whole = paragraph.encode("utf-8", "replace").decode("utf-8")
    return " ".join(whole.replace("`", "").split())
