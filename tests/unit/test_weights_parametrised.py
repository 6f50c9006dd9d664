"""Methods on weights where a part is trained: an adapter, or all but the embeddings."""

import pytest
import torch
from retention_case import FAMILIES, TRAINING, make_stage, new_model

from lethe.errors import UserError
from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.models.forward import label_logits
from lethe.parametrisations.lora import factors
from lethe.parametrisations.parametrised import parametrisation_of
from lethe.training.loop import train

LORA = {
    "kind": "lora",
    "rank": 2,
    "alpha": 4.0,
    "dropout": 0.0,
    "targets": "all-linear",
    "rslora": False,
    "dora": False,
    "chain": "fresh",
}
FROZEN = {"kind": "frozen", "embeddings": True, "layers": 0}


def part_stage(family: str, spec: dict, method, **changes):
    """A first stage in which a part is trained, trained with a method."""
    how = parametrisation_of(spec)
    stage = make_stage(family)
    stage.model = how.apply(stage.model, 0)
    stage.parametrisation = how
    train(stage, method, {**TRAINING, **changes}, None)
    return stage


def changes(stage) -> dict[str, torch.Tensor]:
    """What every adapter adds to its weight."""
    return {part.place: part.scale * part.up @ part.down for part in factors(stage.model)}


@pytest.mark.parametrize("family", FAMILIES)
def test_wise_ft_of_a_fresh_adapter_is_the_mean_of_the_weights_it_makes(family):
    plain = changes(part_stage(family, LORA, Sequential()))
    found = changes(part_stage(family, LORA, create("wise_ft", {"alpha": 0.25})))
    assert max(change.abs().max() for change in plain.values()) > 1e-4
    for place, change in found.items():
        torch.testing.assert_close(change, 0.25 * plain[place], rtol=1e-4, atol=1e-8)


def test_wise_ft_of_an_adapter_at_zero_is_the_parent_and_at_one_plain():
    stage = part_stage("causal", LORA, create("wise_ft", {"alpha": 0.0}))
    batch = stage.collate(stage.examples)[0]
    stage.model.eval()
    parent = label_logits(new_model("causal").eval(), batch)
    torch.testing.assert_close(label_logits(stage.model, batch), parent)
    plain = part_stage("causal", LORA, Sequential())
    whole = part_stage("causal", LORA, create("wise_ft", {"alpha": 1.0}))
    for one, other in zip(whole.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_wise_ft_refuses_an_adapter_that_rescales_weights():
    with pytest.raises(UserError, match="^WiSE-FT: expected .* found `dora: true`"):
        part_stage("causal", {**LORA, "dora": True}, create("wise_ft", {}))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("name", "hyper"),
    [
        ("l2sp", {"strength": 1.0}),
        ("ema", {"decay": 0.5}),
        ("flow", {}),
        ("kd", {"teacher": "base", "target": "removed"}),
    ],
)
def test_with_an_adapter_the_method_changes_what_is_learned_and_nothing_else(family, name, hyper):
    start = dict(new_model(family).named_parameters())
    plain = part_stage(family, LORA, Sequential(), steps=6)
    stage = part_stage(family, LORA, create(name, hyper), steps=6)
    differs = False
    for (key, one), other in zip(
        stage.model.named_parameters(), plain.model.parameters(), strict=True
    ):
        differs |= not torch.equal(one, other)
        if "lora_" not in key:
            assert torch.equal(one, start[key.replace(".base_layer", "")])
    assert differs


@pytest.mark.parametrize("name", ["task_arithmetic", "ties", "wise_ft", "l2sp", "ema"])
def test_frozen_embeddings_stay_those_of_the_base(name):
    stage = part_stage("causal", FROZEN, create(name, {}))
    start = new_model("causal").get_input_embeddings().weight
    assert torch.equal(stage.model.get_input_embeddings().weight, start)
    moved = [not torch.equal(p, new_model("causal").get_parameter(n)) for n, p in stage.trainable()]
    assert any(moved)


def test_what_a_method_goes_with_may_depend_on_a_value():
    from lethe.methods.parameters.l2sp import L2spParameters

    assert L2spParameters().refused() == {}
    assert L2spParameters(anchor="base").refused().keys() == {"lora", "adapters"}
