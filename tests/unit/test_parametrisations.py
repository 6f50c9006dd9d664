"""Parametrisations in a study: chains, specs, recipes, what is refused, requests and words."""

import pytest
from retention_case import new_model
from test_plan import RECIPE, plan_of, study_of

from lethe.config.reading import CATALOGUE, read_yaml
from lethe.errors import UserError
from lethe.longtables.run import method_words, run_of
from lethe.models.known_shapes import Shapes, _tied
from lethe.parametrisations.constants import PARTS
from lethe.parametrisations.frozen import freeze
from lethe.parametrisations.parameters import KINDS, Lora
from lethe.parametrisations.parametrised import KINDS as APPLIED
from lethe.planning.parametrisations import _require_fits, without_rates
from lethe.planning.plan import make_plan
from lethe.planning.resources import request, trained_parameters

LORA = {"kind": "lora", **Lora().model_dump(mode="json")}


def stages(plan) -> dict[tuple[str, str], list]:
    """The stages of each chain, by method and parametrisation."""
    return {
        (run.method, run.parametrisation): [plan.nodes[node] for node in run.checkpoints[1:]]
        for run in plan.runs
    }


def refusal(**changes) -> str:
    with pytest.raises(UserError) as caught:
        plan_of(**changes)
    return str(caught.value)


def test_every_kind_has_typed_settings_and_a_way_to_apply_it():
    assert KINDS.keys() == APPLIED.keys()
    for kind, settings in KINDS.items():
        assert APPLIED[kind].kind == settings.kind == kind
        for field in settings.model_fields.values():
            assert field.description and field.json_schema_extra["source"]


def test_another_parametrisation_gives_other_stages_and_leaves_all_ids_of_the_first():
    before, after = plan_of(), plan_of(parametrisations=["full", "lora"])
    assert before.nodes.keys() < after.nodes.keys()
    plain, ours = stages(after)["sequential", "full"], stages(after)["sequential", "lora"]
    assert [node.id for node in plain] == [node.id for node in stages(before)["sequential", "full"]]
    assert not any("parametrisation" in node.spec for node in plain)
    assert all(node.spec["parametrisation"] == LORA for node in ours)
    assert all("-sequential-lora-s" in node.id for node in ours)
    own = {"parent", "parent_kind", "parametrisation", "recipe"}
    for one, other in zip(plain, ours, strict=True):
        assert {k: v for k, v in one.spec.items() if k not in own} == {
            k: v for k, v in other.spec.items() if k not in own
        }
        # The recipe has a rate of its own for it.
        rate = other.spec["recipe"]["learning_rate"]
        assert other.spec["recipe"] == one.spec["recipe"] | {"learning_rate": rate}


def test_an_entry_of_also_has_parametrisations_of_its_own():
    also = [{"models": ["xs"], "orders": ["forward"], "methods": ["kd"]}]
    plan = plan_of(also=[{**also[0], "parametrisations": ["lora", "frozen-bottom"]}])
    assert stages(plan).keys() == {
        ("sequential", "full"),
        ("kd", "lora"),
        ("kd", "frozen-bottom"),
    }


def test_controls_are_run_with_every_parametrisation_of_their_selection():
    plan = plan_of(parametrisations=["full", "lora"], controls=["general"])
    found = {(run.order, run.parametrisation) for run in plan.runs}
    assert found == {(o, p) for o in ("forward", "control:general") for p in ("full", "lora")}


def test_a_recipe_has_other_values_for_a_parametrisation_between_model_and_method():
    recipe = {
        **RECIPE,
        "overrides": {"xs": {"learning_rate": 0.1, "batch_size": 2}},
        "parametrised": {"lora": {"learning_rate": 0.2, "weight_decay": 0.5}},
        "tuned": {"kd": {"recipe": {"weight_decay": 0.25}, "trials": 1, "note": "n"}},
    }
    plan = plan_of(
        methods=["sequential", "kd"],
        parametrisations=["full", "lora"],
        recipe="own",
        define={"recipes": {"own": recipe}},
    )
    values = {
        key: [nodes[0].spec["recipe"][name] for name in ("learning_rate", "batch_size")]
        + [nodes[0].spec["recipe"]["weight_decay"]]
        for key, nodes in stages(plan).items()
    }
    assert values["sequential", "full"] == [0.1, 2, 0.0]
    assert values["sequential", "lora"] == [0.2, 2, 0.5]
    assert values["kd", "lora"] == [0.2, 2, 0.25]


def notes_with(recipe: dict, **changes) -> list[str]:
    changes["define"] = {"recipes": {"own": {**RECIPE, **recipe}}}
    study, catalogue = study_of(recipe="own", **changes)
    return list(without_rates(catalogue, make_plan(study, catalogue)))


