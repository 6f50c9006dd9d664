"""Stages of an imported chain that are PEFT adapters: what is refused, merged, and recorded."""

import json
import pickle
import shutil
from pathlib import Path

import evaluation_world as world
import pytest
import torch
from lora_case import chain_of
from plain_reference import FAMILY, random_model, tokenizer_of
from seq2seq_model import make_model
from small_nodes import make_tokenizer
from traps import Mark

from lethe.artefacts.files import read_json, sha256_file
from lethe.artefacts.paths import node_directory
from lethe.cli import main
from lethe.config.catalogue import Catalogue, Study
from lethe.config.origins import Import
from lethe.errors import UserError
from lethe.evaluation.checkpoint import open_checkpoint
from lethe.models.adapter_folder import require_base
from lethe.models.import_folder import BOTTLENECKS
from lethe.models.loading import load_model
from lethe.planning.imports import add_import
from lethe.planning.nodes import Plan
from lethe.training.merged import publish_merged
from lethe.training.ready_made import publish_ready_made

LAYERS = ["q_proj", "down_proj"]
TOKENS = torch.arange(4, 24)[None]
EMBEDDINGS = {
    "llama": "embed_tokens",
    "gpt2": "wte",
    "bloom": "word_embeddings",
    "t5": "shared",
    "bert": "word_embeddings",
}


def save_adapter(folder: Path, base: Path, seed: int, named: str = "", **settings) -> Path:
    """An adapter with random numbers in its weights, as PEFT saves it."""
    import peft

    layers = settings.pop("target_modules", LAYERS)
    config = peft.LoraConfig(r=2, target_modules=layers, **settings)
    attached = peft.get_peft_model(load_model(base), config)
    generator = torch.Generator().manual_seed(seed)
    for parameter in attached.parameters():
        if parameter.requires_grad:
            parameter.data += 0.2 * torch.randn(parameter.shape, generator=generator)
    attached.peft_config["default"].base_model_name_or_path = named or str(base)
    attached.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Two bases, and two adapters on the first."""
    folder = tmp_path_factory.mktemp("chain")
    world.write_checkpoint(folder / "base")
    world.write_checkpoint(folder / "other", seed=1)
    for seed, name in enumerate(("one", "two")):
        save_adapter(folder / name, folder / "base", seed)
    return folder


def chain(*stages: dict, family: str = "causal") -> tuple[Plan, list]:
    """The plan of a study of one imported chain, and its checkpoints' nodes in order."""
    entry = Import.model_validate({"model": "mine", "family": family, "stages": list(stages)})
    seeds = {"world": [0], "base": [0], "train": [0]}
    study = Study.model_validate({"study": "s", "recipe": "r", "seeds": seeds, "probes": []})
    plan = Plan()
    add_import(plan, study, Catalogue(imports={"c": entry}), "c")
    (run,) = plan.runs
    return plan, [plan.nodes[name] for name in run.checkpoints]


def stages(place: Path, *adapters: Path | str, **last) -> list[dict]:
    """Entries of the base and of each adapter; `last` is added to the last one."""
    entries = [{"task": f"t{i}", "import": str(place / name)} for i, name in enumerate(adapters)]
    entries[-1] |= last
    return [{"import": str(place / "base")}, *entries]


def refused(entries: list[dict], *words: str) -> None:
    with pytest.raises(UserError) as caught:
        chain(*entries)
    said = str(caught.value)
    assert "\n" not in said
    assert all(word in said for word in words), said


def made(results: Path, nodes: list) -> list[Path]:
    """The folders of a chain's nodes, each published as its job does."""
    folders = []
    for node in nodes:
        publish = publish_merged if node.spec["source"] == "adapter" else publish_ready_made
        publish(node.id, node.spec, results, "code")
        folders.append(node_directory(results, "base", node.id))
    return folders


def logits(model) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=TOKENS).logits


def test_an_adapter_is_a_stage_on_the_base_or_on_the_stage_before(place, tmp_path):
    import peft

    plan, nodes = chain(*stages(place, "one", "two"))
    base, one, two = nodes
    assert plan.runs[0].parametrisation == "lora"
    assert [base.inputs, one.inputs, two.inputs] == [(), (("base", base.id),), (("base", base.id),)]
    _, (_, _, after) = chain(*stages(place, "one", "two", onto="previous"))
    assert after.inputs == (("base", one.id),) and after.id != two.id
    _, first, alone, both = made(tmp_path, [*nodes, after])
    for folder, names in ((first, ["one"]), (alone, ["two"]), (both, ["one", "two"])):
        model = load_model(place / "base")
        for name in names:
            attached = peft.PeftModel.from_pretrained(model, place / name)
            model = attached if name == names[-1] else attached.merge_and_unload()
        torch.testing.assert_close(logits(load_model(folder)), logits(model), rtol=1e-5, atol=1e-5)
    apart = logits(load_model(both)) - logits(load_model(alone))
    assert apart.abs().max() > 1e-2


