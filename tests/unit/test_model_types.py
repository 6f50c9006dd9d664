"""Methods that must know where a model's units are: refused before any job where they are not."""

import numpy as np
import pytest
from safetensors.numpy import save_file
from test_plan import plan_of

from lethe.config.catalogue import Catalogue, MethodEntry
from lethe.config.reading import CATALOGUE, read_yaml
from lethe.errors import UserError
from lethe.planning.model_types import unknown_types

ENTRIES = Catalogue(
    methods={
        name: MethodEntry(**entry) for name, entry in read_yaml(CATALOGUE / "methods.yaml").items()
    }
)


def imported(folder, model_type: str, method: str, family: str = "causal") -> dict:
    """A study of one method on a folder whose configuration states this type."""
    folder.mkdir()
    (folder / "config.json").write_text(f'{{"model_type": "{model_type}"}}')
    save_file({"a.weight": np.zeros((3, 4))}, folder / "model.safetensors")
    mine = {"family": family, "import": str(folder)}
    return {"models": ["mine"], "define": {"models": {"mine": mine}}, "methods": [method]}


def on_domains(study: dict) -> dict:
    return study | {"orders": ["only-acl"], "recipe": "domains", "probes": ["domains"]}


@pytest.mark.parametrize(
    ("model_type", "method", "family", "words"),
    [
        ("gptj", "das-update", "causal", "units are known (bert, bloom, "),
        ("deberta", "das", "masked", "units are known (bert, bloom, "),
        ("deberta", "hat", "masked", "heads and neurons of an encoder are known (bert, "),
        ("deberta", "prompt", "masked", "heads and neurons of an encoder are known (bert, "),
    ],
)
def test_a_type_whose_units_are_not_known_is_refused(tmp_path, model_type, method, family, words):
    study = imported(tmp_path / "model", model_type, method, family)
    with pytest.raises(UserError) as caught:
        plan_of(**(on_domains(study) if family == "masked" else study))
    said = str(caught.value)
    assert said.startswith(f"methods.{method}: needs a model type whose {words}")
    assert f"found {model_type!r}" in said


def test_a_known_type_and_a_method_that_asks_for_none_are_planned(tmp_path):
    assert plan_of(**imported(tmp_path / "known", "llama", "das-update")).runs
    assert plan_of(**imported(tmp_path / "other", "gptj", "ewc")).runs


def test_of_a_model_that_is_not_fetched_yet_a_note_says_that_it_is_not_known():
    hub = {"family": "causal", "hub": "someone/model", "revision": "a" * 40, "params": 1e9}
    study = {"models": ["theirs"], "define": {"models": {"theirs": hub}}}
    plan = plan_of(**study, methods=["das-update", "ewc"], seeds={"train": [0, 1]})
    (note,) = unknown_types(ENTRIES, plan)
    assert note.startswith("methods.das-update: ") and "of theirs it is not known" in note
    assert not list(unknown_types(ENTRIES, plan_of(methods=["das-update"])))
