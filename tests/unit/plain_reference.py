"""What the fast passes are held to: transformers' own padded, eager forward pass of each family."""

import numpy as np
import torch
import torch.nn.functional as functional
from small_nodes import make_tokenizer
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
)

from lethe.data.examples import Example
from lethe.data.masked_batches import Masking, mask
from lethe.models.forward import token_losses
from lethe.models.kinds import KINDS

SIZES = {
    "vocab_size": 40,
    "hidden_size": 16,
    "n_embd": 16,
    "d_model": 16,
    "d_kv": 8,
    "d_ff": 32,
    "num_hidden_layers": 2,
    "n_layer": 2,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_attention_heads": 2,
    "n_head": 2,
    "num_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "sliding_window": None,
    "intermediate_size": 32,
    "ffn_dim": 32,
    "word_embed_proj_dim": 16,
    "max_position_embeddings": 64,
    "n_positions": 64,
    "relative_attention_num_buckets": 12,
    "relative_attention_max_distance": 16,
    "initializer_range": 0.25,
    "initializer_factor": 1.0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
FAMILY = {name: kind.family for name, kind in KINDS.items()}
AUTO = {
    "causal": AutoModelForCausalLM,
    "seq2seq": AutoModelForSeq2SeqLM,
    "masked": AutoModelForMaskedLM,
}
RECIPE = {
    "max_length": 32,
    "loss_normalisation": "token",
    "micro_batch_rows": None,
    "mask_share": 0.3,
    "packed": True,
    "unpadded": True,
}
LENGTHS = (9, 12, 5, 20, 7)
SEED, DRAW = 3, 5


def random_model(model_type: str, attention: str | None = "eager", **changes):
    """A small random model of a type; without dropout, as it is in eval."""
    torch.manual_seed(0)
    defaults = AutoConfig.for_model(model_type)
    sizes = {key: value for key, value in SIZES.items() if hasattr(defaults, key)}
    config = AutoConfig.for_model(model_type, **{**sizes, **changes})
    if config.is_encoder_decoder:
        config.decoder_start_token_id = 0
    classes = AUTO[FAMILY.get(model_type, "causal")]
    model = classes.from_config(config, attn_implementation=attention)
    return model.eval()


def fast_twin(model):
    """A network of the same weights with the attention that a loaded checkpoint gets."""
    twin = type(model)(type(model.config).from_dict(model.config.to_dict())).eval()
    twin.load_state_dict(model.state_dict())
    return twin


def masked_tokenizer():
    """The small tokenizer, with a token that masks."""
    tokenizer = make_tokenizer()
    tokenizer.add_special_tokens({"mask_token": "<mask>"})
    return tokenizer


def tokenizer_of(family: str):
    return masked_tokenizer() if family == "masked" else make_tokenizer()


def some_examples(family: str, lengths=LENGTHS) -> list[Example]:
    """Random texts; of an encoder-decoder also sources of other lengths."""
    generator = np.random.default_rng(1)

    def tokens(length: int) -> tuple[int, ...]:
        return tuple(generator.integers(4, 19, length).tolist())

    if family == "seq2seq":
        pairs = zip(lengths, reversed(lengths), strict=True)
        return [Example(f"e{n}", "one", tokens(n), 0, tokens(m)) for n, m in pairs]
    starts = {"causal": lambda n: n // 2, "masked": lambda n: 0}[family]
    return [Example(f"e{n}", "one", tokens(n), starts(n)) for n in lengths]


def padded(rows, fill: int) -> torch.Tensor:
    """Rows of unequal length as one tensor, filled on the right."""
    length = max(len(row) for row in rows)
    return torch.tensor([[*row, *[fill] * (length - len(row))] for row in rows])


def plain_inputs(model, examples: list[Example]) -> tuple[dict, torch.Tensor]:
    """What a user gives transformers, and labels [B, L], -100 where there is none."""
    family = FAMILY[model.config.model_type]
    texts, labels = [example.tokens for example in examples], []
    if family == "causal":
        # Position l predicts token l + 1.
        labels = [
            [-100] * (e.label_start - 1) + list(e.tokens[e.label_start :]) + [-100]
            for e in examples
        ]
    elif family == "masked":
        masking = Masking.of(masked_tokenizer(), RECIPE["mask_share"])
        seen = [mask(example, masking, SEED, DRAW) for example in examples]
        labels = [
            [t if place in set(chosen) else -100 for place, t in enumerate(example.tokens)]
            for example, (_, chosen) in zip(examples, seen, strict=True)
        ]
        texts = [tokens.tolist() for tokens, _ in seen]
    else:
        labels = [list(text) for text in texts]
        sources = [example.encoder_tokens for example in examples]
        inputs = {
            "input_ids": padded(sources, 0),
            "attention_mask": padded([[1] * len(s) for s in sources], 0),
            "decoder_input_ids": padded([[0, *text[:-1]] for text in texts], 0),
        }
        return inputs, padded(labels, -100)
    inputs = {
        "input_ids": padded(texts, 0),
        "attention_mask": padded([[1] * len(text) for text in texts], 0),
    }
    return inputs, padded(labels, -100)


def plain_losses(model, examples: list[Example]) -> dict[str, torch.Tensor]:
    """The losses of an example's labels, by its id: the padded batch through transformers."""
    inputs, labels = plain_inputs(model, examples)
    logits = model(**inputs).logits
    losses = functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="none"
    ).view(labels.shape)
    return {e.id: losses[n][labels[n] >= 0] for n, e in enumerate(examples)}


def our_losses(model, batches) -> dict[str, torch.Tensor]:
    """The same of batches that were laid out here."""
    found = {}
    for batch in batches:
        losses = token_losses(model, batch)
        for number, name in enumerate(batch.example_ids):
            found[name] = losses[batch.label_documents == number]
    return found


def gradients(model, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    """Gradients by name, zero where a parameter has none."""
    parameters = dict(model.named_parameters())
    found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    return {
        name: torch.zeros_like(parameters[name]) if gradient is None else gradient
        for name, gradient in zip(parameters, found, strict=True)
    }


def farthest(found: dict, wanted: dict) -> float:
    """Largest relative distance of two gradients over tensors.

    A gradient that is zero but for rounding (that of a key's bias, of which the softmax takes no
    notice) has to be so in both.
    """
    nothing = 1e-6 * max(gradient.norm() for gradient in wanted.values())
    assert nothing > 0
    distances = []
    for name, gradient in wanted.items():
        if gradient.norm() > nothing:
            distances.append(float((found[name] - gradient).norm() / gradient.norm()))
        else:
            assert found[name].norm() <= nothing
    return max(distances)
