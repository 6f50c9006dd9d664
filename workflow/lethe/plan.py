"""From a study to its nodes: the one place that builds specs and ids. Imports nothing heavy."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lethe.config import Catalogue, Study
from lethe.errors import UserError
from lethe.settings import parse_mixture, recipe_for
from lethe.strict_json import digest


@dataclass(frozen=True)
class Node:
    """Anything with a spec and an id. `inputs` are the (kind, id) it is made from."""

    id: str
    kind: str
    spec: dict[str, Any]
    inputs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Run:
    """One chain of checkpoints from a base to the end of an order, with its words."""

    model: str
    family: str
    world_seed: int
    base_seed: int
    method: str
    hyper: dict[str, Any]
    recipe: str
    order: str
    train_seed: int
    checkpoints: tuple[str, ...]
    stages: tuple[str, ...]


@dataclass
class Plan:
    """All nodes of a study by id, its runs, and the probe nodes of each checkpoint.

    `sizes` holds the parameters of the model that a node trains or scores, as far as known.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    probes: dict[str, list[str]] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)

    def add(self, kind: str, slug: str, spec: dict[str, Any], inputs) -> Node:
        """The node of a spec; the same spec gives the same node, whoever asks."""
        spec = {"kind": kind, **spec}
        node = Node(f"{slug}-{digest(spec)[:12]}", kind, spec, tuple(inputs))
        return self.nodes.setdefault(node.id, node)

    def of_kind(self, kind: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.kind == kind]


def make_plan(study: Study, catalogue: Catalogue) -> Plan:
    """Every node that a study needs.

    A node's spec holds every value that changes its result and no other, so that a changed value
    is a new id for exactly what it changes, and equal specs are shared between runs and studies.
    """
    plan = Plan()
    for world_seed in study.seeds.world:
        for model in study.models:
            for base_seed in study.seeds.base:
                base = add_base(plan, catalogue, model, world_seed, base_seed)
                for run in chains(study):
                    add_run(plan, study, catalogue, base, (model, world_seed, base_seed), *run)
    return plan


def chains(study: Study) -> Iterator[tuple[str, str, str, int]]:
    """(name of the method, name of the order, words for it, train seed) of every chain."""
    for train_seed in study.seeds.train:
        for order in study.orders:
            for method in study.methods:
                yield method, order, order, train_seed
        for order in study.controls:
            yield "sequential", order, f"control:{order}", train_seed


def add_data(plan: Plan, catalogue: Catalogue, source: str, world_seed: int) -> Node:
    """The data node of a source."""
    entry = catalogue.sources[source]
    spec = {"source": entry.kind, "seed": world_seed, **entry.parameters}
    return plan.add("data", f"{source}-{world_seed}", spec, ())


def add_base(plan: Plan, catalogue: Catalogue, name: str, world_seed: int, base_seed: int) -> Node:
    """The base of a model: its data, architecture, recipe, seed and dev floors."""
    model = catalogue.models[name]
    data = add_data(plan, catalogue, model.source, world_seed)
    shared = {"task": "corpus", "data": data.id, "template": "{prompt}", "count": None, "draw": 0}
    spec = {
        "family": model.family,
        "architecture": model.architecture,
        "config": model.config,
        "data": data.id,
        "mixture": [{**shared, "file": file} for file in model.corpus],
        "recipe": recipe_for(model.recipe, catalogue.recipes[model.recipe], name),
        "base_seed": base_seed,
        "attempts": model.attempts,
        "floors": dict(sorted(model.floors.items())),
        "floor_tasks": _floor_tasks(catalogue, model),
    }
    return plan.add("base", f"{name}-w{world_seed}-b{base_seed}", spec, [("data", data.id)])


