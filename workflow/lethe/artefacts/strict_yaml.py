"""Strict YAML: plain values under keys that are text, each given once.

Files come from users. Reading any file takes a fraction of a second and no more memory than the
file, and a mistake in it is reported as one sentence with its line.
"""

import datetime
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from lethe.artefacts.disk_errors import disk_reason
from lethe.errors import UserError, shown, sought

LARGEST_FILE = 2**20
"""Bytes per file; the largest catalogue has 20,000."""

MOST_VALUES = 100_000
"""Values per file; the values behind an alias (`*name`) count every time it is used."""

DEEPEST = 32
"""Levels of nesting; a study has about seven."""

# libyaml's reader is ten times as fast; not every build of PyYAML has it.
_Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# YAML 1.1 reads 017 in base 8 and 1:30 in base 60.
_MISREAD = re.compile(r"[-+]?(0_*[0-7]|.*:)")

_READ_AS = {"int": "a number", "float": "a number", "bool": "true or false", "null": "null"}


def read_yaml(path: Path | str) -> dict[str, Any]:
    """One YAML file as a dictionary.

    Raises:
        UserError: the file cannot be read, is not YAML, repeats a key, or is not a mapping.
    """
    value = parse_yaml(_text(Path(path)), str(path))
    if not isinstance(value, dict):
        found = "nothing" if value is None else shown(value)
        raise UserError(f"{path}: expected keys with values, found {found}.")
    return value


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text; every message starts with `where` the text comes from.

    Raises:
        UserError: it is not YAML, or a configuration cannot hold it: see `plain_problem`.
    """
    with _mistakes_as_sentences(text, where):
        _require_simple(text)
        return yaml.load(text, Loader=_StrictLoader)


def require_yaml(path: Path) -> None:
    """Refuse a file that is not YAML; its values and tags are not checked.

    Raises:
        UserError: the file cannot be read, or is not YAML.
    """
    text = _text(path)
    with _mistakes_as_sentences(text, str(path)):
        for _ in yaml.parse(text, Loader=_Safe):
            pass


@contextmanager
def _mistakes_as_sentences(text: str, where: str) -> Iterator[None]:
    try:
        yield
    except _Refused as error:
        line = error.problem_mark.line + 1
        raise UserError(f"{where}, line {line}: {error.problem}.") from None
    except UnicodeEncodeError as error:  # a command line's byte that is not UTF-8
        found = error.object[error.start]
        raise UserError(f"{where}: expected text, found the character {found!r}.") from None
    except yaml.MarkedYAMLError as error:
        raise UserError(f"{where}, {_problem(error, text)}.") from None
    except yaml.YAMLError as error:
        reason = getattr(error, "reason", error)
        raise UserError(f"{where}: not valid YAML ({reason}).") from None


def _problem(error: yaml.MarkedYAMLError, text: str) -> str:
    """Where and why a text is not YAML, and the line where the broken part starts."""
    lines = text.rstrip().split("\n")
    line = min(error.problem_mark.line, len(lines) - 1)
    problem = PROBLEMS.get(error.problem, error.problem)
    if lines[line][error.problem_mark.column :].startswith("\t"):
        problem = "found a tab where YAML needs spaces"
    if error.context_mark and error.context_mark.line < line:
        problem += f", in the part that starts in line {error.context_mark.line + 1}"
    return f"line {line + 1}: not valid YAML ({problem})"


def require_plain(value: Any, where: str) -> None:
    """Refuse values that `read_yaml` would refuse, in a mapping that something else has read.

    Raises:
        UserError: names the key.
    """
    left = MOST_VALUES
    for place, depth, problem in _walk(value, "", 0):
        left -= 1
        if left < 0:
            problem = f"more than {MOST_VALUES:,} values"
        if depth > DEEPEST:
            problem = f"more than {DEEPEST} nested lists or mappings"
        if problem:
            raise UserError(f"{place} in {where}: {problem}.")


def plain_problem(value: Any) -> str | None:
    """Why JSON, a path or a seed could not hold a scalar; None if they can."""
    if isinstance(value, datetime.date):
        return f"{value.isoformat()} is read as a date; put it in quotes"
    if isinstance(value, float) and not math.isfinite(value):
        return f"expected a finite number, found {value}"
    if isinstance(value, int) and abs(value) >= 2**63:
        return "expected a number of at most 18 digits, found a longer one"
    if isinstance(value, str) and not all(map(_is_text, value)):
        return f"expected text, found the character {next(c for c in value if not _is_text(c))!r}"
    return None


def _is_text(character: str) -> bool:
    return character >= " " and not "\ud800" <= character <= "\udfff" or character in "\t\n\r"


def _walk(value: Any, place: str, depth: int) -> Iterator[tuple[str, int, str | None]]:
    yield place, depth, plain_problem(value)
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                problem = f"the key {shown(key)} is not text; put it in quotes"
                yield f"{place}.{key}".lstrip("."), depth, problem
            yield from _walk(item, f"{place}.{key}".lstrip("."), depth + 1)
    elif isinstance(value, list):
        for number, item in enumerate(value, start=1):
            yield from _walk(item, f"{place}, entry {number}", depth + 1)


def _text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # a ValueError: no file has a NUL in its name
        reason = disk_reason(error) if isinstance(error, OSError) else error
        where = path if Path(path).exists() else sought(path)
        raise UserError(f"{where}: cannot be read ({reason}).") from None
    if len(data) > LARGEST_FILE:
        raise UserError(
            f"{path}: expected a configuration, found more than {LARGEST_FILE:,} bytes."
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(f"{path}: expected UTF-8 text, found UTF-16; save it as UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}, line {line}: expected UTF-8 text, found the byte "
            f"0x{data[error.start]:02x}; save it as UTF-8."
        ) from None


PROBLEMS = {
    "mapping values are not allowed in this context": "a second ': '; put the value in quotes",
    "did not find expected key": "expected a key here; compare the indentation",
    "could not find expected ':'": "expected ': ' after a key",
    "found character that cannot start any token": "this value needs quotes",
    "found unexpected end of stream": "a quote is not closed",
    "could not determine a constructor for the tag 'tag:yaml.org,2002:value'": (
        "'=' alone needs quotes"
    ),
    "block sequence entries are not allowed in this context": "a '- ' in the wrong place",
}
"""libyaml's messages in the words of users; its other messages are clear enough."""


