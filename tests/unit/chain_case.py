"""Chains of two domains by a method with gated adapters, whole and interrupted."""

from pathlib import Path

import pytest
from adapter_case import make_nodes
from small_nodes import stage_spec

from lethe.training import loop
from lethe.training.stage import train_stage

RECIPE = {"mask_share": 0.3, "epochs": 4.0, "batch_size": 8, "weight_decay": 0.1}


def spec_of(method: str, hyper: dict, domain: str) -> dict:
    parent, history = {"one": ("base", ["one"]), "two": ("first", ["one", "two"])}[domain]
    named = {"method": method, "hyper": hyper, "history": history, "family": "masked"}
    return stage_spec(domain, parent, recipe=RECIPE, **named)


def chain(results: Path, method: str, hyper: dict) -> tuple[Path, Path]:
    """Folders of the checkpoints after the domains `one` and `two`."""
    make_nodes(results)
    for stage, domain in (("first", "one"), ("second", "two")):
        train_stage(stage, spec_of(method, hyper, domain), results, "code", 60)
    return results / "stages" / "first", results / "stages" / "second"


def interrupted(results: Path, method: str, hyper: dict, monkeypatch) -> Path:
    """Folder of the second stage of a chain, stopped at its fourth step and gone on with."""
    take_step = loop.take_step

    def stop_at_the_fourth(stage, *arguments):
        if stage.step == 3:
            raise KeyboardInterrupt
        take_step(stage, *arguments)

    spec = spec_of(method, hyper, "two")
    with monkeypatch.context() as patch:
        patch.setattr(loop, "take_step", stop_at_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            train_stage("stopped", spec, results, "code", 0)
    train_stage("stopped", spec, results, "code", 60)
    return results / "stages" / "stopped"
