"""What a stage keeps: its base's rules of generation, and weights in `kept_dtype`."""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from small_nodes import make_nodes, make_tokenizer, stage_spec

from lethe.artefacts.manifests import publish, verify
from lethe.config.reading import CATALOGUE, read_yaml
from lethe.config.recipe_values import recipe_for
from lethe.config.recipes import Recipe
from lethe.errors import UserError
from lethe.evaluation.checkpoint import open_checkpoint
from lethe.evaluation.engines.registry import wrap
from lethe.models.architectures import build
from lethe.models.loading import load_model
from lethe.models.saving import save_model
from lethe.training.stage import train_stage

RULES = {"repetition_penalty": 1.7, "eos_token_id": [3, 7], "no_repeat_ngram_size": 2}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A base with rules of generation, and a stage that keeps weights in each numeric type."""
    results = tmp_path_factory.mktemp("results")
    make_nodes(results)
    base = results / "bases" / "base"
    (base / "generation_config.json").write_text(json.dumps(RULES))
    files = verify(base, "base.json")["files"]
    publish(base, "base.json", {}, [*files, "generation_config.json"])
    for node, recipe in (
        ("float32", {}),
        ("bfloat16", {"kept_dtype": "bfloat16"}),
        ("float16", {"kept_dtype": "float16"}),
    ):
        train_stage(node, stage_spec(recipe=recipe), results, "code", 60)
    train_stage("second", stage_spec("two", parent="bfloat16"), results, "code", 60)
    return results


def test_base_and_stages_generate_under_the_same_rules(results):
    for folder in (results / "bases" / "base", *(results / "stages").iterdir()):
        rules = open_checkpoint(folder, "float32")[0].generation_config
        assert {key: getattr(rules, key) for key in RULES} == RULES, folder
    manifest = verify(results / "stages" / "second", "stage.json")
    assert "generation_config.json" in manifest["files"]


@pytest.mark.parametrize("engine", ["fast", "stock"])
def test_the_task_says_how_long_an_answer_is_and_not_the_checkpoint(results, tmp_path, engine):
    def answer(**rules):
        folder = tmp_path / str(len(rules))
        shutil.copytree(results / "bases" / "base", folder)
        (folder / "base.json").unlink()
        # Words only, so that no answer ends by itself.
        rules |= {"suppress_tokens": [0, 1, 2, 3]}
        (folder / "generation_config.json").write_text(json.dumps(rules))
        lm = wrap(*open_checkpoint(folder, "float32"), 2, engine)
        request = SimpleNamespace(args=("red cat", {"until": ["</s>"], "max_gen_toks": 6}))
        return lm.generate_until([request])[0].split()

    plain = answer()
    assert len(plain) == 6
    assert answer(max_new_tokens=1) == plain


def test_a_base_without_rules_of_generation_gives_its_stages_none(tmp_path):
    make_nodes(tmp_path)
    train_stage("stage", stage_spec(), tmp_path, "code", 60)
    assert not (tmp_path / "stages" / "stage" / "generation_config.json").exists()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_kept_weights_are_the_trained_ones_rounded_once(results, dtype):
    trained = load_file(results / "stages" / "float32" / "model.safetensors")
    kept = load_file(results / "stages" / dtype / "model.safetensors")
    assert kept.keys() == trained.keys()
    for name, tensor in trained.items():
        assert torch.equal(kept[name], tensor.to(getattr(torch, dtype))), name
    config = json.loads((results / "stages" / dtype / "config.json").read_text())
    assert config["dtype"] == dtype
    assert next(load_model(results / "stages" / dtype).parameters()).dtype == torch.float32


def test_a_stage_after_a_rounded_one_starts_from_the_rounded_weights(results, tmp_path):
    widened = tmp_path / "bases" / "base"
    save_model(load_model(results / "stages" / "bfloat16"), make_tokenizer(), widened)
    files = [path.name for path in widened.iterdir()]
    publish(widened, "base.json", {}, files)
    shutil.copytree(results / "data", tmp_path / "data")
    train_stage("again", stage_spec("two"), tmp_path, "code", 60)
    one, other = tmp_path / "stages" / "again", results / "stages" / "second"
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


def test_a_weight_that_is_too_large_for_the_kept_type_is_named(tmp_path):
    from small_nodes import CONFIG

    model = build("llama", CONFIG, make_tokenizer(), seed=0)
    model.model.norm.weight.data[0] = 1e5
    save_model(model, make_tokenizer(), tmp_path, "bfloat16")
    with pytest.raises(UserError, match="model.norm.weight go up to 1e.05, more than `kept_dtype"):
        save_model(model, make_tokenizer(), tmp_path, "float16")


def test_the_kept_type_is_part_of_a_spec_only_if_it_is_not_the_default():
    given = read_yaml(CATALOGUE / "recipes.yaml")
    values = {key: value for key, value in next(iter(given.values())).items()}
    values = {key: value for key, value in values.items() if key not in ("overrides", "tuned")}
    plain = recipe_for("r", Recipe(**values), "m", family="causal")
    assert "kept_dtype" not in plain
    short = recipe_for("r", Recipe(**values, kept_dtype="bfloat16"), "m", family="causal")
    assert short == {**plain, "kept_dtype": "bfloat16"}
