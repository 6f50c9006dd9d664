"""What an adapter is put on, and what its checkpoint can hold: nothing wrong goes unsaid."""

import pytest
import torch
from small_nodes import make_nodes, stage_spec

from lethe.artefacts.manifests import publish, read_manifest
from lethe.errors import UserError
from lethe.models.loading import load_model
from lethe.parametrisations import bottleneck, composed, lora
from lethe.parametrisations.parameters import Adapters, Lora
from lethe.parametrisations.parametrised import parametrisation_of
from lethe.training.stage import train_stage

HOWS = {
    "same": {"kind": "lora", **Lora(rank=4).model_dump(mode="json")},
    "fresh": {"kind": "lora", **Lora(rank=4, chain="fresh").model_dump(mode="json")},
    "one-a-task": {"kind": "lora", **Lora(rank=4, chain="one-a-task").model_dump(mode="json")},
    "adapters": {"kind": "adapters", **Adapters().model_dump(mode="json")},
}


def other_weights_as_they_were_made(folder):
    """A base with other weights and a whole record of them, as when it was made elsewhere."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    save_file({k: 1.5 * v for k, v in weights.items()}, folder / "model.safetensors")
    record = read_manifest(folder / "base.json")
    kept = {k: v for k, v in record.items() if k not in ("id", "files", "changed", "content")}
    publish(folder, "base.json", kept, list(record["files"]))


@pytest.mark.parametrize("how", HOWS)
def test_an_adapter_is_not_put_on_other_weights_than_those_it_was_trained_on(tmp_path, how):
    make_nodes(tmp_path)
    chosen = {"parametrisation": HOWS[how]}
    train_stage("first", stage_spec(**chosen), tmp_path, "code", 1e9)
    more = {**chosen, "history": ["one", "two"]}
    train_stage("second", stage_spec("two", "first", **more), tmp_path, "code", 1e9)
    folder = tmp_path / "stages" / "second"
    assert composed.load_checkpoint(folder) is not None
    other_weights_as_they_were_made(tmp_path / "bases" / "base")
    for load in (
        lambda: composed.load_checkpoint(folder),
        lambda: parametrisation_of(HOWS[how]).start(folder, 0),
    ):
        with pytest.raises(UserError, match="its adapter was trained on the weights [0-9a-f]{12}"):
            load()


@pytest.mark.parametrize("kept", ["lora", "adapters"])
def test_numbers_that_the_kept_type_cannot_hold_are_refused(tmp_path, kept):
    make_nodes(tmp_path)
    how = parametrisation_of(HOWS["same" if kept == "lora" else kept])
    model = how.apply(load_model(tmp_path / "bases" / "base", "float32"), 0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.fill_(1e6)
    save = {"lora": lambda: lora.save(model, tmp_path, "base", torch.float16)}
    save["adapters"] = lambda: bottleneck.save(model, tmp_path, torch.float16)
    with pytest.raises(UserError, match="more than `kept_dtype: float16` can hold"):
        save[kept]()


def test_lengths_of_dora_are_those_of_one_adapter():
    """With one a task, what was trained would be another network than what is merged."""
    with pytest.raises(ValueError, match="`chain: same` or `fresh` with `dora`"):
        Lora(dora=True, chain="one-a-task")
    assert Lora(dora=True, chain="fresh").dora


def test_a_dropout_of_everything_is_refused():
    with pytest.raises(ValueError, match="less than 1"):
        Lora(dropout=1.0)
