"""Tiny random decoders and requests in tokens, for the tests of the engines that score them."""

import importlib
import random

SIZES = {
    "llama": ("Llama", {"num_hidden_layers": 2, "intermediate_size": 48}),
    "qwen2": ("Qwen2", {"num_hidden_layers": 2, "intermediate_size": 48, "num_key_value_heads": 4}),
    "gpt_neox": ("GPTNeoX", {"num_hidden_layers": 2, "intermediate_size": 48}),
    "gpt2": ("GPT2", {}),
    "bloom": ("Bloom", {"n_layer": 2}),
    "opt": ("OPT", {"num_hidden_layers": 1, "ffn_dim": 16, "word_embed_proj_dim": 32}),
}
# More that the fast engine knows, and some that it must leave alone.
MORE = {
    "qwen3": (
        "Qwen3",
        {
            "num_hidden_layers": 2,
            "intermediate_size": 48,
            "num_key_value_heads": 2,
            "head_dim": 8,
        },
    ),
    "mistral": (
        "Mistral",
        {
            "num_hidden_layers": 2,
            "intermediate_size": 48,
            "num_key_value_heads": 2,
            "sliding_window": None,
        },
    ),
    "gemma2": (
        "Gemma2",
        {
            "num_hidden_layers": 2,
            "intermediate_size": 48,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "sliding_window": 8,
        },
    ),
    "granite": ("Granite", {"num_hidden_layers": 2, "intermediate_size": 48, "logits_scaling": 3}),
    "cohere": ("Cohere", {"num_hidden_layers": 2, "intermediate_size": 48, "logit_scale": 0.5}),
    "mamba": ("Mamba", {"num_hidden_layers": 2, "state_size": 4}),
}


def requests(seed: int, n: int, vocabulary: int = 60) -> list[tuple]:
    """Contexts of one to twenty tokens with two to four continuations each, one empty context."""
    generator = random.Random(seed)
    found = []
    for _ in range(n):
        context = [generator.randrange(4, vocabulary) for _ in range(generator.choice([1, 7, 20]))]
        for _ in range(generator.randint(2, 4)):
            length = generator.choice([1, 1, 3, 6])
            continuation = [generator.randrange(4, vocabulary) for _ in range(length)]
            found.append((None, context, continuation))
    return found


def model_of(kind: str, **changes):
    """A randomly initialised model whose tokens depend on each other enough for a test to see."""
    import torch

    name, sizes = (SIZES | MORE)[kind]
    module = importlib.import_module(f"transformers.models.{kind}")
    common = {"vocab_size": 60, "hidden_size": 32, "initializer_range": 0.3}
    common |= {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    if kind != "mamba":
        common |= {"num_attention_heads": 4, "max_position_embeddings": 64}
    config = getattr(module, f"{name}Config")(**common | sizes | changes)
    torch.manual_seed(1)
    names = [n for n in dir(module) if n in (f"{name}ForCausalLM", f"{name}LMHeadModel")]
    return getattr(module, names[0])(config).eval()
