"""Two methods that are one training are told, and no claim compares a training with itself."""

import pytest

from lethe.config.reading import DEFAULT, parse_study, read_catalogue, read_yaml
from lethe.config.recipe_values import recipe_for
from lethe.errors import UserError
from lethe.planning.plan import make_plan
from lethe.planning.same_training import same_trainings

EQUAL = {"rate-of-das": {"method": "sequential", "source": "none", "note": "plain"}}
PART = {
    "contrast": "method_difference", "metric": "loss_final", "axes": ["domain"],
    "unit": "train seeds", "direction": "below", "smallest_effect": 0.1,
}  # fmt: skip


def claim(*methods):
    parts = {"loss": PART | {"methods": [*methods]}}
    return {"statement": "Said.", "family": "own", "parts": parts}


def planned(claims, tuned=None, order=("restaurant", "acl")):
    define = {
        "methods": EQUAL,
        "orders": {"two": [*order]},
        "claims": claims,
        "recipes": {
            "few": read_yaml(DEFAULT.parent / "catalogue" / "recipes.yaml")["domains"]
            | {"tuned": tuned or {}}
        },
    }
    keys = {
        "study": "same", "models": ["masked"], "orders": ["two"], "recipe": "few",
        "methods": ["sequential", "rate-of-das", "ewc"], "probes": ["domains"], "end_tasks": [],
        "also": [], "tables": [], "figures": [], "claims": [*claims], "define": define,
    }  # fmt: skip
    study = parse_study({**read_yaml(DEFAULT), **keys})
    catalogue = read_catalogue(study)
    return study, catalogue, make_plan(study, catalogue)


TWO = {"own-best": claim("ewc", "sequential"), "own-equal": claim("ewc", "rate-of-das")}


def test_equal_methods_are_told_with_the_claims_that_test_the_same():
    (note,) = same_trainings(*planned(TWO))
    assert note == (
        "methods: 'sequential' and 'rate-of-das' are one training with the recipe 'few', done "
        "twice; own-equal tests what own-best tests."
    )


def test_a_rate_of_its_own_makes_it_another_training():
    tuned = {"rate-of-das": {"recipe": {"learning_rate": 1e-3}, "trials": 1, "note": "own"}}
    assert not list(same_trainings(*planned(TWO, tuned)))
    planned({"itself": claim("rate-of-das", "sequential")}, tuned)


def test_a_claim_that_compares_a_training_with_itself_is_refused():
    with pytest.raises(UserError, match="'sequential' and 'rate-of-das' are one training"):
        planned({"itself": claim("rate-of-das", "sequential")})


def test_claims_at_equal_rates_compare_methods_at_one_rate():
    catalogue = read_catalogue(parse_study(read_yaml(DEFAULT)))
    recipe = catalogue.recipes["domains-equal"]
    # DEMIX trains adapters alone, which have a rate of their own.
    equal = {
        method
        for name, claim in catalogue.claims.items()
        if name.endswith("-equal") or name in ("K3", "update", "cheap", "released")
        for part in claim.parts.values()
        for method in part.methods
    } - {"demix"}
    assert {"das", "das-update", "ewc", "sequential-das-rate"} <= equal
    rates = {
        method: recipe_for("domains-equal", recipe, "masked", method, "masked", "full")[
            "learning_rate"
        ]
        for method in equal
    }
    assert len(set(rates.values())) == 1, rates


@pytest.mark.parametrize("also", [{}, {"orders": ["two"], "controls": ["again"]}])
def test_two_orders_of_the_same_stages_are_refused(also):
    keys = {"orders": ["two", "again"], "methods": ["sequential"], "also": [], **also}
    stages = {"two": ["simp", "exp"], "again": ["simp", "exp"], "other": ["exp", "simp"]}
    study = parse_study({**read_yaml(DEFAULT), **keys, "define": {"orders": stages}})
    with pytest.raises(UserError, match="orders: 'two' and 'again' have the same stages"):
        make_plan(study, read_catalogue(study))
    keys |= {"orders": ["two", "other"], "controls": []}
    study = parse_study({**read_yaml(DEFAULT), **keys, "define": {"orders": stages}})
    assert make_plan(study, read_catalogue(study))
