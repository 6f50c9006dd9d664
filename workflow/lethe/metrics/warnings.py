"""What would mislead a reader of a study's numbers, in words: shown before and beside them."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from lethe.data.unknown_tokens import NOT_WRITABLE
from lethe.errors import counted, some_of
from lethe.longtables.axes import BIAS, CALIBRATION, DOMAIN, END_TASK, OF_DOMAINS, OWN
from lethe.longtables.data_rows import ALSO_TAUGHT, ASKED_LEFT_OUT, ROWS_LEFT_OUT
from lethe.longtables.own_sets import is_own, untested
from lethe.longtables.run import RUN_COLUMNS, method_words
from lethe.longtables.stage_rows import BASE_SEED, EXPECTED, MISSED
from lethe.metrics.bounds import learned_too_little
from lethe.metrics.cells import LOWER_IS_BETTER, is_worse_if_higher
from lethe.metrics.end_tasks import percentages
from lethe.metrics.general import FLOOR_STDERRS, place_of_base
from lethe.metrics.item_changes import COLLAPSED
from lethe.metrics.shown import CONTROL, LINE_COLUMNS

# Runs of a line from which there is an interval over them.
FEWEST_RUNS = 3
COLUMNS = ["kind", "model", "method", "order", "runs", "of", "what"]
FEW, FLOOR, CEILING = "few runs", "at floor", "at ceiling"
NOT_LEARNED, COLLAPSE, NO_EFFECT = "not learned", "collapsed answers", "no effect"
NOT_MEASURED = "not measured"
UNWRITABLE, REWRITTEN, CUT = "not writable", "rewritten texts", "cut texts"
ANOTHER_BASE = "another base"
LEFT_OUT, TAUGHT = "rows left out", "asked and taught"
KINDS = (
    NO_EFFECT, TAUGHT, LOWER_IS_BETTER, NOT_MEASURED, NOT_LEARNED, COLLAPSE, LEFT_OUT, UNWRITABLE,
    REWRITTEN, CUT, ANOTHER_BASE, FLOOR, CEILING, FEW,
)  # fmt: skip
MOST_NOTES = 12
BASE = ["model", "world_seed", "base_seed"]


def study_warnings(scores: pd.DataFrame, stages: pd.DataFrame | None = None) -> pd.DataFrame:
    """Warnings of a study by COLUMNS: first those that make a number mean something else.

    A row is about one thing in a line (model, method, order), or in a model's bases. runs, of: in
    how many of its runs or bases. Numbers are those of the first of them.
    """
    told = _not_measured(scores)
    scores = scores[scores["split"] == "test"]
    told += _told(scores, RUN_COLUMNS, ("model", "method", "order"), OF_RUNS)
    if stages is not None:
        told += _told(stages, RUN_COLUMNS, ("model", "method", "order"), OF_STAGES)
        told += _told(stages, BASE, ("model",), OF_BASES_STAGES)
    told += _told(scores[scores["stage_index"] == 0], BASE, ("model",), OF_BASES)
    told += _few_runs(scores)
    told.sort(key=lambda row: KINDS.index(row["kind"]))
    return pd.DataFrame(told, columns=COLUMNS)


def sentence(row: dict) -> str:
    """One row of `study_warnings` in words."""
    named = ", ".join(str(row[name]) for name in ("model", "method", "order") if row[name])
    share = f", {row['runs']} of {row['of']}" if row["of"] > 1 else ""
    about = f" ({named}{share})" if named else ""
    return f"{row['kind']}{about}: {row['what']}"


def notes_for(frame: pd.DataFrame, warnings: pd.DataFrame) -> tuple[str, ...]:
    """Sentences on the models and orders that a table shows, the first MOST_NOTES of them."""
    if "model" not in frame.columns:
        return ()
    about = warnings[warnings["model"].isin({"", *frame["model"]})]
    if "order" in frame.columns:
        # A row of a table may be of several orders.
        orders = {order for listed in frame["order"].dropna() for order in listed.split(", ")}
        about = about[about["order"].isin({"", *orders})]
    notes = [sentence(row) for row in about.to_dict("records")]
    more = len(notes) - MOST_NOTES
    rest = [f"and {more} more, which `lethe status` lists"] if more > 0 else []
    return (*notes[:MOST_NOTES], *rest)


def _told(
    scores: pd.DataFrame, unit: list[str], named: tuple[str, ...], rules: "tuple[Rule, ...]"
) -> list[dict]:
    """What the rules say of each unit (a run, a base), units of one name together.

    Two units say the same if their sentences are equal up to a semicolon.
    """
    counts: dict[tuple, int] = {}
    told: dict[tuple, list[str]] = {}
    for _, rows in scores.groupby(unit, dropna=False, sort=False):
        line = tuple(rows[LINE_COLUMNS].iloc[0]) if len(named) > 1 else (rows["model"].iloc[0],)
        counts[line] = counts.get(line, 0) + 1
        for kind, what in (found for rule in rules for found in rule(rows)):
            told.setdefault((kind, line, what.partition(";")[0]), []).append(what)
    of_line = LINE_COLUMNS if len(named) > 1 else ["model"]
    chains = [dict(zip(of_line, line, strict=True)) for line in counts]
    rows = []
    for (kind, line, _), same in told.items():
        words = dict(zip(of_line, line, strict=True))
        alike = [chain for chain in chains if all(chain[name] == words[name] for name in named)]
        if "method" in words:
            several = len({chain["recipe"] for chain in alike}) > 1
            recipe = words["recipe"] if several else ""
            words["method"] = method_words(words["method"], words["parametrisation"], recipe)
        row = {name: words.get(name, "") for name in ("model", "method", "order")}
        rows.append({"kind": kind, **row, "runs": len(same), "of": counts[line], "what": same[0]})
    return rows


def _few_runs(scores: pd.DataFrame) -> list[dict]:
    """One row for all lines that have too few runs for an interval over them."""
    runs = scores[RUN_COLUMNS].drop_duplicates().groupby(LINE_COLUMNS, dropna=False).size()
    few = int((runs < FEWEST_RUNS).sum())
    if not few:
        return []
    what = (
        f"{few} of {len(runs)} chains (a model, method and order) have fewer than {FEWEST_RUNS} "
        "runs and no interval over seeds: what one run shows says nothing about another seed"
    )
    nobody = dict.fromkeys(("model", "method", "order"), "")
    return [{"kind": FEW, **nobody, "runs": int(runs.min()), "of": 1, "what": what}]


def _not_measured(scores: pd.DataFrame) -> list[dict]:
    """One row a model and order whose stages teach what no set of some chain tests, on any split.

    What a control trains on is no task.
    """
    told: dict[tuple[str, str, str], None] = {}
    for _, rows in scores.groupby(RUN_COLUMNS, dropna=False, sort=False):
        model, order = map(str, rows[["model", "order"]].iloc[0])
        stages = rows.loc[rows["stage_index"] > 0, "stage_task"].unique()
        sets = {*rows["probe"], *rows.loc[rows["kind"] == END_TASK, "subset"]}
        texts = set(rows.loc[rows["kind"].isin(OF_DOMAINS), "probe"])
        if not order.startswith(CONTROL) and (tasks := untested(stages, sets, texts)):
            what = f"no evaluation set tests {some_of(tasks)}, so whether what is taught there is "
            told[model, order, f"{what}learned, and then forgotten, is not known"] = None
    return [
        dict(zip(COLUMNS, (NOT_MEASURED, model, "", order, 1, 1, what), strict=True))
        for model, order, what in told
    ]


def _floor_and_ceiling(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Sets whose base score leaves nothing to lose, or hides small losses."""
    base = rows[rows["headline"] & (rows["subset"] == "") & rows["chance"].notna()]
    base = base[~base["axis"].isin([BIAS, OWN, CALIBRATION, DOMAIN])].drop_duplicates("probe")
    for row in base.to_dict("records"):
        place = place_of_base(row["value"], row["chance"], row["stderr"])
        chance, error = f"chance {row['chance']:.2f}", FLOOR_STDERRS * row["stderr"]
        numbers = f"; base {row['value']:.2f}, {chance}"
        if place == "floor":
            within = "" if np.isnan(error) else f" ± {error:.2f} (two standard errors)"
            numbers = f"; base {row['value']:.2f}{within}, {chance}"
            yield FLOOR, f"{row['probe']} is not known, so it cannot be forgotten{numbers}"
        elif place == "ceiling":
            yield CEILING, f"small losses of {row['probe']} stay hidden{numbers}"


