"""The only training loop: bases and stages, every family, every method."""

import hashlib
import math
from dataclasses import dataclass, field

import torch

from lethe.data import batches, masked_batches, seq2seq_batches
from lethe.data.batches import step_indices
from lethe.data.examples import Example
from lethe.data.masked_batches import Masking
from lethe.errors import UserError
from lethe.methods.contract import Collate, Method, Stage
from lethe.models.forward import KEEP_APART
from lethe.training.device import arithmetic, training_device
from lethe.training.schedules import factor
from lethe.training.snapshots import Snapshots, flatten, restore


@dataclass
class Progress:
    """What a run has done: tokens (padding not counted), labels, and one row a step.

    `encoder_tokens` are those of the tokens that went through an encoder of their own.
    """

    tokens: int = 0
    encoder_tokens: int = 0
    labels: int = 0
    rows: list[list[float]] = field(default_factory=list)


def total_examples(size: int, recipe: dict) -> int:
    """Examples seen in all: `steps` batches if the recipe has steps, else `epochs` passes."""
    if recipe["steps"] is not None:
        return recipe["steps"] * recipe["batch_size"]
    return math.ceil(recipe["epochs"] * size)


def total_steps(size: int, recipe: dict) -> int:
    """Optimizer steps for `size` examples under a recipe."""
    return math.ceil(total_examples(size, recipe) / recipe["batch_size"])


def last_step(steps: int, recipe: dict) -> int:
    """The step whose weights a stage hands on.

    `newest-periodic`: that of the newest checkpoint of every `save_steps`, as a run hands on that
    reloads its parent's newest periodic checkpoint instead of its last weights; all steps if there
    is none. The schedule is that of all steps.
    """
    if recipe["checkpoint"] == "newest-periodic" and steps >= recipe["save_steps"]:
        return steps - steps % recipe["save_steps"]
    return steps


def warmup_steps(steps: int, recipe: dict) -> int:
    return round(recipe["warmup_share"] * steps)


def train(stage: Stage, method: Method, recipe: dict, snapshots: Snapshots | None) -> Progress:
    """Train `stage.model` in place.

    The order of examples is a function of (train seed, epoch, place), dropout of (train seed,
    step, micro-batch); so a resumed run goes through the very same arithmetic.

    Raises:
        UserError: nothing is trainable, a gradient is zero, or the loss or a gradient is not
            finite; nothing has been published then, and the message names step and examples. The
            recipe is unpadded and the method needs one text a row.
    """
    if recipe.get("unpadded") and method.one_text_a_row:
        raise UserError(
            f"The method {type(method).__name__!r} needs every text in a row of its own; set "
            "`unpadded: false` in the recipe."
        )
    progress, first = Progress(), 0
    method.before_stage(stage)
    if method.extra is not None:
        stage.extra = method.extra.to(training_device())
    # After the hook, which may freeze parameters or add some.
    optimizer = make_optimizer(stage, recipe)
    saved = snapshots.read() if snapshots else None
    if saved:
        first, tensors, log = saved
        progress = Progress(*log)
        restore(tensors, stage.model, optimizer, method)
    warmup = warmup_steps(stage.steps, recipe)
    stage.model.train()
    last = last_step(stage.steps, recipe)
    for step in range(first, last):
        stage.step = step
        rate = recipe["learning_rate"] * factor(
            step, stage.steps, recipe["schedule"], warmup, recipe["final_share"]
        )
        take_step(stage, method, optimizer, rate, recipe, progress)
        if snapshots and snapshots.due() and step + 1 < last:
            log = [progress.tokens, progress.encoder_tokens, progress.labels, progress.rows]
            snapshots.write(step + 1, flatten(stage.model, optimizer, method), log)
    method.after_stage(stage)
    return progress


def make_optimizer(stage: Stage, recipe: dict) -> torch.optim.Optimizer:
    """AdamW over the trainable parameters; vectors (norms, biases) are not decayed.

    Raises:
        UserError: no parameter is trainable.
    """
    trained = [parameter for _, parameter in stage.trainable()]
    if not trained:
        raise UserError("Nothing is trainable: every parameter of the model is frozen.")
    groups = [
        {"params": [p for p in trained if p.dim() > 1], "weight_decay": recipe["weight_decay"]},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=recipe["learning_rate"],
        betas=tuple(recipe["betas"]),
        eps=recipe["epsilon"],
        fused=True,
    )


