"""Documents of public-domain prose, in sentences: speeches, a novel, portraits of countries."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.errors import UserError
from lethe.sources.real.packages import files_named

PROSE = ("speeches", "novel", "countries")
# A full stop ends a sentence if a capital follows, and no abbreviation or initial stands before it.
END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"”’)])) (?=[\"“‘(]?[A-Z])")
NO_END = re.compile(
    r"(?:\b(?:Mr|Mrs|Dr|St|Gen|Gov|No|Art|Sec|vs|Capt|Col|Lieut|Messrs|Jr|Hon|Rev|etc|est)|\b[A-Z]"
    r"|\b[a-z])\.$"
)
SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Document:
    """name: unique among all documents. sentences: in the order of the text."""

    name: str
    source: str
    sentences: tuple[str, ...]


def sentences_of(text: str) -> tuple[str, ...]:
    """The sentences of a text, with single blanks."""
    found: list[str] = []
    for piece in END.split(SPACE.sub(" ", text).strip()):
        if found and NO_END.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return tuple(sentence for sentence in found if sentence)


def read_prose(folders: dict[str, Path]) -> list[Document]:
    """All documents, by source and name.

    Args:
        folders: of the packages `speeches` (a text file an address), `novel` (a JSON file a
            chapter, with `text`) and `countries` (a JSON file a country, of the World Factbook).

    Raises:
        UserError: a package has no such files.
    """
    texts = {
        "speeches": ((p.stem, p.read_text("utf-8")) for p in _speeches(folders["speeches"])),
        "novel": (
            (p.stem, _read(p, "novel")["text"])
            for p in files_named(folders["novel"], "chapter_*.json", "novel")
        ),
        "countries": _countries(folders["countries"]),
    }
    return [
        Document(f"{source}-{name}", source, sentences)
        for source in PROSE
        for name, text in texts[source]
        if (sentences := sentences_of(text))
    ]


def _speeches(folder: Path) -> list[Path]:
    # Their names begin with the year.
    return files_named(folder, "[12][0-9][0-9][0-9]_*.txt", "speeches")


def _countries(folder: Path) -> Iterable[tuple[str, str]]:
    for path in files_named(folder, "[a-z][a-z].json", "countries"):
        country = _read(path, "countries")
        texts = [
            country.get(chapter, {}).get(entry, {}).get("text", "")
            for chapter, entry in (
                ("Introduction", "Background"),
                ("Economy", "Economy - overview"),
            )
        ]
        yield path.stem, " ".join(text for text in texts if text)


def _read(path: Path, of: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UserError(f"made_from.{of}: {path} is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise UserError(f"made_from.{of}: expected a JSON object in {path}.")
    return value
