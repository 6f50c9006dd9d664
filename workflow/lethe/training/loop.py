"""The only training loop: bases, stages and end tasks, every family, every method."""

import math
from collections.abc import Iterator
from functools import partial

import torch

from lethe.data.batches import Batch
from lethe.data.draws import step_indices
from lethe.data.examples import Example
from lethe.jobs.live import LiveRecord, counted
from lethe.jobs.out_of_memory import ran_out
from lethe.methods.contract import Method, Stage
from lethe.training import memory
from lethe.training.device import arithmetic, seed_draws, training_device
from lethe.training.held_rows import row_rules
from lethe.training.layout import Ahead
from lethe.training.leak import leak_meter
from lethe.training.optimizer import clip, factor, make_optimizer
from lethe.training.progress import Progress, StepResult
from lethe.training.snapshots import Snapshots, flatten, restore


def total_examples(size: int, recipe: dict) -> int:
    """Total examples seen: `steps` batches if the recipe has steps, else `epochs` passes."""
    if recipe["steps"] is not None:
        return recipe["steps"] * recipe["batch_size"]
    return math.ceil(recipe["epochs"] * size)


def total_steps(size: int, recipe: dict) -> int:
    """Optimizer steps for `size` examples under a recipe."""
    return math.ceil(total_examples(size, recipe) / recipe["batch_size"])


def last_step(steps: int, recipe: dict) -> int:
    """The step whose weights a stage passes on.

    `newest-periodic`: the last multiple of `save_steps`. This reproduces runs that load their
    parent's newest periodic checkpoint instead of its last weights. Without such a checkpoint it
    is the last step. The learning rate's schedule covers all steps in any case.
    """
    if recipe["checkpoint"] == "newest-periodic" and steps >= recipe["save_steps"]:
        return steps - steps % recipe["save_steps"]
    return steps


def warmup_steps(steps: int, recipe: dict) -> int:
    return round(recipe["warmup_share"] * steps)


def train(stage: Stage, method: Method, recipe: dict, snapshots: Snapshots | None) -> Progress:
    """Train `stage.model` in place.

    The order of examples is a function of (train seed, epoch, place), dropout of (train seed,
    step, micro-batch), so a resumed run repeats exactly the same arithmetic. If memory runs out,
    micro-batches are halved from that step on.

    Raises:
        UserError: nothing is trainable, a gradient is zero, or the loss or a gradient is not
            finite (nothing has been published then, and the message names step and examples); or
            memory ran out and smaller micro-batches do not help.
        Stopped: the job has to end soon; the state is saved.
    """
    progress, first = Progress(), 0
    if snapshots:
        stage.counted = partial(counted, snapshots.path.parent)
    method.before_stage(stage)
    if method.extra is not None:
        stage.extra = method.extra.to(training_device())
    # After the hook, which may freeze parameters or add some.
    stage.held = row_rules(stage, recipe)
    stage.trained = [parameter for _, parameter in stage.trainable()]
    optimizer = make_optimizer(stage, recipe)
    meter = leak_meter(stage, method, last_step(stage.steps, recipe))
    saved = snapshots.read() if snapshots else None
    if saved:
        first, tensors, log = saved
        progress = Progress(*log)
        restore(tensors, stage.model, optimizer, method)
        if progress.halvings:
            stage.collate.rows = progress.halvings[-1][1]
    stage.model.train()
    try:
        _take_steps(stage, method, optimizer, recipe, snapshots, progress, first, meter)
        if meter:
            progress.leak = meter.of_stage(progress.leaks)
        method.after_stage(stage)
    except RuntimeError as error:
        if not ran_out(error):
            raise
        raise memory.elsewhere(stage) from None
    return progress


