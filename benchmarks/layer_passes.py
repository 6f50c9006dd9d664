"""A LLaMA's pass, a layer an operation, beside transformers': `python benchmarks/layer_passes.py`.

The same packed batch forward and backward, the two passes in turn; processor milliseconds, medians
and ranges of `--repeats`, and what autograd keeps for the backward pass. Losses have to agree.
"""

import argparse
import statistics
import time

import torch
from training_shapes import SMALL, _llama, make_examples, make_model

from lethe.data.batches import collate
from lethe.models import forward, llama_forward

SHAPES = {
    "width 64, 3 layers": _llama(64, 3, 2, 176, 983),
    "width 256, 4 layers": SMALL["llama-small"],
    "width 512, 6 layers": _llama(512, 6, 8, 1376, 8000),
}
OWN = llama_forward.applies
PASSES = {"transformers": lambda model: False, "a layer an operation": OWN}


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
    model = make_model(shape, "cpu")
    examples = make_examples(shape, size)
    batch = collate(examples, width=96, packed=True, normalisation="token", pad_token=0)[0]
    took, losses, memory = {n: [] for n in PASSES}, {}, {}
    for repeat in range(repeats + 1):
        for system, applies in PASSES.items():
            llama_forward.applies = applies
            spent, losses[system] = pass_of(model, batch)
            if repeat:
                took[system].append(spent)
            model.zero_grad()
    for system, applies in PASSES.items():
        llama_forward.applies = applies
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
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| network | pass | CPU ms (range) | of transformers | MB kept |\n|---|---|---|---|---|")
    for name in SHAPES:
        measure(name, arguments.repeats, arguments.examples)


if __name__ == "__main__":
    main()
