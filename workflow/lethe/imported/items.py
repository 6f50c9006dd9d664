"""Items of an imported task, read from the samples that lm-eval logged."""

import hashlib
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe.artefacts.strict_json import RepeatedKey, unique_keys, with_whole_characters
from lethe.errors import UserError
from lethe.imported.asked import Find, Pair, arguments_of, gold_of, texts_of

LONGEST_PREDICTION = 200  # characters kept of a generated text, as in items made here


def read_samples(path: Path | str) -> Iterator[dict]:
    """The samples of a file, one per line; half characters, as of a cut text, are U+FFFD.

    Raises:
        UserError: a line is not a sample of lm-eval.
    """
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode("utf-8-sig")
                sample = json.loads(text, object_pairs_hook=unique_keys)
                sample = with_whole_characters(sample, text)
            except RepeatedKey as error:
                raise UserError(f"{path}, line {number}: {error}.") from None
            except (ValueError, RecursionError):
                sample = None
            if not is_sample(sample):
                raise UserError(f"{path}, line {number}: not a sample of lm-eval.")
            yield sample


def is_sample(value: Any) -> bool:
    """Whether a value has the form of what lm-eval logs for one document."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("doc"), dict)
        and isinstance(value.get("doc_id"), int | str | None)
        and isinstance(value.get("filtered_resps") or [], list)
        and isinstance(value.get("filter"), str | None)
    )


def items_of_samples(
    samples: list[dict],
    task: dict[str, Any],
    metric: str,
    filtered: str,
    names: dict[tuple[str, str], str],
    find: Find | None = None,
) -> list[dict]:
    """One item per document, as in a table of items; `metric` fills the column `correct`.

    Log-probabilities, in nats, exist only for multiple choice.

    Args:
        names: of the values by (metric, filter); lm-eval logs a document once for each filter.
        find: of `asked.finder`; with it, items have their texts too, as `Question.row` gives them.
    """
    items: dict[str, dict] = {}
    metrics: dict[str, dict[str, float]] = {}
    seen: Counter = Counter()
    for sample in samples:
        of_sample = sample.get("filter", filtered)
        identity = str(sample.get("doc_hash") or doc_hash(sample["doc"]))[:16]
        seen[of_sample, identity] += 1
        times = seen[of_sample, identity]
        identity += f"-{times}" if times > 1 else ""
        values = {
            name: number_of(sample.get(key)) for (key, of), name in names.items() if of == of_sample
        }
        known = {name: value for name, value in values.items() if value is not None}
        metrics.setdefault(identity, {}).update(known)
        if of_sample == filtered:
            item = _item(sample, identity, task, metric, find)
            items[identity] = item | {"metrics": metrics[identity]}
    return list(items.values())


def _item(
    sample: dict, identity: str, task: dict[str, Any], metric: str, find: Find | None
) -> dict[str, Any]:
    """One item but for its values of the metrics."""
    doc, pairs = sample["doc"], arguments_of(sample)
    cluster = doc.get(task["cluster"]) if task["cluster"] else None
    gold, measured = _measured(sample, pairs)
    return {
        "item_id": identity,
        "cluster_id": identity if cluster is None else str(cluster),
        "subset": str(doc.get(task["subset"], "")) if task["subset"] else "",
        "correct": _share(sample.get(metric)),
        **measured,
        **({} if find is None else texts_of(sample, pairs, gold, find)),
    }


def number_of(value: Any) -> float | None:
    """The value if it is a number; what a corpus is scored from, as lists of counts, is none."""
    # Python's whole numbers have no limit, and NaN is smaller than nothing.
    is_number = isinstance(value, int | float) and abs(value) <= sys.float_info.max
    return float(value) if is_number else None


def _share(value: Any) -> float | None:
    """The value if it lies in 0..1, as the items table needs; statistics of a corpus do not."""
    number = number_of(value)
    return number if number is not None and 0 <= number <= 1 else None


def doc_hash(doc: dict) -> str:
    """lm-eval's digest of a document, which older files do not have."""
    text = json.dumps(doc, indent=2, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _measured(sample: dict, pairs: list[Pair]) -> tuple[tuple[int, ...], dict[str, Any]]:
    """(Places of the right choices, what a table of items holds of the answer)."""
    responses = sample.get("filtered_resps") or []
    if 1 < len(pairs) < len(responses):
        responses = responses[: len(pairs)]
    logprobs = [_logprob(response) for response in responses]
    if len(logprobs) > 1 and None not in logprobs:
        best = max(range(len(logprobs)), key=logprobs.__getitem__)
        gold = gold_of(sample, pairs, logprobs)
        right = max((logprobs[place] for place in gold), default=None)
        others = [value for place, value in enumerate(logprobs) if place not in gold]
        # What is impossible has no number that a file could hold.
        margin = right - max(others) if gold and others else None
        finite = all(map(math.isfinite, logprobs))
        return gold, {
            "gold_logprob": _finite(right),
            "margin": _finite(margin),
            "predicted": str(best),
            "choice_logprobs": logprobs if finite else None,
        }
    text = responses[0] if responses and isinstance(responses[0], str) else ""
    return (), {"gold_logprob": None, "margin": None, "predicted": text[:LONGEST_PREDICTION]}


def _logprob(response: Any) -> float | None:
    """The log-probability, -inf of what is impossible; None if there is none.

    lm-eval writes a pair (log-probability, is greedy) as two texts.
    """
    if not isinstance(response, list | tuple) or len(response) != 2:
        return None
    try:
        value = float(response[0])
    except (TypeError, ValueError, OverflowError):
        return None
    return value if value < math.inf else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
