"""Chains of stages that look back, interrupted and whole, in memory and on disk."""

import pytest
import torch
from retention_case import FAMILIES, TRAINING, make_stage, new_model
from safetensors.torch import load_file
from small_nodes import make_nodes, stage_spec

from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.training import loop, snapshot_pace
from lethe.training.loop import train
from lethe.training.snapshots import Snapshots
from lethe.training.stage import train_stage

# Every method trains stages of every family, twice over.
pytestmark = pytest.mark.slow

WRITTEN = {"samples": 6, "max_length": 12}
METHODS = {
    "replay": ("replay", {"ratio": 0.4}),
    "agem": ("agem", {"replayed": 3}),
    "derpp": ("derpp", {"replayed": 3, "capacity": 5}),
    "self-replay": ("self_replay", WRITTEN),
    "self-replay-kl": ("self_replay", {**WRITTEN, "loss": "kl"}),
}
RECIPE = {**TRAINING, "steps": 6}
CASES = [
    (entry, family)
    for entry in METHODS
    for family in FAMILIES
    if family != "masked" or METHODS[entry][0] != "self_replay"
]


@pytest.fixture
def stop(monkeypatch):
    """Stop a stage before its fourth step, and let the next one be."""
    take_step, stopped = loop.take_step, []

    def stopping(stage, *rest):
        if stage.step == 3 and not stopped:
            stopped.append(True)
            raise KeyboardInterrupt
        take_step(stage, *rest)

    monkeypatch.setattr(snapshot_pace, "LARGEST_SHARE", 1.0)
    monkeypatch.setattr(loop, "take_step", stopping)


def stage_at(family: str, index: int, weights: dict):
    """A first stage, or a second one from weights; six steps of it."""
    model = new_model(family)
    earlier = [] if index == 1 else [make_stage(family).examples]
    if index == 2:
        model.load_state_dict(weights)
    stage = make_stage(family, model, index=index, earlier=earlier)
    stage.steps = RECIPE["steps"]
    return stage


def bits(stage, method) -> list[torch.Tensor]:
    """All that a stage leaves behind."""
    return [*stage.model.parameters(), *method.state().values(), *method.record().values()]


@pytest.mark.parametrize(("entry", "family"), CASES)
@pytest.mark.parametrize("index", [1, 2])
def test_an_interrupted_stage_ends_as_a_whole_one(entry, family, index, tmp_path, stop):
    name, hyper = METHODS[entry]
    before = make_stage(family)
    state: dict = {}
    if index == 2:
        method = create(name, hyper)
        # Three steps, so that nothing stops it.
        train(before, method, TRAINING, None)
        state = method.state()
    weights = before.model.state_dict()
    ends = []
    snapshots = Snapshots(tmp_path, {}, 0.0)
    for attempt in range(3):
        stage, method = stage_at(family, index, weights), create(name, hyper)
        method.load_state({key: value.clone() for key, value in state.items()})
        if attempt == 0:
            with pytest.raises(KeyboardInterrupt):
                train(stage, method, RECIPE, snapshots)
            assert snapshots.path.exists()
            continue
        progress = train(stage, method, RECIPE, snapshots if attempt == 1 else None)
        ends.append((bits(stage, method), progress.replayed, progress.rows))
    for one, other in zip(ends[0][0], ends[1][0], strict=True):
        assert torch.equal(one, other)
    assert ends[0][1:] == ends[1][1:]
    assert (ends[0][1][0] > 0) == (index == 2 or name == "self_replay")


def chain(results, entry: str) -> list[dict]:
    """Manifests of two stages on disk."""
    name, hyper = METHODS.get(entry, (entry, {}))
    named = {"method": name, "hyper": hyper, "base": "base", "base_kind": "base"}
    first = stage_spec("one", **named)
    later = {"earlier": [first["mixture"]], "history": ["one", "two"]}
    second = stage_spec("two", f"{entry}-1", **named, **later)
    specs = {f"{entry}-1": first, f"{entry}-2": second}
    return [train_stage(node, spec, results, "code", 1e9) for node, spec in specs.items()]


@pytest.mark.parametrize("entry", METHODS)
def test_a_chain_on_disk_is_another_than_plain_training_and_says_what_it_replayed(entry, tmp_path):
    make_nodes(tmp_path)
    made, plain = chain(tmp_path, entry), chain(tmp_path, "sequential")
    written = METHODS[entry][0] == "self_replay"
    assert (made[0]["replayed"] > 0) == written
    assert made[1]["replayed"] > 0 == plain[1]["replayed"]
    assert made[1]["tokens"] == plain[1]["tokens"]
    every = made[1]["tokens"] + made[1]["replayed"]
    assert made[1]["flops"] == 6 * made[1]["parameters"] * every
    ends = [
        load_file(tmp_path / "stages" / f"{e}-2" / "model.safetensors")
        for e in (entry, "sequential")
    ]
    assert any(not torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    if written:
        states = [
            load_file(tmp_path / "stages" / f"{entry}-{n}" / "method_state.safetensors")
            for n in (1, 2)
        ]
        assert torch.equal(states[0]["tokens"], states[1]["tokens"])


def test_a_chain_on_a_derived_base_begins_with_its_own_first_stage(tmp_path):
    """The base was trained on task one; of that nothing is stored, and nothing is replayed."""
    make_nodes(tmp_path)
    train_stage("derived", stage_spec("one"), tmp_path, "code", 1e9)
    for name, hyper in METHODS.values():
        known = {"before": 1, "history": ["one", "two"], "base": "derived", "base_kind": "stage"}
        spec = stage_spec("two", "derived", method=name, hyper=hyper, **known)
        made = train_stage(f"{name}-{len(hyper)}", spec, tmp_path, "code", 1e9)
        assert (made["replayed"] > 0) == (name == "self_replay")


def test_an_encoder_decoders_replayed_tokens_cost_what_their_side_costs():
    stage = make_stage("seq2seq", index=2, earlier=[make_stage("seq2seq").examples])
    progress = train(stage, create("replay", {"ratio": 1.0}), TRAINING, None)
    tokens, encoded = progress.replayed
    assert 0 < encoded < tokens
    plain = train(make_stage("seq2seq"), Sequential(), TRAINING, None)
    assert plain.encoder_tokens > 0 == sum(plain.replayed)
