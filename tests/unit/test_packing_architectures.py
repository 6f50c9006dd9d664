"""Packing changes where padding goes and nothing else, in every decoder that it is used for."""

import pytest
import torch
from small_nodes import make_tokenizer
from transformers import AutoConfig, AutoModelForCausalLM

from lethe.data.examples import Example
from lethe.models.forward import POSITIONS_KEEP_APART, weighted_loss
from lethe.training.loop import make_collate

SIZES = {
    "vocab_size": 40,
    "hidden_size": 16,
    "n_embd": 16,
    "num_hidden_layers": 2,
    "n_layer": 2,
    "num_attention_heads": 2,
    "n_head": 2,
    "num_key_value_heads": 2,
    "intermediate_size": 32,
    "ffn_dim": 32,
    "word_embed_proj_dim": 16,
    "max_position_embeddings": 64,
    "n_positions": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
RECIPE = {"max_length": 32, "loss_normalisation": "token", "micro_batch_rows": None}
DROPOUT = ("attn_pdrop", "embd_pdrop", "resid_pdrop", "dropout", "attention_dropout")


def random_model(model_type: str):
    torch.manual_seed(0)
    defaults = AutoConfig.for_model(model_type)
    sizes = {key: value for key, value in SIZES.items() if hasattr(defaults, key)}
    config = AutoConfig.for_model(model_type, **sizes)
    return AutoModelForCausalLM.from_config(config).eval()


def examples() -> list[Example]:
    generator = torch.Generator().manual_seed(1)

    def tokens(length: int) -> list[int]:
        return torch.randint(3, 40, (length,), generator=generator).tolist()

    return [Example(f"e{n}", "one", tuple(tokens(n)), n // 2) for n in (9, 12, 5, 20, 7)]


def loss_and_gradients(model, packed: bool):
    collate = make_collate({**RECIPE, "packed": packed}, make_tokenizer(), "causal", model.config)
    model.zero_grad()
    batches = collate(examples())
    loss = sum(weighted_loss(model, batch) for batch in batches)
    loss.backward()
    rows = sum(batch.input_ids.shape[0] for batch in batches)
    return loss.detach(), {n: p.grad.clone() for n, p in model.named_parameters()}, rows


@pytest.mark.parametrize("model_type", sorted(POSITIONS_KEEP_APART))
def test_packed_and_padded_batches_have_equal_loss_and_gradients(model_type):
    model = random_model(model_type)
    loss, gradients, rows = loss_and_gradients(model, packed=True)
    plain_loss, plain_gradients, plain_rows = loss_and_gradients(model, packed=False)
    assert rows < plain_rows == 5
    torch.testing.assert_close(loss, plain_loss, rtol=1e-5, atol=0)
    for name, gradient in plain_gradients.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-4, atol=1e-6)


def test_a_decoder_whose_positions_do_not_keep_examples_apart_has_one_a_row():
    """BLOOM takes its positions from the attention mask and would ignore those it is given."""
    model = random_model("bloom")
    loss, _, rows = loss_and_gradients(model, packed=True)
    alone = [loss_of_one(model, example) for example in examples()]
    labels = [example.label_count for example in examples()]
    wanted = sum(one * n for one, n in zip(alone, labels, strict=True)) / sum(labels)
    assert rows == 5
    torch.testing.assert_close(loss, wanted, rtol=1e-5, atol=0)


def loss_of_one(model, example: Example) -> torch.Tensor:
    """Mean negative log-likelihood of a response's tokens, by transformers itself."""
    tokens = torch.tensor([example.tokens])
    labels = tokens.clone()
    labels[0, : example.label_start] = -100
    with torch.no_grad():
        return model(input_ids=tokens, labels=labels).loss