def test_a_merged_stage_computes_what_is_scored_when_the_adapter_itself_is_given(place, tmp_path):
    """So a chain of a study and a call of `lethe evaluate` agree, in any precision."""
    _, nodes = chain(*stages(place, "one"))
    folders = made(tmp_path, nodes)
    for dtype in ("float32", "bfloat16"):
        expected, _ = open_checkpoint(place / "base", dtype, place / "one", "cpu")
        found, _ = open_checkpoint(folders[1], dtype, None, "cpu")
        assert torch.equal(logits(found), logits(expected))


def test_the_manifest_says_which_adapter_on_which_base(place, tmp_path):
    _, nodes = chain(*stages(place, "one"))
    _, folder = made(tmp_path, nodes)
    manifest = read_json(folder / "base.json")
    assert manifest["spec"]["parent"] == nodes[0].id
    assert manifest["origin"] == {
        "path": str(place / "one"),
        "adapter": "LORA",
        "base_model_name_or_path": str(place / "base"),
        "weights_sha256": sha256_file(place / "one" / "adapter_model.safetensors"),
    }
    assert manifest["warnings"] == []
    model = load_model(place / "base")
    assert manifest["parameters"] == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("named", ["someone/a-model", None])
def test_a_base_that_cannot_be_told_is_a_warning(place, tmp_path, named):
    shutil.copytree(place / "one", tmp_path / "one")
    change(tmp_path / "one", base_model_name_or_path=named)
    _, nodes = chain(*stages(place, tmp_path / "one"))
    manifest = read_json(made(tmp_path, nodes)[1] / "base.json")
    (said,) = manifest["warnings"]
    assert "no more can be known" in said and (named or "names no base") in said
    home = tmp_path / "someone" / "a-model"
    shutil.copytree(place / "base", home)
    if named:
        _, nodes = chain({"import": str(home)}, stages(place, tmp_path / "one")[1])
        assert read_json(made(tmp_path, nodes)[1] / "base.json")["warnings"] == []


def change(adapter: Path, **changes) -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_an_adapter_for_another_base_is_refused_before_any_job(place, tmp_path):
    wide, deep = tmp_path / "wide", tmp_path / "deep"
    world.write_checkpoint(wide, hidden=64)
    world.write_checkpoint(deep, layers=4)
    save_adapter(tmp_path / "on-other", place / "other", 0)
    save_adapter(tmp_path / "on-wide", wide, 0, named="someone/gone")
    save_adapter(tmp_path / "on-deep", deep, 0, named="someone/gone")
    where = "imports.c.stages[1].import"
    refused(stages(place, tmp_path / "on-other"), where, "other", "are not those of", "base")
    refused(
        stages(place, tmp_path / "on-wide"), where, "down_proj with shape [64, 128]", "[32, 64]"
    )
    refused(stages(place, tmp_path / "on-deep"), where, "layers.2.", "no such matrix")
    t5 = tmp_path / "t5"
    make_model().save_pretrained(t5)
    make_tokenizer().save_pretrained(t5)
    save_adapter(tmp_path / "on-t5", t5, 0, named="gone", target_modules=["q", "wo"])
    refused(stages(place, tmp_path / "on-t5"), where, "no such matrix", "another base")


def test_a_copy_of_the_base_under_another_path_is_the_same_base(place, tmp_path):
    shutil.copytree(place / "base", tmp_path / "copy")
    _, nodes = chain({"import": str(tmp_path / "copy")}, stages(place, "one")[1])
    assert nodes[1].spec["parent"] == nodes[0].id


def test_wrong_stages_are_one_sentence(place, tmp_path):
    where = "imports.c.stages"
    refused([{"import": str(place / "one")}, *stages(place, "two")[1:]], "expected a whole model")
    refused(stages(place, "other", onto="previous"), f"{where}[1].onto", "expected a PEFT adapter")
    for kind, word in (("PREFIX_TUNING", "cannot be merged"), ("LORA", "only pickled weights")):
        folder = tmp_path / kind
        shutil.copytree(place / "one", folder)
        change(folder, peft_type=kind)
        if kind == "LORA":
            mark = tmp_path / "mark"
            (folder / "adapter_model.bin").write_bytes(pickle.dumps(Mark(str(mark))))
            (folder / "adapter_model.safetensors").unlink()
        refused(stages(place, folder), f"{where}[1].import", word)
    assert not (tmp_path / "mark").exists()


