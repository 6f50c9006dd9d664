"""Methods that look back, where only an adapter or a part of the network is trained."""

import pytest
import torch
from retention_case import TRAINING, make_stage, new_model
from safetensors.torch import load_file
from small_nodes import make_nodes, stage_spec
from test_replay_chains import CASES, METHODS

from lethe.methods.registry import create
from lethe.parametrisations.parameters import Lora
from lethe.parametrisations.parametrised import parametrised
from lethe.training.loop import train
from lethe.training.stage import train_stage

# Every method trains stages of every family, with each parametrisation.
pytestmark = pytest.mark.slow

LORA = {"kind": "lora", **Lora(rank=4, alpha=8.0).model_dump(mode="json")}
OFF = {
    "replay": {"weight": 0.0},
    "agem": {"project": False},
    "derpp": {"alpha": 0.0, "beta": 0.0},
    "self_replay": {"weight": 0.0},
}
HOW = {
    "lora": LORA,
    "frozen": {"kind": "frozen", "embeddings": True, "layers": 1},
    "adapters": {"kind": "adapters", "bottleneck": 4, "reduction": 16},
}


def second(family: str, how: str, name: str, hyper: dict):
    """Weights by name after a second stage, and which of them are trained."""
    first = make_stage(family)
    before = create(name, hyper)
    before.before_stage(first)
    before.after_stage(first)
    stage = make_stage(family, new_model(family), index=2, earlier=[first.examples])
    parametrised(stage.model, HOW[how], 0)
    stage.model.train()
    stage.steps = 12
    method = create(name, hyper)
    method.load_state(before.state())
    start = {name: p.detach().clone() for name, p in stage.model.named_parameters()}
    trained = {name for name, _ in stage.trainable()}
    train(stage, method, {**TRAINING, "steps": 12}, None)
    return start, dict(stage.model.named_parameters()), trained, method


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(("entry", "family"), CASES)
def test_what_is_trained_is_changed_otherwise_than_plainly_and_the_rest_not_at_all(
    entry, family, how
):
    name, hyper = METHODS[entry]
    start, end, trained, method = second(family, how, name, hyper)
    _, plain, *_ = second(family, how, "sequential", {})
    assert 0 < len(trained) < len(start)
    for key, weights in end.items():
        assert torch.equal(weights, start[key]) or key in trained
    # A-GEM leaves a step alone unless it would forget.
    acts = name != "agem" or method.counts[0] > 0
    assert any(not torch.equal(end[key], plain[key]) for key in trained) == acts
    assert name != "agem" or method.counts[1] == 12


@pytest.mark.parametrize("chain", ["same", "fresh", "one-a-task"])
@pytest.mark.parametrize("entry", METHODS)
def test_a_chain_of_adapters_on_disk_keeps_what_the_method_needs(entry, chain, tmp_path):
    make_nodes(tmp_path)
    name, hyper = METHODS[entry]
    how = {"parametrisation": {**LORA, "chain": chain}}
    named = {"method": name, "hyper": hyper, "base": "base", "base_kind": "base", **how}
    first = stage_spec("one", **named)
    later = {"earlier": [first["mixture"]], "history": ["one", "two"]}
    train_stage("first", first, tmp_path, "code", 1e9)
    made = train_stage(
        "second", stage_spec("two", "first", **named, **later), tmp_path, "code", 1e9
    )
    off = {**named, "hyper": {**hyper, **OFF[name]}}
    train_stage("off", stage_spec("two", "first", **off, **later), tmp_path, "code", 1e9)
    assert made["replayed"] > 0
    frozen = made["parameters"]
    tokens = made["tokens"] + made["replayed"]
    assert 4 * frozen * tokens < made["flops"] < 6 * (frozen + made["trained"]) * tokens
    folders = [tmp_path / "stages" / node for node in ("second", "off")]
    adapters = [load_file(folder / "adapter_model.safetensors") for folder in folders]
    acts = name != "agem" or made["record"]["agem.projected"] > 0
    assert any(not torch.equal(adapters[0][key], adapters[1][key]) for key in adapters[0]) == acts
