"""DER++: plain without weights, a fair reservoir, stored logits that come back, its state."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from retention_case import FAMILIES, make_stage, move, step_loss, two_stages

from lethe.errors import UserError
from lethe.methods.derpp import DRAW
from lethe.methods.parts.retention.reservoir import reservoir_slots
from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.models.forward import label_logits


def after_a_stage(family: str, **hyper):
    """The first stage, its method's state in a new method, and the second stage."""
    first, method = make_stage(family), create("derpp", hyper)
    method.before_stage(first)
    method.after_stage(first)
    second = make_stage(family, first.model, index=2, earlier=[first.examples])
    following = create("derpp", hyper)
    following.load_state(method.state())
    return first, following, second


@pytest.mark.parametrize("family", FAMILIES)
def test_without_weights_it_is_plain_fine_tuning_bit_by_bit(family):
    hyper = {"alpha": 0.0, "beta": 0.0, "replayed": 3}
    model, _, method = two_stages(family, lambda: create("derpp", hyper))
    plain, _, _ = two_stages(family, Sequential)
    assert method.seen == 8
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)


def test_with_weights_it_is_another_model_and_always_the_same_one():
    models = [two_stages("masked", lambda: create("derpp", {}))[0] for _ in range(2)]
    plain, _, _ = two_stages("masked", Sequential)
    weights = [next(model.parameters()) for model in (*models, plain)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_every_example_is_as_likely_to_stay_in_the_reservoir():
    """30 examples in two stages, 6 slots: each stays with probability 1/5."""
    generator, draws = np.random.default_rng(0), 4000
    counts = np.zeros(30)
    for _ in range(draws):
        buffer = reservoir_slots(0, 18, 6, generator)
        later = reservoir_slots(18, 12, 6, generator)
        buffer |= {slot: 18 + index for slot, index in later.items()}
        assert len(set(buffer.values())) == 6
        counts[list(buffer.values())] += 1
    error = np.sqrt(0.2 * 0.8 / draws)
    assert np.abs(counts / draws - 0.2).max() < 4.5 * error


@pytest.mark.parametrize("family", FAMILIES)
def test_stored_logits_are_those_the_network_had(family):
    first, method, second = after_a_stage(family)
    method.before_stage(second)
    assert len(method.entries) == 4
    first.model.eval()
    for entry, example in zip(method.entries, method.examples, strict=True):
        assert example == first.examples[entry.index]
        (batch,) = first.collate([example], DRAW)
        logits = label_logits(first.model, batch).half()
        torch.testing.assert_close(entry.logits, logits, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_error_is_zero_until_the_network_moves(family):
    """However the examples are laid out, each meets its own stored logits."""
    _, method, second = after_a_stage(family)
    method.before_stage(second)
    second.model.eval()
    assert sum(method.logits_errors(second, [2, 0, 3])).item() < 1e-5
    move(second.model)
    assert sum(method.logits_errors(second, [2, 0, 3])).item() > 1e-3


def test_the_replay_of_a_whole_buffer_is_alpha_its_error_and_beta_its_loss():
    _, method, stage = after_a_stage("causal", alpha=0.25, beta=2.0)
    method.before_stage(stage)
    move(stage.model)
    every = list(range(len(method.entries)))
    replayed = stage.collate(method.examples, stage.step)
    loss = sum(stage.plain_loss(stage.model, part).item() for part in replayed)
    naive = 0.25 * sum(method.logits_errors(stage, every)).item() + 2.0 * loss
    assert step_loss(method, stage).item() == pytest.approx(naive, rel=1e-5)


def test_the_state_is_restored_whole():
    _, method, _ = after_a_stage("seq2seq")
    again = create("derpp", {})
    again.load_state(method.state())
    for name, value in method.state().items():
        assert torch.equal(value, again.state()[name])


def test_missing_and_unfitting_states_are_sentences():
    _, method, stage = after_a_stage("causal")
    with pytest.raises(UserError, match="holds no buffer"):
        create("derpp", {}).before_stage(stage)
    state = method.state()
    with pytest.raises(UserError, match="not saved by DER"):
        create("derpp", {}).load_state({"seen": state["seen"]})
    with pytest.raises(UserError, match="do not fit together"):
        create("derpp", {}).load_state({**state, "logits": state["logits"][1:]})
    small = create("derpp", {"capacity": 2})
    small.load_state(state)
    with pytest.raises(UserError, match="`capacity` is 2"):
        small.before_stage(stage)
    narrow = create("derpp", {})
    narrow.load_state({**state, "logits": state["logits"][:, 1:].contiguous()})
    narrow.before_stage(stage)
    with pytest.raises(UserError, match="the stored logits have"):
        sum(narrow.logits_errors(stage, [0]))


def test_changed_data_are_noticed():
    _, method, stage = after_a_stage("causal")
    earlier = [replace(e, tokens=(*e.tokens[:-1], 4)) for e in stage.load_replayed()[0]]
    stage.load_replayed = lambda: [earlier]
    method.before_stage(stage)
    with pytest.raises(UserError, match="differ from the stored ones"):
        sum(method.logits_errors(stage, [0]))
    stage.load_replayed = lambda: [[]]
    with pytest.raises(UserError, match="names examples"):
        method.before_stage(stage)


def test_an_example_whose_task_came_twice_meets_its_newest_logits():
    """The buffer holds it twice, with the logits of two networks; a draw compares it once."""
    first, method = make_stage("causal"), create("derpp", {})
    method.before_stage(first)
    method.after_stage(first)
    again = make_stage("causal", first.model, index=2, earlier=[first.examples])
    again.examples = first.examples
    move(again.model)
    method.before_stage(again)
    method.after_stage(again)
    third = make_stage("causal", again.model, index=3, earlier=[first.examples] * 2)
    method.before_stage(third)
    third.model.eval()
    assert [entry.stage for entry in method.entries] == [0] * 4 + [1] * 4
    assert sum(method.logits_errors(third, list(range(8)))).item() < 1e-5
    assert sum(method.logits_errors(third, [3, 2, 1, 0])).item() > 1e-3
