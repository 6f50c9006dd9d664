"""A recipe that is `from` another one has its values, and loses none of its own silently."""

import pytest

from lethe.config.reading import DEFAULT, merge, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.planning.plan import make_plan

BASE = {"steps": 8, "batch_size": 4, "max_length": 32, "learning_rate": 1e-3}


def study_with(recipes: dict, recipe="mine"):
    alone = {
        "also": [],
        "models": ["xs"],
        "orders": ["forward"],
        "controls": [],
        "references": None,
    }
    raw = merge(read_yaml(DEFAULT), {**alone, "study": "own", "claims": []})
    study = parse_study(raw | {"recipe": recipe, "define": {"recipes": recipes}})
    return study, read_catalogue(study)


def recipe_of(recipes: dict, name: str = "mine"):
    return study_with(recipes, name)[1].recipes[name]


def test_it_is_the_recipe_written_in_full():
    child = {"from": "above", "learning_rate": 2e-3, "overrides": {"xs": {"batch_size": 2}}}
    whole = {**BASE, "learning_rate": 2e-3, "overrides": {"xs": {"batch_size": 2}}}
    recipes = {"above": BASE, "mine": child, "written": whole}
    study, catalogue = study_with(recipes)
    assert catalogue.recipes["mine"] == catalogue.recipes["written"]
    other, _ = study_with(recipes, "written")
    stages = [{node.id for node in make_plan(one, catalogue).of_kind("stage")}
              for one in (study, other)]  # fmt: skip
    assert stages[0] == stages[1] and len(stages[0]) > 4


def test_the_catalogue_s_recipes_may_be_parents_and_so_may_children():
    shipped = recipe_of({"mine": {"from": "finetune"}})
    assert shipped == recipe_of({}, "finetune")
    recipes = {"a": BASE, "b": {"from": "a", "epsilon": 1e-6}, "mine": {"from": "b", "steps": 9}}
    found = recipe_of(recipes)
    assert (found.epsilon, found.steps, found.batch_size) == (1e-6, 9, 4)


def test_steps_and_epochs_replace_each_other():
    found = recipe_of({"above": BASE, "mine": {"from": "above", "epochs": 2}})
    assert (found.epochs, found.steps) == (2, None)


def test_nothing_else_is_changed_and_null_is_no_parent():
    assert recipe_of({"mine": {**BASE, "from": None}}) == recipe_of({"mine": BASE})


@pytest.mark.parametrize(
    ("child", "kind", "name"),
    [
        ({"learning_rate": 3e-3}, "overrides", "s"),
        ({"epochs": 2}, "overrides", "m"),
        ({"batch_size": 2}, "parametrised", "lora"),
        ({"max_length": 16}, "tuned", "ewc"),
    ],
)
def test_a_value_that_would_be_lost_to_what_is_taken_over_is_refused(child, kind, name):
    above = {
        **BASE,
        "overrides": {"s": {"learning_rate": 1e-4}, "m": {"steps": 4}},
        "parametrised": {"lora": {"batch_size": 8}},
        "tuned": {"ewc": {"recipe": {"max_length": 64}, "trials": 1, "note": "none"}},
    }
    with pytest.raises(
        UserError, match=rf"define\.recipes\.mine: .*{kind}\.{name}.*`{kind}: {{}}`"
    ):
        study_with({"above": above, "mine": {"from": "above", **child}})
    assert study_with({"above": above, "mine": {"from": "above", **child, kind: {}}})


@pytest.mark.parametrize(
    ("recipes", "words"),
    [
        ({"mine": {"from": "finetun"}}, r"from: 'finetun' is not known; did you mean 'finetune'"),
        ({"mine": {"from": 3}}, r"mine\.from: expected the name of a recipe, found 3"),
        ({"mine": {"from": "mine"}}, r"mine\.from: .* found mine from mine"),
        ({"mine": {"from": "b"}, "b": {"from": "mine"}}, r"\.from: .* found mine from b from mine"),
        ({"mine": {"from": "above"}, "above": {"steps": 3}}, "batch_size"),
        ({"mine": {"from": "above"}, "above": 3}, "keys with values"),
        ({"mine": {**BASE, "overrides": {"xs": {"from": "finetune"}}}},
         r"overrides\.xs: expected values of the recipe, found 'from'"),
        ({"mine": {"from": ["finetune"]}}, r"mine\.from: expected the name of a recipe"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(recipes, words):
    with pytest.raises(UserError, match=words) as found:
        study, catalogue = study_with(recipes)
        make_plan(study, catalogue)
    assert str(found.value).count("\n") == 0


def test_recipes_that_are_no_mapping_are_refused_as_before():
    with pytest.raises(UserError, match="recipes in the configuration: expected keys with"):
        study_with([1])
