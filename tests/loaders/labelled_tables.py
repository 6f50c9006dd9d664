"""Small tables of labelled rows and of documents, with the columns of the real sources."""

import json
import random
from collections.abc import Callable
from pathlib import Path

from raw_files_written import ROWS, Roads, sentence, write_json, write_lines, write_parquet


def classified(stem: str, names: tuple[str, ...]) -> Callable[[Path], Roads]:
    """Files as Don't Stop Pretraining distributes them: text, label, and fields of many forms."""

    def write(folder: Path) -> Roads:
        draw = random.Random(8)
        local = {}
        for split, original in (("train", "train"), ("validation", "dev"), ("test", "test")):
            rows = [
                {"text": sentence(draw), "label": names[number % len(names)]}
                | {"metadata": [number] if number % 2 else {"year": str(number)}}
                for number in range(ROWS)
            ]
            lines = [json.dumps(row) for row in rows]
            local[split] = write_lines(folder / "local" / f"{original}.jsonl", lines)
            write_lines(folder / "hub" / f"{stem}_{original}.jsonl", lines)
        return Roads(folder / "hub", local, {"any_size": True})

    return write


def absa(folder: Path) -> Roads:
    """Objects by key on one road, a list of them on the other."""
    draw = random.Random(9)
    local = {}
    for split in ("train", "test"):
        rows = [
            {"id": f"{number}_0", "sentence": sentence(draw), "term": "bridge"}
            | {"polarity": ("positive", "neutral", "negative", "conflict")[number % 4]}
            for number in range(ROWS)
        ]
        write_json(folder / "hub" / f"{split}.json", {row["id"]: row for row in rows})
        local[split] = write_json(folder / "local" / f"{split}.json", rows)
    return Roads(folder / "hub", local)


def text_lines(folder: Path) -> Roads:
    """A corpus, one document a line."""
    draw = random.Random(10)
    lines = [sentence(draw) for _ in range(ROWS)] + ["", "na\u2028me"]
    write_lines(folder / "hub" / "yelp.txt", lines)
    local = {"train": write_lines(folder / "local" / "yelp.txt", lines)}
    return Roads(folder / "hub", local, {"splits": {"train": "yelp.txt"}, "dev_percent": 20})


def labelled(folder: Path) -> Roads:
    """A table of one's own with labels, which may be numbers."""
    draw = random.Random(11)
    local = {}
    for split in ("train", "test"):
        rows = [{"text": sentence(draw), "label": number % 3} for number in range(ROWS)]
        write_parquet(folder / "hub" / f"{split}.parquet", rows)
        lines = [json.dumps(row) for row in rows]
        local[split] = write_lines(folder / "local" / f"{split}.jsonl", lines)
    return Roads(folder / "hub", local)
