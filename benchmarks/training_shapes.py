"""Models and data of `benchmarks/training.py`: random weights, lengths as of instruction data."""

from dataclasses import dataclass

import numpy as np
import torch
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MT5Config,
    MT5ForConditionalGeneration,
    RobertaConfig,
    RobertaForMaskedLM,
    T5Config,
    T5ForConditionalGeneration,
)

from lethe.data.examples import Example

SPECIAL = 5  # tokens: padding, begin, end, unknown and mask
PAD, MASK = 0, 4


@dataclass(frozen=True)
class Shape:
    """An architecture with its sizes, and how a step is laid out.

    batch: examples a step. micro: rows of a micro-batch of padded examples; packed rows are as
    many tokens. longest: tokens of an example, and of a packed row.
    """

    family: str
    config: type
    model: type
    sizes: dict
    batch: int = 16
    micro: int = 16
    longest: int = 256
    learning_rate: float = 1e-4


def _llama(hidden: int, layers: int, heads: int, inner: int, vocabulary: int, **more) -> Shape:
    sizes = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    sizes |= {"num_key_value_heads": heads, "intermediate_size": inner, "vocab_size": vocabulary}
    return Shape("causal", LlamaConfig, LlamaForCausalLM, sizes, **more)


def _bloom(hidden: int, layers: int, heads: int, **more) -> Shape:
    sizes = {"hidden_size": hidden, "n_layer": layers, "n_head": heads, "vocab_size": 250880}
    return Shape("causal", BloomConfig, BloomForCausalLM, sizes, **more)


def _roberta(hidden: int, layers: int, heads: int, **more) -> Shape:
    sizes = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    sizes |= {"intermediate_size": 4 * hidden, "vocab_size": 50265, "type_vocab_size": 1}
    sizes |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    sizes |= {"max_position_embeddings": 514}
    return Shape("masked", RobertaConfig, RobertaForMaskedLM, sizes, **more)


def _t5(config, model, width: int, inner: int, layers: int, heads: int, vocabulary: int, **more):
    sizes = {"d_model": width, "d_kv": width // heads, "d_ff": inner, "num_layers": layers}
    sizes |= {"num_heads": heads, "vocab_size": vocabulary, "dropout_rate": 0.0}
    return Shape("seq2seq", config, model, sizes | {"decoder_start_token_id": PAD}, **more)


LARGE = {"batch": 128, "micro": 8, "longest": 512, "learning_rate": 2e-5}
SMALL = {
    "llama-miniature": _llama(64, 2, 2, 172, 983),
    "llama-small": _llama(256, 4, 4, 688, 8000),
    "bloom, real vocabulary": _bloom(64, 2, 4),
    "t5-miniature": _t5(T5Config, T5ForConditionalGeneration, 64, 128, 2, 4, 983),
    "roberta, real vocabulary": _roberta(64, 2, 2),
}
REAL = {
    "bloomz-1b1": _bloom(1536, 24, 16, **LARGE),
    "bloomz-7b1": _bloom(4096, 30, 32, **LARGE),
    "llama-7b": _llama(4096, 32, 32, 11008, 32000, **LARGE),
    "llama-1b": _llama(2048, 16, 32, 8192, 32000, **LARGE),
    "mt0-large": _t5(MT5Config, MT5ForConditionalGeneration, 1024, 2816, 24, 16, 250112, **LARGE),
    "roberta-base": _roberta(768, 12, 12, **{**LARGE, "batch": 256, "micro": 64}),
}


def make_model(shape: Shape, device: str) -> torch.nn.Module:
    """The same random weights at every call."""
    torch.manual_seed(0)
    tokens = {"pad_token_id": PAD, "bos_token_id": 1, "eos_token_id": 2}
    return shape.model(shape.config(**shape.sizes, **tokens)).to(device).train()


def make_examples(shape: Shape, count: int) -> list[Example]:
    """Prompts of 40 and responses of 20 tokens in the median, log-normal, cut to fit."""
    generator = np.random.default_rng(0)
    lengths = np.exp(generator.normal([np.log(40), np.log(20)], [0.7, 0.8], (count, 2)))
    lengths = np.clip(lengths.astype(int), 2, shape.longest // 2)

    def tokens(length: int) -> tuple[int, ...]:
        return tuple(generator.integers(SPECIAL, shape.sizes["vocab_size"], length).tolist())

    made = []
    for number, (prompt, response) in enumerate(lengths.tolist()):
        source, target = tokens(prompt), tokens(response)
        if shape.family == "seq2seq":
            made.append(Example(str(number), "random", target, 0, source))
        else:
            start = 0 if shape.family == "masked" else prompt
            made.append(Example(str(number), "random", source + target, start))
    return made


def needed_operations(model, shape: Shape, tokens: int, encoder_tokens: int, labels: int) -> float:
    """Operations that a step cannot do without: 6 a weight and token, of the head only at labels.

    Attention scores are left out; so it is a lower bound, the same for every row of the table.
    """
    head = model.get_output_embeddings().weight.numel()
    embeddings = {id(p) for p in model.get_input_embeddings().parameters()}
    embeddings |= {id(model.get_output_embeddings().weight)}

    def inner(module) -> int:
        return sum(p.numel() for p in module.parameters() if id(p) not in embeddings)

    if shape.family != "seq2seq":
        return 6.0 * (inner(model) * tokens + head * labels)
    encoder = inner(model.get_encoder())
    return 6.0 * (
        encoder * encoder_tokens
        + (inner(model) - encoder) * (tokens - encoder_tokens)
        + head * labels
    )
