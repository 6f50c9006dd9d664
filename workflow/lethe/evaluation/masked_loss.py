"""Loss of a checkpoint on texts: it measures forgetting of pre-training itself.

An encoder's is the masked-LM loss, with fixed masks, so that all checkpoints predict the same
tokens from the same contexts. A decoder predicts every token but a text's first, as in its stages.
Texts may also be scored as cloze (`cloze.py`).
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lethe.artefacts.files import digest, sha256_file
from lethe.artefacts.kept import keep, read_kept
from lethe.data import batches
from lethe.data.encoding import encode_rows
from lethe.data.examples import Example, read_example_rows
from lethe.data.masked_batches import Masking, collate
from lethe.errors import UserError
from lethe.evaluation.checkpoint import identifying_files, open_checkpoint
from lethe.evaluation.cloze import VERSION as CLOZE_VERSION
from lethe.evaluation.cloze import score_cloze
from lethe.evaluation.intervals import mean_stderr
from lethe.evaluation.outcomes import item_id
from lethe.longtables.axes import CLOZE, TOKENS
from lethe.models.forward import label_logits
from lethe.models.window import window
from lethe.parameters.families import family_of_classes

SEED = 20230211
DRAWS = 4  # masks drawn for every text
SHARE = 0.15  # of the tokens that are predicted (Ke et al. 2023: 15 %)
ROWS = 64  # texts of one forward pass
LONGEST = 512  # tokens of a text, or fewer if the model has fewer positions
VERSION = "2"


def score_texts(
    directory: Path,
    weights: str,
    tasks: list[dict[str, Any]],
    store: Path,
    split: str = "test",
    limit: int | None = None,
    dtype: str = "float32",
) -> list[dict[str, Any]]:
    """One result per task, in the form of `harness.score_checkpoint`; reuses results in `store`.

    Args:
        tasks: {name, axis, chance, path: file of texts}, and `metric` if it is `cloze`.
        weights: digest of the checkpoint's weights.

    Raises:
        UserError: the checkpoint is an encoder-decoder, or a file has no texts; see also
            `cloze.score_cloze`.
    """
    opened: tuple | None = None
    results = []
    for task in tasks:
        settings = {"engine": "stock", "dtype": dtype}
        identity = {**settings, "texts": sha256_file(task["path"]), "split": split}
        identity |= {"limit": limit, "version": VERSION, "weights": weights}
        identity |= {"files": identifying_files(directory)}
        is_cloze = task.get("metric") == CLOZE
        if is_cloze:
            identity |= {"metric": CLOZE, "version": CLOZE_VERSION}
        file = store / f"{task['name']}-{digest(identity)[:12]}.json"
        result = read_kept(file)
        if result is None:
            opened = opened or _open(directory, dtype)
            score = _cloze if is_cloze else _score
            result = {**score(*opened, task, limit), "split": split, **settings}
            keep(file, result)
        chance = result.get("guess") if task["chance"] is None else task["chance"]
        results.append({**result, "axis": task["axis"], "chance": chance})
    return results


def _open(directory: Path, dtype: str):
    model, tokenizer = open_checkpoint(directory, dtype)
    family = family_of_classes([type(model).__name__], model.config.is_encoder_decoder)
    if family == "seq2seq":
        raise UserError(
            f"{directory}: expected an encoder or a decoder to score texts, found a model of type "
            f"{model.config.model_type!r}; remove the probe or the model from the study."
        )
    if family == "masked" and tokenizer.mask_token_id is None:
        raise UserError(
            f"{directory}: expected a masked language model to score masked-LM loss, found a "
            f"tokenizer without a mask token (model type {model.config.model_type!r}); remove the "
            "probe or the model from the study."
        )
    return model, tokenizer, family


def _cloze(model, tokenizer, family: str, task: dict[str, Any], limit: int | None) -> dict:
    if family != "masked":
        raise UserError(
            f"{task['name']}: expected a masked language model to score cloze, found one of the "
            f"type {model.config.model_type!r}; remove the set or the model from the study."
        )
    return score_cloze(model, tokenizer, task, limit, _room(model))


def _room(model) -> int:
    """Tokens of the longest text."""
    return min(LONGEST, window(model.config) or LONGEST)


def _score(
    model, tokenizer, family: str, task: dict[str, Any], limit: int | None
) -> dict[str, Any]:
    started = time.perf_counter()
    rows = read_example_rows(Path(task["path"]), task["name"])[:limit]
    texts = encode_rows(rows, task["name"], tokenizer, _room(model), "{prompt}", family)
    score = _of_texts if family == "masked" else _of_documents
    losses, right, items = score(model, tokenizer, texts)
    kind = "mlm" if family == "masked" else "lm"
    names = [item_id(row, None) for row in rows]
    return {
        "task": task["name"],
        "shots": 0,
        "version": VERSION,
        "task_digest": digest({"texts": sha256_file(task["path"]), "version": VERSION}),
        "lm_eval_version": "none",
        "n": len(rows),
        "scores": [
            _row(f"{kind}_loss", losses, items, False),
            _row(f"{kind}_accuracy", right, items, True),
            # A number that grows with quality, for the floors of bases: 1 / perplexity.
            {**_row(f"{kind}_likelihood", losses, items, True), **_likelihood(losses, items)},
        ],
        "items": [
            _item(f"{name}-{number}", kind, losses[items == number], right[items == number])
            for number, name in enumerate(names)
        ],
        "seconds": round(time.perf_counter() - started, 3),
    }


def _item(name: str, kind: str, losses: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """One text, from its predicted tokens."""
    loss, correct = float(losses.mean()), float(right.mean())
    return {
        "item_id": name,
        "cluster_id": name,
        "subset": "",
        "correct": correct,
        "gold_logprob": -loss,
        "margin": None,
        "predicted": "",
        "metrics": {f"{kind}_loss": loss, f"{kind}_accuracy": correct, TOKENS: float(len(losses))},
    }


def _likelihood(losses: np.ndarray, items: np.ndarray) -> dict[str, float | None]:
    """exp(-loss), and its standard error by the delta method."""
    value = float(np.exp(-losses.mean()))
    error = mean_stderr(losses.tolist(), items.tolist())
    return {"value": value, "stderr": None if error is None else value * error}


def _row(metric: str, values: np.ndarray, items: np.ndarray, higher: bool) -> dict[str, Any]:
    """Mean over predicted tokens, and its standard error with each text as a cluster."""
    return {
        "subset": "",
        "metric": metric,
        "value": float(values.mean()),
        "stderr": mean_stderr(values.tolist(), items.tolist()),
        "n": int(items.max()) + 1,
        "higher_is_better": higher,
    }


@torch.no_grad()
def _of_texts(model, tokenizer, texts: list[Example]):
    """For every masked token: loss (nats), whether the prediction is right, and its text."""
    masking = Masking.of(tokenizer, SHARE)
    device = next(model.parameters()).device
    settings = {"masking": masking, "seed": SEED, "normalisation": "token"}
    settings |= {"pad_token": tokenizer.pad_token_id}
    losses, right, items = [], [], []
    for draw in range(DRAWS):
        for first in range(0, len(texts), ROWS):
            part = texts[first : first + ROWS]
            (batch,) = collate(part, draw=draw, **settings)
            _add(losses, right, model, batch.to(device))
            items.append(batch.label_documents.cpu().numpy() + first)
    return np.concatenate(losses), np.concatenate(right), np.concatenate(items)


@torch.no_grad()
def _of_documents(model, tokenizer, texts: list[Example]):
    """For every token of a text but its first: as `_of_texts`."""
    device = next(model.parameters()).device
    width = max(len(text.tokens) for text in texts)
    settings = {"width": width, "packed": False, "normalisation": "token"}
    losses, right, items = [], [], []
    for first in range(0, len(texts), ROWS):
        part = texts[first : first + ROWS]
        (batch,) = batches.collate(part, pad_token=tokenizer.pad_token_id, **settings)
        _add(losses, right, model, batch.to(device))
        items.append(batch.label_documents.cpu().numpy() + first)
    return np.concatenate(losses), np.concatenate(right), np.concatenate(items)


def _add(losses: list, right: list, model, batch: batches.Batch) -> None:
    """Add a batch's losses, and whether each prediction is right."""
    logits = label_logits(model, batch).float()
    targets = batch.targets.to(logits.device)
    loss = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    losses.append(loss.cpu().numpy())
    right.append((logits.argmax(-1) == targets).cpu().numpy().astype(float))
