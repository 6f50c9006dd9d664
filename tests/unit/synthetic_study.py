"""A made-up study for tests: plausible forgetting curves, no model behind them. Not data."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

SETS = {
    "knowledge": ["know_nature", "know_history", "know_society", "know_trade"],
    "reasoning": [
        "reason_property",
        "reason_tool",
        "reason_pronoun",
        "reason_story",
        "reason_arithmetic",
        "reason_dialogue",
    ],
    "reading": ["read_middle", "read_high"],
    "bias": ["bias_pairs"],
    "own": ["own_simp", "own_emdg", "own_inqqg", "own_exp", "own_hgen"],
}
TASKS = ["simp", "emdg", "inqqg", "exp", "hgen"]
CHANCE = {"knowledge": 0.25, "reading": 0.25, "bias": 0.5}
BIAS_TYPES = ["age", "gender", "region"]
# How much is kept of what was learned: 0 least.
SIZE = {"decoder-xs": 0}
FULL = (
    ("decoder-xs", 183_000),
    ("decoder-s", 880_000),
    ("decoder-s-tuned", 880_000),
    ("encdec-s", 1_000_000),
)
MIXED_IN = "general:64"
FAMILY = {"encdec-s": "seq2seq"}
SERIES = {"encdec-s": "encdec", "decoder-s-tuned": "decoder-tuned"}
UNTUNED = {"decoder-s-tuned": "decoder-s"}
OWN_METRIC = {"own_simp": "sari", "own_hgen": "rouge1"}


@dataclass(frozen=True)
class Synthetic:
    """What to make up. A run is model x base seed x (orders and the control).

    sets: of an axis, the first so many; every task has its own set.
    """

    models: tuple[tuple[str, int], ...] = (("decoder-xs", 183_000), ("decoder-s", 880_000))
    base_seeds: tuple[int, ...] = (0,)
    orders: tuple[str, ...] = ("forward", "reverse")
    control: bool = True
    tasks: tuple[str, ...] = tuple(TASKS)
    items: int = 120
    sets_an_axis: int = 6
    forgetting: float = 0.12
    seed: int = 7
    sets: tuple[tuple[str, tuple[str, ...]], ...] = tuple(
        (axis, tuple(probes)) for axis, probes in SETS.items()
    )


def synthetic_study(what: Synthetic = Synthetic()) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(scores, items) of a made-up study, as the collector would write them, sets in one table."""
    scores: list[dict] = []
    items: dict[str, list[dict]] = {}
    for model, params in what.models:
        size = SIZE.get(model, 1)
        for base_seed in what.base_seeds:
            for order, history in chains(what):
                for stage in range(len(history) + 1):
                    origin = f"{model}-b{base_seed}"
                    node = f"{origin}-{'+'.join(history[:stage]) or 'base'}"
                    run = {"model": model, "params": params, "base_seed": base_seed}
                    run |= {"order": order, "stage_index": stage}
                    run |= {"stage_task": history[stage - 1] if stage else "", "node": node}
                    rows, cells = checkpoint(what, run, size, history[:stage])
                    scores += rows
                    items.setdefault(node, cells)
    return pd.DataFrame(scores), pd.DataFrame([row for rows in items.values() for row in rows])


def chains(what: Synthetic) -> list[tuple[str, tuple[str, ...]]]:
    """(order, its mixtures) of every chain from one base; `mixed` has more in every stage."""
    kinds = {
        "forward": what.tasks,
        "reverse": what.tasks[::-1],
        "mixed": tuple(f"{task}&{MIXED_IN}" for task in what.tasks),
    }
    found = [(order, kinds[order]) for order in what.orders]
    if what.control:
        found.append(("control:general", ("general",) * len(what.tasks)))
    return found


def checkpoint(
    what: Synthetic, run: dict, size: int, lived: tuple[str, ...]
) -> tuple[list[dict], list[dict]]:
    """Score and item rows of one checkpoint."""
    scores, items = [], []
    for axis, probes in what.sets:
        for probe in probes if axis == "own" else probes[: what.sets_an_axis]:
            share = probability(what, axis, probe, run, size, lived)
            item_rows = answered(what, axis, probe, share, run["node"])
            items += item_rows
            scores += score_rows(axis, probe, run, item_rows)
    return scores, items


def probability(
    what: Synthetic, axis: str, probe: str, run: dict, size: int, lived: tuple[str, ...]
) -> float:
    """Expected score: falls with every stage, less for the control; own tasks rise when taught."""
    draw = rng(what.seed, run["model"], run["base_seed"], probe)
    shock = rng(what.seed, run["model"], run["base_seed"], probe, *lived).normal(0, 0.02)
    taught = [mixture.partition("&")[0] for mixture in lived if mixture != "general"]
    spared = 0.4 if any(mixture.endswith(MIXED_IN) for mixture in lived) else 1.0
    spared *= 0.6 if run["model"] in UNTUNED else 1.5 if run["model"] in FAMILY else 1.0
    if axis == "own":
        task = probe.removeprefix("own_")
        if task not in taught:
            return float(0.08 + 0.04 * draw.random() + 0.02 * len(taught))
        later = len(taught) - 1 - taught.index(task)
        return float((0.78 - 0.1 * draw.random()) * (1 - what.forgetting * (2 - size)) ** later)
    chance = CHANCE.get(axis, 0.5 if probe == "reason_property" else 0.25)
    top = 0.72 + 0.25 * draw.random()
    rate = what.forgetting * spared * draw.uniform(0.6, 1.6) * (1.3 - 0.5 * size)
    kept = (1 - rate) ** (len(taught) + 0.2 * (len(lived) - len(taught)))
    return float(chance + (top - chance) * kept + (shock if lived else 0))


