"""Writing small raw files, on both roads: a repository's folder, and local files by key."""

import csv
import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 24


@dataclass(frozen=True)
class Roads:
    """Where one loader's raw files lie: a repository's folder, and local files by key."""

    hub: Path
    local: dict[str, Path]
    parameters: dict = field(default_factory=dict)
    subset: str | None = None


def sentence(generator: random.Random, length: int = 6) -> str:
    words = ["the", "river", "old", "town", "has", "a", "bridge", "near", "it's", '"oak"', "mill"]
    return " ".join(generator.choice(words) for _ in range(length))


def write_parquet(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def write_json(path: Path, value) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def write_csv(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_lines(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path
