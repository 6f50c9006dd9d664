"""Which models the fast engine can score, and why it leaves the others to the stock engine."""

import torch

from lethe.models.seq2seq_forward import BLOCK_MASKED

# Decoders that take keys and values of a prefix, a mask of four dimensions and explicit positions
# (BLOOM: a bias made of them), and end in the output layer alone. The tests prove each.
DECODERS = {"llama", "qwen2", "qwen3", "mistral", "gpt_neox", "gpt2", "bloom", "opt"}
# Settings that change logits after the output layer or scores within attention.
NEUTRAL = {
    "logit_scale": (None, 1),
    "logits_scaling": (None, 1),
    "lm_head_multiplier": (None, 1),
    "final_logit_softcapping": (None, 0),
    "attn_logit_softcapping": (None, 0),
    "attention_chunk_size": (None, 0),
}
# Rotary embeddings that depend on the longest text of a batch.
BATCH_DEPENDENT = {"dynamic", "longrope"}


def why_stock(model) -> str | None:
    """Why a model is not covered, as the end of a sentence; None if it is.

    What is not known is not covered: the architecture must be on the list and its configuration
    must have nothing that changes attention or logits.
    """
    config = model.config
    kind = config.model_type
    if kind not in DECODERS | BLOCK_MASKED:
        return f"does not know the architecture {kind!r}"
    own = type(model).__module__.startswith("transformers.models.")
    if not own or any(part._forward_pre_hooks or part._forward_hooks for part in model.modules()):
        return f"does not know what has been added to this {kind}"
    if not isinstance(model.get_output_embeddings(), torch.nn.Linear):
        return "expects a linear output layer"
    for name, values in NEUTRAL.items():
        if (found := getattr(config, name, None)) not in values:
            return f"does not know {name} ({found})"
    window = getattr(config, "sliding_window", None)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if (window and getattr(config, "use_sliding_window", True)) or kinds != {"full_attention"}:
        return "expects attention to the whole text, not within a sliding window"
    rotary = getattr(config, "rope_parameters", None) or {}
    if rotary.get("rope_type", "default") in BATCH_DEPENDENT:
        return f"does not know {rotary['rope_type']} rotary positions, which depend on the batch"
    if config._attn_implementation not in ("sdpa", "eager"):
        return f"does not know the attention {config._attn_implementation!r}"
    return None
