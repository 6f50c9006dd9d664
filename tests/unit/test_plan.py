"""The plan: fetched, imported and derived models, chains of some models, and what each draws."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lethe.commands.unasked_tasks import unasked_tasks, untested_tasks
from lethe.commands.unselected_models import unselected_models
from lethe.config.reading import CATALOGUE, merge, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.planning.plan import chains, make_plan

RECIPE = {"batch_size": 4, "epochs": 1.0, "max_length": 8, "learning_rate": 1e-3}
DERIVED = {"from": "xs", "train_on": "questions:100", "recipe": "finetune"}
REVISION = "0123456789abcdef0123456789abcdef01234567"


def plan_of(**changes):
    return make_plan(*study_of(**changes))


def study_of(**changes):
    default = {"also": [], "models": ["xs"], "orders": ["forward"], "controls": []}
    raw = read_yaml(Path(__file__).parents[2] / "config" / "config.yaml")
    study = parse_study(merge(merge(raw, default), changes))
    return study, read_catalogue(study)


def test_a_derived_model_starts_as_a_stage_on_its_base_and_keeps_its_seed():
    plan = plan_of(
        models=["xs", "taught"],
        seeds={"base": [0, 5]},
        define={"models": {"taught": DERIVED}},
    )
    derived = [run for run in plan.runs if run.model == "taught"]
    plain = {run.base_seed: run for run in plan.runs if run.model == "xs"}
    assert [run.base_seed for run in derived] == [0, 5]
    for run in derived:
        start = plan.nodes[run.checkpoints[0]]
        assert start.kind == "stage" and start.spec["train_seed"] == run.base_seed
        assert start.spec["parent"] == plain[run.base_seed].checkpoints[0]
        assert run.untuned == "xs" and run.stages[0] == "" and len(run.checkpoints) == 6
        assert plan.nodes[run.checkpoints[1]].spec["parent_kind"] == "stage"


def test_nothing_is_said_of_own_sets_that_are_asked_after_their_stage():
    assert [*unasked_tasks(plan_of())] == []


def untested(**changes) -> list[str]:
    study, catalogue = study_of(**changes)
    return [*untested_tasks(catalogue, make_plan(study, catalogue))]


def test_stages_of_which_nothing_is_asked_are_told_before_a_run():
    assert untested(orders=["forward", "mixed"], controls=["general"]) == []
    sets = {"know_trade": {"source": "world", "axis": "knowledge", "metric": "acc", "chance": 0.25}}
    changes = {"probes": ["alone"], "define": {"probes": {"alone": {"tasks": sets}}}}
    (note,) = untested(**changes)
    assert note.startswith("orders: no evaluation set tests simp, emdg, inqqg, exp, hgen, so whe")


def test_cloze_sets_and_end_tasks_test_domains():
    domains = {"models": ["masked"], "orders": ["domains"], "methods": ["sequential"]}
    assert untested(**domains, recipe="domains", probes=["domains"], end_tasks=[]) == []
    ends = ["restaurant", "acl", "ai", "phone", "pubmed", "camera"]
    assert untested(**domains, recipe="domains", probes=[], end_tasks=ends) == []


def test_every_use_of_a_task_in_a_chain_draws_other_examples():
    plan = plan_of(
        models=["taught"],
        orders=["mix"],
        define={
            "models": {"taught": DERIVED},
            "orders": {"mix": ["simp&questions:5", "emdg&questions:5"]},
        },
    )
    stages = [plan.nodes[node].spec["mixture"] for node in plan.runs[0].checkpoints]
    drawn = [part["draw"] for parts in stages for part in parts if part["task"] == "questions"]
    assert drawn == [0, 1, 2]


def test_further_chains_belong_to_the_models_that_ask_for_them():
    also = [{"models": ["xs"], "orders": ["reverse"], "controls": ["general"]}]
    plan = plan_of(models=["xs", "s"], also=also)
    found = {(run.model, run.order) for run in plan.runs}
    mine = {("xs", "reverse"), ("xs", "control:general")}
    assert found == {("xs", "forward"), ("s", "forward"), *mine}


def test_further_chains_of_a_model_that_is_not_selected_are_passed_over():
    also = [{"models": ["s"], "orders": ["reverse"]}]
    assert [run.order for run in plan_of(also=also).runs] == ["forward"]


def test_a_chain_that_is_asked_for_twice_is_run_once():
    raw = read_yaml(Path(__file__).parents[2] / "config" / "config.yaml")
    also = [{"models": ["xs"], "orders": ["forward", "reverse"]}] * 2
    study = parse_study(merge(raw, {"also": also, "orders": ["forward"], "controls": []}))
    assert [chain.words for chain in chains(study, "xs")] == ["forward", "reverse"]


def test_a_hub_model_has_no_seeds_of_its_own_and_is_fetched_once():
    hub = {"family": "causal", "hub": "someone/model", "revision": REVISION, "params": 1e9}
    changes = {
        "models": ["theirs"],
        "seeds": {"train": [0, 1]},
        "define": {"models": {"theirs": hub}},
    }
    plan = plan_of(**changes)
    assert {run.base_seed for run in plan.runs} == {None} and len(plan.runs) == 2
    (fetched,) = plan.of_kind("fetched")
    assert fetched.spec["revision"] == REVISION and fetched.spec["repo_type"] == "model"
    (base,) = plan.of_kind("base")
    assert base.inputs == (("fetched", fetched.id),)
    assert all(plan.sizes[node] == 1e9 for run in plan.runs for node in run.checkpoints)
    # Trained on the world's tasks, it has the world's seed.
    assert {run.world_seed for run in plan.runs} == {204}


def test_an_imported_model_is_known_by_its_content(tmp_path):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    save_file({"a.weight": np.zeros((3, 4))}, folder / "model.safetensors")
    mine = {"family": "causal", "import": str(folder)}
    changes = {"models": ["mine"], "define": {"models": {"mine": mine}}}
    plan = plan_of(**changes)
    before = plan.of_kind("base")[0].id
    assert {plan.sizes[node.id] for node in plan.of_kind("stage")} == {12}
    assert plan_of(**changes).of_kind("base")[0].id == before
    save_file({"a.weight": np.ones((3, 4))}, folder / "model.safetensors")
    assert plan_of(**changes).of_kind("base")[0].id != before


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"family": "causal"}, "exactly one of `architecture`.* found none"),
        ({"family": "causal", "hub": "a/b", "import": "x"}, "found hub and import"),
        ({"hub": "a/b"}, "`family` beside `hub`"),
        ({"family": "causal", "hub": "a/b", "revision": "main"}, "models.mine.revision"),
        ({"from": "xs", "recipe": "finetune"}, "`train_on` beside `from`"),
        ({**DERIVED, "from": "xss"}, "models.mine.from: 'xss' .* did you mean 'xs'"),
        ({**DERIVED, "from": "mine"}, "models.mine.from: mine from mine is circular"),
        ({**DERIVED, "train_on": "quesions"}, "models.mine.train_on: .* did you mean 'questions'"),
        ({"family": "causal", "import": "/nowhere"}, "models.mine.import: expected a checkpoint"),
    ],
)
def test_a_wrong_model_is_one_sentence(model, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        plan_of(models=["mine"], define={"models": {"mine": model}})
    assert "\n" not in str(caught.value)


def test_further_chains_may_have_a_recipe_probes_and_end_tasks_of_their_own():
    domains = {
        "models": ["masked"],
        "orders": ["only-acl"],
        "recipe": "domains",
        "probes": ["domains"],
        "end_tasks": ["acl"],
    }
    also = [{"models": ["xs"], "orders": ["forward"]}, domains]
    plan = plan_of(models=["xs", "masked"], orders=[], also=also)
    by_model = {run.model: run for run in plan.runs}
    assert {model: run.recipe for model, run in by_model.items()} == {
        "xs": "finetune",
        "masked": "domains",
    }
    assert {node.spec["probe"] for node in plan.of_kind("probe")} == {"miniature", "domains"}
    (base, trained) = by_model["masked"].checkpoints
    assert [node.spec["checkpoint"] for node in plan.of_kind("end_task")] == [base, trained]


def test_one_chain_selected_twice_with_different_recipes_is_one_sentence():
    also = [{"models": ["xs"], "orders": ["forward"], "recipe": "instruct"}]
    with pytest.raises(UserError, match=r"`recipe: finetune` and again with `recipe: instruct`"):
        plan_of(models=["xs"], also=also)


def test_several_recipes_are_a_chain_each_and_leave_the_nodes_of_one_as_they_were():
    rates = {"slow": 1e-5, "fast": 1e-2}
    recipes = {
        name: {"epochs": 1, "batch_size": 8, "max_length": 96, "learning_rate": rate}
        for name, rate in rates.items()
    }
    define = {"study": "rates", "define": {"recipes": recipes}, "controls": ["general"]}
    both = plan_of(recipe=["slow", "fast"], **define)
    assert {(run.order, run.recipe) for run in both.runs} == {
        (order, recipe) for order in ("forward", "control:general") for recipe in rates
    }
    alone = {name: plan_of(recipe=name, **define) for name in rates}
    assert alone["slow"].nodes.keys() | alone["fast"].nodes.keys() == both.nodes.keys()
    for run in both.runs:
        (same,) = [other for other in alone[run.recipe].runs if other.order == run.order]
        assert same.checkpoints == run.checkpoints
    # An entry of `also` may have several too, in any order.
    also = [{"models": ["xs"], "orders": ["forward"], "recipe": ["fast", "slow"]}]
    assert plan_of(**define | {"also": also, "recipe": ["slow", "fast"]}).runs == both.runs


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "'finetune' and 'twin' have equal values for xs on the order 'forward'"),
        (
            {"parametrisations": ["lora"]},
            r"equal values for .* by 'sequential \(lora\)'.*`parametrised`",
        ),
        (
            {"recipe": ["instruct", "twin"], "claims": ["C1"]},
            "claims: 'C1' compares .* one recipe.*name the `recipe` in its parts",
        ),
        (
            {"recipe": ["instruct", "twin"], "figures": ["scale"]},
            "figures: 'scale' compares",
        ),
        ({"recipe": ["instruct", "instruct"]}, "recipe .* each entry once"),
        ({"recipe": ["instruct", "twinn"]}, "recipe: 'twinn' is not known; did you mean 'twin'"),
        ({"recipe": []}, "recipe in the configuration: expected text or at least one entry"),
    ],
)
def test_recipes_that_do_not_fit_are_one_sentence(changes, sentence):
    twin = read_yaml(CATALOGUE / "recipes.yaml")["finetune"]
    usual = {"models": ["xs"], "also": [], "recipe": ["finetune", "twin"]}
    usual |= {"claims": [], "figures": [], "tables": [], "define": {"recipes": {"twin": twin}}}
    with pytest.raises(UserError, match=sentence) as caught:
        plan_of(**usual | changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("also", "sentence"),
    [
        ({"models": ["xss"]}, "also, entry 1: 'xss'"),
        ({"models": ["xs"], "end_tasks": ["acll"]}, "also, entry 1: .* did you mean 'acl'"),
        ({"models": ["xs"], "orders": ["revers"]}, "also, entry 1: .* did you mean 'reverse'"),
        ({"models": ["xs"], "order": ["reverse"]}, "did you mean 'orders'"),
    ],
)
def test_wrong_further_chains_are_one_sentence(also, sentence):
    with pytest.raises(UserError, match=sentence):
        plan_of(also=[also])


def test_the_dtype_of_an_end_task_is_part_of_its_identity_only_where_it_is_bfloat16():
    toy = {"source": "domains", "task": "acl", "metric": "macro_f1", "epochs": 2}
    toy |= {split: f"end_tasks/acl/{split}-1.jsonl" for split in ("train", "test")}
    masked = {"models": ["masked"], "orders": ["only-acl"], "probes": ["domains"]}

    def specs(**changes):
        defined = {"end_tasks": {"toy": {**toy, **changes}}}
        plan = plan_of(**masked, end_tasks=["toy"], define=defined)
        return {node.id: node.spec for node in plan.of_kind("end_task")}

    plain, short = specs(dtype="float32"), specs(dtype="bfloat16")
    assert plain and plain == specs() and not plain.keys() & short.keys()
    assert {spec.get("dtype") for spec in plain.values()} == {None}
    assert {spec["dtype"] for spec in short.values()} == {"bfloat16"}


def test_a_claim_that_names_its_recipe_may_stand_in_a_study_of_several():
    twin = read_yaml(CATALOGUE / "recipes.yaml")["finetune"] | {"learning_rate": 1e-5}
    part = {"contrast": "above_zero", "metric": "fg_luo", "axes": ["knowledge"]}
    part |= {"unit": "bases", "smallest_effect": 1}
    usual = {"models": ["xs"], "also": [], "figures": [], "tables": [], "claims": ["mine"]}

    def planned(recipe: str | None, recipes: list[str]):
        mine = {"statement": "It forgets.", "family": "mine", "parts": {"p": {**part}}}
        mine["parts"]["p"] |= {} if recipe is None else {"recipe": recipe}
        define = {"recipes": {"twin": twin}, "claims": {"mine": mine}}
        return plan_of(**usual, recipe=recipes, define=define)

    assert planned("twin", ["finetune", "twin"]).runs
    with pytest.raises(UserError, match="'mine' compares chains of one recipe"):
        planned(None, ["finetune", "twin"])
    for recipes in (["finetune", "twin"], ["finetune"]):
        with pytest.raises(UserError, match=r"claims.mine.parts.p.recipe: expected .*'twinn'"):
            planned("twinn", recipes)


def test_a_probe_of_the_ends_scores_the_base_and_the_last_stage_of_every_chain():
    """Orders share their first stage, which is the last one of an order that ends there."""
    prose = {"axis": "prose", "metric": "lm_likelihood", "texts": "corpus/{split}.jsonl"}
    ends = {"source": "domains", "stages": "ends", "tasks": {"lm_general": prose}}
    plan = plan_of(
        orders=["long", "short"],
        methods=["sequential"],
        end_tasks=[],
        references=None,
        probes=["ends", "miniature"],
        define={
            "probes": {"ends": ends},
            "orders": {"long": ["simp", "emdg", "exp"], "short": ["simp"]},
        },
    )
    long = next(run for run in plan.runs if run.order == "long").checkpoints
    short = next(run for run in plan.runs if run.order == "short").checkpoints
    assert short == long[:2]
    scored = [sorted(plan.probes[name]) for name in long]
    both = ["ends", "miniature"]
    assert scored == [both, both, ["miniature"], both]


def test_a_study_of_the_ends_scores_its_chains_there_alone():
    plan = plan_of(orders=["forward"], references=None, end_tasks=[], probe_stages="ends")
    chains = [run.checkpoints for run in plan.runs if len(run.checkpoints) > 2]
    assert chains
    for base, *between, last in chains:
        assert plan.probes[base] and plan.probes[last]
        assert not any(plan.probes[name] for name in between)
    (note,) = unasked_tasks(plan)
    assert note.startswith("probes: own_")
    taught_last, *taught_before = reversed(plan.runs[0].stages[1:])
    assert f"own_{taught_last}" not in note
    assert all(f"own_{task}" in note for task in taught_before)
    assert "not asked right after the stage that teaches them" in note
    with pytest.raises(UserError, match="`probe_stages: all` beside `references`"):
        plan_of(references={"orders": ["forward"]}, probe_stages="ends")


def test_an_entry_of_also_whose_models_the_study_does_not_have_is_told():
    study, _ = study_of(also=[{"models": ["xs", "masked"], "orders": ["reverse"]}])
    (note,) = unselected_models(study)
    assert note.startswith("also, entry 1: masked is not in `models`")
    default = read_yaml(Path(__file__).parents[2] / "config" / "config.yaml")
    assert [*unselected_models(study_of(also=default["also"])[0])] == []