def test_an_adapter_that_changed_after_planning_is_not_merged(place, tmp_path):
    shutil.copytree(place / "one", tmp_path / "one")
    _, nodes = chain(*stages(place, tmp_path / "one"))
    save_adapter(tmp_path / "one", place / "base", seed=7)
    with pytest.raises(UserError, match="have changed since the study was planned"):
        made(tmp_path, nodes)
    _, again = chain(*stages(place, tmp_path / "one"))
    assert again[0].id == nodes[0].id and again[1].id != nodes[1].id


def test_a_chain_of_adapters_is_compared_stage_by_stage(place, tmp_path, capsys):
    task = tmp_path / "eval"
    world.write_task(task, "know", world.CHOICE, world.choice_rows, n=6)
    names = [str(place / name) for name in ("base", "one", "two")]
    options = ["--include-path", str(task), "--tasks", "know", "--out", str(tmp_path / "out")]
    main(["compare", *names, *options, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert [Path(one["after"]).name for one in report["comparisons"]] == ["one", "two"]
    (row,) = report["chain"]
    scores = [report["comparisons"][0]["sets"][0]["before"]]
    scores += [one["sets"][0]["after"] for one in report["comparisons"]]
    assert row["drop_points"] == pytest.approx(scores[0] - scores[2])
    assert len(set(scores)) == 3


@pytest.mark.parametrize("kind", EMBEDDINGS)
@pytest.mark.parametrize("prefixed", [True, False], ids=["as saved", "without the prefix"])
def test_an_adapter_fits_its_base_of_any_type_however_its_file_names_it(tmp_path, kind, prefixed):
    """Files of the hub often lack the name of the network before that of a layer."""
    import peft
    from safetensors.torch import load_file, save_file

    sizes = {"d_model": 32, "d_ff": 64, "n_embd": 32, "hidden_size": 32, "intermediate_size": 64}
    for name, changes in (("base", {}), ("wide", sizes)):
        model = random_model(kind, None, **changes)
        model.save_pretrained(tmp_path / name)
        file, start = tmp_path / name / "model.safetensors", f"{model.base_model_prefix}."
        if not prefixed:
            tensors = {key.removeprefix(start): tensor for key, tensor in load_file(file).items()}
            save_file(tensors, file)
    for target in ("all-linear", [EMBEDDINGS[kind]]):
        attached = peft.get_peft_model(
            random_model(kind, None), peft.LoraConfig(r=2, target_modules=target)
        )
        attached.save_pretrained(tmp_path / "adapter")
        require_base(tmp_path / "adapter", tmp_path / "base")
        with pytest.raises(UserError, match="trained on another base"):
            require_base(tmp_path / "adapter", tmp_path / "wide")


@pytest.mark.parametrize("kind", ["t5", "bert"])
def test_other_families_have_stages_of_adapters_too(tmp_path, kind):
    import peft

    base, family = tmp_path / "base", FAMILY[kind]
    random_model(kind, None).save_pretrained(base)
    tokenizer_of(family).save_pretrained(base)
    adapter = save_adapter(tmp_path / "one", base, 0, target_modules="all-linear")
    entries = [{"import": str(base)}, {"task": "t", "import": str(adapter)}]
    _, nodes = chain(*entries, family=family)
    inputs = {"input_ids": TOKENS % 20}
    if family == "seq2seq":
        inputs["decoder_input_ids"] = inputs["input_ids"][:, :5]
    attached = peft.PeftModel.from_pretrained(load_model(base), adapter).eval()
    merged = load_model(made(tmp_path / "results", nodes)[1]).eval()
    with torch.no_grad():
        found, expected = merged(**inputs).logits, attached(**inputs).logits
        plain = load_model(base).eval()(**inputs).logits
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert (found - plain).abs().max() > 1e-2


def test_stages_that_were_trained_here_go_where_they_were_trained(tmp_path):
    """The same adapter trained further is on the base; bottlenecks are on nothing that is told."""
    chain_of(tmp_path, "sequential", {}, "same")
    base, (first, second) = tmp_path / "bases" / "base", stage_folders(tmp_path)
    entries = [{"import": str(base)}, {"import": str(first), "task": "simp"}]
    chain(*entries, {"import": str(second), "task": "hgen"})
    again = {"import": str(second), "task": "hgen", "onto": "previous"}
    refused([*entries, again], "stages[2].onto", "is the adapter of the stage before it", "remove")

    (second / "adapter_config.json").unlink()
    (second / "adapter_model.safetensors").rename(second / BOTTLENECKS)
    entries[1] = {"import": str(second), "task": "simp"}
    refused(entries, "stages[1].import", "found bottleneck adapters alone", "`lethe evaluate`")


def stage_folders(results: Path) -> list[Path]:
    return sorted((results / "stages").iterdir())
