"""Train a base model from scratch on a general corpus, and compare it with its dev floors."""

import time
from collections.abc import Callable
from pathlib import Path

from lethe.artefacts.manifests import verify
from lethe.artefacts.nodes import make_node
from lethe.artefacts.paths import MANIFEST, node_directory, work_directory
from lethe.data.cuts import Cuts, say
from lethe.data.mixtures import load_mixture
from lethe.errors import UserError
from lethe.jobs.ending import Ending
from lethe.jobs.live import AGAIN, say_again
from lethe.methods.contract import Method, Stage
from lethe.models.architectures import build
from lethe.models.forward import weighted_loss
from lethe.models.saving import save_model
from lethe.models.tokenizer import load_tokenizer, tokenizer_for
from lethe.models.window import require_room
from lethe.training.device import prepare
from lethe.training.layout import make_collate
from lethe.training.loop import Progress, total_steps, train
from lethe.training.provenance import costs, provenance
from lethe.training.snapshots import Snapshots, remove_snapshots
from lethe.training.stage import write_log

# Distance to the next seed, tried if a base misses its floors; far from other bases' seeds.
SEED_STRIDE = 1000


def train_base(
    node: str,
    spec: dict,
    results: Path,
    code: str,
    snapshot_seconds: float,
    dev_scores: Callable[[Path, Path], dict[str, float]],
) -> dict:
    """Train base seeds in turn until one reaches every floor; publish it with all attempts.

    Args:
        dev_scores: (checkpoint folder, folder for kept scores) -> value by evaluation task. It is
            an argument, so that a change in the scoring code does not retrain a base.

    Raises:
        UserError: no seed reached the floors (names the sets that missed), or altered data.
        Stopped: the job was asked to end, and has saved its state.
    """
    work, ending = work_directory(results, node), Ending()

    def make(directory: Path) -> tuple[dict, list[str]]:
        started = time.monotonic()
        data = node_directory(results, "data", spec["data"])
        verify(data, MANIFEST["data"])
        tokenizer = tokenizer_for(spec["family"], load_tokenizer(data / "tokenizer"))
        attempts, trained = [], 0.0
        (work / AGAIN).unlink(missing_ok=True)
        for attempt in range(spec["attempts"]):
            seed = spec["base_seed"] + SEED_STRIDE * attempt
            if attempts:
                say_again(work, again_words(spec, attempts[-1]))
            identity = {**spec, "attempt": attempt, "code": code}
            snapshots = Snapshots(work, identity, snapshot_seconds, ending)
            cpu_start = time.process_time()
            model, progress, cut = train_seed(spec, seed, data, tokenizer, snapshots)
            trained += time.process_time() - cpu_start
            kept_dtype = spec["recipe"].get("kept_dtype", "float32")
            files = save_model(model, tokenizer, directory, kept_dtype)
            dev = dev_scores(directory, work / f"attempt-{attempt}")
            attempts.append(judge(spec["floors"], seed, dev))
            if not attempts[-1]["below_floor"]:
                break
        else:
            raise UserError(_missed(node, attempts))
        files.append(write_log(directory, progress.rows))
        facts = {
            "seed": seed,
            "attempts": attempts,
            "cut": cut,
            **costs(model, progress, started, trained),
            "provenance": provenance(code),
        }
        return facts, files

    with ending:
        manifest = make_node(results, node, spec, code, make)
    remove_snapshots(work)
    return manifest


def train_seed(spec, seed, data, tokenizer, snapshots) -> tuple[object, Progress, Cuts]:
    """One model from one base seed, which draws its initial weights and order of documents.

    Also what was left out of the documents.
    """
    recipe = spec["recipe"]
    model = prepare(build(spec["architecture"], spec["config"], tokenizer, seed), recipe)
    examples = load_mixture(
        spec["mixture"],
        {spec["data"]: data},
        tokenizer,
        recipe["max_length"],
        seed,
        spec["family"],
    )
    require_room(model.config, examples.longest)
    say(examples.cuts, recipe["max_length"])
    stage = Stage(
        model=model,
        examples=examples,
        load_replayed=list,
        load_parent=lambda: None,
        collate=make_collate(recipe, tokenizer, spec["family"], model.config, seed),
        family=spec["family"],
        plain_loss=weighted_loss,
        index=0,
        seed=seed,
        steps=total_steps(len(examples), recipe),
    )
    return model, train(stage, Method(), recipe, snapshots), examples.cuts


def judge(floors: dict[str, float], seed: int, dev: dict[str, float]) -> dict:
    """Dev scores of one attempt against the floors: {seed, dev, below_floor}."""
    below = sorted(task for task, floor in floors.items() if dev[task] < floor)
    return {"seed": seed, "dev": dev, "below_floor": below}


def again_words(spec: dict, last: dict) -> str:
    """Which attempt begins, and what the last one missed."""
    number = (last["seed"] - spec["base_seed"]) // SEED_STRIDE + 2
    missed = ", ".join(
        f"{task} ({last['dev'][task]:.3g} < {spec['floors'][task]:.3g})"
        for task in last["below_floor"]
    )
    return f"attempt {number} of {spec['attempts']}, seed {last['seed']} missed {missed}"


def _missed(node: str, attempts: list[dict]) -> str:
    misses = "; ".join(
        f"seed {attempt['seed']}: "
        + ", ".join(f"{task} {attempt['dev'][task]:.2f}" for task in attempt["below_floor"])
        for attempt in attempts
    )
    return (
        f"No seed of base {node} reached its dev floors ({misses}). Train it for longer (the "
        "model's recipe), allow more attempts, or lower its floors in the catalogue of models."
    )
