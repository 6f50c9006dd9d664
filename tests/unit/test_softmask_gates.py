"""Gates as hooks: their gradients against explicit gate parameters, and what they leave alone."""

import pytest
import torch
from softmask_case import batch_of, examples, importance_of, lay_out, model_with_dropout
from torch import nn

from lethe.errors import UserError
from lethe.methods.parts.softmask.gates import recorded, scaled
from lethe.methods.parts.softmask.importance import task_loss
from lethe.models.masked_forward import hidden_states
from lethe.models.units import units_of


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


class Gate(nn.Module):
    """A linear module whose input, by heads, or output is multiplied by a parameter of ones."""

    def __init__(self, linear: nn.Linear, units: int, before: bool) -> None:
        super().__init__()
        self.linear, self.before = linear, before
        self.gate = nn.Parameter(torch.ones(units))

    def forward(self, x):
        if not self.before:
            return self.linear(x) * self.gate
        return self.linear((x.unflatten(-1, (len(self.gate), -1)) * self.gate[:, None]).flatten(-2))


def explicit_gates(model) -> dict[str, list[nn.Parameter]]:
    gates = {"heads": [], "intermediate": [], "output": []}
    for layer in model.base_model.encoder.layer:
        places = (layer.attention.output, layer.intermediate, layer.output)
        for (place, found), owner in zip(gates.items(), places, strict=True):
            units = model.config.num_attention_heads if place == "heads" else None
            units = units or owner.dense.out_features
            owner.dense = Gate(owner.dense, units, place == "heads")
            found.append(owner.dense.gate)
    return gates


def test_gradients_of_samples_are_those_of_gate_parameters_on_one_sample_at_a_time():
    members = examples(4)
    (batch,) = lay_out(members)
    assert (batch.document_ids < 0).any()  # some padding
    model = model_with_dropout().eval()
    with recorded(units_of(model)) as gates:
        found = gates.gradients(task_loss(model, batch), batch)
    assert all(parameter.grad is None for parameter in model.parameters())
    parameters = explicit_gates(model)
    for number, example in enumerate(members):
        (single,) = lay_out([example])
        model.zero_grad()
        task_loss(model, single).backward()
        for place, values in parameters.items():
            expected = torch.stack([gate.grad for gate in values])
            assert expected.abs().max() > 1e-4
            torch.testing.assert_close(found[place][number], expected, rtol=1e-3, atol=1e-6)


def test_several_passes_add_up():
    batch, model = batch_of(), model_with_dropout().eval()
    with recorded(units_of(model)) as once:
        single = once.gradients(task_loss(model, batch), batch)
    with recorded(units_of(model)) as twice:
        loss = task_loss(model, batch) + task_loss(model, batch)
        double = twice.gradients(loss, batch)
    torch.testing.assert_close(double["heads"], 2 * single["heads"])


def test_recording_leaves_the_forward_pass_as_it_is_and_no_hook_behind():
    batch, model = batch_of(), model_with_dropout().eval()
    plain = hidden_states(model, batch)
    with recorded(units_of(model)):
        assert torch.equal(hidden_states(model, batch), plain)
    modules = list(model.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in modules)


def test_a_frozen_encoder_has_gate_gradients_too():
    batch, model = batch_of(), model_with_dropout().eval()
    with recorded(units_of(model)) as gates:
        free = gates.gradients(task_loss(model, batch), batch)
    model.requires_grad_(False)
    with recorded(units_of(model)) as gates:
        frozen = gates.gradients(task_loss(model, batch), batch)
    for place, values in free.items():
        torch.testing.assert_close(frozen[place], values)


def test_scaling_by_one_changes_nothing_and_a_head_of_zero_is_a_context_of_zero():
    batch, model = batch_of(), model_with_dropout().eval()
    encoder = units_of(model)
    plain = hidden_states(model, batch)
    with scaled(encoder, importance_of(encoder, 1.0)):
        assert torch.equal(hidden_states(model, batch), plain)
    without = importance_of(encoder, 1.0)
    without["heads"][0, 1] = 0.0
    with scaled(encoder, without):
        found = hidden_states(model, batch)
    weight = encoder.attentions[0].output.weight
    with torch.no_grad():
        weight[:, encoder.head_width :] = 0.0  # of two heads, the second one's columns
    torch.testing.assert_close(found, hidden_states(model, batch))
    assert not torch.allclose(found, plain)


def test_a_layer_of_zeros_before_its_activation():
    batch, model = batch_of(), model_with_dropout().eval()
    encoder = units_of(model)
    with scaled(encoder, importance_of(encoder, 0.0)):
        rows = hidden_states(model, batch)
    assert rows.isfinite().all()


def test_mistakes_are_one_sentence():
    model = model_with_dropout()
    encoder = units_of(model)
    short = importance_of(encoder)
    short["heads"] = short["heads"][:1]
    with pytest.raises(UserError, match=r"importance of heads .*\(2, 2\), found \(1, 2\)"):
        with scaled(encoder, short):
            pass
    with pytest.raises(UserError, match="importance of output .* found nothing"):
        del short["output"]
        short["heads"] = torch.zeros(2, 2)
        with scaled(encoder, short):
            pass
    with recorded(encoder) as gates, pytest.raises(UserError, match="not run"):
        gates.gradients(torch.zeros(()), torch.ones(1, 1))
    model.config.model_type = "unheard-of"
    with pytest.raises(UserError, match="found 'unheard-of'"):
        units_of(model)
    model.config.model_type = "roberta"
    del model.base_model.encoder.layer[1].intermediate.dense
    with pytest.raises(UserError, match=r"layer\.1\.intermediate\.dense"):
        units_of(model)
