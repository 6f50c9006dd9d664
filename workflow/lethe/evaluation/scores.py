"""Scores of one task from its items' outcomes: its own metrics, and those common to all tasks."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from lm_eval.api.metrics import mean

from lethe.evaluation.filters import metric_of
from lethe.evaluation.intervals import bootstrap_stderr, mean_stderr
from lethe.evaluation.outcomes import LONGEST_PREDICTION, Outcome
from lethe.evaluation.text_metrics import OF_SUMS, SENTENCE, tokens

AGGREGATED_BY_MEAN = "mean"


def scores_of(lm_task: Any, outcomes: list[Outcome]) -> list[dict]:
    """Rows {subset, metric, value, stderr, n, higher_is_better}; all items first, then subsets.

    The task's own metrics use its own aggregation functions. Multiple choice adds
    gold_logprob and margin (means, nats); multiple choice and generation add modal_share.
    """
    rows = _rows(lm_task, outcomes, "")
    for subset in sorted({outcome.subset for outcome in outcomes} - {""}):
        members = [outcome for outcome in outcomes if outcome.subset == subset]
        rows += _rows(lm_task, members, subset)
    return rows


def items_of(lm_task: Any, outcomes: list[Outcome]) -> list[dict]:
    """One row per item, with the item's own value of every metric under `metrics`.

    For generated text, `correct` is the first metric of the task's metric_list, if it is a share:
    some are in percent.
    """
    aggregations = lm_task.aggregation()
    rows = []
    for outcome in outcomes:
        values = {
            name: item_value(aggregations.get(metric_of(name)), value)
            for name, value in outcome.metrics.items()
        }
        correct = outcome.correct
        if lm_task.OUTPUT_TYPE == "generate_until":
            first = values[_primary(lm_task, values)]
            correct = first if 0 <= first <= 1 else None
        rows.append(
            {
                "item_id": outcome.item_id,
                "cluster_id": outcome.cluster_id,
                "subset": outcome.subset,
                "correct": correct,
                "gold_logprob": outcome.gold_logprob,
                "margin": outcome.margin,
                "predicted": outcome.predicted[:LONGEST_PREDICTION],
                "choice_logprobs": outcome.choice_logprobs,
                "metrics": values,
            }
        )
    return rows


def item_value(aggregate: Callable | None, value: Any) -> float:
    """One item's value of a metric whose corpus value may be more than a mean."""
    if isinstance(value, int | float | np.number):
        return float(value)
    if aggregate in SENTENCE:
        return SENTENCE[aggregate](value)
    return float(aggregate([value]))


def modal_share(answers: list[str]) -> float:
    """Share of the most common answer: 1 for a model that always gives the same answer."""
    return Counter(answers).most_common(1)[0][1] / len(answers)


def _primary(lm_task: Any, values: dict[str, float]) -> str:
    by_metric = {metric_of(name): name for name in reversed(values)}
    return next(by_metric[name] for name in lm_task.aggregation() if name in by_metric)


def _rows(lm_task: Any, outcomes: list[Outcome], subset: str) -> list[dict]:
    clusters = [outcome.cluster_id for outcome in outcomes]
    rows = []

    def add(metric: str, value: float, stderr: float | None, higher_is_better: bool | None):
        rows.append(
            {
                "subset": subset,
                "metric": metric,
                "value": float(value),
                "stderr": stderr,
                "n": len(outcomes),
                "higher_is_better": higher_is_better,
            }
        )

    for metric in outcomes[0].metrics:
        values = [outcome.metrics[metric] for outcome in outcomes]
        add(metric, *_aggregated(lm_task, metric, values, clusters))
    for metric in ("gold_logprob", "margin"):
        values = [getattr(outcome, metric) for outcome in outcomes]
        if lm_task.OUTPUT_TYPE == "multiple_choice" and None not in values:
            if "pct_stereotype" not in outcomes[0].metrics:
                add(metric, np.mean(values), mean_stderr(values, clusters), True)
    if _has_modal_share(lm_task, outcomes):
        add("modal_share", modal_share(_answers(lm_task, outcomes)), None, False)
    return rows


def _aggregated(
    lm_task: Any, metric: str, values: list, clusters: list[str]
) -> tuple[float, float | None, bool | None]:
    name = metric_of(metric)
    # As lm-eval does for what a function returns beyond the metrics that the YAML lists.
    aggregate = lm_task.aggregation().get(name, mean)
    if getattr(aggregate, "__name__", "") == AGGREGATED_BY_MEAN:
        stderr = mean_stderr(values, clusters)
    else:
        stderr = bootstrap_stderr(values, clusters, aggregate, OF_SUMS.get(aggregate))
    return aggregate(values), stderr, lm_task.higher_is_better().get(name)


def _has_modal_share(lm_task: Any, outcomes: list[Outcome]) -> bool:
    if lm_task.OUTPUT_TYPE == "generate_until":
        return True
    is_bias = "pct_stereotype" in outcomes[0].metrics
    return lm_task.OUTPUT_TYPE == "multiple_choice" and not is_bias


def _answers(lm_task: Any, outcomes: list[Outcome]) -> list[str]:
    if lm_task.OUTPUT_TYPE == "generate_until":
        return [" ".join(tokens(outcome.predicted)) for outcome in outcomes]
    return [outcome.predicted for outcome in outcomes]
