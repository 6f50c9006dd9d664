"""A small end task on a small encoder, as nodes of a results folder."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from masked_model import WORDS, masked_model, masked_tokenizer

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.manifests import publish
from lethe.endtasks.finetune import Settings
from lethe.endtasks.labelled import LabelledTask, read_task
from lethe.models.saving import save_model

SETTINGS = Settings(epochs=12, learning_rate=5e-3, batch_size=8, max_length=12, weight_decay=0.01)


def labelled(count: int, seed: int) -> list[dict]:
    """Texts whose first word tells their class."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        rest = [WORDS[int(i)] for i in generator.integers(2, len(WORDS), 5)]
        rows.append({"text": " ".join([WORDS[number % 2], *rest]), "label": f"class{number % 2}"})
    return rows


def made_nodes(results: Path) -> Iterator[Path]:
    """A results folder with a base and data; one thread until the test is done."""
    torch.set_num_threads(1)
    base, data = results / "bases" / "base", results / "data" / "data"
    files = save_model(masked_model(hidden_dropout_prob=0.1), masked_tokenizer(), base)
    publish(base, "base.json", {"parameters": 1}, files)
    write_rows(data / "train.jsonl", labelled(64, 0))
    write_rows(data / "test.jsonl", labelled(32, 1))
    publish(data, "data.json", {}, ["train.jsonl", "test.jsonl"])
    yield results


def end_task_spec(**changes) -> dict:
    return {
        "kind": "end_task",
        "checkpoint": "base",
        "checkpoint_kind": "base",
        "end_task": "toy",
        "data": "data",
        "data_kind": "data",
        "train": "train.jsonl",
        "dev": None,
        "test": "test.jsonl",
        "labels": [],
        "metric": "macro_f1",
        **vars(SETTINGS),
        "seeds": [0],
        **changes,
    }


def task_of(folder: Path) -> LabelledTask:
    return read_task({split: folder / f"{split}.jsonl" for split in ("train", "test")})
