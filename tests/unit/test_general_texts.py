"""I^(0) by a masked-LM loss, on general texts or the domain's own, and the texts in the plan."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as functional
from small_nodes import stage_spec
from softmask_case import TOKENIZER, examples, lay_out, model_with_dropout, stage_of

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.manifests import publish
from lethe.config.reading import merge, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.methods.das import STATE
from lethe.methods.parts.softmask.gates import scaled
from lethe.methods.parts.softmask.importance import normalised
from lethe.methods.parts.softmask.passes import GENERAL
from lethe.methods.registry import create
from lethe.models.masked_forward import label_logits
from lethe.models.saving import save_model
from lethe.models.units import units_of
from lethe.planning.plan import make_plan
from lethe.training.stage import train_stage

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def one_by_one(model, members, draw: int) -> dict[str, torch.Tensor]:
    """Eq. 3 with gates that exist: the absolute gradients of one example after the other."""
    encoder = units_of(model)
    sums = {place: torch.zeros(shape) for place, shape in encoder.shapes().items()}
    for example in members:
        (batch,) = lay_out([example], draw)
        gates = {place: torch.ones_like(s, requires_grad=True) for place, s in sums.items()}
        with scaled(encoder, gates):
            loss = functional.cross_entropy(label_logits(model, batch), batch.targets)
        gradients = torch.autograd.grad(loss, list(gates.values()))
        for place, gradient in zip(gates, gradients, strict=True):
            sums[place] += gradient.abs() / len(members)
    return sums


@pytest.mark.parametrize("initialise", ["general", "domain"])
def test_the_importance_is_that_of_a_loop_over_single_examples(initialise):
    model, general = model_with_dropout(), examples(7, seed=1)
    stage = replace(stage_of(model), load_general=lambda: general)
    method = create("das", {"initialise": initialise, "importance_batch": 3})
    method.before_stage(stage)
    assert model.training and all(p.grad is None for p in model.parameters())
    members = general if initialise == "general" else stage.examples
    expected = normalised(one_by_one(model.eval(), members, stage.steps + GENERAL), "absolute")
    for name, values in method.state().items():
        torch.testing.assert_close(values, expected[STATE[name]], rtol=1e-3, atol=1e-4)


def test_a_method_without_general_texts_says_where_they_are_named():
    stage = stage_of(model_with_dropout())
    with pytest.raises(UserError, match="expected general texts, found none: name a mixture"):
        create("das", {"initialise": "general"}).before_stage(stage)


def test_a_first_stage_reads_the_texts_of_its_spec(tmp_path):
    data, base = tmp_path / "data" / "data", tmp_path / "bases" / "base"
    words = ["red cat runs", "blue dog sleeps the", "a fish eats very old", "new cat says"]
    for name, texts in {"one": words, "general": words[::-1]}.items():
        rows = [{"id": f"{name}-{n}", "text": text} for n, text in enumerate(texts)]
        write_rows(data / f"{name}.jsonl", rows)
    publish(data, "data.json", {}, ["one.jsonl", "general.jsonl"])
    publish(base, "base.json", {}, save_model(model_with_dropout(), TOKENIZER, base))
    changes = {"family": "masked", "method": "das", "hyper": {"initialise": "general"}}
    spec = stage_spec(**changes, recipe={"mask_share": 0.3, "epochs": 1.0})
    with pytest.raises(UserError, match="expected general texts"):
        train_stage("none", spec, tmp_path, "code", 1e9)
    spec["general"] = stage_spec("general")["mixture"]
    manifest = train_stage("some", spec, tmp_path, "code", 1e9)
    assert manifest["examples"] == len(words)  # general texts are not trained on


def planned(tmp_path, general: str | None = "Texts", initialise: str = "general"):
    """Nodes by (method, stage) of two methods on an order of two domains."""
    (tmp_path / "texts.txt").write_text("a text\n")
    source = {"kind": "files", "loader": "text_lines", "files": {"train": f"{tmp_path}/texts.txt"}}
    mine = {"method": "das", "hyper": {"initialise": initialise}, "source": "none"}
    raw = read_yaml(ROOT / "config" / "config.yaml")
    changes = {
        "models": ["masked"],
        "orders": ["two"],
        "methods": ["das", "mine"],
        "controls": [],
        "also": [],
        "recipe": "domains",
        "probes": ["domains"],
        "define": {
            "sources": {"Texts": source},
            "tasks": {"Texts": {"source": "Texts"}},
            "orders": {"two": ["restaurant", "acl"]},
            "methods": {"mine": {**mine, "general": general}},
        },
    }
    study = parse_study(merge(raw, changes))
    plan = make_plan(study, read_catalogue(study))
    return plan, {
        (run.method, stage): plan.nodes[run.checkpoints[stage]]
        for run in plan.runs
        for stage in (1, 2)
    }


def test_only_the_first_stage_of_a_method_that_names_them_is_made_from_general_texts(tmp_path):
    plan, stages = planned(tmp_path)
    (texts,) = [node for node in plan.of_kind("data") if node.spec.get("name") == "Texts"]
    from_them = {key for key, node in stages.items() if ("data", texts.id) in node.inputs}
    assert from_them == {key for key, node in stages.items() if "general" in node.spec}
    assert from_them == {("mine", 1)}
    (part,) = stages["mine", 1].spec["general"]
    assert (part["task"], part["data"]) == ("Texts", texts.id)

    without, others = planned(tmp_path, None, "domain")
    assert not [node for node in without.of_kind("data") if node.spec.get("name") == "Texts"]
    assert others["das", 1] == stages["das", 1] and others["das", 2] == stages["das", 2]
    assert others["mine", 1].id != stages["mine", 1].id


def test_general_texts_that_do_not_exist_are_one_sentence(tmp_path):
    with pytest.raises(UserError, match="methods.mine.general: .* did you mean 'Texts'"):
        planned(tmp_path, general="Text")
    sentence = "^methods.mine.general: method 'das' with `initialise: general` .* found none"
    with pytest.raises(UserError, match=sentence):
        planned(tmp_path, general=None)
    sentence = "^methods.mine.general: .* reads no general texts but with `initialise: general`, f"
    with pytest.raises(UserError, match=sentence):
        planned(tmp_path, initialise="domain")
