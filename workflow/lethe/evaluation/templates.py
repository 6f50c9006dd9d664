"""A task's jinja templates, compiled once: lm-eval compiles them again for every use of every row.

lm-eval also accepts functions of the document, so the strings are replaced by functions with the
same values.
"""

import ast
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from jinja2 import Environment, StrictUndefined, meta, nodes

FIELDS = ("doc_to_text", "doc_to_target", "doc_to_choice")


class NoValue(Exception):
    """A document has no value where a template prints one; jinja would print the word None."""


def _printed(value: Any) -> Any:
    if value is None:
        raise NoValue
    return value


# lm-eval's `utils.env`, without importing it; a test holds the two together.
TEMPLATES = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
TEMPLATES.filters["regex_replace"] = lambda text, pattern, by, count=0: re.sub(
    pattern, by, text, count=count
)
STRICT = TEMPLATES.overlay(finalize=_printed)


def refuse_no_value(field: str, doc: dict, columns: Iterable[str]) -> None:
    """Refuse a document that has no value where a column's name or a template needs one.

    Raises:
        NoValue: names the columns.
    """
    absent = [name for name, value in doc.items() if value is None]
    if not absent:
        return
    if field in columns:
        used, prints = {field}, doc[field] is None
    else:
        used, prints = _columns_used(field), _prints_no_value(field, doc)
    if prints:
        names = ", ".join(repr(name) for name in absent if name in used)
        raise NoValue(f"expected a value in the column {names}, found none")


def texts_used(field: Any, doc: dict) -> list[str]:
    """The columns that a template uses and that hold text, before it is read as anything else."""
    template = field.text if isinstance(field, Template) else field
    names = _columns_used(template) if isinstance(template, str) else ()
    return [doc[name] for name in names if isinstance(doc.get(name), str)]


@lru_cache(maxsize=64)
def _columns_used(template: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(TEMPLATES.parse(template)))


def _prints_no_value(template: str, doc: dict) -> bool:
    render, filtered = _strict(template)
    try:
        text = render(**doc)
    except NoValue:
        return True
    return "None" in text and any(name in doc and doc[name] is None for name in filtered)


@lru_cache(maxsize=64)
def _strict(template: str) -> tuple[Callable[..., str], frozenset[str]]:
    """What renders a template and refuses to print no value, and the columns that a filter reads.

    A filter turns null into the word None before it is printed.
    """
    filtered = {
        name.name
        for output in STRICT.parse(template).find_all(nodes.Output)
        for used in output.find_all(nodes.Filter)
        if used.name not in ("default", "d")
        for name in used.find_all(nodes.Name)
    }
    return STRICT.from_string(template).render, frozenset(filtered)


class Template:
    """A compiled template that caches its value for every document."""

    def __init__(self, template: str, read: Callable[[str], Any]) -> None:
        self.text = template
        self._render = TEMPLATES.from_string(template).render
        self._read = read
        self._seen: dict[int, tuple[dict, Any]] = {}

    def __call__(self, doc: dict) -> Any:
        """The value for a document; the document is kept, so that its `id` is not reused."""
        seen = self._seen.get(id(doc))
        if seen is None or seen[0] is not doc:
            seen = (doc, self._value(doc))
            self._seen[id(doc)] = seen
        return seen[1]

    def _value(self, doc: dict) -> Any:
        refuse_no_value(self.text, doc, ())
        try:
            return self._read(self._render(**doc))
        except (SyntaxError, ValueError):
            # Inside a list jinja renders a missing column as a word that is not a literal.
            names = meta.find_undeclared_variables(TEMPLATES.parse(self.text))
            if missing := sorted(names - set(doc)):
                raise KeyError(missing[0]) from None
            raise

    def __deepcopy__(self, _memo: dict) -> "Template":
        """lm-eval copies configurations to report them; jinja's templates cannot be copied."""
        return self


def compile_templates(config: dict[str, Any], columns: set[str]) -> dict[str, Any]:
    """The configuration with compiled templates; column names and functions are unchanged."""
    has_choices = config.get("doc_to_choice") is not None
    readers = {
        "doc_to_text": _text_with_choices if has_choices else str,
        "doc_to_target": _target_with_choices if has_choices else _target,
        "doc_to_choice": ast.literal_eval,
    }
    compiled = dict(config)
    for name in FIELDS:
        value = config.get(name)
        if isinstance(value, str) and value not in columns:
            compiled[name] = Template(value, readers[name])
    return compiled


def _text_with_choices(text: str) -> Any:
    return ast.literal_eval(text) if text.isdigit() else text


def _target_with_choices(text: str) -> Any:
    return ast.literal_eval(text) if text.isdigit() else _target(text)


def _target(text: str) -> Any:
    if len(text) >= 2 and text[0] == "[" and text[-1] == "]":
        try:
            return ast.literal_eval(text)
        except (SyntaxError, ValueError):
            return text
    return text