def test_a_part_that_is_trained_at_the_rate_of_the_whole_is_a_note():
    ways = {"parametrisations": ["full", "lora", "adapters", "frozen-bottom"]}
    (note,) = notes_with({}, **ways)
    assert note.startswith("recipes.own: trains 'lora' and 'adapters' at the rate of all weights")
    said = {"lora": {"learning_rate": 1e-2}, "adapters": {}}
    assert not notes_with({"parametrised": said}, **ways)
    assert notes_with({"parametrised": {"lora": {}}}, **ways)[0].startswith(
        "recipes.own: trains 'adapters' at"
    )
    tuned = {"recipe": {"learning_rate": 1e-2}, "trials": 1, "note": "n"}
    assert not notes_with({"tuned": {"sequential": tuned}}, **ways)


def test_every_shipped_recipe_for_fine_tuning_has_values_for_every_part():
    recipes = read_yaml(CATALOGUE / "recipes.yaml")
    ways = read_yaml(CATALOGUE / "parametrisations.yaml")
    parts = {name for name, entry in ways.items() if entry["kind"] in PARTS}
    for name in ("finetune", "finetune-usual", "finetune-short"):
        assert recipes[name]["parametrised"].keys() == parts


def test_a_name_that_a_recipe_or_a_study_does_not_know_is_refused():
    own = {"recipes": {"own": {**RECIPE, "parametrised": {"lorra": {"learning_rate": 1.0}}}}}
    said = refusal(define=own)
    assert said.startswith("recipes.own.parametrised: 'lorra' is not known; did you mean 'lora'")
    assert refusal(parametrisations=["lorra"]).startswith("parametrisations: 'lorra' is not known")


@pytest.mark.parametrize(
    ("method", "how", "why"),
    [
        ("adapter", "lora", "it freezes the model and trains adapters of its own"),
        ("hat", "frozen-bottom", "its gates protect the model's own weights"),
        ("bcl", "adapters", "it freezes the model and trains adapters of its own"),
        ("prompt", "lora", "it freezes the model and trains a prompt alone"),
    ],
)
def test_what_does_not_compose_is_refused_with_the_reason(method, how, why):
    said = refusal(
        models=["masked"],
        orders=["only-acl"],
        methods=[method],
        parametrisations=[how],
        recipe="domains",
        probes=["domains"],
    )
    assert said.startswith(f"methods.{method}: does not go with the parametrisation {how!r}, as ")
    assert "…" not in said and (said.endswith(").") or said.endswith("`also`."))
    assert why in said and "`also`" in said


def rows_frozen(tied: bool, **settings) -> dict:
    model = read_yaml(CATALOGUE / "models.yaml")["xs"]
    model["config"]["tie_word_embeddings"] = tied
    mine = {"kind": "frozen", "settings": settings}
    return {
        "models": ["own"],
        "methods": ["row-rule"],
        "parametrisations": ["mine"],
        "define": {"models": {"own": model}, "parametrisations": {"mine": mine}},
    }


def test_frozen_embeddings_leave_the_row_rule_nothing_where_the_output_is_tied_to_them():
    said = refusal(**rows_frozen(True))
    assert "'mine', as with frozen embeddings to which the output layer is tied no row" in said
    assert said.endswith("(it goes with full).")
    assert plan_of(**rows_frozen(False)).runs
    assert plan_of(**rows_frozen(True, embeddings=False, layers=1)).runs
    # An encoder's output layer has a bias of its own, whose entries the rule holds.
    masked = {"models": ["masked"], "orders": ["only-acl"], "recipe": "domains"}
    rule = {"methods": ["row-rule"], "parametrisations": ["frozen-embeddings"]}
    assert plan_of(**masked, **rule, probes=["domains"]).runs


@pytest.mark.parametrize(
    ("name", "config", "tied"),
    [
        ("model.embed_tokens.weight", {"model_type": "llama"}, True),
        ("lm_head.weight", {"model_type": "llama"}, False),
        ("lm_head.weight", {"model_type": "llama", "tie_word_embeddings": True}, True),
        ("lm_head.bias", {"model_type": "roberta", "tie_word_embeddings": True}, False),
        ("cls.predictions.bias", {"model_type": "bert"}, False),
        ("out.weight", {"model_type": "of nobody"}, None),
    ],
)
def test_a_checkpoint_s_files_say_whether_its_output_layer_is_its_embeddings(name, config, tied):
    assert _tied(config, {name: (2, 2)}) is tied


