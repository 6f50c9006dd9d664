"""Replay: earlier examples in the loss, as many as are due, and no more than are kept."""

import pytest
import torch
from retention_case import FAMILIES, TRAINING, gradients_of, make_stage, move, two_stages

from lethe.errors import UserError
from lethe.methods.parts.retention.earlier import Earlier, due
from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.training.loop import add_gradients, train


def second_stage(family: str = "causal", **changes):
    earlier = make_stage(family).examples
    return make_stage(family, index=2, earlier=[earlier], **changes)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_weight_it_is_plain_fine_tuning_bit_by_bit(family):
    model, *_ = two_stages(family, lambda: create("replay", {"weight": 0.0}))
    plain, *_ = two_stages(family, Sequential)
    with_weight, *_ = two_stages(family, lambda: create("replay", {}))
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)
    pairs = zip(with_weight.parameters(), plain.parameters(), strict=True)
    assert not all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_keeps_the_loss_on_earlier_examples_lower(family):
    """Switched off, that is with weight 0, both losses would be equal."""
    losses = []
    for hyper in ({"ratio": 1.0}, {"weight": 0.0}):
        stage = second_stage(family)
        stage.steps = 20
        train(stage, create("replay", hyper), {**TRAINING, "steps": 20}, None)
        stage.model.eval()
        batches = stage.collate(stage.load_replayed()[0])
        losses.append(sum(stage.plain_loss(stage.model, batch).item() for batch in batches))
    assert losses[0] < 0.9 * losses[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_replayed_example_counts_as_one_of_the_stages_own(family):
    """At ratio 1 and weight 1 a step's loss is the sum of two plain ones."""
    stage = second_stage(family, packed=False, micro_batch_rows=None)
    method = create("replay", {"ratio": 1.0})
    method.before_stage(stage)
    move(stage.model)
    stage.model.eval()
    chosen = method.earlier.draw(stage, 4, 301)
    naive = {}
    for examples in (stage.examples, chosen):
        (batch,) = stage.collate(examples)
        for name, g in gradients_of(stage.plain_loss(stage.model, batch), stage.model).items():
            naive[name] = naive.get(name, 0) + g.clone()
    stage.model.zero_grad()
    add_gradients(stage, method, {"dtype": "float32"}, stage.collate(stage.examples))
    for name, gradient in stage.gradients().items():
        torch.testing.assert_close(gradient, naive[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("share", [0.08, 0.4, 1.0, 2.5])
def test_every_step_takes_its_share_on_average(share):
    counts = [due(step, share) for step in range(50)]
    assert sum(counts) == round(50 * share)
    assert max(counts) - min(counts) <= 1


def test_a_buffer_keeps_the_same_examples_of_a_stage_for_the_rest_of_the_chain():
    parts = [make_stage("causal").examples, make_stage("causal", index=2).examples]
    kept = []
    for earlier in (parts[:1], parts):
        stage = make_stage("causal", index=len(earlier) + 1, earlier=earlier)
        kept.append(Earlier(stage, 2, "replay").places)
    assert kept[1][:2] == kept[0]
    assert [part for part, _ in kept[1]] == [0, 0, 1, 1]
    assert {part for part, _ in Earlier(stage, None, "replay").places} == {0, 1}


def test_a_draw_is_of_different_examples_of_the_buffer_and_of_others_every_step():
    stage = second_stage()
    buffer = Earlier(stage, 3, "replay")
    stage.step, drawn = 0, []
    for stage.step in range(8):
        drawn.append([example.id for example in buffer.draw(stage, 2, 301)])
        assert len(set(drawn[-1])) == 2
    assert len({example for step in drawn for example in step}) == 3
    assert len(set(map(tuple, drawn))) > 1
    assert len(buffer.draw(stage, 9, 301)) == 3


def test_a_buffer_larger_than_the_data_is_one_sentence():
    method = create("replay", {"capacity": 5})
    with pytest.raises(UserError, match="keep 5 examples .* stage 1 has 4; lower `capacity`"):
        method.before_stage(second_stage())


def test_replayed_tokens_are_among_the_costs():
    stage = second_stage()
    progress = train(stage, create("replay", {"ratio": 1.0}), TRAINING, None)
    lengths = {len(example.tokens) for example in stage.load_replayed()[0]}
    assert 12 * min(lengths) <= progress.replayed[0] <= 12 * max(lengths)
    assert train(second_stage(), Sequential(), TRAINING, None).replayed == [0, 0]
