"""Train one stage: parent + mixture + method + recipe + seed -> checkpoint."""

import time
from pathlib import Path

from lethe.artefacts.files import write_atomic
from lethe.artefacts.lineage import inputs_of
from lethe.artefacts.manifests import verify
from lethe.artefacts.nodes import make_node
from lethe.artefacts.paths import MANIFEST, node_directory, work_directory
from lethe.data.blank import blank_of
from lethe.data.cuts import say
from lethe.data.draws import seed_of
from lethe.data.examples import say_notes
from lethe.data.mixtures import load_mixture
from lethe.data.pieces import Parts
from lethe.jobs.ending import Ending
from lethe.methods.attached import load_state, save_state
from lethe.methods.contract import Method, Stage
from lethe.methods.registry import create
from lethe.models.forward import weighted_loss
from lethe.models.loading import require_family
from lethe.models.saving import keep_generation_rules, save_companions, save_model
from lethe.models.tokenizer import load_tokenizer
from lethe.models.weights import CARRIER, weights_digest
from lethe.models.window import require_room
from lethe.parametrisations.composed import carrier_for, load_checkpoint, verified
from lethe.parametrisations.parametrised import parametrisation_of
from lethe.training.device import prepare, training_device
from lethe.training.layout import make_collate
from lethe.training.loop import total_steps, train
from lethe.training.provenance import costs, provenance
from lethe.training.snapshots import Snapshots

INITIAL = 301
"""Distinguishes the draw of a parametrisation's first weights from others of the same seed."""


def train_stage(node: str, spec: dict, results: Path, code: str, snapshot_seconds: float) -> dict:
    """Train the stage `node` and publish it; return its manifest.

    Raises:
        UserError: the parent or the data are missing or altered, another process works on this
            stage, or training cannot continue.
        Stopped: the job was asked to end, and has saved its state.
    """
    work, ending = work_directory(results, node), Ending()
    snapshots = Snapshots(work, {**spec, "code": code}, snapshot_seconds, ending)

    def make(directory: Path) -> tuple[dict, list[str]]:
        started = time.monotonic()
        parent = node_directory(results, spec["parent_kind"], spec["parent"])
        parent_manifest = verify(parent, MANIFEST[spec["parent_kind"]])
        tokenizer = load_tokenizer(parent)
        base = parent_manifest.get("base_weights", weights_digest(parent_manifest))
        method = prepare_method(spec, parent)
        stage, examples = prepare_stage(spec, parent, results, tokenizer)
        cpu_start = time.process_time()
        how = stage.parametrisation
        progress = train(stage, method, spec["recipe"], snapshots)
        trained = time.process_time() - cpu_start
        kept_dtype = spec["recipe"].get("kept_dtype", "float32")
        files, on = save_trained(stage, tokenizer, parent, directory, kept_dtype)
        files += keep_generation_rules(parent, directory)
        files += save_state(method, directory, base)
        files.append(write_log(directory, progress.rows))
        facts = {
            "parent_weights": weights_digest(parent_manifest),
            "base_weights": base,
            **on,
            "examples": len(examples),
            "cut": examples.cuts,
            "texts": examples.notes,
            "needs_identity": method.needs_identity,
            "record": {name: value.tolist() for name, value in method.record().items()},
            **costs(stage.model, progress, started, trained, added=how.added(stage.model)),
            "provenance": provenance(code),
        }
        return facts, files

    with ending:
        manifest = make_node(results, node, spec, code, make)
    snapshots.remove()
    return manifest


def prepare_method(spec: dict, parent: Path) -> Method:
    """The stage's method, with the state that the parent's checkpoint keeps for it."""
    method = create(spec["method"], spec["hyper"])
    load_state(method, parent)
    return method


def prepare_stage(spec: dict, parent: Path, results: Path, tokenizer) -> tuple[Stage, Parts]:
    """The model, the examples of this stage and of earlier ones, and their layout by the recipe.

    Also the stage's own examples, with what became of their texts.
    """
    recipe = spec["recipe"]

    def examples_of(mixture):
        sources = inputs_of({"mixture": mixture})
        directories = {node: node_directory(results, kind, node) for kind, node in sources}
        examples = load_mixture(
            mixture,
            directories,
            tokenizer,
            recipe["max_length"],
            spec["train_seed"],
            spec["family"],
            spec.get("chat"),
        )
        require_room(model.config, examples.longest)
        return examples

    def frozen(directory):
        return load_checkpoint(directory).to(training_device()).eval().requires_grad_(False)

    base = node_directory(results, spec["base_kind"], spec["base"]) if "base" in spec else None

    if base is not None:
        verify(base, MANIFEST[spec["base_kind"]])
    general = spec.get("general", [])
    for part in [*spec["mixture"], *general]:
        for kind, node in inputs_of(part):
            files = [part["file"]] if kind == "data" else None
            verify(node_directory(results, kind, node), MANIFEST[kind], only=files)
    index, how = len(spec["history"]), parametrisation_of(spec.get("parametrisation"))
    model = how.start(parent, seed_of(spec["train_seed"], index, INITIAL))
    require_family(model, spec["family"], parent)
    model = prepare(model, recipe)
    examples = examples_of(spec["mixture"])
    say(examples.cuts, recipe["max_length"])
    say_notes(examples.notes)
    stage = Stage(
        model=model,
        examples=examples,
        load_replayed=lambda: [examples_of(mixture) for mixture in spec["earlier"]],
        load_general=lambda: examples_of(general),
        load_parent=lambda: frozen(parent),
        load_base=base and (lambda: frozen(base)),
        collate=make_collate(recipe, tokenizer, spec["family"], model.config, spec["train_seed"]),
        family=spec["family"],
        plain_loss=weighted_loss,
        index=index - spec.get("before", 0),
        seed=spec["train_seed"],
        steps=total_steps(len(examples), recipe),
        history=list(spec["history"]),
        batch_size=recipe["batch_size"],
        blank=lambda: blank_of(tokenizer, spec["family"], recipe["max_length"]),
        parametrisation=how,
    )
    return stage, examples


def save_trained(
    stage: Stage, tokenizer, parent: Path, directory: Path, dtype: str
) -> tuple[list[str], dict]:
    """Write the whole network, or the adapter alone; the names of the files.

    Also what the manifest says of the model that an adapter is on.
    """
    how = stage.parametrisation
    if how.is_whole:
        return save_model(stage.model, tokenizer, directory, dtype), {}
    carrier = carrier_for(parent, {**how.settings, "kind": how.kind})
    files = save_companions(stage.model.config, tokenizer, directory)
    files += how.save(stage.model, directory, carrier, dtype)
    return files, {CARRIER: weights_digest(verified(carrier))}


def write_log(directory: Path, rows: list[list[float]]) -> str:
    """One row per step: step, loss in nats, gradient norm before clipping, learning rate."""
    lines = ["step,loss,gradient_norm,learning_rate"]
    lines += [f"{int(step)},{loss:.6g},{norm:.6g},{rate:.6g}" for step, loss, norm, rate in rows]
    write_atomic(directory / "training.csv", "\n".join(lines) + "\n")
    return "training.csv"
