"""What became of the rows of the data: those that gave nothing, and those both taught and asked.

Built data have leakage rules of their own, which stop the build. The files of users have none, so
what they hold twice is counted and told; nothing is taken out.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from lethe.artefacts.manifests import read_manifest
from lethe.artefacts.paths import node_directory, node_manifest
from lethe.longtables.run import Run

ROWS_LEFT_OUT = "rows.left_out"
"""Rows of a stage's data that gave no example."""
ALSO_TAUGHT, ASKED_LEFT_OUT = "rows.also_taught.", "rows.asked_left_out."
"""Followed by the name of the set."""
FILES = {"test": "test.jsonl", "dev": "dev.jsonl"}
RAW = {"test.jsonl": "test", "dev.jsonl": "validation"}
"""Where a prepared source has each split, and what its manifest calls it."""


@dataclass(frozen=True)
class Asked:
    """A file of rows that a set asks: the first `limit` of them, or all."""

    name: str
    data: str
    file: str
    limit: int | None


@dataclass
class DataRows:
    """Counts rows of the data that a study's chains are taught and asked; reads every file once."""

    record: dict[str, Any]
    results: Path
    _read: dict[tuple[str, str, int | None], set[str]] = field(default_factory=dict)
    _manifests: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def left_out(self, manifest: dict[str, Any]) -> dict[str, int]:
        """By ROWS_LEFT_OUT how many rows of a stage's data gave no example."""
        total = sum(self._dropped(data, Path(file).stem) for data, file in self._taught(manifest))
        return {ROWS_LEFT_OUT: total} if total else {}

    def also_taught(self, run: Run, manifest: dict[str, Any]) -> dict[str, int]:
        """By ALSO_TAUGHT and a set's name how many of its rows stand in the stage's data too.

        A row is the same if its prompt is, or its text, but for capitals and white space.
        """
        found: dict[str, set[str]] = {}
        for data, file in self._taught(manifest):
            for asked in self._asked(run):
                if not self._is_ruled(data, asked.data):
                    both = self._keys(asked.data, asked.file, asked.limit) & self._keys(data, file)
                    found.setdefault(ALSO_TAUGHT + asked.name, set()).update(both)
        return {name: len(both) for name, both in found.items() if both}

    def asked_left_out(self, run: Run) -> dict[str, int]:
        """By ASKED_LEFT_OUT and a set's name how many rows of its split gave no item."""
        found = {
            ASKED_LEFT_OUT + asked.name: self._dropped(asked.data, RAW.get(asked.file, ""))
            for asked in self._asked(run)
        }
        return {name: count for name, count in found.items() if count}

    def _taught(self, manifest: dict[str, Any]) -> list[tuple[str, str]]:
        """(node of data, file) of every part of a stage's mixture, joined texts too."""
        found = []
        for part in manifest.get("spec", {}).get("mixture", ()):
            # Joined texts are read as tokens, which were made of a file.
            made_of = self._manifest(part["tokens"], "tokens")["spec"] if "tokens" in part else part
            found.append((made_of["data"], made_of["file"]))
        return found

    def _dropped(self, data: str, split: str) -> int:
        rows = self._manifest(data).get("rows", {}).get(split, {})
        return sum(rows.get("dropped", {}).values())

    def _asked(self, run: Run) -> list[Asked]:
        """The files that the sets of a chain's first checkpoint are made of, where known."""
        found = {}
        for node in self.record.get("probes", {}).get(run.checkpoints[0], ()):
            spec = self._manifest(node, "probe").get("spec", {})
            split = spec.get("split", "test")
            for task in spec.get("tasks", ()):
                if task.get("data_kind") != "data":
                    continue
                if task.get("texts"):
                    file = task["texts"].format(split=split)
                elif self._is_prepared(task["data"]):
                    file = FILES[split]
                else:
                    continue
                found[task["name"]] = Asked(task["name"], task["data"], file, spec.get("limit"))
        return list(found.values())

    def _is_ruled(self, taught: str, asked: str) -> bool:
        """Whether both are of one built source, whose rules have seen to it."""
        return taught == asked and not self._is_prepared(taught)

    def _is_prepared(self, node: str) -> bool:
        """Whether the data were prepared from rows of files, by a loader."""
        return "loader" in self._manifest(node).get("spec", {})

    def _manifest(self, node: str, kind: str = "data") -> dict[str, Any]:
        """The manifest of a node; an empty one if it was not made here."""
        if (kind, node) not in self._manifests:
            path = node_manifest(self.results, kind, node)
            self._manifests[kind, node] = read_manifest(path) if path.exists() else {}
        return self._manifests[kind, node]

    def _keys(self, node: str, file: str, limit: int | None = None) -> set[str]:
        """What tells the rows of a file apart; nothing of one that is not there."""
        key = (node, file, limit)
        if key not in self._read:
            path = node_directory(self.results, "data", node) / file
            self._read[key] = set(islice(_keys_of(path), limit)) if path.exists() else set()
        return self._read[key]


def _keys_of(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            text = row.get("prompt", row.get("text"))
            if isinstance(text, str):
                yield " ".join(text.split()).casefold()
