"""The order of the domains: every method on every order of the same domains (Ke et al. 2023)."""

import numpy as np

from lethe.longtables.tables import LongTables
from lethe.metrics.end_tasks import range_of
from lethe.tables.end_task_lines import EndTaskLine, end_task_lines, main_order, with_interval
from lethe.tables.end_tasks import UNITS
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

METRICS = ("f1_final", "f1_fr_ke")
AVERAGE = "average"
CAPTION = (
    "Orders of the same domains, a column each. f1_final: mean over end tasks of their headline "
    "metrics after the last stage, %; f1_fr_ke: forgetting, points, positive = forgetting (Ke et "
    "al. 2023). average: over all orders, first within each run (paired by seeds across orders); "
    "range: the largest less the smallest mean of an order. "
    f"{UNITS}. missing: the method was not run on that order, or on all of them."
)
NOTHING = "no end tasks on an order of several stages"


def build(tables: LongTables) -> Table:
    """A row per model, method and metric."""
    _, end_lines = end_task_lines(tables)
    main = main_order(end_lines)
    domains = next((line.domains for line in end_lines if line.order == main and main), None)
    chosen = [line for line in end_lines if line.is_continual and line.domains == domains]
    orders = list(dict.fromkeys([main, *(line.order for line in chosen)]))
    methods: dict[tuple[str, str], dict[str, EndTaskLine]] = {}
    for line in chosen:
        methods.setdefault((line.model, line.method), {})[line.order] = line
    rows = [
        _row(model, method, metric, lines, orders)
        for (model, method), lines in methods.items()
        for metric in METRICS
    ]
    if not rows:
        return or_nothing([], CAPTION, NOTHING)
    frame = or_nothing(rows, CAPTION, NOTHING).frame
    model = ("model",) * (frame["model"].nunique() > 1)
    numbers = [*orders, AVERAGE, "range"]
    return Table(
        frame=frame,
        caption=CAPTION,
        decimals=dict.fromkeys(numbers, 1),
        columns=(*model, "method", "metric", *numbers, "interval_over"),
        is_symmetric=True,
        missing="missing",
    )


def _row(
    model: str, method: str, metric: str, lines: dict[str, EndTaskLine], orders: list[str]
) -> dict:
    row: dict = {"model": model, "method": method, "metric": metric}
    by_unit: list[dict[tuple, float]] = []
    for order in orders:
        units = lines[order].units if order in lines else {}
        by_unit.append({key: unit[metric] for key, unit in units.items()})
        row |= with_interval(order, list(by_unit[-1].values()), range_of(metric))
    shared = [key for key in by_unit[0] if all(key in other for other in by_unit)]
    averages = [float(np.mean([one[key] for one in by_unit])) for key in shared]
    row |= with_interval(AVERAGE, averages, range_of(metric))
    means = [row[order] for order in orders]
    row["range"] = max(means) - min(means) if shared and not np.isnan(means).any() else np.nan
    counts = sorted({(len(one.units), one.over) for one in lines.values()})
    return row | {"interval_over": "; ".join(f"{count} {over}" for count, over in counts)}
