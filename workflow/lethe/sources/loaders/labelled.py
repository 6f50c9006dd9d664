"""Labelled texts for end tasks: a user's own, and those of Ke et al. 2023.

Three of theirs come from Gururangan et al. 2020, *Don't Stop Pretraining*, with a text and its
class per line: ACL-ARC (files of `citation_intent`), SciERC (`sciie`), and ChemProt.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe.artefacts.strict_json import canonical
from lethe.sources.loaders.registry import Form, Loader, is_blank, is_text, register, text_of
from lethe.sources.reading import read_objects

EMPTY = (None, "", [], {})
"""Values that name nothing."""


def _is_label(value: Any) -> bool:
    return value is None or isinstance(value, bool) or is_text(value)


def _is_name(value: Any) -> bool:
    """Whether a value can name a row: also a list or an object, as exports of databases have."""
    if not isinstance(value, list | dict):
        return value is None or is_text(value)
    try:
        canonical(value)
    except (TypeError, ValueError):
        return False
    return True


def _name_of(value: Any) -> str:
    return canonical(value) if isinstance(value, list | dict) else text_of(value)


@register("labelled")
class Labelled(Loader):
    """The columns `text` and `label`, and if there are any `id` and `cluster`, as end tasks read.

    Other names go into `parameters.columns`.

    Rows keep the file's order; a label that is a number, true or false becomes text as
    it is written, and so does an `id`; one that is a list or an object becomes its JSON.
    """

    layouts = ({"text": "text", "label": "label"},)
    optional = ("id", "cluster")
    needed = ("train", "test")
    forms = {
        "label": Form("text or a number", _is_label),
        "id": Form("text, a number, or a list or an object of JSON", _is_name),
    }

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        for row in rows:
            if is_blank(row["text"]) or is_blank(row["label"]):
                dropped["text or label is empty or blank"] += 1
                continue
            given = {name: row[name] for name in self.optional if name in row}
            kept = {name: _name_of(value) for name, value in given.items() if value not in EMPTY}
            yield {"text": row["text"], "label": text_of(row["label"]), **kept}


class Ruled(Labelled):
    """Labelled texts whose public splits are rearranged by a rule of `ruled_splits`."""

    optional = ()
    ruled = True

    def raw_rows(self, split: str, parts: dict[str, list[Path]]) -> Iterator[dict]:
        files = [file for part in parts.values() for file in part]
        return read_objects(files, self.where)


@register("citation_intent")
class CitationIntent(Ruled):
    """ACL-ARC: why a paper is cited, six classes (Jurgens et al. 2018)."""


@register("sciie")
class SciIE(Ruled):
    """SciERC: how two entities of an abstract are related, seven classes (Luan et al. 2018)."""


@register("chemprot")
class ChemProt(Ruled):
    """How a chemical and a protein interact, thirteen classes (Kringelum et al. 2016)."""
