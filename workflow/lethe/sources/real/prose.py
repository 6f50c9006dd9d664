"""Documents of public-domain prose, in sentences: speeches, a novel, portraits of countries."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lethe.errors import UserError
from lethe.sources.real.json_files import read_object, text_at
from lethe.sources.real.packages import Part

PROSE = ("speeches", "novel", "countries")
CHAPTERS = (("Introduction", "Background"), ("Economy", "Economy - overview"))
"""Entries of a country whose texts are used."""
# A full stop ends a sentence if a capital follows, and no abbreviation or initial stands before it.
END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"”’)])) (?=[\"“‘(]?[A-Z])")
NO_END = re.compile(
    r"(?:\b(?:Mr|Mrs|Dr|St|Gen|Gov|No|Art|Sec|vs|Capt|Col|Lieut|Messrs|Jr|Hon|Rev|etc|est)|\b[A-Z]"
    r"|\b[a-z])\.$"
)
LAST = 12
"""Characters at the end of a piece in which an abbreviation would be found."""
SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Document:
    """name: unique among all documents. sentences: in the order of the text."""

    name: str
    source: str
    sentences: tuple[str, ...]


def sentences_of(text: str) -> tuple[str, ...]:
    """The sentences of a text, with single blanks."""
    found: list[list[str]] = []
    for piece in END.split(SPACE.sub(" ", text).strip()):
        if found and NO_END.search(found[-1][-1][-LAST:]):
            found[-1].append(piece)
        else:
            found.append([piece])
    return tuple(sentence for pieces in found if (sentence := " ".join(pieces)))


def read_prose(parts: dict[str, Part]) -> list[Document]:
    """All documents, by source and name.

    Args:
        parts: `speeches` (a text file an address), `novel` (a JSON file a chapter, with `text`) and
            `countries` (a JSON file a country, of the World Factbook), each with its package.

    Raises:
        UserError: a package has no such files, or one that is not of its form.
    """
    found = []
    for source, read in READERS.items():
        documents = [
            Document(f"{source}-{name}", source, sentences)
            for name, text in read(parts[source])
            if (sentences := sentences_of(text))
        ]
        if not documents:
            part = parts[source]
            raise UserError(
                f"made_from.{source}: expected texts in {part.package}, found files without one; "
                "name another package, or keep more of its members."
            )
        found += documents
    return found


def _speeches(part: Part) -> Iterator[tuple[str, str]]:
    # Their names begin with the year.
    for path in part.files("[12][0-9][0-9][0-9]_*.txt"):
        yield path.stem, part.text(path)


def _novel(part: Part) -> Iterator[tuple[str, str]]:
    for path in part.files("chapter_*.json"):
        chapter = read_object(part, path)
        if not isinstance(chapter.get("text"), str):
            raise part.wrong(path, "a text under 'text'", (chapter.get("text"),))
        yield path.stem, chapter["text"]


def _countries(part: Part) -> Iterator[tuple[str, str]]:
    for path in part.files("[a-z][a-z].json"):
        country = read_object(part, path)
        texts = [text_at(part, path, country, *keys, "text") for keys in CHAPTERS]
        yield path.stem, " ".join(text for text in texts if text)


READERS = {"speeches": _speeches, "novel": _novel, "countries": _countries}
