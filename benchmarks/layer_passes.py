"""A pass with a layer an operation, beside transformers': `python benchmarks/layer_passes.py`.

LLaMA, T5, and LLaMA with LoRA by PEFT; `--only` takes the networks whose names begin so.

The same packed batch forward and backward, the two passes in turn; processor milliseconds, medians
and ranges of `--repeats`, and what autograd keeps for the backward pass. Losses have to agree.
"""

import argparse
import statistics
import time

import torch
from training_shapes import SMALL, Shape, _llama, _t5, make_examples, make_model
from transformers import MT5Config, MT5ForConditionalGeneration, T5Config
from transformers import T5ForConditionalGeneration as T5

from lethe.data import batches, seq2seq_batches
from lethe.models import forward, llama_forward, t5_forward
from lethe.parametrisations.parameters import Lora
from lethe.parametrisations.parametrised import parametrised

SHAPES = {
    "llama, width 64, 3 layers": _llama(64, 3, 2, 176, 983),
    "llama, width 256, 4 layers": SMALL["llama-small"],
    "llama, width 512, 6 layers": _llama(512, 6, 8, 1376, 8000),
    "t5, width 64, 2 + 2 layers": _t5(T5Config, T5, 64, 176, 2, 4, 983),
    "mt5 (gated), width 256, 4 + 4 layers": _t5(
        MT5Config, MT5ForConditionalGeneration, 256, 688, 4, 4, 8000
    ),
    "lora: llama, width 64, 3 layers": _llama(64, 3, 2, 176, 983),
    "lora: llama, width 128, 3 layers": _llama(128, 3, 2, 352, 983),
    "lora: t5, width 64, 2 + 2 layers": _t5(T5Config, T5, 64, 176, 2, 4, 983),
}
LORA = {"kind": "lora", **Lora().model_dump(mode="json")}
OWN = {"causal": llama_forward, "seq2seq": t5_forward}
APPLIES = {family: module.applies for family, module in OWN.items()}
PASSES = ("transformers", "a layer an operation")


def take(system: str, family: str) -> None:
    """Let a family's passes go through transformers, or layer by layer."""
    stock = system == "transformers"
    OWN[family].applies = (lambda model: False) if stock else APPLIES[family]


def network(name: str, shape: Shape) -> torch.nn.Module:
    model = make_model(shape, "cpu")
    if not name.startswith("lora"):
        return model
    parametrised(model, LORA, 0)
    with torch.no_grad():
        for place, parameter in model.named_parameters():
            if "lora_B" in place:
                parameter.normal_(0.0, 0.02)
    return model


def laid_out(shape: Shape, examples: list) -> batches.Batch:
    settings = {"packed": True, "normalisation": "token", "pad_token": 0}
    if shape.family == "seq2seq":
        return seq2seq_batches.collate(examples, start_token=0, **settings)[0]
    return batches.collate(examples, width=96, **settings)[0]


def pass_of(model, batch) -> tuple[float, float]:
    """Milliseconds of a forward and backward pass, and its loss."""
    begun = time.process_time()
    loss = forward.weighted_loss(model, batch)
    loss.backward()
    return 1e3 * (time.process_time() - begun), loss.item()


def kept(model, batch) -> float:
    """MB of storages that autograd keeps, parameters left out."""
    owned = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    found = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in owned:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = forward.weighted_loss(model, batch)
    del loss
    return sum(found.values()) / 1e6


def measure(name: str, repeats: int, size: int) -> None:
    shape = SHAPES[name]
    model = network(name, shape)
    batch = laid_out(shape, make_examples(shape, size))
    took, losses, memory = {n: [] for n in PASSES}, {}, {}
    for repeat in range(repeats + 1):
        for system in PASSES:
            take(system, shape.family)
            spent, losses[system] = pass_of(model, batch)
            if repeat:
                took[system].append(spent)
            model.zero_grad()
    for system in PASSES:
        take(system, shape.family)
        memory[system] = kept(model, batch)
    first, second = losses.values()
    if abs(first - second) > 1e-6 * abs(first):
        raise SystemExit(f"{name}: losses {losses}: other work")
    stock = statistics.median(took["transformers"])
    parameters = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    for system, spent in took.items():
        middle = statistics.median(spent)
        print(
            f"| {name}, {parameters:.1f}M, {list(batch.input_ids.shape)}, "
            f"{len(batch.targets)} labels | {system} | {middle:.1f} ({min(spent):.1f} to "
            f"{max(spent):.1f}) | {middle / stock:.2f} | {memory[system]:.1f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--examples", type=int, default=8)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| network | pass | CPU ms (range) | of transformers | MB kept |\n|---|---|---|---|---|")
    for name in (name for name in SHAPES if name.startswith(arguments.only)):
        measure(name, arguments.repeats, arguments.examples)


if __name__ == "__main__":
    main()
