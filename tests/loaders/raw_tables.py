"""Small tables with the exact columns of the real sources, on both roads, one entry a loader.

`TABLES` must have an entry for every loader of the registry; `test_loaders.py` checks that.
"""

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

from labelled_tables import absa, classified, labelled, text_lines
from raw_files_written import (
    ROWS,
    Roads,
    sentence,
    write_csv,
    write_json,
    write_lines,
    write_parquet,
)


def wiki_auto(folder: Path) -> Roads:
    """GEM/wiki_auto_asset_turk on the hub; train.src and train.dst of the original."""
    draw = random.Random(1)
    pairs = [(sentence(draw, 9), sentence(draw, 6)) for _ in range(ROWS)]
    write_parquet(
        folder / "hub" / "wiki_auto_asset_turk" / "train-00000-of-00001.parquet",
        [
            {
                "gem_id": f"wiki_auto_asset_turk-train-{i}",
                "gem_parent_id": f"wiki_auto_asset_turk-train-{i}",
                "source": normal,
                "target": simple,
                "references": [simple],
            }
            for i, (normal, simple) in enumerate(pairs)
        ],
    )
    # A repository holds more than the one split; the patterns say which is meant.
    write_parquet(
        folder / "hub" / "wiki_auto_asset_turk" / "test_asset-00000-of-00001.parquet",
        [{"source": "unused", "target": "unused", "references": ["unused"]}],
    )
    local = {
        "train.src": write_lines(folder / "local" / "train.src", [a for a, _ in pairs]),
        "train.dst": write_lines(folder / "local" / "train.dst", [b for _, b in pairs]),
    }
    parameters = {
        "splits": {"train": "wiki_auto_asset_turk/train-*"},
        "hold_out": {"validation": 3, "test": 5},
    }
    return Roads(folder / "hub", local, parameters)


