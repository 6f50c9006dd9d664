"""Row rule: rows of tokens that the stage's data do not hold stay bit for bit, all others train.

Switched off (plain fine-tuning) the same rows move, in every family and with tied or untied heads.
"""

import pytest
import torch
from masked_model import masked_tokenizer
from retention_case import FAMILIES, TRAINING, make_stage, new_model, two_stages
from small_nodes import CONFIG, make_tokenizer

from lethe.errors import UserError
from lethe.methods.registry import create
from lethe.methods.row_rule import mask_token, tokens_of
from lethe.methods.sequential import METHOD as Sequential
from lethe.models.architectures import build
from lethe.models.vocabulary import embedding_matrices, token_rows
from lethe.training.loop import train

WHAT = ["gradients", "updates"]
# Only a decoder's head can be its own here: transformers ties every T5's, and RoBERTa's is tied.
CASES = [("causal", True), ("causal", False), ("seq2seq", True), ("masked", True)]


def model_of(family: str, tied: bool):
    if family == "causal":
        return build("llama", {**CONFIG, "tie_word_embeddings": tied}, make_tokenizer(), 0)
    return new_model(family)


def trained(family: str, tied: bool, method, **changes):
    """A stage after training, its token rows before, and its examples' tokens."""
    stage = make_stage(family, model_of(family, tied), model_of(family, tied), **changes)
    stage.examples = stage.examples[:2]
    before = {name: p.detach().clone() for name, p in token_rows(stage.model).items()}
    train(stage, method, {**TRAINING, **changes}, None)
    return stage, before


def moved(stage, before) -> list[torch.Tensor]:
    """By parameter, whether each token's row or entry differs from before in any bit."""
    after = token_rows(stage.model)
    return [(after[name] != value).reshape(len(value), -1).any(1) for name, value in before.items()]


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize(("family", "tied"), CASES)
def test_rows_without_data_stay_bit_for_bit_and_rows_with_data_move(family, tied, what):
    stage, before = trained(family, tied, create("row_rule", {"what": what}))
    used = torch.zeros(len(next(iter(before.values()))), dtype=torch.bool)
    used[sorted(tokens_of(stage))] = True
    assert 2 < (~used).sum() < len(used) - 2
    for rows in moved(stage, before):
        assert not rows[~used].any()
    assert torch.stack(moved(stage, before)).any(0)[used].float().mean() > 0.8


@pytest.mark.parametrize(("family", "tied"), CASES)
def test_without_the_rule_the_same_rows_move(family, tied):
    stage, before = trained(family, tied, Sequential())
    unused = torch.ones(len(next(iter(before.values()))), dtype=torch.bool)
    unused[sorted(tokens_of(stage))] = False
    assert torch.stack(moved(stage, before)).any(0)[unused].all()


def test_weight_decay_moves_rows_without_gradients_but_not_rows_without_updates():
    for what, stays in (("gradients", False), ("updates", True)):
        method = create("row_rule", {"what": what})
        stage, before = trained("causal", False, method, weight_decay=0.1)
        unused = torch.ones(len(next(iter(before.values()))), dtype=torch.bool)
        unused[sorted(tokens_of(stage))] = False
        rows = torch.stack(moved(stage, before))[:, unused]
        assert rows.any().item() != stays


def test_the_same_rows_have_tied_embeddings_once_and_untied_ones_twice():
    assert len(embedding_matrices(model_of("causal", True))) == 1
    assert len(embedding_matrices(model_of("causal", False))) == 2
    # The word embeddings, which are the output's too, and the output's bias.
    shapes = sorted(len(p.shape) for p in token_rows(new_model("masked")).values())
    assert shapes == [1, 2]


def test_the_layouts_own_tokens_are_data():
    stage = make_stage("masked")
    assert mask_token(stage) == masked_tokenizer().mask_token_id
    assert mask_token(stage) in tokens_of(stage)
    stage = make_stage("seq2seq")
    assert stage.model.config.decoder_start_token_id in tokens_of(stage)


@pytest.mark.parametrize("family", FAMILIES)
def test_stages_follow_each_other_without_state(family):
    _, first, second = two_stages(family, lambda: create("row_rule", {}))
    assert first.state() == second.state() == {}


def test_nothing_of_an_update_is_in_the_protected_rows_and_all_of_another_change_there_is():
    method = create("row_rule", {})
    stage, before = trained("causal", True, method)
    ((name, old),) = before.items()
    now = token_rows(stage.model)[name].detach()
    assert method.protected(name, now - old).norm() == 0
    kept = method.protected(name, torch.ones_like(old))
    assert kept.sum() == method.unused[name].sum() * old.shape[1]
    assert method.protected("model.norm.weight", torch.ones(3)) is None


def test_without_a_row_that_is_trained_the_rule_is_refused():
    stage = make_stage("causal", model_of("causal", True), model_of("causal", True))
    stage.model.get_input_embeddings().requires_grad_(False)
    with pytest.raises(UserError, match="expected embeddings or an output layer that are trained"):
        train(stage, create("row_rule", {"what": "gradients"}), TRAINING, None)