def test_a_way_to_go_on_can_be_refused_alone():
    assert plan_of(methods=["ewc"], parametrisations=["lora"]).runs
    said = refusal(methods=["ewc"], parametrisations=["lora-fresh"])
    assert "'lora-fresh', as a fresh adapter has none of the weights that mattered" in said


def mine(**settings) -> dict:
    return {"define": {"parametrisations": {"mine": settings}}, "parametrisations": ["mine"]}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"targets": ["q_proj", "query"]}, "the target 'query' of LoRA names no module"),
        ({"targets": ["query"]}, "or some of down_proj, embed_tokens, gate_proj, k_proj, lm_head"),
        ({"rank": 1000}, "expected a `rank` of at most"),
        ({"rank": 1000, "targets": ["embed_tokens"]}, "the smaller dimension of embed_tokens"),
        ({"rank": 0}, "rank in parametrisations.mine.settings: expected a number above 0"),
        ({"rnk": 8}, "there is no such key; did you mean 'rank'"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_any_job(settings, sentence):
    assert sentence in refusal(**mine(kind="lora", settings=settings))


def test_more_frozen_layers_than_a_model_has_are_refused_before_any_job():
    said = refusal(**mine(kind="frozen", settings={"layers": 40}))
    assert said.startswith("parametrisations.mine: expected at most 3 frozen `layers`, as many as")


def test_settings_that_leave_no_matrix_to_train_are_refused_before_any_job():
    said = refusal(**mine(kind="frozen", settings={"layers": 3}))
    assert said.startswith("parametrisations.mine: all layers and the embeddings")
    for fits in ({"layers": 2}, {"layers": 3, "embeddings": False}):
        assert plan_of(**mine(kind="frozen", settings=fits)).runs


@pytest.mark.parametrize("family", ["causal", "seq2seq"])
def test_a_job_refuses_to_train_no_matrix_too(family):
    settings = {"embeddings": True, "layers": 2}
    with pytest.raises(UserError, match="no matrix is trained"):
        freeze(new_model(family), settings)
    assert freeze(new_model(family), {**settings, "layers": 1})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"bottleneck": 10**9}, "expected a `bottleneck` of at most 64 units, the width of"),
        ({"bottleneck": 65}, "found 65; lower it"),
        ({"reduction": 10**9}, "expected a `reduction` of at most 64 for a model 64 wide"),
    ],
)
def test_a_bottleneck_wider_than_the_model_is_refused_before_any_job(settings, sentence):
    assert sentence in refusal(**mine(kind="adapters", settings=settings))
    for fits in ({"bottleneck": 64}, {"reduction": 64}):
        assert plan_of(**mine(kind="adapters", settings=fits)).runs


def test_adapters_on_a_type_without_known_places_are_refused_before_any_job():
    with pytest.raises(UserError, match="not known in models of type 'of-nobody'; they are in"):
        _require_fits(
            {"kind": "adapters", "bottleneck": None, "reduction": 16},
            Shapes({}, {}, None, None, width=8, model_type="of-nobody"),
        )


def test_the_settings_of_a_derived_model_are_held_against_its_base():
    derived = {"from": "xs", "train_on": "questions:100", "recipe": "finetune"}
    own = mine(kind="frozen", settings={"layers": 40})
    own["define"] |= {"models": {"taught": derived}}
    assert "found 40" in refusal(models=["taught"], **own)


def test_a_record_without_the_word_is_of_a_run_with_all_weights_trained():
    record = plan_of().runs[0].record()
    assert record.pop("parametrisation") == "full"
    assert run_of(record).parametrisation == "full"


def test_requests_count_what_is_trained():
    spec = {"parametrisation": LORA}
    trained = trained_parameters(spec, 7e9)
    assert 1e6 < trained < 5e7 and trained_parameters({}, 7e9) == 7e9
    full, ours = request("stage", 7e9), request("stage", 7e9, trained=trained)
    assert ours.gpu < full.gpu
    small, less = request("stage", 4e7), request("stage", 4e7, trained=1e5)
    assert less.mem_mb < small.mem_mb and less.runtime < small.runtime
    assert request("stage", 4e7, trained=4e7) == small


def test_a_method_is_told_with_its_parametrisation_where_not_all_is_trained():
    assert method_words("ewc", "full") == "ewc"
    assert method_words("ewc", "lora") == "ewc (lora)"
    assert method_words("ewc", "full", "slow") == "ewc (slow)"
    assert method_words("ewc", "lora", "", "slow") == "ewc (lora, slow)"


def test_two_names_of_one_parametrisation_are_refused():
    own = mine(kind="lora", settings={"rank": 8})
    said = refusal(**{**own, "parametrisations": ["lora", "mine"]})
    assert said.startswith("parametrisations: 'lora' and 'mine' have equal settings")
