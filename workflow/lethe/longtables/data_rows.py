"""What became of the rows of the data: those that gave nothing, and those both taught and asked.

Built data have leakage rules of their own, which stop the build. The files of users have none, so
what they hold twice is counted and told; nothing is taken out.
"""

import json
from collections import Counter
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
RAW = {"train.jsonl": "train", "test.jsonl": "test", "dev.jsonl": "validation"}
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
    _read: dict[tuple[str, str, int | None], Counter[str]] = field(default_factory=dict)
    _manifests: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def left_out(self, manifest: dict[str, Any]) -> dict[str, int]:
        """By ROWS_LEFT_OUT how many rows of a stage's data gave no example."""
        total = sum(self._dropped(data, file) for data, file in self._taught(manifest))
        return {ROWS_LEFT_OUT: total} if total else {}

    def also_taught(self, run: Run, manifest: dict[str, Any]) -> dict[str, int]:
        """By ALSO_TAUGHT and a set's name how many of its rows stand in files of the stage's data.

        A row is the same if its prompt is, or its text, but for capitals and white space. Where a
        mixture draws some rows of a file, the others stand in it too.
        """
        found = {}
        for asked in self._asked(run):
            taught = [
                self._keys(*of).keys()
                for of in self._taught(manifest)
                if not self._is_ruled(of[0], asked.data)
            ]
            # Rows, not prompts: two items may ask the same.
            rows = self._keys(asked.data, asked.file, asked.limit) if taught else {}
            count = sum(n for row, n in rows.items() if any(row in part for part in taught))
            found[ALSO_TAUGHT + asked.name] = count
        return {name: count for name, count in found.items() if count}

    def asked_left_out(self, run: Run) -> dict[str, int]:
        """By ASKED_LEFT_OUT and a set's name how many rows of its split gave no item."""
        found = {
            ASKED_LEFT_OUT + asked.name: self._dropped(asked.data, asked.file)
            for asked in self._asked(run)
            if not self._is_held_out(asked)
        }
        return {name: count for name, count in found.items() if count}

    def _taught(self, manifest: dict[str, Any]) -> list[tuple[str, str]]:
        """(node of data, file) of every part of a stage's mixture, joined texts too."""
        found = []
        for part in manifest.get("spec", {}).get("mixture", ()):
            # Joined texts are read as tokens, which were made of a file.
            is_joined = "tokens" in part
            made_of = self._manifest(part["tokens"], "tokens").get("spec") if is_joined else part
            if made_of:
                found.append((made_of["data"], made_of["file"]))
        return found

    def _dropped(self, data: str, file: str) -> int:
        rows = self._manifest(data).get("rows", {}).get(RAW.get(file, ""), {})
        return sum(rows.get("dropped", {}).values())

    def _is_held_out(self, asked: Asked) -> bool:
        """Whether its rows are the last ones of train, whose rows are told with the stage."""
        manifest, split = self._manifest(asked.data), RAW.get(asked.file, "")
        held = manifest.get("spec", {}).get("parameters", {}).get("hold_out", {}).get(split)
        of, train = (manifest.get("rows", {}).get(name, {}) for name in (split, "train"))
        return bool(held) and of.get("files") == train.get("files")

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
                # Of one that is asked on dev sets too, the test set is what a study reports.
                if split == "test" or task["name"] not in found:
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

    def _keys(self, node: str, file: str, limit: int | None = None) -> Counter[str]:
        """How many rows of a file have each prompt or text; of one that is not there, none."""
        key = (node, file, limit)
        if key not in self._read:
            path = node_directory(self.results, "data", node) / file
            self._read[key] = Counter(islice(_keys_of(path), limit) if path.exists() else ())
        return self._read[key]


def _keys_of(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            text = row.get("prompt", row.get("text"))
            if isinstance(text, str):
                yield " ".join(text.split()).casefold()
