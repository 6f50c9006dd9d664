"""The methods paragraph: what a paper would say of how the study was done, from its settings."""

from collections.abc import Iterator

import pandas as pd

from lethe.longtables.axes import CALIBRATION, DOMAIN, END_TASK, OWN
from lethe.longtables.run import ALONE
from lethe.metrics.intervals import RESAMPLES
from lethe.metrics.shown import CONTROL, PLAIN, SEED_UNITS
from lethe.report.facts import listed, methods, models
from lethe.report.source import Source

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MOST_NAMED = 8
FAMILIES = {"causal": "decoder", "seq2seq": "encoder-decoder", "masked": "masked encoder"}


def paragraph(source: Source) -> str:
    """Sentences on models, stages, methods, evaluation and intervals."""
    return " ".join([*_training(source), *_evaluation(source), *_intervals(source)])


def number(count: int, one: str, many: str = "") -> str:
    """`three seeds`; in digits above ten."""
    words = NUMBERS[count] if count < len(NUMBERS) else str(count)
    return f"{words} {one if count == 1 else many or one + 's'}"


def _training(source: Source) -> Iterator[str]:
    scores = source.tables.scores
    families = scores.drop_duplicates("model").groupby("family", sort=False)
    kinds = (
        f"{listed(models(part))} ({FAMILIES.get(str(family), family)})" for family, part in families
    )
    yield f"We trained {listed(kinds)} on tasks one after the other."
    taught = scores[~scores["order"].str.startswith((CONTROL, ALONE))]
    lengths = taught.groupby("order")["stage_index"].max()
    spans = sorted(set(lengths))
    stages = number(spans[0], "stage") if len(spans) == 1 else f"{spans[0]} to {spans[-1]} stages"
    yield f"We used {number(len(lengths), 'order')} of {stages}."
    others = [name for name in methods(taught) if name != PLAIN]
    plain = "plain sequential fine-tuning" if PLAIN in set(taught["method"]) else ""
    if others and plain:
        compared = (
            listed(others) if len(others) <= MOST_NAMED else number(len(others), "other method")
        )
        yield f"We compared {plain} with {compared}."
    elif plain:
        yield f"All stages were trained by {plain}."
    else:
        yield f"Stages were trained with {listed(others)}."
    recipes = list(dict.fromkeys(taught["recipe"]))
    word = "recipe" if len(recipes) == 1 else "recipes"
    more = " and others" if len(recipes) > MOST_NAMED else ""
    yield f"Settings of optimisation: the {word} {listed(recipes[:MOST_NAMED])}{more}."
    if scores["order"].str.startswith(CONTROL).any():
        yield "A control was trained for as many steps on general data."
    if source.tables.references is not None:
        yield "Reference chains learned each task alone, for four times the steps."


def _evaluation(source: Source) -> Iterator[str]:
    scores = source.tables.scores
    sets = scores.drop_duplicates("probe")
    by_axis = sets.groupby("axis", sort=False).size()
    named = {OWN: "own tasks", END_TASK: "end tasks", DOMAIN: "domains", CALIBRATION: "calibration"}
    parts = [f"{count} of {named.get(axis, axis)}" for axis, count in by_axis.items()]
    yield f"The base and every scored checkpoint answered {number(len(sets), 'evaluation set')}: "
    yield f"{listed(parts)}."
    engines = listed(dict.fromkeys(scores["engine"]))
    precision = listed(dict.fromkeys(scores["dtype"]))
    yield f"Sets were scored with lm-evaluation-harness tasks ({engines} engine, {precision})."


def _intervals(source: Source) -> Iterator[str]:
    metrics = source.tables.metrics
    seeds = metrics[metrics["unit"].isin(SEED_UNITS)]
    if len(seeds):
        counts = {unit: int(part["n_units"].max()) for unit, part in seeds.groupby("unit")}
        over = listed(f"{n} {unit}" for unit, n in counts.items())
        yield f"Intervals are 95 % t-intervals over {over}, where there are at least three."
    if _is_single(metrics):
        yield (
            "Where a line has one run, intervals are over items in their clusters, from "
            f"{RESAMPLES:,} bootstrap resamples, and say nothing about other seeds."
        )


def _is_single(metrics: pd.DataFrame) -> bool:
    single = metrics[~metrics["unit"].isin(SEED_UNITS)]
    return bool(single["low"].notna().any())