def _lower_is_better(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Sets whose metric falls as a model gets better: the metrics of forgetting leave them out."""
    scored = rows[rows["headline"] & ~rows["axis"].isin([BIAS, CALIBRATION])]
    scored = scored[~scored["kind"].isin(OF_DOMAINS)]
    for row in scored[is_worse_if_higher(scored)].drop_duplicates("probe").to_dict("records"):
        yield (
            LOWER_IS_BETTER,
            f"{row['metric']} of {row['probe']} is better if it is lower, so its set and axis have "
            "no drop; name another `metric` in the probe, or give the set an axis of its own",
        )


def _not_learned(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Own tasks whose score right after their stage is not above that of the base."""
    own = rows[(rows["axis"] == OWN) & rows["headline"] & (rows["subset"] == "")]
    by_set: dict[str, list[dict]] = {}
    for row in own[~is_worse_if_higher(own)].to_dict("records"):
        by_set.setdefault(row["probe"], []).append(row)
    for probe, cells in by_set.items():
        by_stage = {row["stage_index"]: row for row in cells}
        after = _own_stage(probe, cells)
        if after is None or 0 not in by_stage:
            continue
        before, then = by_stage[0], by_stage[after]
        # As if independent: the same items make it smaller, so a warning comes rather too soon.
        error = float(np.hypot(*(np.nan_to_num(row["stderr"]) for row in (before, then))))
        if then["value"] - before["value"] <= FLOOR_STDERRS * error:
            yield (
                NOT_LEARNED,
                f"{probe} is not above the base right after its stage, so it cannot be forgotten"
                f"; {then['value']:.2f} against {before['value']:.2f}",
            )


def _domains_not_learned(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """A method whose end tasks gain nothing from the stages of their domains."""
    scored = rows[rows["kind"] == "end_task"]
    if len(scored):
        values = percentages(scored, sorted(scored["probe"].unique()))
        own, base = values["f1_own"], values["f1_base"]
        if learned_too_little(own, base):
            numbers = f"own {own:.1f}, {base:.1f} before any domain"
            yield NOT_LEARNED, f"its domains teach end tasks nothing; {numbers}"


def collapsed_sets(rows: pd.DataFrame) -> Iterator[pd.Series]:
    """Of each set with nearly one answer for all items the row that has its share, of one run.

    Of own tasks that is the share right after their stage.
    """
    shares = rows[(rows["metric"] == "modal_share") & (rows["subset"] == "")]
    shares = shares[shares["value"] >= COLLAPSED]
    for probe, cells in shares.groupby("probe", sort=False):
        worst = cells.loc[cells["value"].idxmax()]
        if worst["axis"] == OWN:
            stage = _own_stage(probe, rows[rows["probe"] == probe].to_dict("records"))
            cells = cells[cells["stage_index"] == stage]
            if not len(cells):
                continue
            worst = cells.iloc[0]
        yield worst


def _collapsed(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    for row in collapsed_sets(rows):
        yield (
            COLLAPSE,
            f"{row['probe']} gets one answer for nearly all items, so its score speaks of that "
            f"answer; {row['value']:.0%} after stage {row['stage_index']}",
        )


def _no_effect(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Stages after which every score is what it was when its set was last scored.

    Some sets are scored before the first stage and after the last one alone, and in some studies
    all are; what was not scored before is no sign.
    """
    scored = rows[~rows["kind"].isin(["end_task"])]
    by_stage: dict[int, dict[tuple, float]] = {}
    columns = ["stage_index", "probe", "subset", "metric", "value"]
    for stage, *key, value in scored[columns].itertuples(index=False, name=None):
        by_stage.setdefault(int(stage), {})[tuple(key)] = float(value)
    last: dict[tuple, float] = {}
    previous = 0
    for stage, values in sorted(by_stage.items()):
        # Scores that are missing in one of the two are no sign, and nan is unequal to itself.
        is_known = not any(math.isnan(value) for value in values.values())
        both = values.keys() & last.keys()
        if is_known and both and all(values[key] == last[key] for key in both):
            of = f"stage {stage}" if stage - previous == 1 else f"stages {previous + 1} to {stage}"
            yield NO_EFFECT, f"{of} changed no score"
        last |= values
        previous = stage


def _texts(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """What became of the texts of each stage on their way to tokens; rows of the stages table."""
    for (stage, task), cells in rows.groupby(["stage_index", "stage_task"]):
        counts = dict(zip(cells["measure"], cells["value"], strict=True))
        where = f"stage {stage} ({task})"
        if rows_left := int(counts.get(ROWS_LEFT_OUT, 0)):
            gave = f"{counted(rows_left, 'row')} of its data gave no example"
            what = f"{gave}; the reasons are in logs/data"
            yield LEFT_OUT, f"{where}: {what}"
        for measure, count in counts.items():
            if measure.startswith(ALSO_TAUGHT):
                probe = measure.removeprefix(ALSO_TAUGHT)
                asked = counted(int(count), "row")
                what = f"word for word in files of its data: {asked} that {probe} asks"
                yield TAUGHT, f"{where}: {what}"
            if measure.startswith(ASKED_LEFT_OUT):
                probe = measure.removeprefix(ASKED_LEFT_OUT)
                what = f"{int(count)} of its file's rows gave no item; the reasons are in logs/data"
                yield LEFT_OUT, f"{probe}: {what}"
        if unknown := int(counts.get("texts.with_unknown_tokens", 0)):
            yield UNWRITABLE, f"{where}: {NOT_WRITABLE}; {counted(unknown, 'text')}"
        if rewritten := int(counts.get("texts.rewritten_by_tokenizer", 0)):
            numbers = counted(rewritten, "text")
            yield REWRITTEN, f"{where}: the tokenizer changes or drops letters; {numbers}"
        if texts := int(counts.get("cut.texts", 0)):
            left_out = int(counts["cut.tokens"])
            numbers = f"{counted(texts, 'text')}, {counted(left_out, 'token')} left out"
            yield CUT, f"{where}: cut at the recipe's max_length; {numbers}"


def _another_base(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """A base whose first seed missed a floor, so that another seed was taken; of rows of stages."""
    values = dict(zip(rows["measure"], rows["value"], strict=True))
    if BASE_SEED not in values:
        return
    missed = ", ".join(
        f"{task} {value:.3g}, expected {values[EXPECTED + task]:.3g}"
        for measure, value in values.items()
        if measure.startswith(MISSED) and (task := measure.removeprefix(MISSED))
    )
    yield (
        ANOTHER_BASE,
        f"base seed {rows['base_seed'].iloc[0]:.0f} missed its floor ({missed}), so the base of "
        f"seed {values[BASE_SEED]:.0f} stands for it",
    )


def _own_stage(probe: str, cells: list[dict]) -> int | None:
    """The first stage that trains on the own set's task; None if none does or it has no score."""
    stages = [
        int(row["stage_index"])
        for row in cells
        if row["stage_index"] and is_own(probe, row["stage_task"])
    ]
    return min(stages, default=None)


Rule = Callable[[pd.DataFrame], Iterator[tuple[str, str]]]
OF_RUNS: tuple[Rule, ...] = (_not_learned, _domains_not_learned, _collapsed, _no_effect)
OF_STAGES: tuple[Rule, ...] = (_texts,)
OF_BASES_STAGES: tuple[Rule, ...] = (_another_base,)
OF_BASES: tuple[Rule, ...] = (_floor_and_ceiling, _lower_is_better)
