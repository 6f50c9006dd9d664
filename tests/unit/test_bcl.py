"""B-CL: what hard gates keep, what is shared, and that a checkpoint computes what was trained."""

import pytest
import torch
from adapter_case import copied, disturb, make_stage, the_batch
from chain_case import chain, interrupted
from masked_model import masked_model

from lethe.errors import UserError
from lethe.methods.attached import METHOD_STATE, attach, method_of
from lethe.methods.parts.adapters import Adapter, apply_adapters
from lethe.methods.parts.knowledge_sharing.sharing_adapter import KnowledgeSharing, restrict
from lethe.methods.registry import create
from lethe.models.loading import load_model
from lethe.models.masked_forward import hidden_states

HYPER = {"reduction": 4}
SHARED = ("sharing.votes", "sharing.back")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folders of the checkpoints after two domains."""
    torch.set_num_threads(1)
    return chain(tmp_path_factory.mktemp("bcl"), "bcl", HYPER)


def adapters_of(directory):
    model, method = load_model(directory).eval(), method_of(directory)
    return model, method, method._build(model)


@torch.no_grad()
def first_domains_outputs(directory, shared_of=None):
    """States under the first domain's gates, with its capsules alone; shared parts of another."""
    model, method, adapters = adapters_of(directory)
    if shared_of is not None:
        state, other = adapters.state_dict(), adapters_of(shared_of)[2].state_dict()
        state |= {k: v for k, v in other.items() if any(part in k for part in SHARED)}
        adapters.load_state_dict(state)
    restrict(adapters, 1)
    apply_adapters(model, adapters, method.domains.of(0))
    return hidden_states(model, the_batch())


@torch.no_grad()
def test_gated_maps_of_the_first_domain_never_change(trained):
    states = torch.randn(4, 7, 16, generator=torch.Generator().manual_seed(0))
    found, ungated = [], []
    for directory in trained:
        _, method, adapters = adapters_of(directory)
        gates = method.domains.of(0)
        for name, one in adapters.items():
            own = (gates[f"{name}_down"], gates[f"{name}_up"])
            found.append(Adapter.added(one, states, *own))
            ungated.append(Adapter.added(one, states))
    places = len(adapters)
    assert all(torch.equal(found[n], found[n + places]) for n in range(places))
    assert not any(torch.equal(ungated[n], ungated[n + places]) for n in range(places))


def test_of_a_first_domains_outputs_only_the_shared_part_changes(trained):
    first, second = trained
    before = first_domains_outputs(first)
    assert not torch.equal(before, first_domains_outputs(second))
    assert torch.equal(before, first_domains_outputs(second, shared_of=first))


def test_earlier_semantic_capsules_stay_and_the_shared_part_goes_on(trained):
    one, other = (adapters_of(directory)[2].state_dict() for directory in trained)
    assert set(other) - set(one) == {
        name.replace(".0", ".1") for name in one if "semantic" in name or "votes" in name
    }
    for name in one:
        if "semantic" in name:
            assert torch.equal(one[name], other[name]), name
        if any(part in name for part in SHARED):
            assert not torch.equal(one[name], other[name]), name


def test_nothing_but_adapters_is_trained(trained):
    base = load_model(trained[0].parents[1] / "bases" / "base").state_dict()
    for directory in trained:
        plain = load_model(directory).state_dict()
        assert all(torch.equal(base[name], value) for name, value in plain.items())
    method, stage = create("bcl", HYPER), make_stage(masked_model())
    method.before_stage(stage)
    stage.extra = method.extra
    assert all(name.startswith("extra.") for name, _ in stage.trainable())


def test_a_checkpoint_computes_without_gates_with_the_capsules_of_all_domains(trained):
    model, method = attach(load_model(trained[1]).eval(), trained[1])
    assert method.needs_identity
    states = hidden_states(model, the_batch())
    plain, _, adapters = adapters_of(trained[1])
    assert all(len(one.sharing.semantic) == 2 for one in adapters.values())
    apply_adapters(plain, adapters)
    assert torch.equal(states, hidden_states(plain, the_batch()))
    restrict(adapters, 1)
    assert not torch.equal(states, hidden_states(plain, the_batch()))
    assert all(parameter.requires_grad for parameter in method.extra.parameters())


def test_the_state_goes_through_a_round_trip(trained):
    state = method_of(trained[1]).state()
    method = create("bcl", HYPER)
    method.load_state(copied(state))
    method.before_stage(make_stage(masked_model(), index=3))
    again = method.state()
    assert all(torch.equal(again[name], state[name]) for name in state)


def test_an_interrupted_second_stage_ends_as_an_uninterrupted_one(trained, monkeypatch):
    stopped = interrupted(trained[0].parents[1], "bcl", HYPER, monkeypatch)
    one, other = ((folder / METHOD_STATE).read_bytes() for folder in (trained[1], stopped))
    assert one == other


@torch.no_grad()
def test_sharing_agrees_with_a_loop_over_positions():
    sharing = KnowledgeSharing(6, size=3, transfers=2, iterations=3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):
        sharing.add_domain(generator)
    disturb(sharing)
    states = torch.randn(2, 5, 6, generator=generator)
    together = sharing(states)
    for row in range(2):
        for position in range(5):
            alone = sharing(states[row, position])
            assert torch.allclose(together[row, position], alone, atol=1e-6)


def test_without_what_is_shared_it_is_hat_adapter():
    ours, theirs = create("bcl", HYPER), create("hat_adapter", HYPER)
    losses = []
    for method in (ours, theirs):
        stage = make_stage(masked_model().eval())
        method.before_stage(stage)
        if method is ours:
            for adapter in method.adapters.values():
                torch.nn.init.zeros_(adapter.sharing.back.weight)
        losses.append(method.loss(stage, the_batch()).item())
    assert losses[0] == losses[1]


def test_another_shape_is_one_sentence(trained):
    method = create("bcl", {**HYPER, "capsule_size": 4})
    method.load_state(method_of(trained[0]).state())
    with pytest.raises(UserError, match="one set of sizes"):
        method.before_stage(make_stage(masked_model(), index=2))
