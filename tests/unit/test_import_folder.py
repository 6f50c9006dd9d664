"""What a folder's small files tell before any job: its size, and whether it can be imported."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from plain_reference import FAMILY, random_model, tokenizer_of

from lethe.artefacts.paths import fetched_files
from lethe.cli import main
from lethe.config.catalogue import Catalogue, Probe, Study
from lethe.config.origins import ImportedStage, Model, Source
from lethe.errors import UserError
from lethe.models.architectures import build
from lethe.models.built_config import full_config
from lethe.models.built_size import parameters_of_built
from lethe.models.import_folder import parameters_of
from lethe.models.kinds import BUILT
from lethe.models.loading import check_checkpoint
from lethe.planning.bases import add_base
from lethe.planning.nodes import Plan
from lethe.planning.resources import request

WHERE = "models.mine.import"


def folder_of(model, folder: Path) -> Path:
    model.save_pretrained(folder)
    tokenizer_of("masked").save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bloom", "t5", "bert"])
def test_the_size_is_counted_from_the_files(tmp_path, kind):
    model = random_model(kind, None)
    folder = folder_of(model, tmp_path)
    found = parameters_of(str(folder), FAMILY[kind], WHERE)
    assert found == sum(parameter.numel() for parameter in model.parameters())


def test_shards_are_counted_together_and_causal_masks_are_not(tmp_path):
    model = random_model("gpt2", None)
    model.transformer.register_buffer("mask.attn.bias".replace(".", "_"), torch.ones(1, 1, 64, 64))
    model.save_pretrained(tmp_path, max_shard_size="8KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    found = parameters_of(str(tmp_path), "causal", WHERE)
    assert found == sum(parameter.numel() for parameter in model.parameters())


def test_a_fetched_model_is_as_large_as_its_files_and_until_then_as_the_catalogue_says(tmp_path):
    entry = Model.model_validate({"hub": "some/model", "family": "causal", "params": 5e9})
    catalogue = Catalogue(models={"mine": entry})
    plan = Plan(results=str(tmp_path))
    base = add_base(plan, catalogue, "mine", None, None).node
    assert plan.sizes[base.id] == 5e9
    model = random_model("llama", None)
    ((_, fetched),) = base.inputs
    folder_of(model, fetched_files(tmp_path, fetched))
    plan = Plan(results=str(tmp_path))
    assert add_base(plan, catalogue, "mine", None, None).node.id == base.id
    assert plan.sizes[base.id] == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("architecture", BUILT)
def test_the_size_of_a_built_model_follows_from_its_configuration(architecture):
    config = full_config("here", architecture, {})
    config.pop("start", None)
    with torch.device("meta"):
        model = build(architecture, config, tokenizer_of("masked"), seed=0)
    embeddings = model.get_input_embeddings().weight.shape
    found = sum(parameter.numel() for parameter in model.parameters())
    found -= embeddings.numel() * (1 if model.config.tie_word_embeddings else 2)
    assert parameters_of_built(config) == pytest.approx(found, rel=0.02)


def test_an_imported_7b_model_asks_for_gpus_and_a_small_one_for_what_it_uses():
    assert request("stage", 7e9).gpu == 2
    # Measured: SmolLM2-135M, 8 texts of about 140 tokens, 4.9 GB.
    small = request("stage", 49e6, tokens_at_once=1120)
    assert small.gpu == 0 and small.mem_mb > 2000 + 16 * 49
    more = request("stage", 49e6, tokens_at_once=4 * 1120)
    assert more.mem_mb - small.mem_mb == pytest.approx(3 * (small.mem_mb - 2000 - 24 * 49), abs=4)


def refused(folder: Path, family: str, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        parameters_of(str(folder), family, WHERE)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_an_adapter_is_refused_with_the_way_to_merge_it(tmp_path, name):
    (tmp_path / name).write_text("{}")
    refused(tmp_path, "causal", WHERE, "PEFT adapter", "merge_and_unload")
    with pytest.raises(UserError, match="PEFT adapter"):
        check_checkpoint(tmp_path)
    folder_of(random_model("llama", None), tmp_path)
    refused(tmp_path, "causal", "merge_and_unload", "or remove the adapter's files")


def test_other_formats_are_refused_with_the_way_to_convert_them(tmp_path):
    refused(tmp_path / "none", "causal", WHERE, "expected a checkpoint folder, found none")
    refused(tmp_path, "causal", WHERE, "no *.safetensors weights")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    refused(tmp_path, "causal", WHERE, "no *.safetensors weights", "save_pretrained")
    (tmp_path / "model-Q4.gguf").write_bytes(b"GGUF")
    refused(tmp_path, "causal", WHERE, "model-Q4.gguf", "lethe convert")
    refused(tmp_path / "model-Q4.gguf", "causal", "expected a checkpoint folder, found a file")
    folder_of(random_model("llama", None), tmp_path)
    assert parameters_of(str(tmp_path), "causal", WHERE)
    (tmp_path / "config.json").unlink()
    refused(tmp_path, "causal", "no config.json")


def renamed(folder: Path, *classes: str) -> Path:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": list(classes)}))
    return folder


@pytest.mark.parametrize("name", ["BertModel", "BertForSequenceClassification", "ElectraModel"])
@pytest.mark.parametrize("family", ["masked", "causal"])
def test_an_encoder_without_a_head_is_told_what_it_lacks(tmp_path, name, family):
    folder = renamed(folder_of(random_model("bert", None), tmp_path), name)
    refused(folder, family, name, "no language-modelling head", "AutoModelForMaskedLM")


def test_the_class_of_berts_pretraining_is_a_masked_model(tmp_path):
    from transformers import BertConfig, BertForPreTraining

    from lethe.models.loading import check_family, load_model

    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=40, intermediate_size=32, **sizes)
    folder = folder_of(BertForPreTraining(config), tmp_path)
    assert parameters_of(str(folder), "masked", WHERE)
    check_family(folder, "masked")
    assert type(load_model(folder)).__name__ == "BertForMaskedLM"


def test_a_wrong_family_is_seen_before_any_job(tmp_path):
    folder = folder_of(random_model("bert", None), tmp_path / "bert")
    refused(folder, "causal", WHERE, "expected a decoder", "BertForMaskedLM", "correct `family`")
    folder = folder_of(random_model("llama", None), tmp_path / "llama")
    refused(folder, "masked", WHERE, "expected a masked language model", "LlamaForCausalLM")
    refused(folder, "seq2seq", WHERE, "expected an encoder-decoder", "correct `family`")
    # T5's configuration need not say that it is an encoder-decoder.
    folder = folder_of(random_model("t5", None), tmp_path / "t5")
    config = json.loads((folder / "config.json").read_text())
    config.pop("is_encoder_decoder", None)
    (folder / "config.json").write_text(json.dumps(config))
    assert parameters_of(str(folder), "seq2seq", WHERE)
    refused(folder, "causal", WHERE, "expected a decoder", "T5ForConditionalGeneration")


def test_the_home_folder_is_meant_wherever_a_path_enters(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    there = str(tmp_path / "x")
    assert Model.model_validate({"import": "~/x", "family": "causal"}).path == there
    assert ImportedStage.model_validate({"import": "~/x"}).path == there
    assert ImportedStage.model_validate({"results": ["~/x"]}).results == [there]
    assert Source.model_validate({"kind": "files", "files": {"train": "~/x"}}).files == {
        "train": there
    }
    tasks = {"t": {"axis": "a", "metric": "acc"}}
    assert Probe.model_validate({"include": "~/x", "tasks": tasks}).include == there
    seeds = {"world": [0], "base": [0], "train": [0]}
    study = {"study": "s", "recipe": "r", "seeds": seeds, "output": "~/x"}
    assert Study.model_validate(study).output == there
    for words in (["--model", "~/x"], ["--model=~/x"]):
        assert main(["evaluate", *words, "--tasks", "t"]) == 2
        assert there in capsys.readouterr().err
    assert Model.model_validate({"import": "./~/x", "family": "causal"}).path == "./~/x"
    shutil.rmtree(tmp_path)
