"""A task's jinja templates, compiled once: lm-eval compiles them again for every use of every row.

lm-eval also accepts functions of the document, so the strings are replaced by functions with the
same values.
"""

import ast
from collections.abc import Callable
from typing import Any

import lm_eval.utils
from jinja2 import meta

FIELDS = ("doc_to_text", "doc_to_target", "doc_to_choice")


class Template:
    """A compiled template that caches its value for every document."""

    def __init__(self, template: str, read: Callable[[str], Any]) -> None:
        self._text = template
        self._render = lm_eval.utils.env.from_string(template).render
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
        try:
            return self._read(self._render(**doc))
        except (SyntaxError, ValueError):
            # Inside a list jinja renders a missing column as a word that is not a literal.
            names = meta.find_undeclared_variables(lm_eval.utils.env.parse(self._text))
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
