"""Reference chains in the plan: what is trained alone, for how long, and what it is scored on."""

from pathlib import Path

import pytest

from lethe.config.reading import merge, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.planning.pages import empty_pages, with_pages
from lethe.planning.plan import make_plan
from lethe.planning.reference_chains import TIMES, cost_words, learning_record, single_rates

FAST = {"steps": 64, "batch_size": 8, "max_length": 96, "learning_rate": 3e-3}
DEFINE = {
    "recipes": {
        "fast": FAST,
        "slow": FAST | {"learning_rate": 1e-3},
        "long": FAST | {"learning_rate": 1e-3, "steps": 128},
    },
    "orders": {"two": ["simp", "emdg&general:64"]},
    "probes": {
        "facts": {
            "source": "world",
            "tasks": {"know_nature": {"axis": "knowledge", "metric": "acc", "chance": 0.25}},
        }
    },
}


MANY = ["slow", "fast", "long"]
CONFIG = Path(__file__).parents[2] / "config" / "config.yaml"


def studied(references=None, **changes):
    """A study of the order `two` and its plan."""
    usual = {
        "models": ["xs"], "orders": ["two"], "methods": ["sequential"], "recipe": "fast",
        "also": [], "controls": [], "define": DEFINE, "claims": [], "tables": [], "figures": [],
    }  # fmt: skip
    usual |= {"references": references} if references else {}
    study = parse_study(merge(merge(read_yaml(CONFIG), usual), changes))
    return study, make_plan(study, read_catalogue(study))


def planned(references=None, **changes):
    return studied(references, **changes)[1]


def alone(plan):
    return {run.order: run for run in plan.runs if run.order.startswith("alone:")}


def test_every_task_with_an_own_set_is_taught_alone_from_the_base_at_four_times_the_steps():
    plan = planned({"orders": ["two"]})
    chain = next(run for run in plan.runs if run.order == "two")
    found = alone(plan)
    assert set(found) == {"alone:simp", "alone:emdg"}  # general texts are no task
    for run in found.values():
        stage = plan.nodes[run.checkpoints[1]].spec
        assert run.checkpoints[0] == stage["parent"] == chain.checkpoints[0]
        assert (run.method, run.recipe, len(run.checkpoints)) == ("sequential", "fast-x4", 2)
        own = plan.nodes[chain.checkpoints[1]].spec
        assert stage["recipe"] == own["recipe"] | {"steps": TIMES * own["recipe"]["steps"]}
        assert [part["task"] for part in stage["mixture"]] == [run.order.removeprefix("alone:")]


def test_a_reference_chain_is_scored_on_its_own_set_alone_and_the_base_as_ever():
    plan, without = planned({"orders": ["two"]}), planned()
    for order, run in alone(plan).items():
        probes = [plan.nodes[name].spec for name in plan.probes[run.checkpoints[1]].values()]
        sets = [task["name"] for probe in probes for task in probe["tasks"]]
        assert sets == [f"own_{order.removeprefix('alone:')}"]
    base = plan.runs[0].checkpoints[0]
    assert plan.probes[base] == without.probes[base]


def test_references_change_no_other_node_and_the_level_changes_none_at_all():
    without, plan = planned(), planned({"orders": ["two"]})
    other = planned({"orders": ["two"], "level": 0.5})
    assert set(without.nodes) < set(plan.nodes)
    assert list(plan.nodes) == list(other.nodes)


def test_rates_methods_and_train_seeds_share_the_reference_chains_of_a_base():
    many = planned(
        {"orders": ["two"], "recipe": "fast"},
        recipe=["slow", "fast"],
        methods=["sequential", "ewc"],
        seeds={"train": [3, 4], "world": [100, 101]},
    )
    runs = [run for run in many.runs if run.order.startswith("alone:")]
    assert len(runs) == 2 * 2 and {run.train_seed for run in runs} == {3}
    assert {run.world_seed for run in runs} == {100, 101}


def test_epochs_are_multiplied_where_a_recipe_has_no_steps():
    epochs = {"recipes": {"brief": {**FAST, "steps": None, "epochs": 0.5}}}
    plan = planned({"orders": ["two"]}, recipe="brief", define=epochs)
    stage = plan.nodes[alone(plan)["alone:simp"].checkpoints[1]].spec
    assert (stage["recipe"]["epochs"], stage["recipe"]["steps"]) == (2.0, None)
    assert "4 times the epochs" in cost_words(plan)


def test_a_model_has_references_of_the_orders_that_it_is_taught():
    also = [{"models": ["s"], "orders": ["forward"]}]
    plan = planned({"orders": ["forward"]}, models=["xs", "s"], also=also)
    runs = [run for run in plan.runs if run.order.startswith("alone:")]
    assert {run.model for run in runs} == {"s"} and len(runs) == 5


def test_the_plan_states_what_the_reference_chains_cost():
    # Two chains of one stage at 256 steps beside two stages of 64.
    words = cost_words(planned({"orders": ["two"]}))
    assert "2 stages are reference chains" in words
    assert words.endswith("512 of 640 steps of training, 80 %.")
    assert cost_words(planned()) == ""


def test_the_record_holds_the_level_and_which_chains_differ_in_the_rate_alone():
    study, plan = studied({"orders": ["two"], "recipe": "fast", "level": 0.8}, recipe=MANY)
    record = learning_record(study, plan)["equal_learning"]
    assert record["level"] == 0.8
    of = {run.recipe: record["rates"][run.checkpoints[1]] for run in plan.runs}
    assert {name: stage["rate"] for name, stage in of.items()} == {
        "slow": 1e-3, "fast": 3e-3, "long": 1e-3, "fast-x4": 3e-3,
    }  # fmt: skip
    assert of["slow"]["curve"] == of["fast"]["curve"]
    assert len({stage["curve"] for stage in of.values()}) == 3


def test_curves_of_one_rate_are_noted_for_nothing_brackets_the_level():
    study, plan = studied({"orders": ["two"]})
    (note,) = single_rates(study, plan)
    assert "xs by sequential at 'fast' has one learning rate" in note
    several = studied({"orders": ["two"], "recipe": "fast"}, recipe=["slow", "fast"])
    assert list(single_rates(*several)) == []
    assert list(single_rates(*studied())) == []


@pytest.mark.parametrize(
    ("references", "changes", "said"),
    [
        ({"orders": ["forward"]}, {}, "references.orders: expected orders that the study teaches"),
        (
            {"orders": ["two"]},
            {"recipe": ["slow", "fast"]},
            "has several recipes .slow, fast.; name",
        ),
        ({"orders": ["two"], "recipe": "quick"}, {}, "references.recipe: .*found 'quick'"),
        ({"orders": ["two"]}, {"probes": ["facts"]}, "references: no task of these orders has"),
        ({"orders": ["two"], "level": 1.5}, {}, "references.level"),
        ({"orders": []}, {}, "references.orders"),
    ],
)
def test_a_mistake_is_one_sentence(references, changes, said):
    with pytest.raises(UserError, match=said):
        planned(references, **changes)


def test_a_study_that_lists_no_tables_has_the_one_of_equal_learning_if_it_has_references():
    for references in (None, {"orders": ["two"]}):
        study, plan = studied(references, tables=None, figures=None)
        pages = with_pages(study, read_catalogue(study), plan)
        assert ("equal_learning" in pages.tables) == (references is not None)
        assert "frontier" in pages.figures
    named, plan = studied(tables=["equal_learning"])
    notes = list(empty_pages(named, read_catalogue(named), plan))
    assert notes == ["tables: 'equal_learning' will be empty; it needs `references`."]
