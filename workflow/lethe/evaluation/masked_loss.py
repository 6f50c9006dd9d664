"""Masked-LM loss of a checkpoint on texts: it measures forgetting of pre-training itself.

The masks are fixed, so that all checkpoints predict the same tokens from the same contexts.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lethe.artefacts.files import digest, sha256_file
from lethe.artefacts.kept import keep, read_kept
from lethe.data.encoding import encode_rows
from lethe.data.examples import Example, read_example_rows
from lethe.data.masked_batches import Masking, collate
from lethe.errors import UserError
from lethe.evaluation.checkpoint import identifying_files, open_checkpoint
from lethe.evaluation.intervals import mean_stderr
from lethe.evaluation.outcomes import item_id
from lethe.models.forward import label_logits
from lethe.models.window import window

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
        tasks: {name, axis, chance, path: file of texts}.
        weights: digest of the checkpoint's weights.

    Raises:
        UserError: the checkpoint is not a masked language model, or a file has no texts.
    """
    opened: tuple | None = None
    results = []
    for task in tasks:
        settings = {"engine": "stock", "dtype": dtype}
        identity = {**settings, "texts": sha256_file(task["path"]), "split": split}
        identity |= {"limit": limit, "version": VERSION, "weights": weights}
        identity |= {"files": identifying_files(directory)}
        file = store / f"{task['name']}-{digest(identity)[:12]}.json"
        result = read_kept(file)
        if result is None:
            opened = opened or _open(directory, dtype)
            result = {**_score(*opened, task, limit), "split": split, **settings}
            keep(file, result)
        results.append({**result, "axis": task["axis"], "chance": task["chance"]})
    return results


def _open(directory: Path, dtype: str):
    model, tokenizer = open_checkpoint(directory, dtype)
    if tokenizer.mask_token_id is None:
        raise UserError(
            f"{directory}: expected a masked language model to score masked-LM loss, found a "
            f"tokenizer without a mask token (model type {model.config.model_type!r}); remove the "
            "probe or the model from the study."
        )
    return model, tokenizer


def _score(model, tokenizer, task: dict[str, Any], limit: int | None) -> dict[str, Any]:
    started = time.perf_counter()
    rows = read_example_rows(Path(task["path"]), task["name"])[:limit]
    room = min(LONGEST, window(model.config) or LONGEST)
    texts = encode_rows(rows, task["name"], tokenizer, room, "{prompt}", "masked")
    losses, right, items = _of_texts(model, tokenizer, texts)
    names = [item_id(row, None) for row in rows]
    return {
        "task": task["name"],
        "shots": 0,
        "version": VERSION,
        "task_digest": digest({"texts": sha256_file(task["path"]), "version": VERSION}),
        "lm_eval_version": "none",
        "n": len(rows),
        "scores": [
            _row("mlm_loss", losses, items, False),
            _row("mlm_accuracy", right, items, True),
            # A number that grows with quality, for the floors of bases: 1 / perplexity.
            {**_row("mlm_likelihood", losses, items, True), **_likelihood(losses, items)},
        ],
        "items": [
            {
                "item_id": f"{name}-{number}",
                "cluster_id": f"{name}-{number}",
                "subset": "",
                "correct": float(right[items == number].mean()),
                "gold_logprob": float(-losses[items == number].mean()),
                "margin": None,
                "predicted": "",
                "metrics": {
                    "mlm_loss": float(losses[items == number].mean()),
                    "mlm_accuracy": float(right[items == number].mean()),
                },
            }
            for number, name in enumerate(names)
        ],
        "seconds": round(time.perf_counter() - started, 3),
    }


def _likelihood(losses: np.ndarray, items: np.ndarray) -> dict[str, float | None]:
    """exp(-loss), and its standard error by the delta method."""
    value = float(np.exp(-losses.mean()))
    error = mean_stderr(losses.tolist(), items.tolist())
    return {"value": value, "stderr": None if error is None else value * error}


def _row(metric: str, values: np.ndarray, items: np.ndarray, higher: bool) -> dict[str, Any]:
    """Mean over masked tokens, and its standard error with each text as a cluster."""
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
            batch = batch.to(device)
            logits = label_logits(model, batch).float()
            loss = torch.nn.functional.cross_entropy(logits, batch.targets, reduction="none")
            losses.append(loss.cpu().numpy())
            right.append((logits.argmax(-1) == batch.targets).cpu().numpy().astype(float))
            items.append(batch.label_documents.cpu().numpy() + first)
    return np.concatenate(losses), np.concatenate(right), np.concatenate(items)
