"""What is kept of each item between scoring and the tables, and what is read of older results."""

import tracemalloc
from types import SimpleNamespace

import pytest

from lethe.artefacts.manifests import publish
from lethe.artefacts.nodes import write_results
from lethe.artefacts.paths import node_directory
from lethe.errors import UserError
from lethe.evaluation.harness import _check_finite
from lethe.evaluation.outcomes import Outcome
from lethe.evaluation.scores import items_of
from lethe.evaluation.specification import EvalTask
from lethe.longtables.collect import gather, with_metrics
from lethe.longtables.items import ItemsWriter, ItemTables

ITEMS = 400
RUN = {
    **{"model": "m", "family": "causal", "series": "m", "untuned": "", "world_seed": None},
    **{
        "base_seed": 0,
        "method": "sequential",
        "parametrisation": "full",
        "method_params": {},
        "recipe": "default",
    },
    **{"order": "forward", "train_seed": 0},
}


def probed(results, checkpoints: int) -> dict:
    """The record of a chain of checkpoints whose probe results lie in a folder."""
    nodes = [f"node-{number:03d}" for number in range(checkpoints)]
    for node in nodes:
        items = [
            {"item_id": f"i{number}", "cluster_id": f"i{number}", "subset": "", "correct": 1.0}
            | {"gold_logprob": -1.0, "margin": 1.0, "predicted": "0", "metrics": {"acc": 1.0}}
            for number in range(ITEMS)
        ]
        result = {"task": "quiz", "axis": "knowledge", "chance": 0.25, "split": "test", "shots": 0}
        result |= {"version": "1", "task_digest": "d", "lm_eval_version": "0", "engine": "fast"}
        score = {"metric": "acc", "subset": "", "value": 1.0, "stderr": 0.0, "n": ITEMS}
        score |= {"higher_is_better": True}
        result |= {"dtype": "float32", "n": ITEMS, "scores": [score], "items": items}
        folder = node_directory(results, "probe", f"probe-{node}")
        spec = {"kind": "probe", "tasks": [{"name": "quiz", "metric": "acc"}]}
        files = write_results(folder, [result])
        publish(folder, "probe.json", {"spec": spec, "parameters": 1}, files)
    run = RUN | {"checkpoints": nodes, "stages": [f"t{number}" for number in range(checkpoints)]}
    return {"probes": {node: [f"probe-{node}"] for node in nodes}, "runs": [run], "own": {}}


def peak_of_gathering(results, checkpoints: int) -> int:
    """The most bytes of Python objects at a time."""
    record = probed(results, checkpoints)
    with ItemsWriter(results / "items", results / "work") as items:
        tracemalloc.start()
        gather(record, results, items)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        items.finish()
    assert len(ItemTables(results / "items")["quiz"]) == checkpoints * ITEMS
    return peak


def test_the_items_of_one_probe_at_a_time_are_in_memory(tmp_path):
    few, many = (peak_of_gathering(tmp_path / str(count), count) for count in (2, 10))
    assert many < 1.2 * few


@pytest.mark.parametrize(("value", "correct"), [(0.5, 0.5), (43.0, None), (-1.0, None)])
def test_a_text_metric_in_percent_is_a_value_of_the_item_and_no_share_of_right_ones(
    value, correct, tmp_path
):
    task = SimpleNamespace(OUTPUT_TYPE="generate_until", aggregation=lambda: {"ter": sum})
    (item,) = items_of(
        task, [Outcome("i", "c", "", None, None, None, "text", None, {"ter": value})]
    )
    assert (item["correct"], item["metrics"]) == (correct, {"ter": value})
    with ItemsWriter(tmp_path / "items", tmp_path / "work") as writer:
        writer.add("node", "quiz", [item])
        writer.finish()
    assert ItemTables(tmp_path / "items")["quiz"]["value_ter"].tolist() == [value]


def test_items_without_values_by_metric_have_that_of_the_headline():
    assert with_metrics({"correct": 0.5}, "acc")["metrics"] == {"acc": 0.5}
    kept = {"correct": 0.5, "metrics": {"acc": 0.5, "acc_norm": 1.0}}
    assert with_metrics(kept, "acc_norm") == kept


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("place", [0, 1])
def test_a_log_probability_that_is_no_number_is_named_also_of_a_wrong_choice(value, place):
    logprobs = [-1.0, -2.0]
    logprobs[place] = value
    outcome = Outcome("i7", "c", "", 0.0, logprobs[0], None, "0", logprobs)
    with pytest.raises(UserError, match=f"quiz: .* log-probability {value} for item i7"):
        _check_finite(EvalTask("quiz", None), [outcome])
