"""Configuration: every mistake is one sentence that names the key and what was found."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lethe.artefacts.output_folder import require_output, require_writable
from lethe.cli import main
from lethe.config.catalogue import Catalogue, Recipe, Study
from lethe.config.reading import merge, parse_study, read_catalogue, read_study, read_yaml
from lethe.config.recipe_values import recipe_for
from lethe.errors import UserError
from lethe.planning.plan import make_plan
from lethe.planning.records import write_specs
from lethe.planning.workflow import read_workflow


def load(**changes):
    raw = read_yaml(Path(__file__).parents[2] / "config" / "config.yaml")
    study = parse_study(merge(raw, changes))
    return study, read_catalogue(study)


def define(**entries):
    return {"define": entries}


RECIPE = {"batch_size": 4, "epochs": 1.0, "max_length": 8, "learning_rate": 1e-3}

MODEL = {
    "family": "causal",
    "source": "world",
    "architecture": "llama",
    "config": {},
    "recipe": "pretrain-xs",
}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"modells": ["xs"]}, "modells .* there is no such key; did you mean 'models'"),
        ({"seeds": {"bse": [1]}}, "seeds.bse .* did you mean 'base'"),
        ({"models": ["xl"]}, "models: 'xl' is not known; did you mean 'xs'"),
        ({"orders": ["foward"]}, "orders: 'foward' is not known; did you mean 'forward'"),
        ({"methods": ["sequental"]}, "methods: 'sequental' .* did you mean 'sequential'"),
        ({"probes": ["minature"]}, "probes: .* did you mean 'miniature'"),
        ({"figures": ["evolutoin"]}, "figures: .* did you mean 'evolution'"),
        ({"tables": ["fgg"]}, "tables: .* did you mean 'fg'"),
        ({"recipe": "fintune"}, "recipe: .* did you mean 'finetune'"),
        ({"models": "xs"}, "models .* expected a list, found 'xs'"),
        ({"models": []}, "models: expected a model, or a chain in `imports`"),
        ({"limit": 0}, "limit .* a number above 0, found 0"),
        ({"limit": -3}, "limit .* found -3"),
        ({"limit": 1.5}, "limit .* whole number, found 1.5"),
        ({"limit": True}, "limit .* whole number, found true"),
        ({"seeds": {"train": [-1]}}, "seeds.train, entry 1 .* found -1"),
        ({"seeds": {"train": [1, 1]}}, "seeds.train .* each entry once, found 1 2 times"),
        ({"orders": ["forward", "forward"]}, "orders .* each entry once, found 'forward' 2 times"),
        ({"orders": ["forward"], "controls": ["forward"]}, "controls: 'forward' is also in orders"),
        ({"study": "../x"}, "study .* expected a name of letters"),
        ({"code_changes": "maybe"}, "code_changes .* 'rerun' or 'keep', found 'maybe'"),
        ({"snapshot_seconds": 0}, "snapshot_seconds .* a number above 0"),
        (
            define(orders={"o": ["simp", "emdg", "simp"]}),
            "the stage 'simp' is listed 2 times, .* apart by .* its own, as in 'simp:100'",
        ),
        (define(orders={"o": ["simpp"]}), "orders.o, stage 1: 'simpp' .* did you mean 'simp'"),
        (define(orders={"o": ["simp &general"]}), "expected task names joined by '&'"),
        (define(orders={"forward": ["simp"]}), "define.orders.forward: .* choose another name"),
        (define(recipes={"r": {**RECIPE, "learning_rate": -1}}), "recipes.r.learning_rate"),
        (
            define(recipes={"r": {**RECIPE, "learning_rate": "1e400"}}),
            "a number of at most 1, found inf",
        ),
        (define(recipes={"r": {**RECIPE, "learning_rate": "fast"}}), "number, found 'fast'"),
        (
            define(
                recipes={"r": {**RECIPE, "max_length": 1}},
                models={"m1": {**MODEL, "recipe": "r"}},
            ),
            "recipes.r.max_length: expected at least 2 tokens, .* found 1",
        ),
        (define(recipes={"r": {**RECIPE, "steps": 3}}), "recipes.r: expected either `epochs`"),
        (define(recipes={"r": {**RECIPE, "betas": [0.9, 1]}}), "entry 2 .* a number below 1"),
        (
            define(recipes={"r": {**RECIPE, "overrides": {"xs": {"epochs": None}}}}),
            "recipes.r.overrides.xs: expected either `epochs` or `steps`, found neither",
        ),
        (define(recipes={"r": {**RECIPE, "ovrrides": {}}}), "did you mean 'overrides'"),
        (
            define(recipes={"r": {**RECIPE, "overrides": {"xs": {"rate": 1.0}}}}),
            "rate in recipes.r.overrides.xs: there is no such key",
        ),
        (define(tasks={"t": {"source": "word", "file": "x"}}), "did you mean 'world'"),
        (
            define(models={"m1": {**MODEL, "family": "seq2seq"}}),
            "models.m1.family: the architecture 'llama' is of the family 'causal', found 'seq2seq'",
        ),
        (
            define(models={"m1": {**MODEL, "architecture": "t5"}}),
            "models.m1.family: the architecture 't5' is of the family 'seq2seq', found 'causal'",
        ),
        (
            define(
                tasks={"t": {"source": "world", "file": "tasks/simp/train.jsonl", "template": "no"}}
            ),
            "tasks.t.template: expected a text that holds {prompt}",
        ),
        *(
            (
                define(
                    tasks={"t": {"source": "world", "file": "corpus/train.jsonl", "template": text}}
                ),
                "tasks.t.template: expected a text that holds {prompt} once",
            )
            for text in ("", "{Prompt}", "{prompt}{prompt}", "{prompt:9}", "{prompt!r}")
        ),
        *(
            (define(orders={"o": [mixture]}), "orders.o, entry 1 .* optional ':count' above 0")
            for mixture in ("simp:0", "simp:007", "simp:9999999999999", "simp&emdg:0")
        ),
        (define(orders={"o": ["simp:5&simp:6"]}), "orders.o, stage 1: the task 'simp' is 2 times"),
    ],
)
def test_a_mistake_is_one_sentence(changes, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        load(**changes)
    assert "\n" not in str(caught.value)


def test_numbers_may_be_written_with_an_exponent():
    _, catalogue = load(**define(recipes={"r": {**RECIPE, "learning_rate": "1e-4"}}))
    assert catalogue.recipes["r"].learning_rate == 1e-4


def test_a_key_given_twice_is_refused_though_snakemake_read_the_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("limit: 5\nlimit: 6\n")
    with pytest.raises(UserError, match="line 2: the key 'limit' is given twice"):
        read_workflow({"limit": 6}, [path])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(Study.model_fields)), values)
def test_any_value_at_any_key_is_accepted_or_explained(key, value):
    try:
        study, catalogue = load(**{key: value})
        make_plan(study, catalogue)
    except UserError as error:
        assert str(error)


def test_an_output_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=f"{tmp_path}/file is a file"):
        require_writable(tmp_path / "file" / "results")
    require_writable(tmp_path / "new" / "results")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("target", ["link", "nothing"])
def test_an_output_folder_behind_a_link_that_leads_nowhere_is_refused(tmp_path, target):
    (tmp_path / "link").symlink_to(tmp_path / target)
    with pytest.raises(UserError, match="link is a link that leads nowhere"):
        require_output(str(tmp_path / "link" / "results"))


def test_an_output_folder_whose_name_is_too_long_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"output: .*cannot be a folder \(the name is longer than"):
        require_writable(tmp_path / ("a" * 300))


def test_changed_values_change_the_ids_of_exactly_what_they_affect():
    simple = {"models": ["xs", "s"], "orders": ["forward", "reverse"]}
    simple |= {"controls": ["general"], "also": []}

    def ids(**changes):
        plan = make_plan(*load(**{**simple, **changes}))
        return {kind: {n.id for n in plan.of_kind(kind)} for kind in ("data", "base", "stage")}

    plain, train = ids(), ids(seeds={"train": [7]})
    assert (train["data"], train["base"]) == (plain["data"], plain["base"])
    assert not train["stage"] & plain["stage"]
    base = ids(seeds={"base": [7]})
    assert base["data"] == plain["data"]
    assert not base["base"] & plain["base"]
    assert not ids(seeds={"world": [7]})["data"] & plain["data"]
    assert ids(seeds={"bootstrap": 7}) == plain
    more = ids(orders=["forward", "reverse", "general"], controls=[])
    assert plain["stage"] == more["stage"]


def test_orders_with_a_common_beginning_share_its_stages():
    orders = {"one": ["simp", "emdg", "exp"], "two": ["simp", "emdg", "hgen"]}
    study, catalogue = load(
        models=["xs"], orders=["one", "two"], controls=[], also=[], **define(orders=orders)
    )
    plan = make_plan(study, catalogue)
    assert len(plan.of_kind("stage")) == 4
    assert plan.runs[0].checkpoints[:3] == plan.runs[1].checkpoints[:3]


def test_every_stage_of_a_control_draws_other_documents():
    plan = make_plan(*load())
    run = next(run for run in plan.runs if run.order == "control:general")
    draws = [plan.nodes[node].spec["mixture"][0]["draw"] for node in run.checkpoints[1:]]
    assert draws == [0, 1, 2, 3, 4]


def test_specs_on_disk_are_the_specs_of_the_plan_and_the_index_names_them(tmp_path):
    plan = make_plan(*load())
    write_specs(plan, tmp_path)
    first = (tmp_path / "index.csv").read_bytes()
    write_specs(plan, tmp_path)
    assert (tmp_path / "index.csv").read_bytes() == first
    for node in plan.nodes.values():
        assert json.loads((tmp_path / "specs" / f"{node.id}.json").read_text()) == node.spec
        assert f"\n{node.id}," in first.decode()


def test_the_shipped_configurations_are_right():
    folder = Path(__file__).parents[2] / "config"
    # A study that is laid over another than the default one.
    over = {"test-slurm.yaml": [folder / "test-nano.yaml"]}
    for path in sorted(folder.glob("*.yaml")):
        overlays = [] if path.name == "config.yaml" else [*over.get(path.name, []), path]
        study = read_study(overlays)
        catalogue = read_catalogue(study)
        if path.name == "ke2023.yaml":
            # Its corpora are not distributed with the project; tests/dag lays files in their place.
            with pytest.raises(UserError, match="sources.Restaurant.files.train: expected a file"):
                make_plan(study, catalogue)
            continue
        make_plan(study, catalogue)


def test_every_key_says_what_it_is():
    for kind in (Study, *(f.annotation.__args__[1] for f in Catalogue.model_fields.values())):
        for name, field in getattr(kind, "model_fields", {}).items():
            assert field.description, f"{kind.__name__}.{name}"


def test_an_unknown_verb_names_the_nearest(capsys):
    assert main(["chek"]) == 2
    assert "did you mean 'check'" in capsys.readouterr().err


def test_unpadded_is_in_the_identity_of_masked_stages_alone_and_only_where_it_is_on():
    values = {"batch_size": 8, "epochs": 1, "max_length": 32, "learning_rate": 1e-3}
    off, on = Recipe(**values), Recipe(**values, unpadded=True)
    masked = recipe_for("r", on, "m", family="masked")
    assert masked.pop("unpadded") is True
    assert recipe_for("r", off, "m", family="masked") == masked
    assert recipe_for("r", on, "m", family="causal") == recipe_for("r", off, "m", family="causal")


@pytest.mark.parametrize(
    "folder",
    ["/", ".", "..", "config", "./", "results/../workflow/lethe", ".git/x", " ", "~/results",
     "https://host/results", "results ", "{node}/results"],
)  # fmt: skip
def test_an_output_that_is_no_place_for_results_is_refused(folder):
    with pytest.raises(UserError, match="^output: expected "):
        require_output(folder)


def test_an_output_in_a_folder_of_its_own_is_accepted(tmp_path):
    for folder in ("results", "results/mine", "my results", str(tmp_path / "config")):
        require_output(folder)
