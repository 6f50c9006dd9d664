"""Chains of stages with LoRA, in memory and as nodes, for the tests of methods made for it."""

from pathlib import Path

from retention_case import make_stage
from small_nodes import make_nodes, stage_spec

from lethe.methods.contract import Stage
from lethe.parametrisations import lora
from lethe.parametrisations.parameters import Lora
from lethe.training.stage import train_stage


def settings_of(**changes) -> dict:
    return Lora(**{"rank": 4, **changes}).model_dump(mode="json")


def with_adapters(family: str, count: int) -> Stage:
    """The stage after `count` - 1 earlier ones, each of which has an adapter on the network."""
    stage = make_stage(family, index=count)
    names = [f"stage{number}" for number in range(1, count)] + [lora.TRAINED]
    for seed, name in enumerate(names):
        lora.put_on(stage.model, settings_of(chain="one-a-task"), seed, name)
    return stage


def spec_of(method: str, hyper: dict, number: int, chain: str, **recipe) -> dict:
    """The spec of the stage of this number in a chain, from 1."""
    task = ("one", "two")[(number - 1) % 2]
    parent = "base" if number == 1 else f"{method}{number - 1}"
    named = {"method": method, "hyper": hyper, "history": [task] * number}
    how = {"kind": "lora", **settings_of(chain=chain)}
    return stage_spec(task, parent, parametrisation=how, recipe=recipe, **named)


def chain_of(
    results: Path, method: str, hyper: dict, chain: str, stages: int = 2, **recipe
) -> list[Path]:
    """Folders of the checkpoints of a chain; the nodes are made if they are not there."""
    if not (results / "bases").exists():
        make_nodes(results)
    for number in range(1, stages + 1):
        spec = spec_of(method, hyper, number, chain, **recipe)
        train_stage(f"{method}{number}", spec, results, "code", 1e9)
    return [results / "stages" / f"{method}{number}" for number in range(1, stages + 1)]
