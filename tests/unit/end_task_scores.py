"""Scores of end tasks by hand: two domains a and b, an end task on each, macro-F1 = accuracy."""

import pandas as pd

TASKS = {"task_a": "a", "task_b": "b"}
# Points: base, own score of a, final scores of a and b (b's own is its final one).
Cells = tuple[float, float, float, float]


def scores_of(runs: dict[tuple, Cells]) -> pd.DataFrame:
    """Rows of a study. runs: cells by (method, order, world seed[, train seed]).

    order: `ab` or `ba` (two stages), or `pool` (one stage, both domains; final scores only).
    """
    return pd.DataFrame([row for key, cells in runs.items() for row in _run(key, cells)])


def _run(key: tuple, cells: Cells) -> list[dict]:
    method, order, world, train = (*key, 0)[:4]
    base, own, final_a, final_b = cells
    stages = ["", "a&b"] if order == "pool" else ["", *order]
    last = len(stages) - 1
    values = {(0, "task_a"): base, (0, "task_b"): base}
    if order != "pool":
        # The first domain's end task right after its stage.
        values[1, f"task_{order[0]}"] = own
    values |= {(last, "task_a"): final_a, (last, "task_b"): final_b}
    shared = {"model": "m", "params": 10, "world_seed": world, "base_seed": 0, "method": method}
    shared |= {
        "parametrisation": "full",
        "method_params": "{}",
        "recipe": "r",
        "order": order,
        "train_seed": train,
    }
    shared |= {"family": "masked", "series": "", "untuned": "", "end_task_seed": 0, "chance": None}
    shared |= {"kind": "end_task", "axis": "end_task", "split": "test", "stderr": 0.01}
    return [
        {
            **shared,
            "node": f"{'base' if stage == 0 else (method, order, train)}-{world}-{stage}",
            "stage_index": stage,
            "stage_task": stages[stage],
            "probe": name,
            "subset": TASKS[name],
            "metric": metric,
            "headline": metric == "macro_f1",
            "higher_is_better": True,
            "value": value / 100,
        }
        for (stage, name), value in values.items()
        for metric in ("macro_f1", "accuracy")
    ]


def losses_of(runs: dict[tuple, tuple[float, float, float]]) -> pd.DataFrame:
    """Masked-LM losses on the two domains: base, a right after its stage, a at the end (b alike).

    runs: nats by (method, order of two stages, world seed).
    """
    rows = []
    for (method, order, world), (base, own, final) in runs.items():
        template = _run((method, order, world), (0, 0, 0, 0))[0]
        template |= {"kind": "mlm", "axis": "domain", "metric": "mlm_loss", "headline": True}
        template |= {"subset": "", "end_task_seed": None}
        by_stage = {"a": [base, own, final], "b": [base, base, own]}
        rows += [
            template
            | {
                "node": f"{'base' if stage == 0 else (method, order, 0)}-{world}-{stage}",
                "stage_index": stage,
                "stage_task": ["", *order][stage],
                "probe": f"loss_{domain}",
                "value": value,
            }
            for domain, values in by_stage.items()
            for stage, value in enumerate(values)
        ]
    return pd.DataFrame(rows)


def clozes_of(runs: dict[tuple, Cells]) -> pd.DataFrame:
    """Cloze on the two domains: cells as in `scores_of`, of whole sets, by runs of two stages."""
    rows = scores_of(runs)
    rows = rows[rows["metric"] == "macro_f1"]
    probes = "cloze_" + rows["probe"].str.removeprefix("task_")
    words = {"kind": "cloze", "axis": "domain", "metric": "cloze", "subset": ""}
    return rows.assign(probe=probes, end_task_seed=None, chance=1 / 3, **words)
