"""Training speed beside what a user would otherwise run: `python benchmarks/training.py`.

Random weights, the same examples in the same steps, AdamW, clipping at 1, no dropout. The systems
run in turn; each repeat trains `--steps` steps of each, of which the first warms up. Tokens are
those of examples, padding not counted; on a processor a second is one of processor time, on a GPU
of wall time. Losses of every step have to agree, and every gradient norm has to be above zero. With
`--device cuda`: the real shapes in bfloat16 over float32 weights. TRL takes part where it is
installed (`pip install --no-deps trl==1.16.0`). Prints a Markdown table.
"""

import argparse
import math
import statistics
from dataclasses import replace

import torch
import training_trl
from training_shapes import REAL, SMALL, Shape, make_examples, make_model, needed_operations
from training_systems import Ran, now, ours, row_of, trainer

from lethe.data.draws import step_indices
from lethe.data.examples import Example

PLAIN = "HF Trainer, padded"
TOLERANCE = {"cpu": 1e-3, "cuda": 5e-2}  # relative, of losses


def peak(device: str) -> float:
    """Operations a second of a matrix product, the best of ten: what the machine can do."""
    size, dtype = (8192, torch.bfloat16) if device == "cuda" else (1024, torch.float32)
    matrix = torch.randn(size, size, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(10):
        begun = now(device)
        matrix @ matrix
        best = min(best, now(device) - begun)
    return 2.0 * size**3 / best


def measure(name: str, shape: Shape, arguments, peak_rate: float) -> None:
    steps, device = arguments.steps, arguments.device
    examples = make_examples(shape, steps * shape.batch)
    systems = {
        PLAIN: lambda: trainer(shape, examples, steps, device, "sequential"),
        "HF Trainer, grouped by length*": lambda: trainer(
            shape, examples, steps, device, "group_by_length"
        ),
        "Lethe, padded": lambda: ours(shape, examples, steps, device, packed=False),
        "Lethe, packed": lambda: ours(shape, examples, steps, device, packed=True),
    }
    missing = training_trl.obstacle(shape)
    if missing is None:
        systems["TRL, packed*"] = lambda: training_trl.packed(shape, examples, steps, device)
    ran: dict[str, list[Ran]] = {system: [] for system in systems}
    full = set()
    for _ in range(arguments.repeats):
        for system, run in systems.items():
            try:
                if system not in full:
                    ran[system].append(run())
            except torch.OutOfMemoryError:
                full.add(system)
    for system in full:
        print(f"| {name} | {system} | the device lacks the memory | | |", flush=True)
        del ran[system]
    check(ran, device)
    model = make_model(shape, "cpu")
    tokens, needed = work(shape, model, examples, steps)
    # Of every run: as many seconds as the work of the others would have taken it.
    taken = {
        system: sorted(run.seconds * tokens / (run.tokens or tokens) for run in runs)
        for system, runs in ran.items()
    }
    plain = statistics.median(taken.get(PLAIN, [math.nan]))
    for system, seconds in taken.items():
        middle = statistics.median(seconds)
        print(
            f"| {name} | {system} | {tokens / middle:,.0f} "
            f"({tokens / seconds[-1]:,.0f} to {tokens / seconds[0]:,.0f}) | {plain / middle:.2f} | "
            f"{100 * needed / middle / peak_rate:.1f} % |",
            flush=True,
        )
    if missing is not None:
        print(f"| {name} | TRL, packed | {missing} | | |", flush=True)


def work(shape: Shape, model, examples: list[Example], steps: int) -> tuple[int, float]:
    """Tokens and needed operations of the steps after the first."""
    total, members = steps * shape.batch, []
    for step in range(1, steps):
        chosen = step_indices(len(examples), shape.batch, step, 0, total)
        members += [(examples[place], step) for place in chosen]
    encoded = sum(len(example.encoder_tokens) for example, _ in members)
    tokens = encoded + sum(len(example.tokens) for example, _ in members)
    labels = sum(
        sum(label >= 0 for label in row_of(shape, example, step)["labels"])
        for example, step in members
    )
    return tokens, needed_operations(model, shape, tokens, encoded, labels)


def check(ran: dict[str, list[Ran]], device: str) -> None:
    """Every gradient is above zero, and the systems that take the same steps have their losses."""
    same = [runs for system, runs in ran.items() if "*" not in system]
    wanted = same[0][0].losses if same else []
    for system, runs in ran.items():
        for run in runs:
            if not all(norm > 0 for norm in run.norms):
                raise SystemExit(f"{system}: a gradient is zero: this is not training")
            if "*" in system:
                continue
            apart = [abs(a - b) / b for a, b in zip(run.losses, wanted, strict=True)]
            if max(apart) > TOLERANCE[device]:
                raise SystemExit(f"{system}: losses {run.losses}, not {wanted}: other work")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--shapes", nargs="*", help="some of the shapes; all if left out")
    parser.add_argument("--batch", type=int, help="examples a step, if not the shape's own")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    shapes = REAL if arguments.device == "cuda" else SMALL
    rate = peak(arguments.device)
    print(f"matrix peak: {rate / 1e9:,.1f} GFLOP/s; {arguments.device}, n = {arguments.repeats}\n")
    print("| shape | system | tokens/s (range) | over HF Trainer, padded | share of matrix peak |")
    print("|---|---|---|---|---|")
    for name in arguments.shapes or shapes:
        shape = shapes[name]
        if arguments.batch:
            micro = min(shape.micro, arguments.batch)
            shape = replace(shape, batch=arguments.batch, micro=micro)
        measure(name, shape, arguments, rate)
    print("\n* its steps hold other examples: those of like length, or those that fit in a row")


if __name__ == "__main__":
    main()