def take_step(stage, method, optimizer, rate, recipe, progress) -> None:
    """One optimizer step over the global batch of `stage.step`."""
    total = total_examples(len(stage.examples), recipe)
    indices = step_indices(len(stage.examples), recipe["batch_size"], stage.step, stage.seed, total)
    examples = [stage.examples[index] for index in indices]
    loss = 0.0
    for number, batch in enumerate(stage.collate(examples, stage.step)):
        torch.manual_seed(seed_of(stage.seed, stage.step, number))
        with arithmetic(recipe):
            part = method.loss(stage, batch)
        value = part.item()
        if not math.isfinite(value):
            raise UserError(_not_finite("loss", value, stage, examples))
        part.backward()
        loss += value
        progress.tokens += batch.tokens
        progress.encoder_tokens += batch.encoder_tokens
        progress.labels += len(batch.targets)
    method.after_backward(stage)
    norm = clip(stage, recipe["clip_norm"])
    if not math.isfinite(norm):
        raise UserError(_not_finite("gradient norm", norm, stage, examples))
    if norm == 0.0:
        raise UserError(
            f"Nothing is training: the gradient of step {stage.step} is zero in every parameter; "
            "look at the method's hyper-parameters and at which parameters are frozen."
        )
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    method.after_update(stage)
    optimizer.zero_grad(set_to_none=True)
    progress.rows.append([stage.step, loss, norm, rate])


def clip(stage: Stage, limit: float | None) -> float:
    """Global gradient norm before clipping to `limit` (None: no clipping)."""
    gradients = list(stage.gradients().values())
    norm = torch.nn.utils.get_total_norm(gradients)
    if limit is not None:
        torch.nn.utils.clip_grads_with_norm_(
            [parameter for _, parameter in stage.trainable()], limit, norm
        )
    return float(norm)


def seed_of(*parts: int) -> int:
    """A generator seed from its parts, the same on every machine."""
    text = ",".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "big")


def make_collate(recipe: dict, tokenizer, family: str, config, seed: int = 0) -> Collate:
    """The function that lays a step's examples out as the recipe says.

    It takes examples and a number of the draw, by which a masked language model's tokens are
    masked anew; other families have no use for it.

    Args:
        seed: what a masked language model's masks are drawn from, beside the draw.
        config: the model's configuration; it says whether packed examples can be kept apart, and
            what an encoder-decoder's decoder begins with.
    """
    device = training_device()
    settings = {
        "normalisation": recipe["loss_normalisation"],
        "pad_token": tokenizer.pad_token_id,
        "micro_batch_rows": recipe["micro_batch_rows"],
    }
    if family == "masked":
        settings |= {"masking": Masking.of(tokenizer, recipe["mask_share"]), "seed": seed}
        settings["width"] = recipe["max_length"] if recipe.get("unpadded") else None
        return lambda examples, draw=0: [
            batch.to(device) for batch in masked_batches.collate(examples, draw=draw, **settings)
        ]
    settings |= {"width": recipe["max_length"], "packed": recipe["packed"]}
    if family == "causal" and config.model_type not in KEEP_APART:
        settings["packed"] = False
    if family == "seq2seq":
        settings["start_token"] = config.decoder_start_token_id
    collate = {"causal": batches.collate, "seq2seq": seq2seq_batches.collate}[family]
    return lambda examples, draw=0: [batch.to(device) for batch in collate(examples, **settings)]


def _not_finite(what: str, value: float, stage: Stage, examples: list[Example]) -> str:
    names = ", ".join(example.id for example in examples[:4])
    return (
        f"Training stopped at step {stage.step}: the {what} is {value}. Nothing was published. "
        f"The batch held the examples {names} and {max(0, len(examples) - 4)} more; lower the "
        "recipe's learning_rate or look at these examples."
    )
