"""A made-up study of a masked model on domains: cloze, loss, F1 and general evidence. Not data."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from synthetic_study import by_set, rng, score_rows, typed

from lethe.longtables.run import ALONE
from lethe.longtables.stage_rows import CURVE, LEVEL, RATE
from lethe.longtables.tables import STAGE_COLUMNS, LongTables
from lethe.metrics.study import study_metrics

DOMAINS = ("acl", "ai", "phone")
ORDER, MODEL = "domains", "enc"
RATES = (1e-3, 2e-3, 4e-3)
WORLDS = (1, 2, 3)
CHANCE, BASE, ALONE_SCORE, EVIDENCE = 1 / 3, 0.3, 0.9, 0.95
"""Cloze: of a guess, of the base, of a domain alone; of the base on general evidence."""
BASE_LOSS, OWN_LOSS = 2.0, 0.8
ITEMS, STEMS = 60, 12
COSTS = ("steps", "tokens", "flops", "seconds", "cpu_seconds")
Share = Callable[[str, int, int], float]
"""A share by method, place of the rate and place of the world."""


def usual_learned(method: str, rate: int, world: int) -> float:
    """Plain training learns .7, .88 and .98; `kd` a little less, `weak` nothing."""
    plain = (0.7, 0.88, 0.98)[rate] + 0.004 * world
    return {"weak": 0.0, "kd": plain - 0.01}.get(method, plain)


def usual_kept(method: str, rate: int, world: int) -> float:
    """The higher the rate, the less is kept; `kd` keeps a fifth more."""
    plain = (0.8, 0.6, 0.3)[rate] + 0.05 * world
    return plain + (0.2 + 0.01 * (-1) ** world if method == "kd" else 0.0)


def domain_scores(
    methods: Iterable[str] = ("sequential", "kd", "weak"),
    learned: Share = usual_learned,
    kept: Share = usual_kept,
    worlds: tuple[int, ...] = WORLDS,
    rates: tuple[float, ...] = RATES,
    general: float = 0.8,
) -> pd.DataFrame:
    """Scores of every chain, and of each domain alone at BASE and ALONE_SCORE.

    general: share of evidence above chance that is left at the end.
    """
    rows: list[dict] = []
    for number, world in enumerate(worlds):
        for domain in DOMAINS:
            rows += _alone(domain, world)
        for method in methods:
            for place in range(len(rates))[::-1]:
                shares = learned(method, place, number), kept(method, place, number)
                rows += _chain(method, f"rate-{place}", world, *shares, general)
    return pd.DataFrame(rows)


def domain_tables(scores: pd.DataFrame, level: float = 0.9, resamples: int = 40) -> LongTables:
    """The long tables without items, reference chains apart."""
    return _tables(scores, pd.DataFrame(columns=["probe"]), level, resamples).parted()


def _tables(scores, items, level: float, resamples: int) -> LongTables:
    found, by_probe = typed(scores, items)
    metrics = study_metrics(found, by_probe, seed=1, resamples=resamples)
    return LongTables(found, metrics, _stages(found, level))


def with_items(scores: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """The same study with items for cloze, in stems, of which the scores are the means."""
    rows = []
    is_cloze = scores["metric"] == "cloze"
    for row in scores[is_cloze].drop_duplicates(["node", "probe"]).to_dict("records"):
        right = rng(row["probe"]).random(ITEMS) < row["value"]
        rows += [
            {
                "node": row["node"], "probe": row["probe"], "subset": "", "item_id": f"i{n:03d}",
                "cluster_id": f"stem{n % STEMS}", "correct": float(right[n]),
                "value_cloze": float(right[n]),
            }
            for n in range(ITEMS)
        ]  # fmt: skip
    items = pd.DataFrame(rows)
    means = items.groupby(["node", "probe"])["correct"].mean()
    keys = pd.MultiIndex.from_frame(scores[["node", "probe"]])
    value = scores["value"].mask(is_cloze, means.reindex(keys).to_numpy())
    return scores.assign(value=value, n=ITEMS), by_set(items)


def _chain(
    method: str, recipe: str, world: int, learned: float, kept: float, general: float
) -> list[dict]:
    rows = []
    own = BASE + learned * (ALONE_SCORE - BASE)
    for stage in range(len(DOMAINS) + 1):
        words = {"method": method, "recipe": recipe, "order": ORDER, "world_seed": world}
        place = _place(words, stage, DOMAINS)
        left = EVIDENCE if stage == 0 else CHANCE + general * (EVIDENCE - CHANCE)
        rows += _row(place, "probe", "evidence", "cloze_reviews", "cloze", left)
        for number, domain in enumerate(DOMAINS, start=1):
            # What is forgotten is forgotten in the last stage; before its stage nothing is known.
            share = 0.0 if stage < number else 1.0
            share = kept if number < stage == len(DOMAINS) else share
            value = BASE + share * (own - BASE)
            loss = BASE_LOSS - share * learned * (BASE_LOSS - OWN_LOSS)
            rows += _row(place, "cloze", "domain", f"cloze_{domain}", "cloze", value)
            rows += _row(place, "mlm", "domain", f"loss_{domain}", "mlm_loss", loss)
            if stage in (0, number, len(DOMAINS)):
                for metric in ("macro_f1", "accuracy"):
                    rows += _row(place, "end_task", "end_task", domain, metric, value)
    return rows


def _alone(domain: str, world: int) -> list[dict]:
    rows = []
    for stage, value in enumerate((BASE, ALONE_SCORE)):
        words = {"method": "sequential", "recipe": "rate-1-x4", "order": f"{ALONE}{domain}"}
        place = _place(words | {"world_seed": world}, stage, (domain,))
        rows += _row(place, "cloze", "domain", f"cloze_{domain}", "cloze", value)
    return rows


def _place(words: dict, stage: int, taught: tuple[str, ...]) -> dict:
    lived = "+".join([words["method"], words["recipe"], words["order"], *taught[:stage]])
    node = f"{MODEL}-w{words['world_seed']}-{lived if stage else 'base'}"
    place = {"model": MODEL, "params": 9, "base_seed": 0, "stage_index": stage, "node": node}
    return place | words | {"stage_task": taught[stage - 1] if stage else ""}


def _row(place: dict, kind: str, axis: str, probe: str, metric: str, value: float) -> list[dict]:
    (row,) = score_rows(axis, probe, place, [{"subset": "", "correct": 0.0}])
    chance = CHANCE if metric == "cloze" else None
    own = {"family": "masked", "series": "encoder", "kind": kind, "metric": metric, "n": ITEMS}
    own |= {"headline": metric != "accuracy", "value": value, "stderr": 0.001, "chance": chance}
    own |= {"higher_is_better": metric != "mlm_loss"}
    if kind == "end_task":
        own |= {"subset": probe, "end_task_seed": 0}
    return [row | own | place]


def _stages(scores: pd.DataFrame, level: float) -> pd.DataFrame:
    trained = scores[scores["stage_index"] > 0].drop_duplicates(
        ["model", "world_seed", "method", "recipe", "order", "stage_index"]
    )
    rows = []
    for row in trained.to_dict("records"):
        alone = row["order"].startswith(ALONE)
        numbers = {f"cost.{name}": 2.0 if row["method"] == "kd" else 1.0 for name in COSTS}
        if row["stage_index"] == 1:
            place = int(row["recipe"].split("-")[1])
            numbers |= {RATE: RATES[place], CURVE: 2.0 if alone else 1.0}
            numbers |= {LEVEL: level} if alone else {}
        words = {**row, "device": "cpu", "layer": None, "unit": None}
        rows += [words | {"measure": name, "value": value} for name, value in numbers.items()]
    return pd.DataFrame(rows)[STAGE_COLUMNS]


def near(values: Iterable[float], wanted: Iterable[float]) -> bool:
    """Whether all numbers agree, nan with nan."""
    return bool(np.allclose(list(values), list(wanted), equal_nan=True))
