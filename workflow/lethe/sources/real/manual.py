"""One-line manual entries: the first sentence of the docstring of a package's functions.

The package's files are parsed and never imported.
"""

import ast
from pathlib import Path

from lethe.errors import UserError
from lethe.sources.real.packages import files_named

SHORTEST, LONGEST = 4, 20
"""Words of an entry."""


def read_manual(folder: Path) -> dict[str, str]:
    """The one line of every public function, by its name.

    Names that a package gives to several functions with different entries are left out, and entries
    that two names share: which was meant, no reader could tell.

    Raises:
        UserError: no Python files, or one that cannot be parsed.
    """
    entries: dict[str, set[str]] = {}
    for path in files_named(folder, "*.py", "manual"):
        if "tests" in path.parts:
            continue
        try:
            tree = ast.parse(path.read_text("utf-8"))
        except (SyntaxError, ValueError) as error:
            raise UserError(f"made_from.manual: {path} is not Python: {error}.") from None
        for node in tree.body:
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


def _first_line(docstring: str) -> str:
    """The first paragraph as one line, without marks of code."""
    paragraph = docstring.strip().split("\n\n")[0]
    return " ".join(paragraph.replace("`", "").split())
