"""What ways to train parameters cost beside training all of them: memory, time, size on disk.

`python benchmarks/parametrisations.py [--device cuda]`. Random weights, the same examples in the
same steps, AdamW; every row in a process of its own, so that its peak is its own. Memory is the
most at once: of tensors on a GPU (in bfloat16 over float32 weights), else of the process above what
it held before it made the model. A second is one of processor time, on a GPU of wall time, over all
steps but the first. Prints a Markdown table.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from training_shapes import REAL, SMALL, make_examples
from training_systems import ours

from lethe.parametrisations.parameters import KINDS
from lethe.parametrisations.parametrised import parametrisation_of, parametrised

WAYS = {
    "all parameters": {"kind": "full"},
    "LoRA, rank 8, all linear layers": {"kind": "lora", "rank": 8, "alpha": 16},
    "LoRA, rank 64, all linear layers": {"kind": "lora", "rank": 64, "alpha": 128},
    "DoRA, rank 8": {"kind": "lora", "rank": 8, "alpha": 16, "dora": True},
    "embeddings and half of the layers frozen": {"kind": "frozen", "embeddings": True},
}
STEPS = 4


def measure(way: str, shape_name: str, device: str) -> dict:
    """One row, in this process."""
    shape = (REAL if device == "cuda" else SMALL)[shape_name]
    wanted = dict(WAYS[way])
    if "embeddings" in wanted:
        wanted["layers"] = shape.sizes["num_hidden_layers"] // 2
    kind = wanted.pop("kind")
    settings = {"kind": kind, **KINDS[kind](**wanted).model_dump(mode="json")}
    before = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = {}

    def prepare(model):
        kept["model"] = parametrised(model, settings, seed=0).to(device)
        return kept["model"]

    ran = ours(shape, make_examples(shape, STEPS * shape.batch), STEPS, device, True, prepare)
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    model = kept["model"]
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return {
        "share": trained / sum(p.numel() for p in model.parameters()),
        "peak": torch.cuda.max_memory_allocated() if device == "cuda" else peak,
        "seconds": ran.seconds / (STEPS - 1),
        "bytes": size_on_disk(model, settings),
    }


def size_on_disk(model, settings: dict) -> int:
    """Bytes of the weights of a checkpoint."""
    way = parametrisation_of(settings)
    if way.is_whole:
        return sum(p.nbytes for p in {id(p): p for p in model.parameters()}.values())
    with tempfile.TemporaryDirectory() as folder:
        names = way.save(model, Path(folder), Path(folder), "float32")
        return sum((Path(folder) / name).stat().st_size for name in names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--shape", help="llama-small, on a GPU llama-1b, if left out")
    parser.add_argument("--way", choices=WAYS, help="one row, as JSON")
    arguments = parser.parse_args()
    shape = arguments.shape or ("llama-1b" if arguments.device == "cuda" else "llama-small")
    torch.set_num_threads(1)
    if arguments.way:
        print(json.dumps(measure(arguments.way, shape, arguments.device)))
        return
    print(f"{shape}, {arguments.device}, {STEPS} steps\n")
    print(
        "| trained | share of parameters | peak memory | of full | s a step | of full | on disk |"
    )
    print("|---|---|---|---|---|---|---|")
    full: dict = {}
    for way in WAYS:
        command = [sys.executable, __file__, "--device", arguments.device, "--shape", shape]
        told = subprocess.run([*command, "--way", way], capture_output=True, text=True, check=True)
        row = json.loads(told.stdout.splitlines()[-1])
        full = full or row
        print(
            f"| {way} | {100 * row['share']:.1f} % | {row['peak'] / 1e9:.2f} GB | "
            f"{row['peak'] / full['peak']:.2f} | {row['seconds']:.3f} | "
            f"{row['seconds'] / full['seconds']:.2f} | {row['bytes'] / 1e6:.1f} MB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