def _floor_tasks(catalogue: Catalogue, model) -> list[dict[str, str]]:
    known = {
        task: (probe.source, entry.metric)
        for probe in catalogue.probes.values()
        for task, entry in probe.tasks.items()
    }
    for task in model.floors:
        if known.get(task, (None, ""))[0] != model.source:
            raise UserError(
                f"models: the floor of {task!r} names no evaluation task of source "
                f"{model.source!r}; add it to a probe or remove the floor."
            )
    return [{"name": task, "metric": known[task][1]} for task in sorted(model.floors)]


def add_run(
    plan: Plan,
    study: Study,
    catalogue: Catalogue,
    base: Node,
    origin: tuple[str, int, int],
    method: str,
    order: str,
    words: str,
    train_seed: int,
) -> None:
    """A chain of stages and the probes of its checkpoints."""
    model, world_seed, base_seed = origin
    entry = catalogue.methods[method]
    parent, history, mixtures = base, [], []
    checkpoints = [base.id]
    add_probes(plan, study, catalogue, base, world_seed, f"{model}-w{world_seed}-b{base_seed}-base")
    for stage, mixture in enumerate(catalogue.orders[order], start=1):
        components = mixture_spec(plan, catalogue, mixture, world_seed, history.count(mixture))
        history.append(mixture)
        spec = {
            "family": base.spec["family"],
            "parent": parent.id,
            "parent_kind": parent.kind,
            "mixture": components,
            "earlier": list(mixtures),
            "history": list(history),
            "method": entry.method,
            "hyper": entry.hyper,
            "recipe": recipe_for(study.recipe, catalogue.recipes[study.recipe], model),
            "train_seed": train_seed,
        }
        slug = (
            f"{model}-w{world_seed}-b{base_seed}-{method}-s{stage}-{_slug(mixture)}-t{train_seed}"
        )
        inputs = [(parent.kind, parent.id)]
        inputs += sorted({("data", part["data"]) for part in [*components, *sum(mixtures, [])]})
        parent = plan.add("stage", slug, spec, inputs)
        mixtures.append(components)
        checkpoints.append(parent.id)
        add_probes(plan, study, catalogue, parent, world_seed, slug)
    plan.runs.append(
        Run(
            model=model,
            family=base.spec["family"],
            world_seed=world_seed,
            base_seed=base_seed,
            method=method,
            hyper=entry.hyper,
            recipe=study.recipe,
            order=words,
            train_seed=train_seed,
            checkpoints=tuple(checkpoints),
            stages=("", *history),
        )
    )


def mixture_spec(
    plan: Plan, catalogue: Catalogue, mixture: str, world_seed: int, draw: int
) -> list[dict[str, Any]]:
    """Components of a mixture. `draw` counts its earlier uses, so that each draws anew."""
    components = []
    for name, count in parse_mixture(mixture):
        task = catalogue.tasks[name]
        components.append(
            {
                "task": name,
                "data": add_data(plan, catalogue, task.source, world_seed).id,
                "file": task.file,
                "template": task.template,
                "count": count if count is not None else task.count,
                "draw": draw,
            }
        )
    return components


def add_probes(plan, study, catalogue, checkpoint: Node, world_seed: int, slug: str) -> None:
    """The probe nodes of a checkpoint, once."""
    if checkpoint.id in plan.probes:
        return
    plan.probes[checkpoint.id] = []
    for name in study.probes:
        probe = catalogue.probes[name]
        inputs = [(checkpoint.kind, checkpoint.id)]
        data = None
        if probe.source is not None:
            data = add_data(plan, catalogue, probe.source, world_seed).id
            inputs.append(("data", data))
        spec = {
            "checkpoint": checkpoint.id,
            "checkpoint_kind": checkpoint.kind,
            "probe": name,
            "data": data,
            "split": "test",
            "limit": study.limit,
            "engine": "stock",
            "dtype": "float32",
            "tasks": [{"name": task, **entry.model_dump()} for task, entry in probe.tasks.items()],
        }
        node = plan.add("probe", f"{slug}-{name}", spec, inputs)
        plan.probes[checkpoint.id].append(node.id)


def _slug(mixture: str) -> str:
    return mixture.replace("&", "_").replace(":", "")[:24]
