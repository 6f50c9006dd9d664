"""Cloze: does a masked language model give the hidden word of a text the right class?

Every row has a `text` with the tokenizer's mask token once, `classes` (words of each class), the
`label` of the class that is right, and perhaps a `cluster`. The class whose words have the largest
summed probability at the mask, by the softmax over the vocabulary, is the answer. The head is the
network's own, so nothing is fine-tuned, as in LAMA (Petroni et al. 2019) with classes in place of
single words (verbalizers, Schick & Schuetze 2021).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lethe.artefacts.files import digest, sha256_file
from lethe.artefacts.jsonlines import numbered_rows
from lethe.data.encoding import encode_rows
from lethe.data.examples import Example
from lethe.data.masked_batches import at_masks
from lethe.errors import UserError, shown
from lethe.evaluation.cloze_texts import CLUSTER
from lethe.evaluation.intervals import mean_stderr
from lethe.evaluation.outcomes import cluster_of, item_ids
from lethe.longtables.axes import CLOZE
from lethe.models.forward import label_logits

VERSION = "1"
ROWS = 64  # texts of one forward pass


@dataclass(frozen=True)
class Question:
    """One row, as it was read.

    place: file and line. classes: by name, the tokens of its words. row: all of it, of which the
    item's id is made.
    """

    place: str
    label: str
    classes: dict[str, tuple[int, ...]]
    row: dict[str, Any]


def score_cloze(model, tokenizer, task: dict[str, Any], limit: int | None, room: int) -> dict:
    """The result of one set, in the form of `harness.score_checkpoint`.

    Args:
        task: {name, path: jsonl of rows}.
        room: tokens of the longest text.

    Raises:
        UserError: a row without a text with one mask, without classes, or whose label is none of
            them; a word that is not one known token; a text that is too long for its mask to be
            seen. Names the file and the line.
    """
    started = time.perf_counter()
    questions, texts = _read(Path(task["path"]), task["name"], tokenizer, limit, room)
    logits = _logits(model, tokenizer, texts)
    identities = item_ids([question.row for question in questions], CLUSTER)
    items = [
        _item(question, _log_shares(question, row), identity)
        for question, row, identity in zip(questions, logits, identities, strict=True)
    ]
    right = [item["correct"] for item in items]
    score = {
        "subset": "",
        "metric": CLOZE,
        "value": float(np.mean(right)),
        "stderr": mean_stderr(right, [item["cluster_id"] for item in items]),
        "n": len(items),
        "higher_is_better": True,
    }
    return {
        "task": task["name"],
        "shots": 0,
        "version": VERSION,
        "task_digest": digest({"texts": sha256_file(task["path"]), "version": f"{CLOZE}{VERSION}"}),
        "lm_eval_version": "none",
        "n": len(items),
        "guess": float(np.mean([1 / len(question.classes) for question in questions])),
        "scores": [score],
        "items": items,
        "seconds": round(time.perf_counter() - started, 3),
    }


def _read(
    path: Path, name: str, tokenizer, limit: int | None, room: int
) -> tuple[list[Question], list[Example]]:
    """The rows of a file, and their texts in tokens."""
    known: dict[tuple[str, str], int] = {}
    questions: list[Question] = []
    rows: list[dict[str, Any]] = []
    for line, row in numbered_rows(path):
        if len(rows) == limit:
            break
        questions.append(_question(row, f"{path}, line {line}", tokenizer, known))
        rows.append({"id": f"{name}-{line}", **row})
    if not rows:
        raise UserError(f"{path} holds no texts: expected one JSON object a line.")
    texts = encode_rows(rows, name, tokenizer, room, "{prompt}", "masked")
    for question, example in zip(questions, texts, strict=True):
        if example.tokens.count(tokenizer.mask_token_id) != 1:
            raise UserError(
                f"{question.place}: expected {tokenizer.mask_token} among the {room} tokens "
                "that the model can read, found it behind them; shorten the text."
            )
    return questions, texts


def _question(row: dict, place: str, tokenizer, known: dict[tuple[str, str], int]) -> Question:
    mask, text = tokenizer.mask_token, row.get("text")
    if not isinstance(text, str) or text.count(mask) != 1:
        raise UserError(f"{place}: expected a `text` with {mask} once, found {shown(text)}.")
    classes = _classes(row.get("classes"), place)
    if row.get("label") not in list(classes):
        raise UserError(
            f"{place}: expected a `label` among the classes ({', '.join(classes)}), found "
            f"{shown(row.get('label'))}."
        )
    # A tokenizer of pieces tells a word with a blank before it from one without.
    before = " " if text.partition(mask)[0][-1:].isspace() else ""
    tokens = {}
    for name, words in classes.items():
        tokens[name] = tuple(_token(before, word, place, tokenizer, known) for word in words)
    every = [token for of_class in tokens.values() for token in of_class]
    if len(set(every)) < len(every):
        raise UserError(
            f"{place}: expected words of `classes` that the model's tokenizer tells apart, found "
            f"some that it reads as one token in {shown(classes)}; give other words."
        )
    return Question(place, row["label"], tokens, row)


def _classes(given: Any, place: str) -> dict[str, list[str]]:
    """A row's classes, of which no word stands twice."""
    lists = list(given.values()) if isinstance(given, dict) else []
    if len(lists) > 1 and all(isinstance(words, list) and words for words in lists):
        every = [word for words in lists for word in words]
        if all(isinstance(word, str) for word in every) and len(set(every)) == len(every):
            return given
    raise UserError(
        f"{place}: expected `classes`, two or more names each with a list of words, no word twice, "
        f"found {shown(given)}."
    )


