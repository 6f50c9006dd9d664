"""Tasks that read their answers in several ways: each way is scored under its own name."""

import evaluation_world as world
import pytest
from node_specs import write_spec

from lethe.artefacts.manifests import publish
from lethe.artefacts.paths import node_directory
from lethe.cli import main
from lethe.evaluation.declared import declared
from lethe.evaluation.filters import joined

# As gsm8k does: an answer is the first letter of what is written, or its last word.
SEVERAL = (
    world.OWN.partition("process_results")[0]
    + """metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
filter_list:
  - name: first-letter
    filter: [{{function: regex, regex_pattern: "^(\\\\S)"}}, {{function: take_first}}]
  - name: last-word
    filter: [{{function: regex, regex_pattern: "(\\\\S+)$"}}, {{function: take_first}}]
"""
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filters")
    world.write_checkpoint(folder / "checkpoint")
    world.write_task(folder / "eval", "several", SEVERAL, world.own_rows, n=4, length=4)
    # The first letters of what the model writes: one way is always right, the other never.
    rows = world.own_rows(sum(map(ord, "several")), 4)
    for row, item in zip(rows, _evaluated(folder)["items"], strict=True):
        row["response"] = item["predicted"]
    world.write_rows(folder / "eval" / "data" / "several" / "test.jsonl", rows)
    return folder


def _evaluated(folder):
    from lethe.commands.evaluate import evaluate

    return evaluate(folder / "checkpoint", ["several"], str(folder / "eval"))[0]


def test_every_filter_has_its_own_score(place):
    result = _evaluated(place)
    scores = {row["metric"]: row["value"] for row in result["scores"]}
    assert scores["exact_match,first-letter"] == 1.0
    assert scores["exact_match,last-word"] == 0.0
    assert scores.keys() == {"exact_match,first-letter", "exact_match,last-word", "modal_share"}
    for item in result["items"]:
        assert item["metrics"] == {"exact_match,first-letter": 1.0, "exact_match,last-word": 0.0}


def test_the_evaluate_command_shows_every_filter(place, capsys):
    folder = str(place / "eval")
    checkpoint = str(place / "checkpoint")
    main(["evaluate", "--model", checkpoint, "--tasks", "several", "--include-path", folder])
    shown = capsys.readouterr().out
    assert (
        "exact_match,first-letter  1.0000" in shown and "exact_match,last-word     0.0000" in shown
    )


def test_what_the_yaml_declares_is_what_scoring_gives(place):
    given = {row["metric"] for row in _evaluated(place)["scores"]}
    assert set(declared("several", str(place / "eval")).names()) == given


def test_a_task_with_one_filter_keeps_the_plain_names():
    sample = {"filter": "strict", "metrics": ["acc"], "acc": 1.0, "doc": {}}
    assert joined([sample]) == [sample]


def test_a_probe_refuses_a_metric_that_the_task_does_not_give(place, tmp_path, capsys):
    base = node_directory(tmp_path, "base", "tiny-0")
    world.write_checkpoint(base)
    publish(base, "base.json", {"parameters": 1}, [path.name for path in base.iterdir()])
    task = {"name": "several", "axis": "own", "metric": "exact_match", "data": None}
    task |= {"data_kind": None, "shots": 0, "cluster": None, "subset": None, "chance": None}
    spec = {"kind": "probe", "checkpoint": "tiny-0", "checkpoint_kind": "base", "probe": "p"}
    spec |= {"include": str(place / "eval"), "split": "test", "limit": None, "engine": "stock"}
    node = write_spec(tmp_path, "probe", {**spec, "dtype": "float32", "tasks": [task]})
    assert main(["probe", node, "--results", str(tmp_path)]) == 2
    assert "gives `exact_match,first-letter`, `exact_match,last-word`" in capsys.readouterr().err
    task["metric"] = "exact_match,last-word"
    node = write_spec(tmp_path, "other", {**spec, "dtype": "float32", "tasks": [task]})
    assert main(["probe", node, "--results", str(tmp_path)]) == 0
