"""The systems that `benchmarks/training.py` compares, each training the same steps."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from training_shapes import MASK, PAD, SPECIAL, Shape, make_model
from transformers import Trainer, TrainerCallback, TrainingArguments

from lethe.data.draws import step_indices
from lethe.data.examples import Example
from lethe.data.masked_batches import Masking, mask
from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.models.forward import weighted_loss
from lethe.training.layout import make_collate
from lethe.training.loop import train

MASK_SHARE = 0.15


@dataclass
class Tokens:
    """What the layout asks of a tokenizer."""

    vocabulary: int
    pad_token_id: int = PAD
    mask_token_id: int = MASK
    all_special_ids: tuple[int, ...] = tuple(range(SPECIAL))

    def __len__(self) -> int:
        return self.vocabulary


@dataclass
class Ran:
    """One run: seconds of its steps after the first, and losses and gradient norms of all.

    tokens: of those steps, where they hold other examples than the other systems'.
    """

    seconds: float
    losses: list[float]
    norms: list[float]
    tokens: int | None = None


def now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


class Timed(Method):
    """Plain training that notes when each step ends."""

    def __init__(self, device: str):
        self.device, self.times = device, []

    def after_update(self, stage: Stage) -> None:
        if stage.step in (0, stage.steps - 1):
            self.times.append(now(self.device))


def recipe_of(shape: Shape, steps: int, device: str, packed: bool) -> dict:
    """The recipe of every system."""
    return {
        "steps": steps,
        "batch_size": shape.batch,
        "max_length": shape.longest,
        "learning_rate": shape.learning_rate,
        "schedule": "constant",
        "warmup_share": 0.0,
        "final_share": 0.0,
        "betas": [0.9, 0.999],
        "epsilon": 1e-8,
        "weight_decay": 0.0,
        "clip_norm": 1.0,
        "packed": packed,
        "unpadded": packed,
        "mask_share": MASK_SHARE,
        "loss_normalisation": "token",
        "micro_batch_rows": shape.micro if shape.micro < shape.batch else None,
        "dtype": "bfloat16" if device == "cuda" else "float32",
        "checkpoint": "last",
        "save_steps": None,
    }


def ours(
    shape: Shape,
    examples: list[Example],
    steps: int,
    device: str,
    packed: bool,
    prepare: Callable[[torch.nn.Module], torch.nn.Module] = lambda model: model,
) -> Ran:
    """Lethe's own loop; `prepare` gets the model, and returns the one to train."""
    recipe = recipe_of(shape, steps, device, packed)
    model, method = prepare(make_model(shape, device)), Timed(device)
    tokens = Tokens(shape.sizes["vocab_size"])
    stage = Stage(
        model=model,
        examples=examples,
        load_replayed=list,
        load_parent=lambda: None,
        collate=make_collate(recipe, tokens, shape.family, model.config),
        plain_loss=weighted_loss,
        index=1,
        seed=0,
        steps=steps,
        family=shape.family,
    )
    try:
        progress = train(stage, method, recipe, None)
    except UserError as error:
        if not str(error).startswith("Memory ran out"):
            raise
        raise torch.OutOfMemoryError(str(error)) from None
    losses, norms = zip(*(row[1:3] for row in progress.rows), strict=True)
    return Ran(method.times[1] - method.times[0], list(losses), list(norms))


class Clock(TrainerCallback):
    def __init__(self, device: str):
        self.device, self.times = device, []

    def on_step_end(self, arguments, state, control, **_):
        if state.global_step in (1, state.max_steps):
            self.times.append(now(self.device))


def trainer(
    shape: Shape,
    examples: list[Example],
    steps: int,
    device: str,
    order: str,
    prepare: Callable[[torch.nn.Module], torch.nn.Module] = lambda model: model,
) -> Ran:
    """transformers' Trainer on the same examples, which `sequential` takes in the same steps.

    prepare: gets the model, and returns the one to train.
    """
    total, rows = steps * shape.batch, []
    for step in range(steps):
        for place in step_indices(len(examples), shape.batch, step, 0, total):
            rows.append(row_of(shape, examples[place], step))
    seen = []

    def collated(batch: list[dict]) -> dict[str, torch.Tensor]:
        seen.append(sum(tokens_of(shape, row) for row in batch))
        return padded(batch)

    each = shape.batch // shape.micro
    settings = TrainingArguments(
        per_device_train_batch_size=shape.micro,
        gradient_accumulation_steps=each,
        train_sampling_strategy=order,
        remove_unused_columns=False,
        **in_common(shape, steps, device),
    )
    clock = Clock(device)
    model = prepare(make_model(shape, device))
    running = Trainer(
        model=model, args=settings, train_dataset=rows, data_collator=collated, callbacks=[clock]
    )
    return replace(timed(running, clock), tokens=sum(seen[each : steps * each]))


def in_common(shape: Shape, steps: int, device: str) -> dict:
    """Arguments that transformers' and TRL's trainers share."""
    return {
        "output_dir": tempfile.gettempdir(),  # where nothing is saved
        "max_steps": steps,
        "learning_rate": shape.learning_rate,
        "lr_scheduler_type": "constant",
        "optim": "adamw_torch_fused",
        "max_grad_norm": 1.0,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": device == "cpu",
        "bf16": device == "cuda",
        "dataloader_pin_memory": device == "cuda",
    }


def timed(running: Trainer, clock: Clock) -> Ran:
    """Train, noting losses and gradient norms."""
    logs: list[dict] = []
    running.log = lambda row, *_: logs.append(row)
    running.train()
    logs = [row for row in logs if "grad_norm" in row]
    seconds = clock.times[1] - clock.times[0]
    return Ran(seconds, [row["loss"] for row in logs], [float(row["grad_norm"]) for row in logs])


def row_of(shape: Shape, example: Example, step: int) -> dict[str, list[int]]:
    """An example as a user of transformers has it; masked as ours is, for the same losses."""
    tokens = list(example.tokens)
    if shape.family == "seq2seq":
        return {"input_ids": list(example.encoder_tokens), "labels": tokens}
    if shape.family == "causal":
        start = example.label_start
        return {"input_ids": tokens, "labels": [-100] * start + tokens[start:]}
    masking = Masking.of(Tokens(shape.sizes["vocab_size"]), MASK_SHARE)
    seen, chosen = mask(example, masking, 0, step)
    labels = [-100] * len(tokens)
    for place in chosen:
        labels[place] = tokens[place]
    return {"input_ids": seen.tolist(), "labels": labels}


def tokens_of(shape: Shape, row: dict[str, list[int]]) -> int:
    """Tokens of an example, of encoder and decoder."""
    return len(row["input_ids"]) + (len(row["labels"]) if shape.family == "seq2seq" else 0)


def padded(rows: list[dict]) -> dict[str, torch.Tensor]:
    """A batch padded on the right to its longest row."""

    def filled(key: str, fill: int) -> torch.Tensor:
        longest = max(len(row[key]) for row in rows)
        return torch.tensor([row[key] + [fill] * (longest - len(row[key])) for row in rows])

    ones = [{"mask": [1] * len(row["input_ids"])} for row in rows]
    longest = max(len(row["mask"]) for row in ones)
    attended = torch.tensor([row["mask"] + [0] * (longest - len(row["mask"])) for row in ones])
    return {
        "input_ids": filled("input_ids", PAD),
        "attention_mask": attended,
        "labels": filled("labels", -100),
    }
