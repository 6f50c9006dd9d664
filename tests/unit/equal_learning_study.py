"""A made-up study with reference chains, whose shares learned and kept are known. Not data."""

from collections.abc import Callable

import pandas as pd
from synthetic_study import Synthetic, checkpoint, long_tables, synthetic_study

from lethe.longtables.run import ALONE
from lethe.longtables.stage_rows import CURVE, LEVEL, RATE
from lethe.longtables.tables import STAGE_COLUMNS, LongTables

SMALL = Synthetic(
    (("xs", 7),), orders=("forward",), tasks=("simp", "emdg"), control=False, items=6,
    sets_an_axis=2,
)  # fmt: skip
BASE, ALONE_SCORE = 0.1, 0.9
"""Scores of every own set: of the base, and of the task alone."""
RATES = (1e-4, 3e-4, 1e-3)
WORLDS = (100, 101, 102)
COSTS = ("steps", "tokens", "flops", "seconds", "cpu_seconds")
Share = Callable[[str, int, int], float]
"""A share by method, place of the rate and place of the world."""


def usual_learned(method: str, rate: int, world: int) -> float:
    """Plain training learns .6, .88 and .98; `weak` half of it; `kd` a little less than plain."""
    plain = (0.6, 0.88, 0.98)[rate]
    return {"weak": 0.5 * plain, "kd": plain - 0.01}.get(method, plain) + 0.004 * world


def usual_kept(method: str, rate: int, world: int) -> float:
    """The higher the rate, the less is kept; `kd` keeps ten points more in every world."""
    plain = (0.8, 0.6, 0.3)[rate] + 0.05 * world
    return plain + (0.1 + 0.01 * (-1) ** world if method == "kd" else 0.0)


def equal_study(
    methods: tuple[str, ...] = ("sequential", "kd", "weak"),
    learned: Share = usual_learned,
    kept: Share = usual_kept,
    worlds: tuple[int, ...] = WORLDS,
    rates: tuple[float, ...] = RATES,
    level: float = 0.9,
    what: Synthetic = SMALL,
) -> LongTables:
    """The long tables, with reference chains apart. Recipes are listed from the highest rate."""
    chains, items = synthetic_study(what)
    scores = [_references(world, what) for world in worlds]
    for number, world in enumerate(worlds):
        for method in methods:
            for place in range(len(rates))[::-1]:
                share = learned(method, place, number), kept(method, place, number)
                part = chains.assign(world_seed=world, method=method, recipe=f"rate-{place}")
                scores.append(_with_shares(part, *share))
    found = long_tables(pd.concat(scores, ignore_index=True), items)
    stages = _stages(found.scores, rates, level)
    whole = LongTables(found.scores, found.metrics, stages, found.changes)
    return whole.parted()


def _with_shares(scores: pd.DataFrame, learned: float, kept: float) -> pd.DataFrame:
    """Scores of which this share is learned of every task, and kept of every other set."""
    own = scores["axis"] == "own"
    base = scores["stage_index"] == 0
    taught = BASE + learned * (ALONE_SCORE - BASE)
    start = scores[base].drop_duplicates(["model", "probe", "subset"])
    start = start.set_index(["model", "probe", "subset"])["value"]
    keys = pd.MultiIndex.from_frame(scores[["model", "probe", "subset"]])
    first, chance = start.loc[keys].to_numpy(), scores["chance"].astype(float)
    value = scores["value"].where(base, chance + kept * (first - chance))
    value = value.mask(own & base, BASE).mask(own & ~base, taught)
    # A base well above chance in every set, so that none is at floor.
    stderr = scores["stderr"].where(own, 0.001)
    return scores.assign(value=value, stderr=stderr)


def _references(world: int, what: Synthetic) -> pd.DataFrame:
    rows = []
    for model, params in what.models:
        for task in what.tasks:
            for stage in (0, 1):
                run = {"model": model, "params": params, "base_seed": 0, "stage_index": stage}
                run |= {"order": f"{ALONE}{task}", "stage_task": task if stage else ""}
                run |= {"node": f"{model}-b0-{'alone-' + task if stage else 'base'}"}
                found, _ = checkpoint(what, run, 1, (task,) if stage else ())
                of_task = [row for row in found if not stage or row["probe"] == f"own_{task}"]
                for row in of_task:
                    value = (BASE, ALONE_SCORE)[stage] if row["axis"] == "own" else row["value"]
                    rows.append(row | {"world_seed": world, "recipe": "rate-1-x4", "value": value})
    return pd.DataFrame(rows)


def _stages(scores: pd.DataFrame, rates: tuple[float, ...], level: float) -> pd.DataFrame:
    """The cost of every stage, twice that of plain training with `kd`; rates, curves, the level."""
    trained = scores[scores["stage_index"] > 0].drop_duplicates(
        ["model", "world_seed", "method", "recipe", "order", "stage_index"]
    )
    rows = []
    for row in trained.to_dict("records"):
        alone = row["order"].startswith(ALONE)
        seconds = 2.0 if row["method"] == "kd" else 1.0
        numbers = {f"cost.{name}": seconds for name in COSTS}
        place = int(row["recipe"].split("-")[1])
        if row["stage_index"] == 1:
            numbers |= {RATE: rates[place], CURVE: 2.0 if alone else 1.0}
            numbers |= {LEVEL: level} if alone else {}
        words = {**row, "device": "cpu", "layer": None, "unit": None}
        rows += [words | {"measure": name, "value": value} for name, value in numbers.items()]
    return pd.DataFrame(rows)[STAGE_COLUMNS]
