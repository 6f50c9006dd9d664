"""Adapters of PEFT: scored as PEFT scores them attached, and never a way in for code."""

import json
import pickle
import shutil
from pathlib import Path

import evaluation_world as world
import pytest
import torch
from traps import Mark

from lethe.commands.evaluate import evaluate
from lethe.errors import UserError
from lethe.evaluation.checkpoint import open_checkpoint
from lethe.models.loading import load_model

LAYERS = ["q_proj", "down_proj"]
KINDS = {
    "lora": ("LoraConfig", {"r": 3, "lora_alpha": 7, "target_modules": LAYERS}),
    "rank-stabilised": (
        "LoraConfig",
        {"r": 4, "target_modules": LAYERS, "use_rslora": True, "rank_pattern": {"q_proj": 2}},
    ),
    "dora": ("LoraConfig", {"r": 3, "target_modules": LAYERS, "use_dora": True}),
    "with a head of its own": (
        "LoraConfig",
        {"r": 2, "target_modules": LAYERS, "modules_to_save": ["lm_head"]},
    ),
    "on the head": ("LoraConfig", {"r": 2, "target_modules": [*LAYERS, "lm_head"]}),
    "on the embeddings": ("LoraConfig", {"r": 2, "target_modules": [*LAYERS, "embed_tokens"]}),
    "ia3": ("IA3Config", {"target_modules": LAYERS, "feedforward_modules": ["down_proj"]}),
    "loha": ("LoHaConfig", {"r": 3, "target_modules": LAYERS}),
    "lokr": ("LoKrConfig", {"r": 3, "target_modules": LAYERS}),
    "adalora": ("AdaLoraConfig", {"init_r": 4, "target_modules": LAYERS, "total_step": 10}),
    "oft": ("OFTConfig", {"r": 4, "oft_block_size": 0, "target_modules": LAYERS}),
    "norms": ("LNTuningConfig", {"target_modules": ["input_layernorm"]}),
    "tokens": (
        "TrainableTokensConfig",
        {"token_indices": [5, 9], "target_modules": ["embed_tokens"]},
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A checkpoint, one with tied embeddings, an adapter on it, and a task."""
    folder = tmp_path_factory.mktemp("adapters")
    world.write_checkpoint(folder / "base")
    tie(folder / "base", folder / "tied")
    world.write_task(folder / "eval", "know", world.CHOICE, world.choice_rows, n=6)
    write_adapter(folder / "lora", folder / "base", "lora")
    return folder


def tie(checkpoint: Path, folder: Path) -> None:
    """The checkpoint with the embeddings as its output layer."""
    model = load_model(checkpoint)
    model.config.tie_word_embeddings = True
    model.lm_head.weight = model.model.embed_tokens.weight
    model.save_pretrained(folder)
    world.write_tokenizer(folder)


def write_adapter(folder: Path, base: Path, kind: str, seed: int = 1) -> None:
    """An adapter with random numbers in all of its weights, saved by PEFT."""
    import peft

    name, settings = KINDS[kind]
    settings = {"task_type": "CAUSAL_LM", **settings}
    attached = peft.get_peft_model(load_model(base), getattr(peft, name)(**settings))
    generator = torch.Generator().manual_seed(seed)
    for parameter in attached.parameters():
        if parameter.requires_grad:
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.data += 0.2 * noise
    attached.peft_config["default"].base_model_name_or_path = str(base)
    attached.save_pretrained(folder)


def logits(model, tokens) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=tokens).logits


TOKENS = torch.arange(4, 40)[None]


@pytest.mark.parametrize("tied", [False, True], ids=["two matrices", "tied"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_merged_adapter_computes_what_the_attached_one_does(place, tmp_path, kind, tied):
    import peft

    base = place / ("tied" if tied else "base")
    write_adapter(tmp_path / "adapter", base, kind)
    attached = peft.PeftModel.from_pretrained(load_model(base), tmp_path / "adapter").eval()
    model, _ = open_checkpoint(base, "float32", tmp_path / "adapter", "cpu")
    model.tie_weights()  # as lm-eval does
    expected, plain = logits(attached, TOKENS), logits(load_model(base), TOKENS)
    assert not torch.allclose(expected, plain, atol=1e-2)
    torch.testing.assert_close(logits(model, TOKENS), expected, rtol=1e-4, atol=1e-4)
    assert type(model).__name__ == "LlamaForCausalLM"


def test_an_adapter_of_an_encoder_decoder(tmp_path):
    import peft
    from seq2seq_model import make_model
    from small_nodes import make_tokenizer

    make_model().save_pretrained(tmp_path / "t5")
    make_tokenizer().save_pretrained(tmp_path / "t5")
    settings = peft.LoraConfig(r=2, target_modules=["q", "wo"], task_type="SEQ_2_SEQ_LM")
    attached = peft.get_peft_model(load_model(tmp_path / "t5"), settings)
    with torch.no_grad():
        for name, parameter in attached.named_parameters():
            if "lora_" in name:
                parameter.normal_(0, 0.3)
    attached.save_pretrained(tmp_path / "adapter")
    model, _ = open_checkpoint(tmp_path / "t5", "float32", tmp_path / "adapter", "cpu")
    tokens = torch.arange(4, 12)[None]
    words = {"input_ids": tokens, "decoder_input_ids": tokens[:, :5]}
    with torch.no_grad():
        expected, found = attached.eval()(**words).logits, model(**words).logits
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def score(place: Path, model: Path, **options) -> list[dict]:
    (result,) = evaluate(model, ["know"], str(place / "eval"), **options)
    return result["scores"]


def test_an_adapter_is_scored_as_what_was_merged_by_hand(place, tmp_path):
    """W + (alpha / r) B A, written out (Hu et al. 2021, section 4.1)."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(place / "base", tmp_path / "merged")
    weights = load_file(tmp_path / "merged" / "model.safetensors")
    change = load_file(place / "lora" / "adapter_model.safetensors")
    settings = KINDS["lora"][1]
    for name, a in change.items():
        if name.endswith("lora_A.weight"):
            b = change[name.replace("lora_A", "lora_B")]
            weight = name.removeprefix("base_model.model.").replace(".lora_A", "")
            weights[weight] += settings["lora_alpha"] / settings["r"] * b @ a
    save_file(weights, tmp_path / "merged" / "model.safetensors", metadata={"format": "pt"})
    expected = score(place, tmp_path / "merged")
    assert expected != score(place, place / "base")
    assert_close(score(place, place / "lora"), expected)
    assert_close(score(place, place / "lora", engine="stock"), expected)


def assert_close(found: list[dict], expected: list[dict]) -> None:
    assert [row["metric"] for row in found] == [row["metric"] for row in expected]
    for one, other in zip(found, expected, strict=True):
        assert one["value"] == pytest.approx(other["value"], abs=1e-4)


def test_the_base_is_found_by_its_path_or_named(place, tmp_path):
    shutil.copytree(place / "lora", tmp_path / "lora")
    expected = score(place, place / "lora")
    rename_base(tmp_path / "lora", str(tmp_path / "gone"))
    refused(place, tmp_path / "lora", "its base", "gone", "--base")
    assert score(place, tmp_path / "lora", base=place / "base") == expected
    rename_base(tmp_path / "lora", None)
    refused(place, tmp_path / "lora", "base_model_name_or_path", "--base")
    refused(place, place / "base", "--base", base=place / "base")
    refused(place, tmp_path / "lora", "another adapter", base=place / "lora")
    for name in ("x" * 5000, "a\0b", "a\nb"):
        rename_base(tmp_path / "lora", name)
        refused(place, tmp_path / "lora", "its base")
    world.write_checkpoint(tmp_path / "wide", hidden=64)
    refused(place, tmp_path / "lora", "trained on another base", base=tmp_path / "wide")


def rename_base(adapter: Path, name: str | None) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = name
    (adapter / "adapter_config.json").write_text(json.dumps(config))


def refused(place: Path, model: Path, *words: str, **options) -> None:
    with pytest.raises(UserError) as caught:
        score(place, model, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_kept_scores_belong_to_base_and_adapter(place, tmp_path):
    shutil.copytree(place / "lora", tmp_path / "lora")
    out = tmp_path / "out"
    first = score(place, tmp_path / "lora", out=out)
    assert score(place, place / "base", out=out) != first
    assert len(list(out.iterdir())) == 2
    write_adapter(tmp_path / "lora", place / "base", "lora", seed=2)
    assert score(place, tmp_path / "lora", out=out) != first
    assert score(place, tmp_path / "lora", out=out, dtype="bfloat16") != first
    assert len(list(out.iterdir())) == 4
    assert score(place, place / "lora", out=out) == first
    assert len(list(out.iterdir())) == 4


def test_the_tokenizer_of_an_adapter_goes_before_that_of_its_base(place, tmp_path):
    shutil.copytree(place / "lora", tmp_path / "lora")
    world.write_tokenizer(tmp_path / "lora")
    assert score(place, tmp_path / "lora") == score(place, place / "lora")
    tokenizer = json.loads((tmp_path / "lora" / "tokenizer.json").read_text())
    tokenizer["post_processor"] = None  # no <bos>
    (tmp_path / "lora" / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert score(place, tmp_path / "lora") != score(place, place / "lora")


WRONG = {
    "prompts": ({"peft_type": "PROMPT_TUNING"}, "PROMPT_TUNING"),
    "prefixes": ({"peft_type": "PREFIX_TUNING"}, "cannot be merged"),
    "no kind": ({"peft_type": None}, "peft_type"),
    "a changed base": ({"init_lora_weights": "pissa_niter_4"}, "pissa_niter_4"),
    "more layers": ({"layer_replication": [[0, 1], [0, 1]]}, "layer_replication"),
    "some tokens only": ({"alora_invocation_tokens": [5]}, "alora_invocation_tokens"),
    "a newer key": ({"of_a_later_version": 3}, "of_a_later_version"),
    "other layers": ({"target_modules": ["nowhere"]}, "nowhere"),
    "fewer layers": ({"target_modules": ["q_proj"]}, "down_proj"),
    "more layers than weights": ({"target_modules": [*LAYERS, "k_proj"]}, "lack"),
    "another rank": ({"r": 4}, "`r` is 4, and in adapter_model.safetensors the rank of"),
    "no rank": ({"r": 0}, "`r`: expected a whole number above 0, found 0"),
    "a rank in words": ({"r": "4"}, "`r`: expected a whole number above 0, found '4'"),
    "a huge rank": ({"r": 10**15}, "`r` is 1000000000000000, and in"),
    "alpha in words": ({"lora_alpha": "16"}, "`lora_alpha`: expected a number, found '16'"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_is_one_sentence(place, tmp_path, wrong):
    changes, word = WRONG[wrong]
    shutil.copytree(place / "lora", tmp_path / "lora")
    path = tmp_path / "lora" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    refused(place, tmp_path / "lora", "lora", word)


@pytest.mark.parametrize("left", [0, 50, -3])
def test_weights_that_are_cut_are_refused(place, tmp_path, left):
    shutil.copytree(place / "lora", tmp_path / "lora")
    file = tmp_path / "lora" / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:left])
    refused(place, tmp_path / "lora", "adapter_model.safetensors")


def test_weights_that_are_not_finite_are_refused(place, tmp_path):
    from safetensors.torch import load_file, save_file

    shutil.copytree(place / "lora", tmp_path / "lora")
    file = tmp_path / "lora" / "adapter_model.safetensors"
    weights = load_file(file)
    next(iter(weights.values()))[0, 0] = float("nan")
    save_file(weights, file, metadata={"format": "pt"})
    refused(place, tmp_path / "lora", "NaN")


def test_no_code_of_an_adapter_runs(place, tmp_path):
    mark = tmp_path / "mark"
    shutil.copytree(place / "lora", tmp_path / "lora")
    expected = score(place, place / "lora")
    source = f"open({str(mark)!r}, 'a')"
    for name in ("own", "sitecustomize", "megatron"):
        (tmp_path / "lora" / f"{name}.py").write_text(source)
    own = {"base_model_class": "Own", "parent_library": "own"}
    change(tmp_path / "lora", auto_mapping=own, megatron_core="own")
    for name in ("adapter_model.bin", "training_args.bin"):
        (tmp_path / "lora" / name).write_bytes(pickle.dumps(Mark(str(mark))))
    assert score(place, tmp_path / "lora") == expected
    (tmp_path / "lora" / "adapter_model.safetensors").unlink()
    refused(place, tmp_path / "lora", "adapter_model.bin", "never read")
    change(tmp_path / "lora", megatron_config={"a": 1})
    refused(place, tmp_path / "lora", "megatron_config")
    assert not mark.exists()


def change(adapter: Path, **changes) -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_whole_model_with_an_adapter_beside_it_is_refused(place, tmp_path):
    shutil.copytree(place / "base", tmp_path / "both")
    shutil.copy(place / "lora" / "adapter_config.json", tmp_path / "both")
    refused(place, tmp_path / "both", "adapter_config.json", "beside it")
