"""Which scoring did the paper use? Base scores under every variant, beside the published R_o.

A set on the axis `calibration` is a variant of the set whose name its own name contains:
`mutual_stock` of `mutual`, `mmlu_stem_text` of `mmlu_stem`. The rest of its name is the variant's.
"""

from collections.abc import Iterator
from itertools import islice, product

import numpy as np
import pandas as pd

from lethe.longtables.axes import CALIBRATION, sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.published import means, read_published
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

# Metrics that are scored beside accuracy are not other ways to score it.
NO_VARIANT = {"gold_logprob", "margin", "modal_share", "likelihood_diff"}
MOST_VARIANTS = 256
# Published values have two decimals.
TIED = 0.005
ALL = "(all models)"
CAPTION = (
    "Base models under every scoring variant, mean over an axis' sets, %, beside the published "
    "R_o (third-party transcriptions). variant names a choice only where there is one. difference: "
    "ours less published; nearest: the variant with the smallest one for the model. Rows of "
    f"{ALL}: mean absolute difference over the models that were published. More than one variant "
    "may be equally near: a few tenths of a percent do not tell them apart."
)


def build(tables: LongTables) -> Table:
    """A row per model, axis and variant, nearest first."""
    scores = tables.scores
    base = scores[(scores["stage_index"] == 0) & (scores["split"] == "test")]
    base = base[~base["metric"].isin(NO_VARIANT) & ~base["axis"].isin(["own", "end_task"])]
    published_scores = published_bases()
    variant_rows = []
    for model, rows in base.groupby("model", sort=False):
        for axis in sorted_axes(set(rows["axis"]) - {CALIBRATION}):
            published, source = published_scores.get((str(model).lower(), axis), (np.nan, ""))
            variant_rows += _of_model(str(model), axis, rows, published, source)
    variant_rows += _over_models(variant_rows)
    return or_nothing(variant_rows, CAPTION, "no base model was scored", {"R_o": 2, "published": 2})


def published_bases() -> dict[tuple[str, str], tuple[float, str]]:
    """R_o in % and its source, by model (in lower case) and axis."""
    rows = means(read_published())
    rows = rows[rows["quantity"] == "R_o"]
    return {
        (row["model"].lower(), row["axis"]): (row["value"], f"{row['table']} ({row['source']})")
        for row in rows.to_dict("records")
    }


def _of_model(model: str, axis: str, rows: pd.DataFrame, published: float, source: str) -> list:
    variant_rows = []
    for words, value in variants(rows, axis):
        row = {"model": model, "axis": axis, "variant": words, "R_o": value}
        row |= {"published": published, "difference": value - published}
        variant_rows.append(row | {"nearest": "", "source": source})
    variant_rows.sort(key=lambda row: (abs(row["difference"]), row["variant"]))
    if not np.isnan(published):
        _mark_nearest(variant_rows)
    return variant_rows


def _mark_nearest(rows: list[dict]) -> None:
    """Mark the rows with the smallest difference; several if they are equally near."""
    least = min((abs(row["difference"]) for row in rows), default=np.nan)
    for row in rows:
        row["nearest"] = "nearest" if abs(row["difference"]) <= least + TIED else ""


def _over_models(variant_rows: list[dict]) -> list[dict]:
    """Mean absolute difference by axis and variant, if two or more models were published."""
    frame = pd.DataFrame(variant_rows)
    if not len(frame):
        return []
    frame = frame[frame["published"].notna()]
    rows = []
    for (axis, variant), part in frame.groupby(["axis", "variant"], sort=False):
        if len(part) > 1:
            value = float(part["difference"].abs().mean())
            rows.append({"model": ALL, "axis": axis, "variant": variant, "difference": value})
    for axis in {row["axis"] for row in rows}:
        _mark_nearest([row for row in rows if row["axis"] == axis])
    return sorted(rows, key=lambda row: (row["axis"], row["difference"]))


def variants(rows: pd.DataFrame, axis: str) -> Iterator[tuple[str, float]]:
    """(words, mean score in %) of every way to score the axis; rows: one model's base scores.

    Sets with the same choice of ways are always scored in the same way.
    """
    groups: dict[tuple[str, ...], dict[str, dict[str, float]]] = {}
    for name, ways in ways_by_set(rows, axis).items():
        groups.setdefault(tuple(ways), {})[name] = ways
    choices = [list(ways) for ways in groups]
    for chosen in islice(product(*choices), MOST_VARIANTS):
        words, values = [], []
        for way, (ways, sets) in zip(chosen, groups.items(), strict=True):
            values += [scores[way] for scores in sets.values()]
            if len(ways) > 1:
                words.append(f"{', '.join(sets)}: {way}" if len(groups) > 1 else way)
        yield "; ".join(words) or "the only one", 100 * float(np.mean(values))


def ways_by_set(rows: pd.DataFrame, axis: str) -> dict[str, dict[str, float]]:
    """{set: {way of scoring: score}} of an axis, mean over bases, ways by name."""
    of_axis = rows[rows["axis"] == axis]
    names = sorted(of_axis["probe"].unique())
    ways_of: dict[str, dict[str, float]] = {name: {} for name in names}
    whole_sets = of_axis[of_axis["subset"] == ""]
    parts = of_axis[of_axis["subset"] != ""]
    for (name, metric), cells in whole_sets.groupby(["probe", "metric"]):
        way = metric if name not in set(parts["probe"]) else f"{metric} of all"
        ways_of[name][way] = float(cells["value"].mean())
    for (name, metric), cells in parts.groupby(["probe", "metric"]):
        types = cells.groupby("subset")["value"].mean()
        ways_of[name][f"{metric}, mean over types"] = float(types.mean())
    others = rows[(rows["axis"] == CALIBRATION) & (rows["subset"] == "")]
    everywhere = sorted(set(rows["probe"]) - set(others["probe"]))
    for (other, metric), cells in others.groupby(["probe", "metric"]):
        name = stands_for(other, everywhere)
        if name in ways_of:
            variant = [word for word in other.split("_") if word not in name.split("_")]
            ways_of[name][f"{metric} ({' '.join(variant)})"] = float(cells["value"].mean())
    return {name: dict(sorted(ways.items())) for name, ways in ways_of.items() if ways}


def stands_for(other: str, names: list[str]) -> str:
    """The set whose words are all in `other`, the longest if there are several; empty if none."""
    fitting = [name for name in names if set(name.split("_")) <= set(other.split("_"))]
    return max(fitting, key=len, default="")
