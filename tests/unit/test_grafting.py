"""Grafts of parameters between two checkpoints of a masked language model."""

import pytest
import torch
from masked_model import lay_out, masked_model, masked_tokenizer, texts

from lethe.data.masked_examples import document_examples
from lethe.errors import UserError
from lethe.models.forward import label_logits
from lethe.models.grafting import GROUPS, by_group, graft, shares_of_rise


def states() -> tuple[dict, dict]:
    """Of two models that differ in every parameter."""
    found = []
    for seed in (0, 1):
        state = masked_model(seed).state_dict()
        generator = torch.Generator().manual_seed(seed)
        found.append({n: v + torch.rand(v.shape, generator=generator) for n, v in state.items()})
        # The head's output layer is tied to the embeddings, its bias to that of the head.
        found[-1]["lm_head.decoder.weight"] = found[-1]["roberta.embeddings.word_embeddings.weight"]
        found[-1]["lm_head.decoder.bias"] = found[-1]["lm_head.bias"]
    return found[0], found[1]


def same(one: dict, other: dict) -> set[str]:
    return {name for name in one if torch.equal(one[name], other[name])}


def test_no_group_changes_nothing_and_all_groups_make_the_other_checkpoint():
    own, other = states()
    assert not same(own, other)
    assert same(graft(own, other, ()), own) == own.keys()
    assert same(graft(own, other, GROUPS), other) == own.keys()


def test_the_groups_partition_the_parameters_and_none_is_empty():
    own, other = states()
    named = by_group(own)
    assert all(named.values())
    assert sorted(name for names in named.values() for name in names) == sorted(own)
    for group, names in named.items():
        grafted = graft(own, other, [group])
        assert same(grafted, other) == set(names)
        assert same(grafted, own) == own.keys() - set(names)


def test_groups_hold_the_parameters_that_their_names_say():
    layer = "roberta.encoder.layer.0"
    expected = {
        "word embeddings": ["roberta.embeddings.word_embeddings.weight", "lm_head.decoder.weight"],
        "position embeddings": ["roberta.embeddings.position_embeddings.weight"],
        "attention": [f"{layer}.attention.self.key.bias", f"{layer}.attention.output.dense.weight"],
        "dense layers": [f"{layer}.intermediate.dense.bias", f"{layer}.output.dense.weight"],
        "LayerNorms": [
            "roberta.embeddings.LayerNorm.bias",
            f"{layer}.attention.output.LayerNorm.weight",
            f"{layer}.output.LayerNorm.weight",
        ],
        "head": ["lm_head.bias", "lm_head.dense.weight", "lm_head.layer_norm.weight"],
    }
    assert by_group(name for names in expected.values() for name in names) == expected
    assert set().union(*expected.values()) <= masked_model().state_dict().keys()


def test_a_model_with_the_groups_of_another_answers_as_that_one():
    first, second = masked_model(0), masked_model(1)
    batch = lay_out(document_examples(texts(4), "texts", masked_tokenizer(), 20))[0]
    wanted = label_logits(second, batch)
    state = graft(first.state_dict(), second.state_dict(), GROUPS[:1])
    first.load_state_dict(state)
    assert torch.equal(first.lm_head.decoder.weight, first.get_input_embeddings().weight)
    assert not torch.equal(label_logits(first, batch), wanted)
    first.load_state_dict(graft(first.state_dict(), second.state_dict(), GROUPS[1:]))
    assert torch.equal(label_logits(first, batch), wanted)


@pytest.mark.parametrize(
    ("own", "other", "groups", "told"),
    [
        ({"gates.0": 1}, {"gates.0": 1}, (), "'gates.0' in one of the groups .* found it in 0"),
        ({"lm_head.bias": 1}, {"lm_head.bias": 2}, (), "two different models"),
        ({"lm_head.bias": 1}, {"lm_head.dense.bias": 1}, (), "two different models"),
        ({"lm_head.bias": 1}, {"lm_head.bias": 1}, ("tail",), "found 'tail'"),
    ],
)
def test_what_cannot_be_grafted_is_one_sentence(own, other, groups, told):
    own, other = ({name: torch.zeros(n) for name, n in part.items()} for part in (own, other))
    with pytest.raises(UserError, match=told):
        graft(own, other, groups)


def test_shares_are_of_the_rise_in_loss():
    # From 1 to 3: the graft brings the last checkpoint back to 1.5, and the first one up to 4.
    assert shares_of_rise(1.0, 3.0, 1.5, 4.0) == (0.75, 1.5)
    assert shares_of_rise(1.0, 3.0, 3.5, 0.5) == (-0.25, -0.25)
    with pytest.raises(ValueError, match="rose"):
        shares_of_rise(1.0, 1.0, 1.0, 1.0)
