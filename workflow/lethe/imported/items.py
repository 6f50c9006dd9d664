"""Items of an imported task, from the samples that lm-eval logged."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe.artefacts.strict_json import digest
from lethe.errors import UserError

LONGEST_PREDICTION = 200  # characters kept of a generated text, as in items made here


def read_samples(path: Path | str) -> Iterator[dict]:
    """The samples of a file, one a line.

    Raises:
        UserError: a line that is no JSON object.
    """
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                sample = json.loads(line)
            except (ValueError, RecursionError):
                sample = None
            if not is_sample(sample):
                raise UserError(f"{path}, line {number}: not a sample of lm-eval.")
            yield sample


def is_sample(value: Any) -> bool:
    """Whether it has the form of what lm-eval logs of one document."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("doc"), dict)
        and isinstance(value.get("doc_id"), int | str | None)
        and isinstance(value.get("filtered_resps") or [], list)
    )


def items_of_samples(samples: list[dict], task: dict[str, Any], metric: str, filtered: str):
    """One item a document, as the items table has them; `metric` is the one taken as `correct`.

    Log-probabilities, nats, are there for multiple choice with one right answer.
    """
    items, seen = [], Counter()
    for sample in samples:
        if sample.get("filter", filtered) != filtered:
            continue
        doc = sample["doc"]
        identity = str(sample.get("doc_hash") or digest(json.dumps(doc, sort_keys=True)))[:16]
        seen[identity] += 1
        identity += f"-{seen[identity]}" if seen[identity] > 1 else ""
        cluster = doc.get(task["cluster"]) if task["cluster"] else None
        items.append(
            {
                "item_id": identity,
                "cluster_id": identity if cluster is None else str(cluster),
                "subset": str(doc.get(task["subset"], "")) if task["subset"] else "",
                "correct": _share(sample.get(metric)),
                **_measured(sample),
            }
        )
    return items


def _share(value: Any) -> float | None:
    """A value of the items table lies in 0..1; a corpus metric's statistics are no value."""
    number = float(value) if isinstance(value, int | float) else math.nan
    return number if 0 <= number <= 1 else None


def _measured(sample: dict) -> dict[str, Any]:
    responses = sample.get("filtered_resps") or []
    logprobs = [_logprob(one) for one in responses]
    if len(logprobs) > 1 and None not in logprobs:
        best = max(range(len(logprobs)), key=logprobs.__getitem__)
        gold = _gold(sample, len(logprobs))
        others = [value for place, value in enumerate(logprobs) if place != gold]
        return {
            "gold_logprob": None if gold is None else logprobs[gold],
            "margin": None if gold is None else logprobs[gold] - max(others),
            "predicted": str(best),
        }
    text = responses[0] if responses and isinstance(responses[0], str) else ""
    return {"gold_logprob": None, "margin": None, "predicted": text[:LONGEST_PREDICTION]}


def _logprob(response: Any) -> float | None:
    """lm-eval writes a pair (log-probability, is greedy) as two texts."""
    if not isinstance(response, list | tuple) or len(response) != 2:
        return None
    try:
        value = float(response[0])
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _gold(sample: dict, choices: int) -> int | None:
    """Index of the right choice; None where the target is none, or names it by a text."""
    try:
        gold = int(sample.get("target"))
    except (TypeError, ValueError):
        return None
    return gold if 0 <= gold < choices else None
