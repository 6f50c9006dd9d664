"""A model card of one checkpoint: what it is, what it learned and lost, and what made it."""

import pandas as pd

from lethe.errors import UserError
from lethe.longtables.axes import sorted_axes
from lethe.longtables.node_words import Words, named, no_checkpoint, several
from lethe.longtables.run import method_words
from lethe.longtables.tables import chains, of_run, run_key
from lethe.metrics.shown import INTERVAL, SEED_UNITS
from lethe.metrics.warnings import notes_for
from lethe.report import facts
from lethe.report.paragraph import FAMILIES
from lethe.report.source import Source
from lethe.tables.writing import Table, markdown, markdown_text

HEAD = """---
library_name: transformers
tags: [continual-learning, lethe]
---
"""
CAPTION = (
    "Scores as fractions, of the base and of this checkpoint. change: here less base, without an "
    "interval (`lethe compare` gives one). A set whose "
    "metric is better if it is lower has a change that is better below zero. "
    f"{INTERVAL}"
)


def card(source: Source, node: str) -> str:
    """The card as Markdown. node: a checkpoint's id, as in the study's scores.csv, or its words.

    Raises:
        UserError: the study has no score of it, or the words name several.
    """
    scores = source.tables.scores
    node = _node(source, node)
    rows = scores[scores["node"] == node]
    first = rows.iloc[0]
    parts = [
        f"# {markdown_text(node)}",
        _what_it_is(source, first),
        f"## What it learned and lost\n\n{markdown(_against_base(source, first))}",
        f"## How it was made\n\n{_made(source)}",
    ]
    return HEAD + "\n" + "\n\n".join(part.strip() for part in parts) + "\n"


def _node(source: Source, name: str) -> str:
    scores = source.tables.scores
    if (scores["node"] == name).any():
        return name
    words = Words(chains(scores))
    found = named(words, name)
    found.pop("", None)
    if len(found) > 1:
        raise several(name, found, ["give its id"])
    if not found and name in {*words.of_nodes().values()}:
        raise UserError(
            f"{name} was trained but not scored in this study, so there is nothing to say of it; "
            "without `probe_stages: ends` every stage is scored."
        )
    if not found:
        raise no_checkpoint(source.folder, name, words.of_nodes().values())
    return next(iter(found))


def _what_it_is(source: Source, row: pd.Series) -> str:
    tables = source.tables
    size = f", {facts.count(row['params'])} parameters" if pd.notna(row["params"]) else ""
    model = f"{markdown_text(row['model'])} ({FAMILIES.get(row['family'], row['family'])}{size})"
    if row["stage_index"] == 0:
        return f"The base {model}, before any stage, in the study {markdown_text(source.name)}."
    run = of_run(tables.scores, run_key(row)).drop_duplicates("stage_index")
    stages = run[run["stage_index"].between(1, row["stage_index"])].sort_values("stage_index")
    tasks = " → ".join(markdown_text(task) for task in stages["stage_task"])
    seeds = ", ".join(
        f"{words} {int(row[column])}"
        for column, words in facts.SEEDS.items()
        if pd.notna(row[column])
    )
    method = method_words(row["method"], row["parametrisation"], row["recipe"])
    return (
        f"{model} after stage {row['stage_index']} of {run['stage_index'].max()} of the order "
        f"{markdown_text(row['order'])}, trained by {markdown_text(method)}. Seeds: {seeds}. "
        f"Study: {markdown_text(source.name)}.\n\nTasks so far: {tasks}."
    )


def _against_base(source: Source, row: pd.Series) -> Table:
    """A row per set, scored on the base and on the checkpoint."""
    metrics = source.tables.metrics
    scored = metrics[metrics["metric"].str.startswith("score_") & (metrics["subset"] == "")]
    scored = of_run(scored[~scored["unit"].isin(SEED_UNITS)], run_key(row))
    rank = {axis: place for place, axis in enumerate(sorted_axes(scored["axis"]))}
    rows = []
    for (axis, probe), cells in scored.groupby(["axis", "probe"], sort=False):
        by_stage = cells.drop_duplicates("stage_index").set_index("stage_index")
        if row["stage_index"] not in by_stage.index:
            continue
        found = {"model": row["model"], "order": row["order"], "axis": axis, "set": probe}
        found["metric"] = str(by_stage["metric"].iloc[0]).removeprefix("score_")
        for name, stage in (("base", 0), ("here", row["stage_index"])):
            ends = by_stage.reindex([stage])[["value", "low", "high"]].to_numpy(float)[0]
            found |= {f"{name}{end}": x for end, x in zip(("", "_low", "_high"), ends, strict=True)}
        rows.append(found | {"change": found["here"] - found["base"], "rank": rank[axis]})
    frame = pd.DataFrame(rows).sort_values("rank", kind="stable") if rows else pd.DataFrame()
    frame = frame.reset_index(drop=True)
    columns = ("axis", "set", "metric", "base", "here", "change")
    notes = notes_for(frame, _own_warnings(source, row))
    return Table(frame, CAPTION, columns=columns, missing="-", notes=notes)


def _own_warnings(source: Source, row: pd.Series) -> pd.DataFrame:
    """The warnings on the checkpoint's own chain, on its base and on the whole study."""
    own = {""}
    if row["stage_index"] > 0:
        # Recipes are in the words where a method has several.
        own |= {
            method_words(row["method"], row["parametrisation"], recipe)
            for recipe in ("", row["recipe"])
        }
    return source.warnings[source.warnings["method"].isin(own)]


def _made(source: Source) -> str:
    known = {
        "Command": f"`{facts.command(source)}`" if facts.command(source) else "",
        "Commit": ", ".join(facts.commits(source)),
        "Versions": facts.versions(source),
    }
    lines = [f"- {name}: {words}" for name, words in known.items() if words]
    sums = [f"- {name}, sha256 {digest}" for name, digest in facts.digests(source)]
    return "\n".join([*lines, *sums])
