"""O-LoRA: the penalty by hand, adapters that share no directions, earlier ones that stay."""

import pytest
import torch
from lora_chains import chain_of, spec_of, with_adapters
from retention_case import FAMILIES, TRAINING, gradients_of, make_stage
from safetensors.torch import load_file
from small_nodes import make_nodes
from stopped_stage import stopped_at

from lethe.errors import UserError
from lethe.methods.registry import create
from lethe.models.adapters import WEIGHTS
from lethe.parametrisations.lora import factors
from lethe.training import loop
from lethe.training.stage import train_stage

LONG = {**TRAINING, "steps": 60, "learning_rate": 1e-2}


def overlaps(model) -> list[torch.Tensor]:
    """A_s A_t^T of every place and earlier adapter, from the definition."""
    by_place: dict[str, dict[str, torch.Tensor]] = {}
    for each in factors(model):
        by_place.setdefault(each.place, {})[each.adapter] = each.down.detach()
    return [
        down @ adapters["default"].T
        for adapters in by_place.values()
        for name, down in adapters.items()
        if name != "default"
    ]


def trained(family: str, **hyper):
    """A third stage, and its progress; earlier adapters are random."""
    stage, method = with_adapters(family, 3), create("olora", hyper)
    stage.steps = 60
    return stage, loop.train(stage, method, LONG, None)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_penalty_is_that_of_the_formula_and_moves_the_new_adapter_alone(family):
    stage = with_adapters(family, 3)
    for norm, size in (("squared", torch.square), ("absolute", torch.abs)):
        method = create("olora", {"weight": 3.0, "norm": norm})
        method.before_stage(stage)
        penalty = method.step_loss(stage)
        expected = 3.0 * sum(float(size(overlap).sum()) for overlap in overlaps(stage.model))
        assert penalty.item() == pytest.approx(expected, rel=1e-5) and expected > 0
        with torch.autocast(penalty.device.type, dtype=torch.bfloat16):
            assert method.step_loss(stage).item() == penalty.item()
    moved = {name for name, g in gradients_of(penalty, stage.model).items() if g.any()}
    assert moved and all("lora_A.default" in name for name in moved)


def test_after_a_stage_adapters_share_no_directions_and_without_the_penalty_they_do():
    sizes, leaks = {}, {}
    for weight in (0.0, 5.0):
        stage, progress = trained("causal", weight=weight)
        sizes[weight] = sum(float(overlap.square().sum()) for overlap in overlaps(stage.model))
        leaks[weight] = progress.leak
    assert sizes[5.0] < 0.01 * sizes[0.0]
    assert leaks[0.0] == {}
    # Adapters of a rank of 4: two earlier ones read at most 8 of 16 or 32 directions.
    assert leaks[5.0]["leak.stage"] < 0.2 < 0.5 < leaks[5.0]["leak.undirected"]


def test_the_share_that_leaks_is_that_of_the_whole_product():
    stage, progress = trained("causal", weight=1e-6)
    held = whole = 0.0
    places: dict[str, list] = {}
    for each in factors(stage.model):
        places.setdefault(each.place, []).append(each)
    for adapters in places.values():
        (adapter,) = [each for each in adapters if each.adapter == "default"]
        change = adapter.up.detach() @ adapter.down.detach()
        rows = torch.cat([each.down.detach() for each in adapters if each is not adapter])
        inside = change @ torch.linalg.pinv(rows) @ rows
        held += float(inside.square().sum())
        whole += float(change.square().sum())
    assert progress.leak["leak.stage"] == pytest.approx((held / whole) ** 0.5, rel=1e-3)
    assert progress.leak["leak.stage"] > 0.3


def test_the_first_stage_is_plain_lora_and_earlier_adapters_stay(tmp_path):
    first, second = chain_of(tmp_path, "olora", {"weight": 5.0}, "one-a-task")
    (plain,) = chain_of(tmp_path, "sequential", {}, "one-a-task", stages=1)
    one, other = load_file(first / WEIGHTS), load_file(plain / WEIGHTS)
    assert all(torch.equal(one[name], other[name]) for name in one)
    stage = make_stage("causal")
    with pytest.raises(UserError, match="'olora' trains adapters, and found none on the model"):
        create("olora", {}).before_stage(stage)
    assert load_file(second / WEIGHTS).keys() == one.keys()


@pytest.mark.parametrize(("method", "chain"), [("olora", "one-a-task"), ("slao", "same")])
def test_a_second_stage_killed_and_gone_on_with_is_the_same(tmp_path, monkeypatch, method, chain):
    make_nodes(tmp_path)
    whole = chain_of(tmp_path, method, {}, chain)[1]
    spec = spec_of(method, {}, 2, chain)
    with stopped_at(6, monkeypatch):
        train_stage("cut", spec, tmp_path, "code", 0.0)
    resumed = train_stage("cut", spec, tmp_path, "code", 1e9)
    one, other = load_file(whole / WEIGHTS), load_file(tmp_path / "stages" / "cut" / WEIGHTS)
    assert all(torch.equal(one[name], other[name]) for name in one)
    if method == "olora":
        assert 0 < resumed["record"]["leak.stage"] < 1