def _token(before: str, word: str, place: str, tokenizer, known: dict) -> int:
    """The one token of a word; remembered, as all rows of a file mostly have the same words."""
    if (before, word) not in known:
        tokens = tokenizer(before + word, add_special_tokens=False)["input_ids"]
        if len(tokens) != 1 or tokens[0] == tokenizer.unk_token_id:
            found = "a token that it does not know" if len(tokens) == 1 else f"{len(tokens)} tokens"
            raise UserError(
                f"{place}: expected words of one token in `classes`, found {shown(word)}, which "
                f"the model's tokenizer reads as {found}; give other words."
            )
        known[before, word] = tokens[0]
    return known[before, word]


@torch.no_grad()
def _logits(model, tokenizer, texts: Sequence[Example]) -> torch.Tensor:
    """[N, vocabulary] float32 at the masks of the texts."""
    device = next(model.parameters()).device
    found = []
    for first in range(0, len(texts), ROWS):
        part = texts[first : first + ROWS]
        batch = at_masks(part, tokenizer.mask_token_id, tokenizer.pad_token_id)
        found.append(label_logits(model, batch.to(device)).float().cpu())
    return torch.cat(found)


def _log_shares(question: Question, logits: torch.Tensor) -> dict[str, float]:
    """Log of each class' share of the probability of all classes' words, in nats."""
    sums = torch.stack([logits[list(tokens)].logsumexp(0) for tokens in question.classes.values()])
    return dict(zip(question.classes, sums.log_softmax(0).tolist(), strict=True))


def _item(question: Question, shares: dict[str, float], identity: str) -> dict[str, Any]:
    gold = shares[question.label]
    margin = gold - max(value for name, value in shares.items() if name != question.label)
    correct = float(margin > 0)
    return {
        "item_id": identity,
        "cluster_id": cluster_of(question.row, CLUSTER, identity),
        "subset": "",
        "correct": correct,
        "gold_logprob": gold,
        "margin": margin,
        "predicted": max(shares, key=shares.__getitem__),
        "choice_logprobs": list(shares.values()),
        "metrics": {CLOZE: correct},
    }