def _take_steps(stage, method, optimizer, recipe, snapshots, progress, first, meter) -> None:
    warmup, last = warmup_steps(stage.steps, recipe), last_step(stage.steps, recipe)
    on_gpu = training_device().type == "cuda"
    ahead = Ahead(lambda step: batches_of(stage, recipe, step), last, beside=on_gpu)

    def state():
        progress.read()
        return flatten(stage.model, optimizer, method), progress.log()

    if snapshots:
        snapshots.begin(stage.model, first)
        live, before = LiveRecord(snapshots.path.parent, first=first), progress.tokens
    try:
        for step in range(first, last):
            if snapshots:
                snapshots.between_steps(step, last, state)
            stage.step = step
            rate = recipe["learning_rate"] * factor(
                step, stage.steps, recipe["schedule"], warmup, recipe["final_share"]
            )
            if meter:
                meter.before_step()
            take_step(stage, method, optimizer, rate, recipe, progress, ahead)
            if meter:
                progress.leaks += meter.after_step()
            if snapshots:
                live.note(step + 1, last, loss=progress.last_loss, tokens=progress.tokens - before)
        progress.read()
    finally:
        ahead.close()


def batches_of(stage: Stage, recipe: dict, step: int) -> tuple[list[Example], list[Batch]]:
    """The global batch of a step: its examples, and its micro-batches."""
    total = total_examples(len(stage.examples), recipe)
    indices = step_indices(len(stage.examples), recipe["batch_size"], step, stage.seed, total)
    examples = [stage.examples[index] for index in indices]
    return examples, stage.collate(examples, step)


def take_step(stage, method, optimizer, rate, recipe, progress, ahead) -> None:
    """One optimizer step over the global batch of `stage.step`.

    Nothing here waits for a GPU: the step's result is read while the next step runs.
    """
    examples, batches = ahead(stage.step)
    while True:
        try:
            losses = add_gradients(stage, method, recipe, batches)
            break
        except RuntimeError as error:
            if not ran_out(error):
                raise
        # Not within `except`: the error keeps the pass's tensors in memory.
        optimizer.zero_grad(set_to_none=True)
        rows = memory.halve(stage, method, max(len(batch.input_ids) for batch in batches))
        progress.halvings.append([stage.step, rows])
        del batches
        ahead.forget()
        examples, batches = ahead(stage.step)
    encoded = sum(len(example.encoder_tokens) for example in examples)
    progress.tokens += encoded + sum(len(example.tokens) for example in examples)
    progress.encoder_tokens += encoded
    progress.labels += sum(len(batch.targets) for batch in batches)
    progress.replayed = [sum(pair) for pair in zip(progress.replayed, stage.replayed, strict=True)]
    for rule in (method, *stage.held):
        rule.after_backward(stage)
    norm = clip(stage, recipe["clip_norm"])
    on_gpu = training_device().type == "cuda"
    result = StepResult(stage.step, losses, norm, rate, examples, stage.settings)
    progress.note(result, wait=not on_gpu)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    for rule in (method, *stage.held):
        rule.after_update(stage)
    optimizer.zero_grad(set_to_none=True)


def add_gradients(stage, method, recipe, batches: list[Batch]) -> list[torch.Tensor]:
    """Add the gradients of a step's micro-batches and of its own loss; return the losses.

    The step's own loss counts to the first micro-batch's, and comes after its backward pass: the
    graph of one pass is in memory at a time.
    """
    losses = []
    # A step that starts again replays its examples once.
    stage.replayed = [0, 0]
    for number, batch in enumerate(batches):
        seed_draws(stage.dropout_seed(stage.seed, stage.step, number))
        with arithmetic(recipe):
            loss = method.loss(stage, batch)
        loss.backward()
        loss = loss.detach()
        for part in _of_step(stage, method, recipe) if number == 0 else ():
            if part.requires_grad:
                part.backward()
            loss = loss + part.detach().to(loss.device)
        losses.append(loss)
    return losses


def _of_step(stage, method, recipe) -> Iterator[torch.Tensor]:
    """The parts of the step's own loss, each made in the recipe's arithmetic, used outside."""
    with arithmetic(recipe):
        found = method.step_loss(stage)
    if found is None or isinstance(found, torch.Tensor):
        yield from () if found is None else (found,)
        return
    while True:
        with arithmetic(recipe):
            part = next(found, None)
        if part is None:
            return
        yield part
