"""Adapters of PEFT: scored as PEFT scores them attached, and never a way in for code."""

from pathlib import Path

import evaluation_world as world
import pytest
import torch

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
