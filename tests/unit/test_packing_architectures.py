"""Packed rows compute what transformers' plain padded, eager model computes, in every family."""

import pytest
import torch
from plain_reference import (
    DRAW,
    FAMILY,
    LENGTHS,
    RECIPE,
    SEED,
    farthest,
    fast_twin,
    gradients,
    our_losses,
    plain_losses,
    random_model,
    some_examples,
    tokenizer_of,
)

from lethe.models.forward import KEEP_APART, weighted_loss
from lethe.models.masked_forward import hidden_states
from lethe.training.layout import make_collate


def laid_out(model, **changes):
    """The examples as the training loop lays them out."""
    family = FAMILY[model.config.model_type]
    tokenizer = tokenizer_of(family)
    collate = make_collate({**RECIPE, **changes}, tokenizer, family, model.config, SEED)
    return collate(some_examples(family), DRAW)


def rows_of(batches) -> int:
    return sum(len(batch.input_ids) for batch in batches)


@pytest.mark.parametrize("attention", ["eager", "default"])
@pytest.mark.parametrize("model_type", FAMILY)
def test_packed_losses_and_gradients_are_those_of_the_plain_padded_model(model_type, attention):
    plain = random_model(model_type)
    model = fast_twin(plain) if attention == "default" else plain
    wanted = plain_losses(plain, some_examples(FAMILY[model_type]))
    reference = gradients(plain, torch.cat(list(wanted.values())).mean())
    batches = laid_out(model)
    assert rows_of(batches) < len(LENGTHS)
    found = our_losses(model, batches)
    for name, losses in wanted.items():
        torch.testing.assert_close(found[name], losses, rtol=1e-5, atol=1e-6)
    loss = sum(weighted_loss(model, batch) for batch in batches)
    assert farthest(gradients(model, loss), reference) < 1e-5


def test_a_decoder_that_is_not_known_to_keep_examples_apart_has_one_a_row():
    model = random_model("gpt2")
    model.config.model_type = "unheard-of"
    assert "unheard-of" not in KEEP_APART
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FAMILY, "unheard-of", "causal")
        assert rows_of(laid_out(model)) == len(LENGTHS)


def test_a_padding_token_within_a_text_shifts_positions_as_it_does_for_roberta():
    """A random swap of masking can put one there; transformers then counts one place less."""
    model = random_model("roberta")
    tokenizer = tokenizer_of("masked")
    collate = make_collate({**RECIPE, "packed": True}, tokenizer, "masked", model.config, SEED)
    (batch,) = collate(some_examples("masked"), DRAW)
    inside = torch.where(batch.position_ids[0] == 2)[0]
    batch.input_ids[0, inside] = model.config.pad_token_id
    packed = hidden_states(model, batch)
    for number in range(len(batch.example_ids)):
        mine = batch.document_ids == number
        alone = model.base_model(
            input_ids=batch.input_ids[mine][None], attention_mask=torch.ones(1, int(mine.sum()))
        ).last_hidden_state
        torch.testing.assert_close(packed[mine], alone[0], rtol=1e-4, atol=1e-5)
