"""How long a text a model reads, and the sentence for one that is longer."""

import pytest
import small_nodes
import torch
from plain_reference import FAMILY, random_model
from transformers import AutoConfig

from lethe.data.examples import Example
from lethe.data.pieces import Parts
from lethe.errors import UserError
from lethe.models.kinds import KINDS
from lethe.models.window import require_room, window
from lethe.training.stage import train_stage

UNLIMITED = {name for name, kind in KINDS.items() if kind.positions in ("slopes", "distances")}


def read(model, length: int):
    ids = torch.full((1, length), 5)
    named = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    return model(input_ids=ids, **named).logits


@pytest.mark.parametrize("model_type", FAMILY)
def test_the_window_is_what_the_model_can_read(model_type):
    model = random_model(model_type)
    room = window(model.config)
    if model_type in UNLIMITED:
        assert room is None
        assert torch.isfinite(read(model, 200)).all()
        return
    after_padding = KINDS[model_type].positions == "table after padding"
    assert room == 64 - (model.config.pad_token_id + 1 if after_padding else 0)
    assert torch.isfinite(read(model, room)).all()
    if KINDS[model_type].positions.startswith("table"):
        with pytest.raises((IndexError, RuntimeError)):
            read(model, room + 1)


@pytest.mark.parametrize("model_type", FAMILY)
def test_an_example_longer_than_the_window_is_one_sentence(model_type):
    config = random_model(model_type).config
    room = window(config) or 500
    require_room(config, room)
    if model_type in UNLIMITED:
        return
    with pytest.raises(
        UserError,
        match=f"has {room + 1} tokens, more than the {room} positions .* to at most {room}, ",
    ):
        require_room(config, room + 1)


def longest(target: int, source: int) -> int:
    return Parts([[Example("a", "t", (5,) * target, 0, (5,) * source)]], {}).longest


def test_both_sides_of_an_encoder_decoder_with_a_table_of_positions_are_held_against_it():
    config = AutoConfig.for_model("bart", max_position_embeddings=32)
    require_room(config, longest(32, 32))
    for target, source in ((33, 2), (2, 33)):
        with pytest.raises(UserError, match="has 33 tokens, more than the 32"):
            require_room(config, longest(target, source))


def test_a_stage_whose_examples_do_not_fit_is_refused_and_nothing_is_published(
    tmp_path, monkeypatch
):
    monkeypatch.setitem(small_nodes.CONFIG, "max_position_embeddings", 8)
    small_nodes.make_nodes(tmp_path)
    with pytest.raises(UserError, match="more than the 8 positions of this model"):
        train_stage("long", small_nodes.stage_spec(), tmp_path, "code", 60)
    assert not (tmp_path / "stages" / "long").exists()
    shorter = small_nodes.stage_spec(recipe={"max_length": 8})
    assert train_stage("short", shorter, tmp_path, "code", 60)["examples"] == 20
