"""What evaluation sets that were prepared from files ask: rows that are taught too, rows left out.

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
class AskedRows:
    """Counts rows of the sets of a study's chains; every file is read once."""

    record: dict[str, Any]
    results: Path
    _read: dict[tuple[str, str, int | None], set[str]] = field(default_factory=dict)
    _manifests: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def of_stage(self, run: Run, manifest: dict[str, Any]) -> dict[str, int]:
        """By ALSO_TAUGHT and a set's name how many of its rows stand in the stage's data too.

        A row is the same if its prompt is, or its text, but for capitals and white space.
        """
        found: dict[str, int] = {}
        for part in manifest.get("spec", {}).get("mixture", ()):
            for asked in self._asked(run):
                if "data" not in part or self._is_ruled(part["data"], asked.data):
                    continue
                taught = self._keys(part["data"], part["file"], None)
                both = len(self._keys(asked.data, asked.file, asked.limit) & taught)
                name = ALSO_TAUGHT + asked.name
                found[name] = max(found.get(name, 0), both)
        return {name: count for name, count in found.items() if count}

    def left_out(self, run: Run) -> dict[str, int]:
        """By ASKED_LEFT_OUT and a set's name how many rows of its split gave no item."""
        found = {}
        for asked in self._asked(run):
            rows = self._manifest(asked.data).get("rows", {}).get(RAW.get(asked.file), {})
            found[ASKED_LEFT_OUT + asked.name] = sum(rows.get("dropped", {}).values())
        return {name: count for name, count in found.items() if count}

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

    def _keys(self, node: str, file: str, limit: int | None) -> set[str]:
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
