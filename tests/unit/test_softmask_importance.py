"""Importances: per-sample means, the KL proxy, normalisation and accumulation."""

import pytest
import torch
from softmask_case import batch_of, examples, lay_out, model_with_dropout

from lethe.errors import UserError
from lethe.methods.parts.softmask import importance as importances
from lethe.methods.parts.softmask.importance import (
    divergence,
    gate_importance,
    normalised,
    task_loss,
)
from lethe.models.units import units_of

PROXY = {"axis": "hidden", "dropout": True, "signed": False}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def of_domain(model, batches, **changes):
    settings = {"original": False, "dropout": False, "signed": False} | changes
    return importances.domain_importance(model, batches, **settings)


def test_the_mean_of_absolute_values_does_not_depend_on_how_samples_are_batched():
    model, members = model_with_dropout(), examples(6)
    together = of_domain(model, lay_out(members))
    apart = of_domain(model, [lay_out([example])[0] for example in members])
    signed = of_domain(model, lay_out(members), signed=True)
    for place, values in together.items():
        torch.testing.assert_close(values, apart[place], rtol=1e-3, atol=1e-6)
        assert (values >= signed[place].abs() - 1e-7).all()
        assert values.shape == units_of(model).shapes()[place]
    assert (signed["output"] < 0).any()
    assert model.training  # as it was


def test_the_unmasked_input_is_another_task():
    model, batches = model_with_dropout(), lay_out(examples(6))
    masked, original = of_domain(model, batches), of_domain(model, batches, original=True)
    assert not torch.allclose(masked["output"], original["output"])


def test_divergence_against_a_double_loop():
    torch.manual_seed(0)
    first, second = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    tokens = torch.tensor([[True, True, False], [True, True, True]])
    hidden = position = 0.0
    for b in range(2):
        length = int(tokens[b].sum())
        p, q = first[b, :length].double(), second[b, :length].double()
        for place in range(length):
            a, c = p[place].softmax(0), q[place].softmax(0)
            hidden += float(sum(a[i] * (a[i] / c[i]).log() for i in range(4)))
        for unit in range(4):
            a, c = p[:, unit].softmax(0), q[:, unit].softmax(0)
            position += float(sum(a[i] * (a[i] / c[i]).log() for i in range(length)))
    assert divergence(first, second, 2, tokens).item() == pytest.approx(hidden, rel=1e-4)
    assert divergence(first, second, 1, tokens).item() == pytest.approx(position, rel=1e-4)


@pytest.mark.parametrize("axis", ["hidden", "vocabulary", "position"])
def test_the_proxy_lives_on_dropout(axis):
    model, batch = model_with_dropout(), batch_of()
    torch.manual_seed(0)
    found = importances.proxy_importance(model, [batch], **(PROXY | {"axis": axis}))
    still = importances.proxy_importance(
        model, [batch], **(PROXY | {"axis": axis, "dropout": False})
    )
    assert importances.proxy_loss(model.eval(), batch, axis).abs() < 1e-6
    for place, values in found.items():
        assert values.isfinite().all() and (values >= 0).all()
        assert still[place].max() < 1e-4 * values.max()


def test_without_dropout_in_the_model_the_proxy_is_refused():
    model = model_with_dropout()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    with pytest.raises(UserError, match="no dropout"):
        importances.proxy_importance(model, [batch_of()], **PROXY)


def test_normalisation_by_hand_and_constant_layers():
    values = {"heads": torch.tensor([[1.0, 2.0, 3.0], [0.1, 0.1, 0.1], [0.0, 0.0, 0.0]])}
    found = normalised(values, "absolute")["heads"]
    high = torch.tensor(1.0).tanh()  # mean 2, standard deviation 1 (n - 1 in the denominator)
    torch.testing.assert_close(found[0], torch.stack([high, torch.tensor(0.0), high]))
    assert torch.equal(found[1:], torch.zeros(2, 3))
    one_sided = normalised(values, "positive")["heads"]
    torch.testing.assert_close(one_sided[0], torch.stack([high * 0, high * 0, high]))
    assert torch.equal(
        normalised({"heads": torch.ones(2, 1)}, "absolute")["heads"], torch.zeros(2, 1)
    )
    torch.testing.assert_close(
        normalised({"heads": 1e-7 * values["heads"]}, "absolute")["heads"], found
    )


def test_the_accumulated_importance_only_grows_and_is_the_maximum():
    torch.manual_seed(0)
    terms = [{"heads": torch.rand(2, 4)} for _ in range(4)]
    total = None
    for term in terms:
        after = importances.accumulated(total, term)
        assert total is None or (after["heads"] >= total["heads"]).all()
        total = after
    expected = torch.stack([term["heads"] for term in terms]).amax(0)
    assert torch.equal(total["heads"], expected)


def test_no_sample_and_a_diverged_model_are_one_sentence():
    model = model_with_dropout()
    with pytest.raises(UserError, match="at least one sample"):
        of_domain(model, [])
    with pytest.raises(UserError, match="not finite"):
        gate_importance(units_of(model), [batch_of()], lambda b: task_loss(model, b) * float("nan"))
