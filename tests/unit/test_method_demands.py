"""A method that cannot train a stage is refused before anything runs, in one sentence."""

from pathlib import Path

import pytest

from lethe.config.by_file import names_in
from lethe.config.reading import merge, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.methods.parameters.base import MASKED, parameters_of
from lethe.methods.registry import create
from lethe.planning.plan import make_plan

CONFIG = Path(__file__).parents[2] / "config" / "config.yaml"
UNPADDED = {"batch_size": 4, "epochs": 1, "max_length": 8, "learning_rate": 1e-3, "unpadded": True}


METHODS = names_in("methods")
ENCODERS = [name for name in METHODS if parameters_of(name).families == MASKED]
NO_ENCODERS = [name for name in METHODS if not parameters_of(name).families >= MASKED]
FOR_ADAPTERS = [name for name in METHODS if parameters_of(name).only_with]
ONE_TEXT_A_ROW = [name for name in METHODS if parameters_of(name).one_text_a_row]


def plan_of(model: str, order: str, method: str, hyper: dict | None = None, how=None, **recipe):
    """how: the settings of LoRA; None: all is trained."""
    # Named otherwise than its file, as a study's own entry may be.
    changes = {
        "models": [model],
        "orders": [order],
        "methods": ["mine"],
        "recipe": "mine",
        "controls": [],
        "also": [],
        "end_tasks": [],
        "probes": ["domains" if model == "masked" else "miniature"],
        "define": {
            "methods": {"mine": {"method": method, "hyper": hyper or {}, "source": "none"}},
            "recipes": {"mine": {**UNPADDED, **recipe}},
            "parametrisations": {"lo": {"kind": "lora", "settings": how}} if how else {},
        },
        "parametrisations": ["lo"] if how else ["full"],
    }
    study = parse_study(merge(read_yaml(CONFIG), changes))
    return make_plan(study, read_catalogue(study))


@pytest.mark.parametrize("method", ENCODERS)
def test_a_method_on_encoders_is_refused_a_decoder(method):
    sentence = rf"^methods\.mine: method '{method}' trains masked models only, .* a causal .*also"
    with pytest.raises(UserError, match=sentence):
        plan_of("xs", "forward", method)


@pytest.mark.parametrize("method", NO_ENCODERS)
def test_a_method_that_encoders_cannot_have_is_refused_one_with_the_reason(method):
    for model, order in (("xs", "forward"), ("encdec", "forward")):
        assert plan_of(model, order, method).of_kind("stage")
    why = parameters_of(method).families_why
    with pytest.raises(UserError, match=rf"trains causal and seq2seq models only \({why}\)"):
        plan_of("masked", "only-acl", method)


@pytest.mark.parametrize("method", sorted(set(METHODS) - {*ENCODERS, *NO_ENCODERS, *FOR_ADAPTERS}))
def test_all_others_are_planned_for_every_family(method):
    for model, order in (("xs", "forward"), ("encdec", "forward"), ("masked", "only-acl")):
        unpadded = method not in ONE_TEXT_A_ROW
        assert plan_of(model, order, method, unpadded=unpadded).of_kind("stage")


@pytest.mark.parametrize("method", FOR_ADAPTERS)
def test_a_method_for_adapters_is_refused_where_all_is_trained(method):
    sentence = r"^methods\.mine: .* 'full', as it is made for LoRA with .* \(it goes with lora"
    with pytest.raises(UserError, match=sentence):
        plan_of("xs", "forward", method)


LORA = {"rank": 2}
DORA = {**LORA, "dora": True}
REFUSED = [
    ("osf", LORA, r"'lo', as a low-rank adapter is not the matrix"),
    ("osf_peft", LORA, r"'lo', as it freezes the model"),
    ("slao", {**DORA, "chain": "same"}, r"'lo', as the paper does not say"),
    ("wise_ft", {**DORA, "chain": "fresh"}, r"'lo', as DoRA rescales the weights"),
    (
        "olora",
        {**LORA, "chain": "same"},
        "'lo', as it is made for LoRA with `chain: one-a-task`; .* goes with lora-a-task",
    ),
    ("slao", {**LORA, "chain": "fresh"}, "'lo', as it is made for LoRA with `chain: same`"),
]


@pytest.mark.parametrize(("method", "how", "sentence"), REFUSED)
def test_what_does_not_go_with_a_kind_of_lora_is_refused_with_its_reason(method, how, sentence):
    with pytest.raises(UserError, match=sentence):
        plan_of("xs", "forward", method, how=how)


@pytest.mark.parametrize(("method", "chain"), [("olora", "one-a-task"), ("slao", "same")])
def test_methods_for_adapters_are_planned_for_every_family(method, chain):
    for model, order in (("xs", "forward"), ("encdec", "forward"), ("masked", "only-acl")):
        plan = plan_of(model, order, method, how={**LORA, "chain": chain})
        assert plan.of_kind("stage")


def test_hidden_states_are_compared_in_encoders_only():
    sentence = "^methods.mine: method 'kd' with `compare: hidden` trains masked models .* causal"
    with pytest.raises(UserError, match=sentence):
        plan_of("xs", "forward", "kd", hyper={"compare": "hidden"})
    assert plan_of("masked", "only-acl", "kd", hyper={"compare": "hidden"}).of_kind("stage")


@pytest.mark.parametrize(
    "hyper",
    [
        {"contrast_input": "original"},
        {"importance_input": "original"},
        {"head_axis": "released"},
        {"kl_axis": "position"},
    ],
    ids=lambda hyper: next(iter(hyper)),
)
def test_what_the_released_das_does_with_masked_tokens_is_for_encoders_only(hyper):
    key, value = next(iter(hyper.items()))
    for model in ("xs", "encdec"):
        with pytest.raises(UserError, match=f"'das' with `{key}: {value}` trains masked models"):
            plan_of(model, "forward", "das", hyper=hyper)


def test_a_parameter_that_came_later_is_in_the_specs_of_other_values_alone():
    (plain,) = plan_of("masked", "only-acl", "das", unpadded=False).of_kind("stage")
    assert "gate_dropout" not in plain.spec["hyper"]
    changed = plan_of("masked", "only-acl", "das", {"gate_dropout": 0.2}, unpadded=False)
    (changed,) = changed.of_kind("stage")
    assert changed.spec["hyper"] == {**plain.spec["hyper"], "gate_dropout": 0.2}
    assert create("das", plain.spec["hyper"]).options.gate_dropout == 0.1


@pytest.mark.parametrize("method", ONE_TEXT_A_ROW)
def test_a_method_that_needs_a_row_a_text_is_refused_an_unpadded_recipe(method):
    sentence = rf"^recipes\.mine\.unpadded: method '{method}' .* in an entry of `also`"
    with pytest.raises(UserError, match=sentence):
        plan_of("masked", "only-acl", method)
    tuned = {"mine": {"recipe": {"unpadded": False}, "trials": 1, "note": "by hand"}}
    assert plan_of("masked", "only-acl", method, unpadded=False).of_kind("stage")
    assert plan_of("masked", "only-acl", method, tuned=tuned).of_kind("stage")


@pytest.mark.parametrize("method", sorted(set(ENCODERS) - set(ONE_TEXT_A_ROW)))
def test_other_methods_take_unpadded_recipes(method):
    (stage,) = plan_of("masked", "only-acl", method).of_kind("stage")
    assert stage.spec["recipe"]["unpadded"]
