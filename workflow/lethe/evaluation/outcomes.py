"""The result of each item: outcome, gold log-probability, margin, prediction, identity."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lethe.artefacts.files import digest
from lethe.errors import UserError
from lethe.evaluation.specification import EvalTask

LONGEST_PREDICTION = 200  # characters kept of a generated text
LONGEST_CLUSTER = 40  # characters of a cluster's name; longer ones become a digest


@dataclass
class Outcome:
    """One item's result.

    Attributes:
        correct: 0/1, or the item's value of the primary metric in 0..1; None: no such value.
        gold_logprob: log-probability of the right answer, nats; None for generated text.
        margin: gold minus the best other choice, nats; None without choices.
        predicted: index of the likeliest choice, or the generated text.
        choice_logprobs: log-probability of every choice, nats; None without choices.
        metrics: the values from lm-eval's process_results.
    """

    item_id: str
    cluster_id: str
    subset: str
    correct: float | None
    gold_logprob: float | None
    margin: float | None
    predicted: str
    choice_logprobs: list[float] | None = None
    metrics: dict[str, Any] = field(default_factory=dict)


def outcomes(task: EvalTask, lm_task: Any, samples: list[dict]) -> list[Outcome]:
    """One outcome per document, in the order of the documents.

    Args:
        samples: lm-eval's logged samples of this task, one per document (`filters.joined`).
    """
    require_columns(task, [sample["doc"] for sample in samples])
    result = []
    identities = item_ids((sample["doc"] for sample in samples), task.cluster)
    for sample, identity in zip(samples, identities, strict=True):
        doc = sample["doc"]
        metrics = {name: sample[name] for name in sample["metrics"]}
        result.append(
            Outcome(
                item_id=identity,
                cluster_id=cluster_of(doc, task.cluster, identity),
                subset=str(doc[task.subset]) if task.subset else "",
                metrics=metrics,
                **_measured(lm_task, doc, sample["filtered_resps"], metrics),
            )
        )
    return result


def require_columns(task: EvalTask, docs: Iterable[dict]) -> None:
    """Refuse a column that documents lack: intervals and subsets would be others in silence.

    Raises:
        UserError: no column of the name of `cluster` or `subset`, or no value in `subset`.
    """
    named = {"subset": task.subset}
    if task.cluster != EvalTask.cluster:  # the default, which documents need not have
        named["cluster"] = task.cluster
    for key, column in named.items():
        for number, doc in enumerate(docs if column else (), start=1):
            if column not in doc:
                raise UserError(
                    f"{task.name}: expected a column that its documents have as `{key}`, found "
                    f"{column!r}; they have: {', '.join(sorted(doc))}."
                )
            if key == "subset" and doc[column] is None:
                raise UserError(
                    f"{task.name}: document {number} has no value in its column {column!r}, which "
                    "is its `subset`."
                )


def item_ids(docs: Iterable[dict], cluster: str | None) -> Iterator[str]:
    """The id of every document; equal ones are numbered from the second on."""
    seen: Counter = Counter()
    for doc in docs:
        identity = item_id(doc, cluster)
        seen[identity] += 1
        yield identity if seen[identity] == 1 else f"{identity}-{seen[identity]}"


def item_id(doc: dict, cluster: str | None) -> str:
    """A digest of the document's content; its row id and cluster are not content."""
    return digest({key: doc[key] for key in doc if key not in ("id", cluster)})[:16]


def cluster_of(doc: dict, cluster: str | None, identity: str) -> str:
    """The name of the items that depend on each other; without the column an item is alone."""
    value = doc.get(cluster) if cluster else None
    if value is None:
        return identity
    return str(value) if len(str(value)) <= LONGEST_CLUSTER else digest(str(value))[:16]


def _measured(lm_task: Any, doc: dict, responses: list, metrics: dict) -> dict[str, Any]:
    kind = lm_task.OUTPUT_TYPE
    if kind == "multiple_choice":
        return _choice(lm_task, doc, responses, metrics)
    if kind == "generate_until":
        text = responses[0] if isinstance(responses[0], str) else str(responses[0])
        # Its value needs the aggregation function; `scores` fills it in.
        return _result(None, None, None, text)
    if kind == "loglikelihood":
        logprob, greedy = responses[0]
        return _result(float(greedy), logprob, None, "")
    return _result(None, float(responses[0]), None, "")


def _choice(lm_task: Any, doc: dict, responses: list, metrics: dict) -> dict[str, Any]:
    choices = lm_task.doc_to_choice(doc)
    logprobs = [logprob for logprob, _ in responses[: len(choices)]]
    predicted = max(range(len(logprobs)), key=logprobs.__getitem__)
    gold = gold_indices(lm_task, doc, choices)
    others = [logprobs[i] for i in range(len(logprobs)) if i not in gold]
    if not gold:
        return _result(None, None, None, str(predicted), logprobs)
    best = max(logprobs[i] for i in gold)
    correct = float(predicted in gold)
    if "pct_stereotype" in metrics:
        correct = float(metrics["pct_stereotype"])
    margin = best - max(others) if others else None
    return _result(correct, best, margin, str(predicted), logprobs)


def gold_indices(lm_task: Any, doc: dict, choices: list[str]) -> list[int]:
    """Indices of the right choices, however the task names them; empty if none is valid."""
    gold = lm_task.doc_to_text(doc) if lm_task.multiple_input else lm_task.doc_to_target(doc)
    indices = []
    for value in gold if isinstance(gold, list) else [gold]:
        if isinstance(value, str):
            value = choices.index(value) if value in choices else -1
        if 0 <= int(value) < len(choices):
            indices.append(int(value))
    return indices


def _result(
    correct: float | None,
    logprob: float | None,
    margin: float | None,
    predicted: str,
    choice_logprobs: list[float] | None = None,
) -> dict[str, Any]:
    return {
        "correct": correct,
        "gold_logprob": logprob,
        "margin": margin,
        "predicted": predicted,
        "choice_logprobs": choice_logprobs,
    }