class _Refused(yaml.MarkedYAMLError):
    """Valid YAML that no configuration needs."""

    def __init__(self, problem: str, mark: yaml.Mark):
        super().__init__(problem=problem, problem_mark=mark)


def _require_simple(text: str) -> None:
    """Refuse text that would take forever to build, or holds more than plain values."""
    anchored: dict[str, int] = {}
    open_collections: list[tuple[str | None, int]] = [(None, 0)]
    documents = 0
    for event in yaml.parse(text, Loader=_Safe):
        mark = event.start_mark
        values = 0
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _Refused("a second document begins; keep one of them", mark)
        elif isinstance(event, yaml.CollectionStartEvent):
            open_collections.append((event.anchor, 1))
            if len(open_collections) > DEEPEST:
                raise _Refused(f"more than {DEEPEST} nested lists or mappings", mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, values = open_collections.pop()
            anchored[anchor] = values
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor in [anchor for anchor, _ in open_collections]:
                raise _Refused(f"*{event.anchor} contains itself", mark)
            values = anchored.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            values = 1
        if getattr(event, "tag", None) is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise _Refused(f"expected a plain value, found the tag {shown(tag)}", mark)
        anchor, inside = open_collections[-1]
        open_collections[-1] = (anchor, inside + values)
        if inside + values > MOST_VALUES:
            raise _Refused(f"more than {MOST_VALUES:,} values; use fewer aliases", mark)


class _StrictLoader(_Safe):
    """Refuses odd values, and repeated keys, of which PyYAML silently drops the first."""

    def get_single_node(self):
        node = super().get_single_node()
        _require_names(node, set())
        return node

    def construct_object(self, node, deep=False):
        try:
            value = super().construct_object(node, deep)
        except ValueError:
            problem = f"expected a date or number that exists, found {shown(node.value)}"
            raise _Refused(problem, node.start_mark) from None
        if isinstance(value, int | float) and _MISREAD.match(node.value):
            problem = f"{node.value} is read as {value}; write that, or put it in quotes"
            raise _Refused(problem, node.start_mark)
        if problem := plain_problem(value):
            raise _Refused(problem, node.start_mark)
        return value


def _require_names(node: yaml.Node | None, seen: set[int]) -> None:
    """Refuse keys that are not names or are repeated, before merges (`<<`) add further keys."""
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return
    seen.add(id(node))
    names = set()
    for child in node.value:
        if isinstance(child, tuple):
            key, child = child
            _require_name(key, names)
            names.add(key.value)
        _require_names(child, seen)


def _require_name(key: yaml.Node, names: set[str]) -> None:
    if not isinstance(key, yaml.ScalarNode):
        raise _Refused("expected a name as key, found a list or mapping", key.start_mark)
    kind = _READ_AS.get(key.tag.rpartition(":")[2])
    if kind:
        problem = f"the key {key.value!r} is read as {kind}; put it in quotes"
        raise _Refused(problem, key.start_mark)
    if key.value in names:
        raise _Refused(f"the key {shown(key.value)} is given twice", key.start_mark)