def answered(what: Synthetic, axis: str, probe: str, share: float, node: str) -> list[dict]:
    """One row an item; an item's difficulty is its own, so that checkpoints are paired."""
    draw = rng(what.seed, probe)
    difficulty = draw.random(what.items)
    right = (difficulty < share).astype(float)
    metric = headline(axis, probe)
    if axis == "own":
        noise = rng(what.seed, probe, node).normal(0, 0.15, what.items)
        right = np.clip(share + 0.3 * (difficulty - 0.5) + noise, 0, 1)
    return [
        {
            "node": node,
            "probe": probe,
            "subset": BIAS_TYPES[index % len(BIAS_TYPES)] if axis == "bias" else "",
            "item_id": f"{probe}-{index:04d}",
            "cluster_id": f"{probe}-c{index // (3 if axis == 'reading' else 1):04d}",
            "correct": float(right[index]),
            "gold_logprob": float(-1.5 + right[index]),
            "margin": float(right[index] - 0.5),
            "predicted": "ABCD"[index % 4],
            f"value_{metric}": float(right[index]),
        }
        for index in range(what.items)
    ]


def headline(axis: str, probe: str) -> str:
    """The headline metric of a set."""
    if axis == "own":
        return OWN_METRIC.get(probe, "bleu")
    return "pct_stereotype" if axis == "bias" else "acc"


def score_rows(axis: str, probe: str, run: dict, items: list[dict]) -> list[dict]:
    """The headline metric of the set and of its subsets."""
    metric = headline(axis, probe)
    rows = []
    for subset in ["", *sorted({item["subset"] for item in items} - {""})]:
        correct = [item["correct"] for item in items if subset in ("", item["subset"])]
        reasoning = 0.5 if probe == "reason_property" else 0.25
        rows.append(
            {
                **run,
                "family": FAMILY.get(run["model"], "causal"),
                "series": SERIES.get(run["model"], "decoder"),
                "untuned": UNTUNED.get(run["model"], ""),
                "world_seed": 100,
                "method": "sequential",
                "parametrisation": "full",
                "method_params": "{}",
                "recipe": "default",
                "train_seed": 0,
                "end_task_seed": None,
                "kind": "own_task" if axis == "own" else "probe",
                "axis": axis,
                "probe": probe,
                "subset": subset,
                "split": "test",
                "shots": 0,
                "metric": metric,
                "headline": True,
                "value": float(np.mean(correct)),
                "stderr": float(np.std(correct) / len(correct) ** 0.5),
                "n": len(correct),
                "chance": None if axis == "own" else CHANCE.get(axis, reasoning),
                "higher_is_better": None if axis == "bias" else True,
                "engine": "stock",
                "dtype": "float32",
                "task_version": "1.0",
                "task_digest": hashlib.sha256(probe.encode()).hexdigest()[:12],
                "lm_eval_version": "0.4.13",
                "schema_version": 3,
            }
        )
    return rows


def rng(*words: object) -> np.random.Generator:
    """Generator that depends on the words alone."""
    digest = hashlib.sha256("\0".join(map(str, words)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def typed(
    scores: pd.DataFrame, items: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """The tables as their readers give them."""
    from lethe.longtables.schema import parse_table, table_text

    return parse_table("scores", table_text("scores", scores, "scores"), "scores"), by_set(items)


def by_set(items: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The items of each evaluation set, with the metrics that it has."""
    return {probe: rows.dropna(axis=1, how="all") for probe, rows in items.groupby("probe")}


def with_choices(scores: pd.DataFrame, items: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Items of scored sets with their choices, as `read_items_with_choices` gives them."""
    of_set = 1 / scores.drop_duplicates("probe").set_index("probe")["chance"]
    return {
        probe: rows.reindex(columns=[*{*rows, "gold_logprob", "margin"}]).assign(
            choices=of_set[probe]
        )
        for probe, rows in items.items()
        if probe in of_set.index
    }


def long_tables(
    scores: pd.DataFrame, items: pd.DataFrame, resamples: int = 60, changes: bool = True
):
    """What tables and figures are drawn from.

    changes: of single items, half of the work; claims and tables of methods read none.
    """
    from lethe.longtables.tables import LongTables
    from lethe.metrics.study import study_metrics
    from lethe.metrics.study_changes import study_changes

    scores, items = typed(scores, items)
    metrics = study_metrics(scores, items, seed=1, resamples=resamples)
    tables = LongTables(scores=scores, metrics=metrics)
    if not changes:
        return tables
    found = study_changes(scores, with_choices(scores, items), seed=1, resamples=resamples)
    return replace(tables, changes=found)


def with_gaps(scores: pd.DataFrame) -> pd.DataFrame:
    """One set missing for a model, one cell of a run, and the end of another run."""
    small, large = scores["model"] == "decoder-xs", scores["model"] == "decoder-s"
    gone = large & (scores["probe"] == "read_high")
    gone |= large & (scores["order"] == "reverse") & (scores["stage_index"] >= 4)
    cells = scores["probe"].isin(["know_trade", "own_emdg"]) & (scores["stage_index"] == 3)
    gone |= small & (scores["order"] == "forward") & cells
    return scores[~gone]
