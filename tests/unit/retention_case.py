"""Stages of every family in memory, for the tests of methods that all families have."""

import torch
from masked_model import masked_model, masked_tokenizer
from seq2seq_model import make_model, some_examples
from small_nodes import CONFIG, RECIPE, WORDS, make_tokenizer

from lethe.data import examples as causal_examples
from lethe.data import masked_examples
from lethe.data.blank import blank_of
from lethe.methods.contract import Stage
from lethe.models.architectures import build
from lethe.models.forward import weighted_loss
from lethe.training.device import training_device
from lethe.training.layout import make_collate
from lethe.training.loop import train

FAMILIES = ["causal", "seq2seq", "masked"]
TRAINING = {**RECIPE, "epochs": None, "steps": 3, "mask_share": 0.3, "micro_batch_rows": 2}


def texts(count: int, first: int) -> list[dict]:
    rows = []
    for number in range(first, first + count):
        words = [WORDS[(number * 5 + place * 3) % len(WORDS)] for place in range(3 + number % 4)]
        rows.append({"id": str(number), "text": " ".join(words)})
    return rows


def make_examples(family: str, count: int = 6, first: int = 0):
    if family == "seq2seq":
        return some_examples()[first : first + count]
    if family == "masked":
        return masked_examples.document_examples(texts(count, first), "t", masked_tokenizer(), 24)
    return causal_examples.document_examples(texts(count, first), "t", make_tokenizer(), 24)


def new_model(family: str):
    torch.set_num_threads(1)
    if family == "causal":
        model = build("llama", CONFIG, make_tokenizer(), 0)
    else:
        model = make_model() if family == "seq2seq" else masked_model()
    return model.to(training_device())


def make_stage(family: str, model=None, parent=None, index: int = 1, earlier=(), **changes):
    """A stage; its parent is a frozen copy of the model, unless another is given.

    Its base is a new model, as the model of a first stage is. All are where stages are trained.
    """
    model = new_model(family) if model is None else model
    tokenizer = masked_tokenizer() if family == "masked" else make_tokenizer()
    parent = new_model(family) if parent is None else parent
    parent.load_state_dict(model.state_dict())
    examples = make_examples(family, 4, 0 if index == 1 else 4)
    recipe = {**TRAINING, **changes}
    return Stage(
        model=model.train(),
        examples=examples,
        load_replayed=lambda: [list(part) for part in earlier],
        load_parent=lambda: parent.eval().requires_grad_(False),
        load_base=lambda: new_model(family).eval().requires_grad_(False),
        collate=make_collate(recipe, tokenizer, family, model.config, 0),
        plain_loss=weighted_loss,
        index=index,
        seed=0,
        steps=3,
        history=["t"] * index,
        family=family,
        batch_size=recipe["batch_size"],
        blank=lambda: blank_of(tokenizer, family, recipe["max_length"]),
    )


def step_loss(method, stage) -> torch.Tensor:
    """The sum of a step's own losses; they are all made first."""
    found = method.step_loss(stage)
    return found if isinstance(found, torch.Tensor) else sum(found)


def two_stages(family: str, make_method, **changes):
    """Train two stages in a chain; the second one's method has the first one's saved state."""
    first, method = make_stage(family, **changes), make_method()
    train(first, method, {**TRAINING, **changes}, None)
    second = make_stage(family, first.model, index=2, earlier=[first.examples], **changes)
    following = make_method()
    following.load_state(method.state())
    train(second, following, {**TRAINING, **changes}, None)
    return second.model, method, following


def gradients_of(loss, model) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def move(model, amount: float = 0.05) -> None:
    """Change every weight, the same way each time."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += amount * torch.randn(parameter.shape, generator=generator)
