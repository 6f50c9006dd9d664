"""The JSON schemas of rows of the long tables: scores, items, metrics, stages and others."""

from typing import Any, Literal

from lethe.longtables.calibration_columns import CALIBRATION
from lethe.longtables.change_columns import CHANGES
from lethe.longtables.columns import rule
from lethe.longtables.run import COLUMNS, RUN_COLUMNS

SCHEMA_VERSION = 3
ITEMS_VERSION = 4
UNSCORED = " → "
"""Joins the mixtures of stages of which only the last one's checkpoint was scored."""


def mixtures(stage_task: str) -> list[str]:
    """The mixtures of a score's `stage_task`: the checkpoint's own is the last one."""
    return stage_task.split(UNSCORED)


VALUE = "value_"
"""The start of the column of a metric in a table of items; its name follows."""
# The columns of a run in tables that name the model without describing it.
OF_RUN = {name: COLUMNS[name] for name in COLUMNS if name in {*RUN_COLUMNS, "params"}}


def _schema(
    file: str, columns: dict[str, dict], version: int = SCHEMA_VERSION, **more: Any
) -> dict[str, Any]:
    """The JSON schema of one row of a file; its properties are the columns, in order.

    more: further keywords of the schema.
    """
    columns = {**columns, "schema_version": rule(int, "version of this schema", const=version)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"One row of {file}",
        "type": "object",
        "additionalProperties": False,
        "required": list(columns),
        "properties": columns,
        **more,
    }


SCORES = {
    "node": rule(str, "id of the checkpoint that was scored"),
    **COLUMNS,
    "end_task_seed": rule(int | None, "seed of the end task's fine-tuning; empty for other kinds"),
    "stage_index": rule(int, "0 is the base model, i is after the i-th stage"),
    "stage_task": rule(
        str,
        "the last mixture of the checkpoint's history, behind those of stages before it that "
        f"nothing scored, joined by `{UNSCORED}`; empty at stage 0",
        empty=True,
    ),
    "kind": rule(
        Literal["probe", "own_task", "end_task", "mlm", "lm", "cloze"], "how the score was made"
    ),
    "axis": rule(str, "ability that the evaluation set belongs to"),
    "probe": rule(str, "evaluation set, by its lm-eval task name"),
    "subset": rule(
        str,
        "part of the set (a bias type); an end task's domain; empty for the whole set",
        empty=True,
    ),
    "split": rule(Literal["train", "dev", "test"], "which split was read"),
    "shots": rule(int, "number of examples in the prompt"),
    "metric": rule(str, "name of the metric"),
    "headline": rule(bool, "true for the metric that represents the set in tables and figures"),
    "value": rule(float, "fraction 0..1, or nats for log-probabilities and margins"),
    "stderr": rule(
        float | None, "standard error of the value over items; empty if unknown", minimum=0
    ),
    "n": rule(int, "number of items", minimum=1),
    "chance": rule(float | None, "value of a random guess; empty if there is none"),
    "higher_is_better": rule(bool | None, "empty if neither direction is better"),
    "engine": rule(str, "what ran the forward passes"),
    "dtype": rule(str, "numeric type of the forward passes"),
    "task_version": rule(str, "version in the evaluation task's definition"),
    "task_digest": rule(str, "digest of the evaluation task's definition and data"),
    "lm_eval_version": rule(str, "version of lm-eval; empty if it was not used", empty=True),
}
ITEMS = {
    "node": rule(str, "id of the checkpoint that was scored"),
    "probe": rule(str, "evaluation set"),
    "subset": rule(str, "part of the set; empty if it has none", empty=True),
    "item_id": rule(str, "content hash of the item"),
    "cluster_id": rule(str, "items of one cluster are resampled together"),
    "cluster_scope": rule(
        str,
        "what the cluster's name is from, a node of data or a folder of tasks: sets of one scope "
        "share clusters of equal names; empty if it is the item's own name, or not known",
        empty=True,
    ),
    "correct": rule(float | None, "0 or 1, or the per-item metric 0..1", minimum=0, maximum=1),
    "gold_logprob": rule(float | None, "log-probability of the right answer in nats"),
    "margin": rule(
        float | None, "right answer's log-probability minus the best wrong one's, in nats"
    ),
    "predicted": rule(str, "the model's answer", empty=True),
    "choice_logprobs": {
        "description": "log-probability of each choice in nats; empty if there are no choices",
        "type": ["array", "null"],
        "items": {"type": "number"},
    },
}
ITEM_VALUES = {
    f"^{VALUE}": rule(
        float | None,
        "the item's value of one metric, named as in scores.csv; of a text also its `tokens`",
    )
}
METRICS = {
    **OF_RUN,
    "stage_index": rule(
        int | None, "stage of a per-stage number; empty for a number over all stages"
    ),
    "stage_task": rule(
        str,
        "the stage's mixture; empty at stage 0 and for a number over all stages",
        empty=True,
    ),
    "axis": rule(str, "ability, or 'general' for all but bias and own tasks"),
    "probe": rule(str, "evaluation set; empty for a number over the axis", empty=True),
    "subset": rule(str, "part of the set; empty for the whole", empty=True),
    "metric": rule(str, "metric id, which names its convention"),
    "value": rule(float | None, "the number; empty where the definition excludes it, see note"),
    "low": rule(float | None, "lower end of the 95 % interval"),
    "high": rule(float | None, "upper end of the 95 % interval"),
    "n": rule(int, "items behind the number, per run"),
    "n_units": rule(int, "how many units the interval is over"),
    "unit": rule(
        str, "what the interval is over: items, item clusters, base seeds, train seeds, ..."
    ),
    "note": rule(str, "why a number or interval is missing or needs care", empty=True),
}
STAGES = {
    "node": rule(str, "id of the stage"),
    **OF_RUN,
    "params": rule(int | None, "number of parameters that the stage trained with"),
    "stage_index": rule(int, "place in the chain, from 1", minimum=1),
    "stage_task": rule(str, "the stage's mixture"),
    "device": rule(Literal["cpu", "cuda"], "what it was trained on"),
    "measure": rule(
        str,
        "cost.steps, cost.tokens (with those that a method replayed, cost.replayed, which has no "
        "row if there are none), cost.flops (of the trained model alone), cost.seconds (wall), "
        "cost.cpu_seconds, cost.peak_memory (bytes, of the GPU or of the process), cut.texts and "
        "cut.tokens (left out because texts were too long; no row if none were), rows.left_out, "
        "rows.asked_left_out.SET and rows.also_taught.SET (rows that gave no example, and rows of "
        "a set that the stage's data hold; no row if there are none), leak.step, "
        "leak.stage and leak.undirected (share of a change in what the method protects) and "
        "leak.parameters (how many are metered), recipe.learning_rate, recipe.curve and "
        "references.level (of studies with `references`), or what the method recorded",
    ),
    "layer": rule(int | None, "layer from 0; empty if the number belongs to no layer"),
    "unit": rule(int | None, "unit of the layer from 0; empty for a number of the whole layer"),
    "value": rule(float, "the number"),
}
SCHEMAS = {
    "scores": _schema("scores.csv", SCORES),
    "items": _schema("items/SET.parquet", ITEMS, ITEMS_VERSION, patternProperties=ITEM_VALUES),
    "metrics": _schema("metrics.csv", METRICS),
    "stages": _schema("stages.csv", STAGES),
    "changes": _schema("changes.csv", {**OF_RUN, **CHANGES}),
    "calibration": _schema("calibration.csv", {**OF_RUN, **CALIBRATION}),
}
