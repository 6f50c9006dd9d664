"""CLASSIC: HAT-Adapter's promises, and a contrast from the second domain on."""

import pytest
import torch
from adapter_case import copied, make_stage, the_batch
from chain_case import chain, interrupted
from masked_model import masked_model
from safetensors.torch import load_file

from lethe.methods.attached import METHOD_STATE, attach, method_of
from lethe.methods.parts.adapters import apply_adapters
from lethe.methods.parts.knowledge_sharing.contrast import mixed, two_view_contrast
from lethe.methods.parts.softmask.contrast import pooled
from lethe.methods.registry import create
from lethe.models.loading import load_model
from lethe.models.masked_forward import hidden_states

HYPER = {"reduction": 4}
ATTENTION = {"attention/query.weight", "attention/key.weight"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folders of the checkpoints after two domains."""
    torch.set_num_threads(1)
    return chain(tmp_path_factory.mktemp("classic"), "classic", HYPER)


@pytest.fixture(scope="module")
def hat_adapter(tmp_path_factory):
    torch.set_num_threads(1)
    return chain(tmp_path_factory.mktemp("hat_adapter"), "hat_adapter", HYPER)


@torch.no_grad()
def states_under(directory, number: int):
    model, method = load_model(directory).eval(), method_of(directory)
    apply_adapters(model, method._build(model), method.domains.of(number))
    return hidden_states(model, the_batch())


def at_domain(number: int, **changes):
    """A method and its stage at the start of a domain, counted from 1."""
    state = {}
    for index in range(1, number + 1):
        method = create("classic", {**HYPER, **changes})
        method.load_state(state)
        stage = make_stage(masked_model().eval(), index=index)
        method.before_stage(stage)
        stage.extra = method.extra
        if index < number:
            with torch.no_grad():
                for adapter in method.adapters.values():
                    adapter.up.weight += torch.randn(
                        adapter.up.weight.shape, generator=torch.Generator().manual_seed(index)
                    )
            method.after_stage(stage)
            state = copied(method.state())
    return method, stage


def test_outputs_under_the_first_domains_gates_stay_bit_identical(trained):
    assert torch.equal(*(states_under(directory, 0) for directory in trained))
    whole = [hidden_states(attach(load_model(d).eval(), d)[0], the_batch()) for d in trained]
    assert not torch.equal(*whole)  # the second domain did change the adapters


def test_the_first_domain_has_no_contrast_and_is_hat_adapters(trained, hat_adapter):
    one, other = (load_file(folders[0] / METHOD_STATE) for folders in (trained, hat_adapter))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert load_file(trained[1] / METHOD_STATE).keys() >= ATTENTION


def test_a_weight_of_zero_is_hat_adapter(tmp_path, trained, hat_adapter):
    without = chain(tmp_path, "classic", {**HYPER, "weight": 0.0})
    one, other = (load_file(folders[1] / METHOD_STATE) for folders in (without, hat_adapter))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    changed = load_file(trained[1] / METHOD_STATE)
    assert any(not torch.equal(changed[name], other[name]) for name in other)


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_the_loss_has_the_contrast_with_all_earlier_domains(weight):
    method, stage = at_domain(3, weight=weight)
    batch = the_batch()
    found = method.loss(stage, batch).item()
    gates = dict(method.domains.gates)
    plain, _ = at_domain(3, weight=0.0)
    without = plain.loss(make_stage_like(plain), batch).item()
    views = []
    for number in (0, 1, None):
        model = masked_model().eval()
        own = gates if number is None else method.domains.of(number)
        apply_adapters(model, method.adapters, own)
        views.append(pooled(hidden_states(model, batch), batch.document_ids >= 0))
    assert not torch.allclose(views[0], views[1], atol=1e-3)
    maps = (method.attention[name].weight for name in ("query", "key"))
    mix, _ = mixed(views[2], torch.stack(views[:2], 1), *maps)
    wanted = two_view_contrast(views[2], mix, 1.0).item()
    assert found - without == pytest.approx(weight * wanted, rel=1e-3)


def make_stage_like(method):
    """A stage whose model has the method's hooks."""
    stage = make_stage(masked_model().eval(), index=3)
    apply_adapters(stage.model, method.adapters, method.domains.gates)
    return stage


def test_the_gates_of_the_step_are_back_after_the_earlier_passes():
    method, stage = at_domain(2)
    method.loss(stage, the_batch())
    slope = method.domains.slope(stage)
    for name, e in method.domains.current.items():
        assert torch.equal(method.domains.gates[name], torch.sigmoid(slope * e))


def test_earlier_views_are_constants_under_hard_gates():
    method, stage = at_domain(2)
    method.loss(stage, the_batch()).backward()
    method.after_backward(stage)
    model = masked_model().eval()
    apply_adapters(model, method.adapters, method.domains.of(0))
    before = hidden_states(model, the_batch())
    assert any(parameter.grad.any() for parameter in method.adapters.parameters())
    with torch.no_grad():
        for parameter in method.adapters.parameters():
            parameter -= 10 * parameter.grad
    assert torch.equal(before, hidden_states(model, the_batch()))


def test_attention_learns_where_there_are_two_domains_to_choose_from():
    for number, learns in ((2, False), (3, True)):
        method, stage = at_domain(number)
        method.loss(stage, the_batch()).backward()
        for linear in method.attention.values():
            assert bool(linear.weight.grad.abs().max() > 1e-12) == learns


def test_nothing_but_adapters_is_trained(trained):
    base = load_model(trained[0].parents[1] / "bases" / "base").state_dict()
    for directory in trained:
        plain = load_model(directory).state_dict()
        assert all(torch.equal(base[name], value) for name, value in plain.items())
    _, stage = at_domain(2)
    assert all(name.startswith("extra.") for name, _ in stage.trainable())


def test_the_state_goes_through_a_round_trip(trained):
    method, state = method_of(trained[1]), load_file(trained[1] / METHOD_STATE)
    assert method.needs_identity
    assert method.state().keys() == state.keys()
    method.before_stage(make_stage(masked_model(), index=3))
    found = method.state()
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_an_interrupted_second_stage_ends_as_an_uninterrupted_one(trained, monkeypatch):
    stopped = interrupted(trained[0].parents[1], "classic", HYPER, monkeypatch)
    one, other = ((folder / METHOD_STATE).read_bytes() for folder in (trained[1], stopped))
    assert one == other
