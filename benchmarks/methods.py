"""What methods and parametrisations cost beside plain training: `python benchmarks/methods.py`.

Two stages of a chain in memory, on models as small as those of the miniature and with examples as
long as those of instruction data: 16 steps of 8, then 64 with the state that the first left, which
is eight passes over a stage's 64 examples, as many as the miniature takes. A method may work
before, between and after the steps, and the first stage may do what later ones need; so both stages
are measured whole, in CPU seconds of one thread. Every method has a row, with its default
values, and so have some other values of it. Plain training is measured again before every fourth
row; a ratio is to the mean of the plain runs before and after. Prints a Markdown table a model.

With `--leaks` the table is of what the leak meter finds in the second stage of the methods that
protect something, in % of the change (`lethe.training.leak`); the weights are random, the rate is
1e-3 and AdamW's epsilon the usual one.
"""

import argparse
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import nn
from training_shapes import SMALL, Shape, make_examples, make_model
from training_systems import Tokens, recipe_of

from lethe.config.by_file import names_in
from lethe.data.blank import Blank
from lethe.methods.contract import Method, Stage
from lethe.methods.parameters.base import parameters_of
from lethe.methods.registry import create
from lethe.models.forward import weighted_loss
from lethe.parametrisations import lora
from lethe.parametrisations.parameters import KINDS
from lethe.parametrisations.parametrised import parametrisation_of
from lethe.training.layout import make_collate
from lethe.training.loop import train

PLAIN = "sequential"
FULL = {"kind": "full"}
FIRST, SECOND = 16, 64  # steps
EXAMPLES = 64  # of a stage
EVERY = 4  # rows between two measurements of plain training
BEGIN, END = 1, 2  # tokens
_SIZES = {"batch": 8, "micro": 8, "longest": 96, "learning_rate": 1e-3}
MODELS = {
    "decoder": replace(SMALL["llama-miniature"], **_SIZES),
    "encoder-decoder": replace(SMALL["t5-miniature"], **_SIZES),
    "masked model": replace(
        SMALL["roberta, real vocabulary"],
        # DAS compares passes that differ by dropout.
        sizes=SMALL["roberta, real vocabulary"].sizes
        | {"vocab_size": 983, "hidden_dropout_prob": 0.1},
        **_SIZES,
    ),
}
MODELS["decoder"].sizes.update(num_hidden_layers=3, intermediate_size=176)
# Values beside the defaults that cost something else.
OTHER_VALUES = (
    ("kd", {"teacher": "base"}),
    ("self_replay", {"loss": "kl"}),
    ("osf", {"project": "gradient"}),
    ("das", {"mask": "update"}),
    ("das", {"contrast_share": 0.25, "previous": "detached"}),
    ("das", {"contrast_weight": 0.0}),
)
WAYS = (
    {"kind": "lora"},
    {"kind": "lora", "dora": True},
    {"kind": "lora", "chain": "one-a-task"},
    {"kind": "frozen"},
    {"kind": "frozen", "layers": 1},
    {"kind": "adapters"},
)


@dataclass(frozen=True)
class Row:
    """A method with some values, and how parameters are trained."""

    method: str = PLAIN
    hyper: tuple[tuple[str, object], ...] = ()
    way: tuple[tuple[str, object], ...] = tuple(FULL.items())

    def named(self) -> str:
        (_, kind), *settings = self.way
        way = "" if self.way == Row.way else f" with {kind}{_listed(settings)}"
        return f"{self.method}{_listed(self.hyper)}{way}"


def _listed(values) -> str:
    values = [f"{key}: {value}".lower() for key, value in values]
    return f" ({', '.join(values)})" if values else ""


def rows() -> Iterator[Row]:
    """Every method by its file, other values of some, and the parametrisations."""
    for name in names_in("methods"):
        only = parameters_of(name).only_with
        way = dict(zip(("kind", "chain"), only[0].split(":"), strict=False)) if only else FULL
        yield Row(name, way=tuple(way.items()))
        for other, hyper in OTHER_VALUES:
            if other == name:
                yield Row(name, tuple(hyper.items()))
    for way in WAYS:
        yield Row(way=tuple(way.items()))


