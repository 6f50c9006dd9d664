"""A step of every method has the same loss and gradients packed as in plain padded, eager rows."""

import pytest
import torch
from plain_reference import (
    FAMILY,
    LENGTHS,
    RECIPE,
    SEED,
    farthest,
    fast_twin,
    random_model,
    some_examples,
    tokenizer_of,
)

from lethe.config.by_file import names_in
from lethe.data.blank import blank_of
from lethe.methods.contract import Method, Stage
from lethe.methods.parameters.base import MASKED, parameters_of
from lethe.methods.registry import create
from lethe.models.forward import weighted_loss
from lethe.training.layout import make_collate
from lethe.training.loop import add_gradients

# Every method trains on packed and on padded rows.
pytestmark = pytest.mark.slow

HYPER = {
    "hat": {"layers": "all"},
    "kd": {"temperature": 2.0},
    "derpp": {"capacity": 4},
    "replay": {"ratio": 1.0},
    "self_replay": {"loss": "kl", "samples": 6, "max_length": 20},
    # Dropout, which the first importance is made with by default, is drawn by row.
    "das": {"initialise": "domain"},
}
EVERY_FAMILY = ("sequential", "ewc", "kd", "derpp", "replay", "agem")
EVERY_FAMILY += ("ema", "flow", "l2sp", "osf", "osf_peft", "row_rule", "task_arithmetic")
EVERY_FAMILY += ("ties", "wise_ft")
WITHOUT_MASKS = ("self_replay",)
ON_ENCODERS = [
    name
    for name in names_in("methods")
    if parameters_of(name).families == MASKED and not parameters_of(name).one_text_a_row
]
CASES = [(method, model_type) for method in EVERY_FAMILY for model_type in FAMILY]
CASES += [
    (method, model_type)
    for method in WITHOUT_MASKS
    for model_type, family in FAMILY.items()
    if family != "masked"
]
# PEFT's OSF does not know the layers of GPT-2.
CASES.remove(("osf_peft", "gpt2"))
# DAS tells texts apart by row in masked language models.
CASES += [("das", model_type) for model_type in FAMILY if FAMILY[model_type] != "masked"]
CASES += [(method, model_type) for method in ON_ENCODERS for model_type in ("roberta", "bert")]
PLAIN = {"packed": False, "unpadded": False}


def second_stage(model, recipe: dict, index: int = 2) -> Stage:
    family = FAMILY[model.config.model_type]
    # The parent, which KD stays near, is another network.
    parent = fast_twin(random_model(model.config.model_type))
    with torch.no_grad():
        for parameter in parent.parameters():
            parameter.mul_(0.9)
    parent.config._attn_implementation = model.config._attn_implementation
    base = fast_twin(random_model(model.config.model_type))
    base.config._attn_implementation = model.config._attn_implementation
    return Stage(
        model=model,
        examples=some_examples(family),
        load_replayed=lambda: [some_examples(family)],
        load_parent=lambda: parent.eval(),
        load_base=lambda: base.eval(),
        collate=make_collate(recipe, tokenizer_of(family), family, model.config, SEED),
        plain_loss=weighted_loss,
        index=index,
        seed=0,
        steps=4,
        step=1,
        history=["one", "two"][:index],
        family=family,
        batch_size=len(LENGTHS),
        blank=lambda: blank_of(tokenizer_of(family), family, recipe["max_length"]),
    )


def step(method: Method, stage: Stage) -> tuple[torch.Tensor, dict, int]:
    """Loss, gradients and rows of a step."""
    method.before_stage(stage)
    stage.extra = method.extra
    stage.model.eval()
    batches = stage.collate(stage.examples, stage.step)
    loss = sum(add_gradients(stage, method, {"dtype": "float32"}, batches))
    method.after_backward(stage)
    return loss, stage.gradients(), sum(len(batch.input_ids) for batch in batches)


@pytest.mark.parametrize(("name", "model_type"), CASES)
def test_a_packed_step_of_a_method_is_a_plain_step(name, model_type):
    plain = random_model(model_type)
    earlier = create(name, HYPER.get(name, {}))
    first = second_stage(fast_twin(plain), {**RECIPE, **PLAIN}, index=1)
    step(earlier, first)
    earlier.after_stage(first)
    # Weights have moved since the first stage, so that penalties on moving are there.
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.mul_(1.05)
    model = fast_twin(plain)
    methods = [create(name, HYPER.get(name, {})) for _ in range(2)]
    for method in methods:
        method.load_state({key: value.clone() for key, value in earlier.state().items()})
    loss, gradients, rows = step(methods[0], second_stage(model, RECIPE))
    wanted, reference, plain_rows = step(methods[1], second_stage(plain, {**RECIPE, **PLAIN}))
    assert model.config._attn_implementation != "eager" or model_type == "bloom"
    assert rows < plain_rows
    torch.testing.assert_close(loss, wanted, rtol=1e-5, atol=0)
    assert gradients.keys() == reference.keys()
    assert farthest(gradients, reference) < 1e-5


def test_the_methods_tested_in_every_family_are_those_that_are_planned_for_every_family():
    others = {name for name in names_in("methods") if parameters_of(name).families != MASKED}
    # Those made for LoRA add nothing that depends on a batch.
    others -= {name for name in others if parameters_of(name).only_with}
    every = {name for name in others if parameters_of(name).families >= MASKED}
    assert {*EVERY_FAMILY, "das"} == every
    assert set(WITHOUT_MASKS) == others - every
