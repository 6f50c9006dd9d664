"""What a step of DAS costs over a plain masked-LM step: `python benchmarks/das_step.py`.

The same batch, random weights, steps of all variants in turn, so that a busy machine slows them
alike; the median of each over `--repeats`. With `--device cuda` in bfloat16, as in training. The
contrast's passes have no LM head. Prints a Markdown table, and what the importance passes of a
domain cost beside its training (`--domain-steps`, `--subset`).
"""

import argparse
import statistics
import time

import numpy as np
import torch
from transformers import RobertaConfig, RobertaForMaskedLM

from lethe.data.examples import Example
from lethe.data.masked_batches import Masking, collate
from lethe.methods.contract import Method, Stage
from lethe.methods.registry import create
from lethe.models.forward import weighted_loss

VARIANTS = {
    "plain masked-LM step": ("sequential", {}),
    "mask only (no contrast)": ("das", {"contrast_weight": 0.0}),
    "das, as by default": ("das", {}),
    "das, previous view detached": ("das", {"previous": "detached"}),
    "das-cheap (a quarter of the batch, detached)": (
        "das",
        {"previous": "detached", "contrast_share": 0.25},
    ),
}
SHAPES = {
    "roberta-base": {"hidden_size": 768, "layers": 12, "heads": 12, "vocabulary": 50265},
    "small": {"hidden_size": 256, "layers": 4, "heads": 4, "vocabulary": 8000},
    "miniature": {"hidden_size": 64, "layers": 2, "heads": 2, "vocabulary": 254},
}
SPECIAL = 5  # tokens, of which the last one masks


def make_model(shape: dict, length: int, device: str) -> RobertaForMaskedLM:
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=shape["vocabulary"],
        hidden_size=shape["hidden_size"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        intermediate_size=4 * shape["hidden_size"],
        max_position_embeddings=length + 2,
        type_vocab_size=1,
        pad_token_id=1,
    )
    return RobertaForMaskedLM(config).to(device).train()


def make_stage(model, shape: dict, arguments) -> Stage:
    """A first stage of random texts; all of a batch are as long."""
    generator = np.random.default_rng(0)
    texts = [
        Example(
            str(n),
            "random",
            tuple(generator.integers(SPECIAL, shape["vocabulary"], arguments.length).tolist()),
            0,
        )
        for n in range(arguments.subset)
    ]
    masking = Masking(SPECIAL - 1, tuple(range(SPECIAL)), shape["vocabulary"], 0.15)

    def lay_out(examples, draw=0):
        made = collate(
            examples, masking=masking, seed=0, draw=draw, normalisation="token", pad_token=1
        )
        return [batch.to(torch.device(arguments.device)) for batch in made]

    return Stage(
        model=model,
        examples=texts,
        load_replayed=list,
        load_parent=lambda: None,
        collate=lay_out,
        plain_loss=weighted_loss,
        index=1,
        seed=0,
        steps=1,
        family="masked",
    )


def seconds(work, device: str) -> float:
    """Wall seconds of a piece of work, the device's own work included."""
    if device == "cuda":
        torch.cuda.synchronize()
    begun = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def take_step(stage: Stage, method: Method, optimizer, batch) -> None:
    device = batch.input_ids.device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
        loss = method.loss(stage, batch)
    loss.backward()
    if not any(float(gradient.norm()) > 0 for gradient in stage.gradients().values()):
        raise SystemExit("every gradient is zero: this is not training")
    method.after_backward(stage)
    optimizer.step()
    method.after_update(stage)
    optimizer.zero_grad(set_to_none=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="roberta-base")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=164, help="tokens")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--subset", type=int, default=64, help="examples of an importance pass")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    shape = SHAPES[arguments.shape]
    model = make_model(shape, arguments.length, arguments.device)
    stage = make_stage(model, shape, arguments)
    (batch,) = stage.collate(stage.examples[: arguments.batch])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    methods, passes = {}, {}
    for name, (method, hyper) in VARIANTS.items():
        methods[name] = create(
            method, hyper | ({} if method == "sequential" else _subset(arguments))
        )
        passes[name] = seconds(lambda m=methods[name]: m.before_stage(stage), arguments.device)
    times: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for repeat in range(arguments.repeats + 1):
        for name, method in methods.items():
            took = seconds(lambda m=method: take_step(stage, m, optimizer, batch), arguments.device)
            if repeat:  # the first of each warms up
                times[name].append(took)
    report(times, passes, methods, stage, arguments)


def _subset(arguments) -> dict:
    return {"subset": arguments.subset, "importance_batch": arguments.batch}


def report(times, passes, methods, stage, arguments) -> None:
    plain = statistics.median(times["plain masked-LM step"])
    print(f"{arguments.shape}, {arguments.batch} x {arguments.length} tokens, {arguments.device}, ")
    print(f"{arguments.threads} thread(s), median of {arguments.repeats}\n")
    print("| step | seconds (quartiles) | over plain |\n|---|---|---|")
    for name, values in times.items():
        low, middle, high = statistics.quantiles(values, n=4)
        print(f"| {name} | {middle:.4f} ({low:.4f} to {high:.4f}) | {middle / plain:.2f} |")
    das = methods["das, as by default"]
    after = seconds(lambda: das.after_stage(stage), arguments.device)
    proxy = passes["das, as by default"]
    each = (proxy / arguments.subset, after / arguments.subset)
    print(
        f"\nimportance passes: KL proxy {each[0] / plain * arguments.batch:.2f}, masked-LM "
        f"{each[1] / plain * arguments.batch:.2f} plain steps for as many examples as a step has"
    )


if __name__ == "__main__":
    main()
