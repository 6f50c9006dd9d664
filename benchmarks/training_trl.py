"""TRL's packed fine-tuning, for `benchmarks/training.py`; TRL itself is optional."""

import importlib.util
from dataclasses import replace

from datasets import Dataset
from scoring import make_tokenizer
from training_shapes import Shape, make_model
from training_systems import Clock, Ran, in_common, timed

from lethe.data.examples import Example

# Where transformers makes a mask of positions that restart, which is how TRL keeps packed examples
# apart. BLOOM and OPT take no positions: there examples would attend to each other.
KEPT_APART = {"llama"}


def obstacle(shape: Shape) -> str | None:
    """Why TRL cannot train a shape on packed rows, or None."""
    if shape.family != "causal":
        return "trains decoders only"
    if shape.config.model_type not in KEPT_APART:
        return f"cannot keep packed examples apart in {shape.config.model_type}"
    if importlib.util.find_spec("trl") is None:
        return "not installed: pip install --no-deps trl==1.16.0"
    return None


def packed(shape: Shape, examples: list[Example], steps: int, device: str) -> Ran:
    """SFTTrainer on the same examples, which it packs over all steps; so its steps hold others.

    Of one packed row a pass, since TRL lays several out as one long row; of as many rows a step as
    give all steps rows.
    """
    from trl import SFTConfig, SFTTrainer

    rows = [
        {
            "input_ids": list(example.tokens),
            "completion_mask": [int(i >= example.label_start) for i in range(len(example.tokens))],
        }
        for example in examples
    ]
    tokens = sum(len(example.tokens) for example in examples)
    each = max(1, tokens // (steps * shape.longest))
    settings = SFTConfig(
        packing=True,
        completion_only_loss=True,
        max_length=shape.longest,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=each,
        train_sampling_strategy="sequential",
        activation_checkpointing=False,
        **in_common(shape, steps, device),
    )
    clock = Clock(device)
    running = SFTTrainer(
        model=make_model(shape, device),
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=make_tokenizer(),
        callbacks=[clock],
    )
    labels = [label for row in running.train_dataset["labels"] for label in row]
    if sum(label >= 0 for label in labels) > sum(e.label_count for e in examples):
        raise SystemExit("TRL trains on prompts too: other work")
    trained = running.train_dataset["input_ids"][each : steps * each]
    return replace(timed(running, clock), tokens=sum(map(len, trained)))
