"""What a job requests from a cluster, by rule and size of model: memory, time, GPUs.

Requests are upper limits, not measurements; a job that hits one is submitted again with more.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from lethe.artefacts.rules import RULES
from lethe.methods.parameters.base import parameters_of
from lethe.models.parameter_bytes import FROZEN, TRAINING, USABLE_SHARE, WIDTH
from lethe.parametrisations.constants import PARTS
from lethe.training.snapshot_pace import MOMENTS, WEIGHTS, interval, seconds_for

# A smaller model trains on one CPU core in minutes to hours, and would leave a GPU idle.
SMALLEST_ON_GPU = 50e6  # parameters
GPU_BYTES = 80e9

# A snapshot in host memory: weights and two moments as tensors, and again as the file's bytes.
SNAPSHOT_COPIES = 6
# A checkpoint that is loaded: its tensors, and again as the file's bytes.
LOADING_COPIES = 2

# Numbers that a token leaves in each layer for the backward pass, as multiples of the layer's
# width. With weights, gradients and two moments this gives the 4.9 GB that were measured for
# SmolLM2-135M with 1,120 tokens at once.
ACTIVATIONS = 40
# Layers have about 12 x width^2 parameters, and models about width / 128 layers.
LAYER, LAYERS = 12, 1 / 128

# Operations per parameter and token; a parameter that is not trained needs no gradient.
TRAINING_OPERATIONS, FROZEN_OPERATIONS, SCORING_OPERATIONS = 6, 4, 2
# Sustained operations per second: a third of an A100's bfloat16 peak, and one CPU core.
GPU_SPEED, CPU_SPEED = 1e14, 1e10
# Tokens of one probe: of the paper's evaluation sets (mostly five-shot MMLU), and of the
# miniature's.
PROBE_TOKENS_ON_GPU, PROBE_TOKENS_ON_CPU = 6e7, 2e6
# Tokens of a stage whose number of examples is unknown until its data exist: the paper's 100,000
# examples of 512 tokens, three times; a few passes over the miniature.
STAGE_TOKENS_ON_GPU, STAGE_TOKENS_ON_CPU = 1.6e8, 1e7

# Bytes per scored item, half as much again as was measured on five million of one set: one set is
# held at a time, so most is needed where all items are of one.
ITEM_BYTES = {"collect": 400, "summarize": 400}
# Items of an evaluation task, unless the study limits them: the mean of the 1,107 of
# Luo et al. 2023, whose largest, MMLU, has 14,042.
ITEMS = 2400

MORE_MEMORY, MORE_TIME = 2, 1.5  # factors per further attempt


@dataclass(frozen=True)
class Request:
    """Host memory in MB, wall time in minutes, number of GPUs (0: none)."""

    mem_mb: int
    runtime: int
    gpu: int


def request(
    rule: str,
    params: float,
    attempt: int = 1,
    training_tokens: float | None = None,
    dtype: str = "float32",
    items: float = 0,
    tokens_at_once: float = 0,
    trained: float | None = None,
    held: float = 0,
) -> Request:
    """What a job of a rule requests.

    rule: a key of `RULES` (KeyError otherwise).
    params: parameters of the model that it trains or scores; 0 if there is no model.
    attempt: 1, 2, ... A stage that ran out of time resumes from its snapshot, so the time of a
        retry adds to the time it had.
    training_tokens: tokens that it trains on, including padding; None: not known in advance;
        0: it trains nothing, like a fetched base.
    dtype: of the weights in scoring, a key of WIDTH; in training they are float32.
    items: that it reads.
    tokens_at_once: of a micro-batch in training.
    trained: parameters that are trained; None: all of them.
    held: float32 numbers that the method holds besides, where it trains (`held_by_method`).
    """
    memory = max(RULES[rule].memory, ITEM_BYTES.get(rule, 0) * items / 1e6)
    minutes = float(RULES[rule].minutes)
    trains = rule in ("base", "stage", "end_task") and training_tokens != 0
    scores = rule == "probe"
    params = params if trains or scores or rule in ("base", "stage") else 0.0
    trained = params if trained is None else min(trained, params)
    gpu = gpus(params, trains, dtype, trained, held) if trains or scores else 0
    width = WIDTH["float32" if trains else dtype]
    operations = 0.0
    if trains:
        tokens = training_tokens or (STAGE_TOKENS_ON_GPU if gpu else STAGE_TOKENS_ON_CPU)
        frozen = FROZEN_OPERATIONS * (params - trained)
        operations = (TRAINING_OPERATIONS * trained + frozen) * tokens
    elif scores:
        tokens = PROBE_TOKENS_ON_GPU if gpu else PROBE_TOKENS_ON_CPU
        operations = SCORING_OPERATIONS * params * tokens
    minutes += operations / (GPU_SPEED * gpu or CPU_SPEED) / 60
    further = attempt - 1
    # The model's memory is known exactly. Doubled after every cancelled job, it would soon be more
    # than any machine has, so it grows only as fast as the time.
    model = LOADING_COPIES * width * params
    if trains:
        model += (SNAPSHOT_COPIES - LOADING_COPIES) * width * trained
        # On a GPU, too, a network is loaded by way of host memory.
        model += width * held
    if trains and not gpu:
        model += activation_bytes(params, tokens_at_once)
    memory = memory * MORE_MEMORY**further + model / 1e6 * (MORE_TIME**further)
    return Request(math.ceil(memory), math.ceil(minutes * MORE_TIME**further), gpu)


def activation_bytes(params: float, tokens: float) -> float:
    """About how many bytes a micro-batch of `tokens` keeps for the backward pass, in float32."""
    width = width_of(params)
    return ACTIVATIONS * width * LAYERS * width * WIDTH["float32"] * tokens


def gpus(
    params: float, trains: bool, dtype: str, trained: float | None = None, held: float = 0
) -> int:
    """GPUs that hold a model of `params` parameters, in training or in scoring; 0: none needed.

    trained: parameters that are trained; None: all of them.
    held: float32 numbers beside the model in training.
    """
    if params < SMALLEST_ON_GPU:
        return 0
    size = WIDTH[dtype] * params
    if trains:
        size = TRAINING * params
        if trained is not None:
            size = FROZEN * params + (TRAINING - FROZEN) * trained
        size += WIDTH["float32"] * held
    return max(1, math.ceil(size / (GPU_BYTES * USABLE_SHARE)))


def trained_parameters(spec: dict, params: float) -> float:
    """About how many of a model's parameters a stage trains, from its spec; at most `params`.

    A linear map of w x w weights has 2 r w of LoRA; a layer has two bottlenecks of 2 w b.
    """
    how, width = spec.get("parametrisation", {}), width_of(params)
    if not params or how.get("kind") not in PARTS:
        return params
    if how["kind"] == "lora":
        return min(params, params * 2 * how["rank"] / width)
    bottleneck = how["bottleneck"] or width / how["reduction"]
    return min(params, LAYERS * width * 4 * width * bottleneck)


def held_by_method(spec: dict, params: float, trained: float) -> float:
    """Float32 numbers that the method of a stage holds besides the model, from its spec.

    Copies of what is trained and whole networks, as its parameters declare them (`copies`,
    `networks`); buffers of examples are small beside these and are not counted.
    """
    if spec.get("method") is None:
        return 0.0
    hyper = parameters_of(spec["method"])(**spec.get("hyper", {}))
    return hyper.copies_held() * trained + hyper.networks_held() * params


def width_of(params: float) -> float:
    """About how wide the layers of a model are."""
    return (params / (LAYER * LAYERS)) ** (1 / 3)


def scored_items(probes: Iterable[dict]) -> float:
    """About how many items the probes with these specs score."""
    return sum(
        len(spec.get("tasks", ())) * min(spec.get("limit") or ITEMS, ITEMS) for spec in probes
    )


def lost_seconds(params: float, snapshot_seconds: float) -> float:
    """Estimate of the training that a killed job repeats at most: the time between snapshots.

    params: parameters of the model; 0 if they are not known in advance, as for small models.
    snapshot_seconds: as in the study.
    """
    size = params * WIDTH["float32"] * (WEIGHTS + MOMENTS)
    return interval(snapshot_seconds, seconds_for(size))


def tokens_at_once(spec: dict) -> float:
    """Tokens whose activations a base or a stage holds at its most, from its spec.

    Those of a micro-batch, and what its method reads beside it (`examples_held`). Every example
    counts as the recipe's longest; 0 without a recipe, or if activations are computed again.
    """
    recipe = spec.get("recipe")
    if not recipe or recipe.get("recompute_activations"):
        return 0.0
    examples = float(recipe.get("micro_batch_rows") or recipe["batch_size"])
    if spec.get("method") is not None:
        hyper = parameters_of(spec["method"])(**spec.get("hyper", {}))
        examples = hyper.examples_held(examples)
    return examples * recipe["max_length"]


def training_tokens(spec: dict) -> float | None:
    """Upper limit of the tokens that a base or a stage trains on, from its spec.

    Every example counts as the recipe's longest. None for end tasks, and if a part of the mixture
    takes all examples of its data, since the spec does not hold their number; 0 for a spec without
    a recipe.
    """
    if spec.get("kind") == "end_task":
        return None
    recipe = spec.get("recipe")
    if not recipe:
        return 0.0
    if recipe["steps"] is not None:
        examples = recipe["steps"] * recipe["batch_size"]
    else:
        counts = [part["count"] for part in spec["mixture"]]
        if None in counts:
            return None
        examples = recipe["epochs"] * sum(counts)
    return float(examples * recipe["max_length"])