def make_stage(shape: Shape, model: nn.Module, index: int, base: nn.Module, way: dict) -> Stage:
    """The first or the second stage.

    Its parent is a copy of the network with which it begins, or of the base where adapters are on
    it: one with adapters merged has the base's shapes.
    """
    recipe = recipe_of(shape, FIRST if index == 1 else SECOND, "cpu", packed=True)
    recipe["micro_batch_rows"] = None
    # A text for each row, which some methods for masked models need.
    recipe["unpadded"] = False
    tokens = Tokens(shape.sizes["vocab_size"])
    how = parametrisation_of(way)
    parent = deepcopy(model if how.is_whole else base)
    examples = make_examples(shape, 2 * EXAMPLES)
    own = examples[:EXAMPLES] if index == 1 else examples[EXAMPLES:]
    empty = (END,) if shape.family == "seq2seq" else ()
    blank = Blank(() if empty else (BEGIN,), empty, END, shape.longest)
    return Stage(
        model=model,
        examples=own,
        load_replayed=lambda: [examples[:EXAMPLES]] if index == 2 else [],
        load_parent=lambda: deepcopy(parent).eval().requires_grad_(False),
        load_base=lambda: deepcopy(base).eval().requires_grad_(False),
        collate=make_collate(recipe, tokens, shape.family, model.config),
        plain_loss=weighted_loss,
        index=index,
        seed=0,
        steps=recipe["steps"],
        history=["one", "two"][:index],
        family=shape.family,
        batch_size=shape.batch,
        blank=lambda: blank,
        parametrisation=how,
    )


def measure(shape: Shape, row: Row) -> tuple[list[float], dict[str, float]]:
    """CPU seconds of the first and of the second stage, and what leaked in the second."""
    way = dict(row.way)
    kind = way.pop("kind")
    settings = {"kind": kind, **KINDS[kind](**way).model_dump(mode="json")}
    how, base = parametrisation_of(settings), make_model(shape, "cpu")
    model, state, taken = deepcopy(base), {}, []
    for index in (1, 2):
        if index == 1 or settings.get("chain") == "one-a-task":
            model = begin(deepcopy(base), how, index)
        method = create(row.method, dict(row.hyper))
        if state:
            method.load_state(state)
        stage = make_stage(shape, model, index, base, settings)
        recipe = recipe_of(shape, stage.steps, "cpu", packed=True)
        begun = time.process_time()
        progress = train(stage, method, recipe, None)
        taken.append(time.process_time() - begun)
        model, state = stage.model, method.state()
    return taken, progress.leak


def begin(model: nn.Module, how, index: int) -> nn.Module:
    """The network of a stage: with one adapter a task, the second has the first one's too."""
    if index == 2:
        lora.put_on(model, how.settings, 0, "stage1")
    return how.apply(model, index).train()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--methods", nargs="+", help="all if left out")
    parser.add_argument("--leaks", action="store_true", help="what leaks, not what it costs")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.models:
        shape = MODELS[name]
        chosen = [
            row
            for row in rows()
            if row != Row()
            and shape.family in parameters_of(row.method).families
            and row.method in (arguments.methods or names_in("methods"))
        ]
        (report_leaks if arguments.leaks else report)(name, shape, chosen)


def report_leaks(name: str, shape: Shape, chosen: list[Row]) -> None:
    """A model's table of what leaks, in % of the change."""
    print(f"\n{name}: second stage, {SECOND} steps of {shape.batch}\n")
    print("| method | a step | the stage | undirected |\n|---|---|---|---|")
    for row in chosen:
        leak = measure(shape, row)[1] if protects(row.method) else {}
        if leak:
            shares = (100 * leak[f"leak.{what}"] for what in ("step", "stage", "undirected"))
            print(f"| {row.named()} | {' | '.join(f'{s:.1f}' for s in shares)} |", flush=True)


def protects(name: str) -> bool:
    """Whether a method says what it protects."""
    return type(create(name, {})).protected is not Method.protected


def report(name: str, shape: Shape, chosen: list[Row]) -> None:
    """A model's table: seconds of both stages, and what they are of plain training's."""
    print(f"\n{name}: first stage of {FIRST} steps of {shape.batch}, second of {SECOND}\n")
    print("| method | first stage, CPU-s | of plain | second stage, CPU-s | of plain |")
    print("|---|---|---|---|---|")
    plain = [measure(shape, Row())[0]]
    for start in range(0, len(chosen), EVERY):
        some = chosen[start : start + EVERY]
        taken = [measure(shape, row)[0] for row in some]
        plain.append(measure(shape, Row())[0])
        around = [(a + b) / 2 for a, b in zip(*plain[-2:], strict=True)]
        for row, seconds in zip(some, taken, strict=True):
            first, second = (t / p for t, p in zip(seconds, around, strict=True))
            cells = f"{seconds[0]:.2f} | {first:.2f} | {seconds[1]:.2f} | {second:.2f}"
            print(f"| {row.named()} | {cells} |", flush=True)
    first, second = (f"{min(s):.2f} to {max(s):.2f}" for s in zip(*plain, strict=True))
    print(f"| {PLAIN}, {len(plain)} times | {first} | 1 | {second} | 1 |")


if __name__ == "__main__":
    main()
