"""Values tuned for a recipe: in the stages of their method, and nowhere else."""

import pytest
from test_plan import RECIPE, plan_of

from lethe.errors import UserError

TUNED = {"hyper": {"weight": 3.0}, "recipe": {"learning_rate": 0.5}, "trials": 3, "note": "seeds"}


def stages(tuned: dict) -> dict[str, dict]:
    """The spec of the first stage of each method."""
    plan = plan_of(
        methods=["sequential", "kd"],
        recipe="own",
        define={"recipes": {"own": {**RECIPE, "tuned": tuned}}},
    )
    return {run.method: plan.nodes[run.checkpoints[1]].spec for run in plan.runs}


def test_tuned_values_are_those_of_their_method_alone():
    before, after = stages({}), stages({"kd": TUNED})
    assert after["sequential"] == before["sequential"]
    assert after["kd"]["hyper"] == {**before["kd"]["hyper"], "weight": 3.0}
    assert after["kd"]["recipe"] == {**before["kd"]["recipe"], "learning_rate": 0.5}


def test_steps_take_the_place_of_epochs():
    recipe = stages({"kd": {**TUNED, "recipe": {"steps": 7}}})["kd"]["recipe"]
    assert (recipe["steps"], recipe["epochs"]) == (7, None)


@pytest.mark.parametrize(
    ("tuned", "sentence"),
    [
        ({"kdd": TUNED}, "recipes.own.tuned: 'kdd' is not known; did you mean 'kd'"),
        (
            {"kd": {**TUNED, "recipe": {"learning_rat": 1.0}}},
            "learning_rat in recipes.own.tuned.kd.recipe: there is no such key; did you mean",
        ),
        (
            {"kd": {**TUNED, "recipe": {"batch_size": 0}}},
            "batch_size in recipes.own.tuned.kd.recipe: expected a number above 0, found 0",
        ),
        (
            {"kd": {**TUNED, "recipe": {"tuned": {}}}},
            "recipes.own.tuned.kd.recipe: expected values of the recipe, found 'tuned'",
        ),
        (
            {"kd": {**TUNED, "recipe": {"epochs": 2.0, "steps": 3}}},
            "recipes.own.tuned.kd.recipe: expected either `epochs` or `steps`, found both",
        ),
        (
            {"kd": {**TUNED, "recipe": {"epochs": None}}},
            "recipes.own.tuned.kd.recipe: expected either `epochs` or `steps`, found neither",
        ),
        (
            {"kd": {**TUNED, "recipe": {"checkpoint": "newest-periodic"}}},
            "recipes.own.tuned.kd.recipe: `checkpoint: newest-periodic` needs `save_steps`",
        ),
        ({"kd": {"hyper": {"weight": 3.0}}}, "recipes.own.tuned.kd.trials"),
    ],
)
def test_a_wrong_entry_is_one_sentence(tuned, sentence):
    with pytest.raises(UserError, match=sentence):
        stages(tuned)
