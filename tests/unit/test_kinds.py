"""Every claim of every row of the model types, held to transformers' own classes.

Packing, scoring from shared prefixes and how long a text is read have tests of their own, over
the same rows: `test_packing_architectures`, `test_fast_engine`, `test_seq2seq_evaluation`,
`test_window` and `test_units`.
"""

from importlib import import_module
from inspect import signature

import pytest
import torch
from plain_reference import random_model

from lethe.models import masked_forward
from lethe.models.encoder_units import encoder_of
from lethe.models.kinds import BUILT, KINDS, Kind, kind_of
from lethe.parameters.families import family_of_classes

TEXT = torch.tensor([[5, 9, 4, 17, 6, 6, 11, 8]])


def with_fact(fact: str) -> list[str]:
    return [name for name, kind in KINDS.items() if getattr(kind, fact)]


def last_states(model, **more) -> torch.Tensor:
    return model.base_model(input_ids=TEXT, **more).last_hidden_state


@pytest.mark.parametrize("name", KINDS)
def test_the_family_is_what_transformers_builds(name):
    model = random_model(name)
    assert model.config.model_type == name
    assert model.config.is_encoder_decoder == (KINDS[name].family == "seq2seq")
    assert (
        family_of_classes([type(model).__name__], model.config.is_encoder_decoder)
        == KINDS[name].family
    )


@pytest.mark.parametrize("name", BUILT)
def test_the_classes_of_an_architecture_are_those_of_its_model_type(name):
    classes = KINDS[name].built
    module = import_module(classes.module)
    assert getattr(module, classes.config).model_type == name
    assert getattr(module, classes.model) is type(random_model(name))


@pytest.mark.parametrize("name", with_fact("plain_head"))
def test_logits_of_a_plain_head_are_the_output_embeddings_of_the_last_state(name):
    model = random_model(name)
    made = model.get_output_embeddings()(last_states(model))
    torch.testing.assert_close(made, model(input_ids=TEXT).logits, rtol=0, atol=0)


@pytest.mark.parametrize("name", with_fact("head"))
def test_the_named_head_makes_the_logits_of_a_masked_language_model(name):
    model = random_model(name)
    made = masked_forward.head(model)(last_states(model))
    torch.testing.assert_close(made, model(input_ids=TEXT).logits, rtol=0, atol=0)


@pytest.mark.parametrize("name", with_fact("encoder"))
def test_the_layout_of_an_encoder_has_its_units(name):
    model = random_model(name, num_attention_heads=4, intermediate_size=24)
    encoder = encoder_of(model)
    assert encoder.shapes() == {"heads": (2, 4), "intermediate": (2, 24), "output": (2, 16)}
    inputs = {}

    def record(key):
        return lambda module, given: inputs.update({key: given[0]})

    for number, layer in enumerate(encoder.layers):
        for place, module in vars(layer).items():
            module.register_forward_pre_hook(record((number, place)))
    last_states(model)
    for number in range(2):
        query, key, value = (inputs[number, place] for place in ("query", "key", "value"))
        assert query is key is value
        assert inputs[number, "attention_output"].shape[-1] == 16
        assert inputs[number, "output"].shape[-1] == 24


@pytest.mark.parametrize("name", KINDS)
def test_positions_enter_as_the_row_says(name):
    """Relative positions are no input, or can be moved on; a table's change the states."""
    model, positions = random_model(name), KINDS[name].positions
    takes_positions = "position_ids" in signature(type(model.base_model).forward).parameters
    assert takes_positions == (positions not in ("slopes", "distances"))
    if not takes_positions:
        return
    places = torch.arange(TEXT.shape[1])[None]
    start = model.config.pad_token_id + 1 if positions == "table after padding" else 0
    plain = last_states(model, position_ids=places + start)
    torch.testing.assert_close(plain, last_states(model), rtol=1e-5, atol=1e-6)
    moved = last_states(model, position_ids=places + start + 7)
    assert torch.allclose(plain, moved, rtol=1e-4, atol=1e-4) == (positions == "rotary")


def test_an_encoder_whose_head_is_known_has_known_units_and_a_fast_decoder_a_plain_head():
    assert with_fact("head") == with_fact("encoder")
    causal = [name for name in with_fact("shares_prefixes") if KINDS[name].family == "causal"]
    assert set(causal) <= set(with_fact("plain_head"))


def test_a_type_that_is_not_known_claims_nothing():
    assert kind_of("unheard-of") == kind_of(None) == Kind()
    assert not any(vars(Kind()).values())
