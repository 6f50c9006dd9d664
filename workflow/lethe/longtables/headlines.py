"""Whether evaluation sets have the metric that represents them: without it they are in no table."""

from collections.abc import Iterable
from typing import Any

from lethe.errors import UserError, shown


def require_headline(task: dict[str, Any], result: dict[str, Any]) -> None:
    """Refuse the result of an evaluation task that lacks the metric which its probe names.

    Args:
        task: as in a probe's spec, with `name` and `metric`.

    Raises:
        UserError: names the set, the metric, and what the task gives.
    """
    given = sorted({row["metric"] for row in result["scores"] if not row["subset"]})
    if task["metric"] not in given:
        raise UserError(
            f"{task['name']}: its probe names the metric {shown(task['metric'])}, but the task "
            f"gives {', '.join(f'`{name}`' for name in given) or 'none'}; name one of these as its "
            "`metric` in the probe."
        )


def require_scores(rows: Iterable[dict[str, Any]]) -> None:
    """Refuse a study's scores if there are none, or if a set has its headline metric nowhere.

    Raises:
        UserError: names the set, and the metrics that it has.
    """
    given: dict[str, set[str]] = {}
    with_headline = set()
    for row in rows:
        given.setdefault(row["probe"], set()).add(row["metric"])
        if row["headline"]:
            with_headline.add(row["probe"])
    if not given:
        raise UserError(
            "the study has no score: none of its probes and end tasks gave one; see the logs of "
            "its jobs in logs/probe, and the sets of its `probes`."
        )
    for name in given.keys() - with_headline:
        raise UserError(
            f"{name}: the metric that its probe names is in none of its results, which have "
            f"{', '.join(f'`{metric}`' for metric in sorted(given[name]))}; name one of them as "
            "its `metric` in the probe."
        )