def empathetic_dialogues(folder: Path) -> Roads:
    """Estwld/empathetic_dialogues_llm on the hub; the csv files of the original."""
    draw = random.Random(2)
    header = "conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags"
    local = {}
    for split, original in (("train", "train"), ("validation", "valid"), ("test", "test")):
        lines, rows = [header], []
        for number in range(ROWS // 4):
            name = f"hit:{number}_conv:{number * 2}"
            situation = f"I saw {sentence(draw, 3)}, and then {sentence(draw, 2)}."
            turns = [f"Well, {sentence(draw, 5)}." for _ in range(2 + number % 3)]
            for index, turn in enumerate(turns):
                fields = [name, str(index + 1), "proud", situation, str(index % 2), turn]
                escaped = [value.replace(",", "_comma_") for value in fields]
                # The test files have candidates as a field that the header does not have.
                more = ["5|5|5_5|5|5", ""] + (["a|b"] if split != "train" else [])
                lines.append(",".join([*escaped, *more]))
            rows.append(
                {
                    "conv_id": name,
                    "situation": situation,
                    "emotion": "proud",
                    "conversations": [
                        {"role": ["user", "assistant"][i % 2], "content": turn}
                        for i, turn in enumerate(turns)
                    ],
                }
            )
        local[split] = write_lines(folder / "local" / f"{original}.csv", lines)
        write_parquet(folder / "hub" / "data" / f"{original}-00000-of-00001.parquet", rows)
    # An older version's file, which the repository still holds beside valid-*.
    write_parquet(folder / "hub" / "data" / "validation-00000-of-00001.parquet", rows[:1])
    splits = {"train": "data/train-*", "validation": "data/valid-*", "test": "data/test-*"}
    return Roads(folder / "hub", local, {"splits": splits})


def eli5(folder: Path) -> Roads:
    """NomaDamas/eli5-qa on the hub; the original's columns (as exported) in local files."""
    draw = random.Random(3)
    pairs, originals = [], []
    for number in range(ROWS):
        start = ("Why", "How", "Does", "What")[number % 4]
        question = f"{start} {sentence(draw, 4)}?" + ("?" if number % 8 == 1 else "")
        best, other = sentence(draw, 8), sentence(draw, 5)
        pairs.append(
            {
                "query_id": f"q{number}",
                "question": question,
                "goldenAnswer": best,
                "doc_id": f"d{number}",
            }
        )
        originals.append(
            {
                "q_id": f"q{number}",
                "title": question,
                "selftext": "",
                "document": "",
                "subreddit": "askscience",
                "answers": {"a_id": ["a", "b"], "text": [other, best], "score": [2, 7]},
                "title_urls": {"url": []},
                "selftext_urls": {"url": []},
                "answers_urls": {"url": []},
            }
        )
    write_parquet(folder / "hub" / "data" / "train-00000-of-00001.parquet", pairs)
    lines = [json.dumps(row) for row in originals]
    local = {"train": write_lines(folder / "local" / "train_asks.jsonl", lines)}
    return Roads(folder / "hub", local, {"hold_out": {"validation": 2, "test": 4}})


def esnli(folder: Path) -> Roads:
    """pwei07/esnli on the hub (columns of esnli/esnli); the csv files of the original."""
    draw = random.Random(4)
    names = ("entailment", "neutral", "contradiction")
    local = {}
    for split, original in (("train", "train"), ("validation", "dev"), ("test", "test")):
        hub, rows = [], []
        for number in range(ROWS):
            told = [sentence(draw, 5) for _ in range(1 if split == "train" else 3)]
            pair = (sentence(draw, 6), sentence(draw, 5))
            padded = told + [""] * (3 - len(told))
            hub.append(
                {"premise": pair[0], "hypothesis": pair[1], "label": number % 3}
                | {f"explanation_{i}": text for i, text in enumerate(padded, start=1)}
            )
            rows.append(
                {"pairID": f"{number}.jpg#0r1e", "gold_label": names[number % 3]}
                | {"Sentence1": pair[0], "Sentence2": pair[1]}
                | {f"Explanation_{i}": text for i, text in enumerate(told, start=1)}
                | {"WorkerId": "W"}
            )
        write_parquet(folder / "hub" / "data" / f"{split}-00000-of-00001.parquet", hub)
        if split == "train":
            half = ROWS // 2
            for part, piece in (("1", rows[:half]), ("2", rows[half:])):
                path = folder / "local" / f"esnli_train_{part}.csv"
                local[f"train.{part}"] = write_csv(path, piece)
        else:
            local[split] = write_csv(folder / "local" / f"esnli_{original}.csv", rows)
    return Roads(folder / "hub", local)


def gigaword(folder: Path) -> Roads:
    """Harvard/gigaword on the hub (an archive); a table of document and summary in local files."""
    draw = random.Random(5)
    archive = folder / "hub" / "data" / "ggw_data.zip"
    archive.parent.mkdir(parents=True)
    local = {}
    with zipfile.ZipFile(archive, "w") as opened:
        for split, stem in (("train", "train"), ("validation", "dev"), ("test", "test")):
            rows = [
                {"document": sentence(draw, 12), "summary": sentence(draw, 5)} for _ in range(ROWS)
            ]
            for column, kind in (("document", "src"), ("summary", "tgt")):
                text = "".join(row[column] + "\n" for row in rows)
                opened.writestr(f"org_data/{stem}.{kind}.txt", text)
            lines = [json.dumps(row) for row in rows]
            local[split] = write_lines(folder / "local" / f"{split}.jsonl", lines)
    splits = dict.fromkeys(("train", "validation", "test"), "data/ggw_data.zip")
    return Roads(folder / "hub", local, {"splits": splits})


def alpaca(folder: Path) -> Roads:
    """tatsu-lab/alpaca on the hub; alpaca_data.json of the original."""
    draw = random.Random(6)
    rows = [
        {
            "instruction": sentence(draw, 5),
            "input": sentence(draw, 3) if number % 2 else "",
            "output": sentence(draw, 7),
        }
        for number in range(ROWS)
    ]
    write_parquet(
        folder / "hub" / "data" / "train-00000-of-00001-a09b74b3ef9c3b56.parquet",
        [{**row, "text": "unused"} for row in rows],
    )
    return Roads(folder / "hub", {"train": write_json(folder / "local" / "alpaca_data.json", rows)})


def generic(folder: Path) -> Roads:
    """A table of one's own with other column names: parquet on the hub, csv local."""
    draw = random.Random(7)
    local = {}
    for split in ("train", "test"):
        rows = [{"question": sentence(draw), "reply": sentence(draw)} for _ in range(ROWS)]
        write_parquet(folder / "hub" / f"{split}.parquet", rows)
        local[split] = write_csv(folder / "local" / f"{split}.csv", rows)
    return Roads(folder / "hub", local, {"columns": {"prompt": "question", "response": "reply"}})


# What the rows of loaders hold that make no prompts.
KEYS = {
    "text_lines": ("text",),
    **dict.fromkeys(
        ("citation_intent", "sciie", "chemprot", "absa", "labelled"), ("text", "label")
    ),
}

TABLES: dict[str, Callable[[Path], Roads]] = {
    "wiki_auto": wiki_auto,
    "empathetic_dialogues": empathetic_dialogues,
    "eli5": eli5,
    "esnli": esnli,
    "gigaword": gigaword,
    "alpaca": alpaca,
    "generic": generic,
    "labelled": labelled,
    "citation_intent": classified("citation_intent", ("Background", "Uses", "Future")),
    "sciie": classified("sciie", ("USED-FOR", "PART-OF")),
    "chemprot": classified("chemprot", ("INHIBITOR", "AGONIST")),
    "absa": absa,
    "text_lines": text_lines,
}
