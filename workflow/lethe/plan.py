"""From a study to its nodes: the one place that builds specs and ids. Imports nothing heavy."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lethe.config import Catalogue, Model, Study
from lethe.errors import UserError
from lethe.imported.chain import stage_specs
from lethe.local_files import checkpoint_digest, file_digest, folder_digest
from lethe.settings import parse_mixture, recipe_for
from lethe.strict_json import digest

CONTROL = "control:"


@dataclass(frozen=True)
class Node:
    """Anything with a spec and an id. `inputs` are the (kind, id) it is made from."""

    id: str
    kind: str
    spec: dict[str, Any]
    inputs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Base:
    """Where a run starts: the node, and the words of the model."""

    node: Node
    model: str
    series: str
    untuned: str
    world_seed: int | None
    base_seed: int | None
    history: tuple[str, ...] = ()
    mixtures: tuple[list[dict[str, Any]], ...] = ()

    @property
    def slug(self) -> str:
        return _slug_of(self.model, self.world_seed, self.base_seed)


@dataclass(frozen=True)
class Run:
    """One chain of checkpoints from a base to the end of an order, with its words."""

    model: str
    family: str
    series: str
    untuned: str
    world_seed: int | None
    base_seed: int | None
    method: str
    hyper: dict[str, Any]
    recipe: str
    order: str
    train_seed: int | None
    checkpoints: tuple[str, ...]
    stages: tuple[str, ...]


@dataclass
class Plan:
    """All nodes of a study by id, its runs, and the probe nodes of each checkpoint.

    `sizes` holds about how many parameters the model of a node has, where the catalogue says it;
    it changes no result and is in no spec.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    probes: dict[str, list[str]] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)

    def add(self, kind: str, slug: str, spec: dict[str, Any], inputs, size: float = 0.0) -> Node:
        """The node of a spec; the same spec gives the same node, whoever asks."""
        spec = {"kind": kind, **spec}
        node = Node(f"{slug}-{digest(spec)[:12]}", kind, spec, tuple(inputs))
        if size:
            self.sizes[node.id] = size
        return self.nodes.setdefault(node.id, node)

    def of_kind(self, kind: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.kind == kind]


def make_plan(study: Study, catalogue: Catalogue) -> Plan:
    """Every node that a study needs.

    A node's spec holds every value that changes its result and no other, so that a changed value
    is a new id for exactly what it changes, and equal specs are shared between runs and studies.
    """
    plan = Plan()
    for model in study.models:
        for world_seed, base_seed in origins(study, catalogue, model):
            base = add_base(plan, catalogue, model, world_seed, base_seed)
            for method, order, words, train_seed in chains(study, model):
                add_run(plan, study, catalogue, base, method, order, words, train_seed)
    for name in study.imports:
        add_import(plan, study, catalogue, name)
    _refuse_equal_words(study, catalogue)
    return plan


def origins(
    study: Study, catalogue: Catalogue, name: str
) -> Iterator[tuple[int | None, int | None]]:
    """(world seed, base seed) of every base of a model; None where it has no such seed.

    A fetched or imported model has no base seed, and no world seed unless it is trained or
    evaluated on a world.
    """
    built = root_of(catalogue, name).architecture is not None
    worlds = study.seeds.world if uses_world(study, catalogue, name) else [None]
    for world_seed in worlds:
        for base_seed in study.seeds.base if built else [None]:
            yield world_seed, base_seed


def root_of(catalogue: Catalogue, name: str) -> Model:
    """The model that a derived model goes back to; the model itself if it is not derived."""
    model = catalogue.models[name]
    return root_of(catalogue, model.parent) if model.parent else model


def uses_world(study: Study, catalogue: Catalogue, name: str) -> bool:
    """Whether anything in a model's chains comes from a generated world."""
    sources = {probe.source for probe in (catalogue.probes[p] for p in study.probes)}
    sources |= {task.source for p in study.probes for task in catalogue.probes[p].tasks.values()}
    mixtures = [
        mixture for _, order, _, _ in chains(study, name) for mixture in catalogue.orders[order]
    ]
    model: Model | None = catalogue.models[name]
    while model is not None:
        sources.add(model.source)
        mixtures += [model.train_on] if model.train_on else []
        model = catalogue.models[model.parent] if model.parent else None
    sources |= {catalogue.tasks[task].source for m in mixtures for task, _ in parse_mixture(m)}
    return any(catalogue.sources[source].kind == "world" for source in sources - {None})


def chains(study: Study, model: str) -> Iterator[tuple[str, str, str, int]]:
    """(name of the method, name of the order, words for it, train seed) of a model's chains."""
    found: dict[tuple[str, str, str], None] = {}
    wanted = [(study.orders, study.methods, study.controls)]
    wanted += [
        (also.orders, also.methods or study.methods, also.controls)
        for also in study.also
        if model in also.models
    ]
    for orders, methods, controls in wanted:
        found |= dict.fromkeys((method, order, order) for order in orders for method in methods)
        found |= dict.fromkeys(("sequential", order, f"{CONTROL}{order}") for order in controls)
    for train_seed in study.seeds.train:
        for method, order, words in found:
            yield method, order, words, train_seed


def add_fetched(plan: Plan, kind: str, repo: str, revision: str | None, **spec: Any) -> Node:
    """What is fetched of a hub repository; `kind` is `model` or `dataset`."""
    slug = repo.replace("/", "--")[-60:]
    return plan.add(
        "fetched", slug, {"repo": repo, "repo_type": kind, "revision": revision, **spec}, ()
    )


def add_data(plan: Plan, catalogue: Catalogue, source: str, world_seed: int | None) -> Node:
    """The data node of a source: what its loader makes, or the fetched files themselves."""
    entry = catalogue.sources[source]
    if entry.kind == "world":
        spec = {"source": "world", "seed": world_seed, **entry.parameters}
        return plan.add("data", f"{source}-{world_seed}", spec, ())
    spec = {
        "source": entry.kind,
        "name": source,
        "loader": entry.loader,
        "parameters": entry.parameters,
        "subset": entry.subset,
    }
    if entry.files:
        spec["source"] = "files"
        spec["files"] = {
            split: {"path": path, "sha256": file_digest(path, f"sources.{source}.files.{split}")}
            for split, path in entry.files.items()
        }
        return plan.add("data", source, spec, ())
    fetched = add_fetched(
        plan, "dataset", entry.repo, entry.revision, include=entry.include, gated=entry.gated
    )
    if entry.loader is None:
        return fetched
    return plan.add("data", source, {**spec, "fetched": fetched.id}, [("fetched", fetched.id)])


def add_base(
    plan: Plan, catalogue: Catalogue, name: str, world_seed: int | None, base_seed: int | None
) -> Base:
    """The base of a model, however it comes about; a derived one is a stage on its parent."""
    model = catalogue.models[name]
    if model.parent is not None:
        return _add_derived(plan, catalogue, name, world_seed, base_seed)
    add = {"architecture": _built, "hub": _hub, "import": _imported}
    origin = "architecture" if model.architecture else "hub" if model.hub else "import"
    node = add[origin](plan, catalogue, name, world_seed, base_seed)
    return Base(node, name, model.series or name, model.untuned or "", world_seed, base_seed)


def _built(plan, catalogue: Catalogue, name: str, world_seed, base_seed) -> Node:
    """Trained here: its data, architecture, recipe, seed and dev floors."""
    model = catalogue.models[name]
    data = add_data(plan, catalogue, model.source, world_seed)
    shared = {"task": "corpus", "data": data.id, "template": "{prompt}", "delimiter": " "}
    shared |= {"count": None, "draw": 0}
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
    slug = _slug_of(name, world_seed, base_seed)
    return plan.add("base", slug, spec, [("data", data.id)], model.params or 0.0)


def _hub(plan, catalogue: Catalogue, name: str, world_seed, base_seed) -> Node:
    """Fetched from the hub; what is fetched is one node, the checked base made of it another."""
    model = catalogue.models[name]
    fetched = add_fetched(plan, "model", model.hub, model.revision, include=[], gated=model.gated)
    spec = {"family": model.family, "source": "hub", "fetched": fetched.id}
    return plan.add("base", name, spec, [("fetched", fetched.id)], model.params or 0.0)


def _imported(plan, catalogue: Catalogue, name: str, world_seed, base_seed) -> Node:
    """A folder with a checkpoint made elsewhere; its content is its identity."""
    model = catalogue.models[name]
    return imported_node(
        plan, name, model.family, model.path, f"models.{name}.import", model.params
    )


def imported_node(plan, slug: str, family: str, path: str, where: str, size) -> Node:
    """A base node over a local folder; `where` names the key that holds the path."""
    spec = {"family": family, "source": "import", "path": path}
    spec["sha256"] = checkpoint_digest(path, where)
    return plan.add("base", slug, spec, (), size or 0.0)


def _add_derived(plan, catalogue: Catalogue, name: str, world_seed, base_seed) -> Base:
    """A model trained further before any stage; its seed is that of its base."""
    model = catalogue.models[name]
    parent = add_base(plan, catalogue, model.parent, world_seed, base_seed)
    node, components = add_stage(
        plan,
        catalogue,
        parent,
        parent.node,
        model.train_on,
        ("sequential", model.recipe, base_seed or 0),
        f"{_slug_of(name, world_seed, base_seed)}-base",
        name,
    )
    return Base(
        node,
        name,
        model.series or name,
        model.untuned or model.parent,
        world_seed,
        base_seed,
        (*parent.history, model.train_on),
        (*parent.mixtures, components),
    )


def _floor_tasks(catalogue: Catalogue, model: Model) -> list[dict[str, str]]:
    known = {
        task: (entry.source or probe.source, entry.metric)
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
    base: Base,
    method: str,
    order: str,
    words: str,
    train_seed: int,
) -> None:
    """A chain of stages and the probes of its checkpoints."""
    add_probes(plan, study, catalogue, base.node, base.world_seed, f"{base.slug}-base", True)
    parent, lived, checkpoints = base.node, base, [base.node.id]
    for stage, mixture in enumerate(catalogue.orders[order], start=1):
        slug = f"{base.slug}-{method}-s{stage}-{_slug(mixture)}-t{train_seed}"
        how = (method, study.recipe, train_seed)
        parent, components = add_stage(
            plan, catalogue, lived, parent, mixture, how, slug, base.model
        )
        lived = Base(
            base.node,
            base.model,
            base.series,
            base.untuned,
            base.world_seed,
            base.base_seed,
            (*lived.history, mixture),
            (*lived.mixtures, components),
        )
        checkpoints.append(parent.id)
        add_probes(plan, study, catalogue, parent, base.world_seed, slug, False)
    plan.runs.append(
        Run(
            model=base.model,
            family=base.node.spec["family"],
            series=base.series,
            untuned=base.untuned,
            world_seed=base.world_seed,
            base_seed=base.base_seed,
            method=method,
            hyper=catalogue.methods[method].hyper,
            recipe=study.recipe,
            order=words,
            train_seed=train_seed,
            checkpoints=tuple(checkpoints),
            stages=("", *catalogue.orders[order]),
        )
    )


def add_stage(
    plan: Plan,
    catalogue: Catalogue,
    lived: Base,
    parent: Node,
    mixture: str,
    how: tuple[str, str, int],
    slug: str,
    model: str,
) -> tuple[Node, list[dict[str, Any]]]:
    """The node of one stage, and the components of its mixture.

    Args:
        lived: the mixtures before this one.
        how: names of the method and the recipe, and the train seed.
        model: the name that the recipe's overrides go by.
    """
    method, recipe, train_seed = how
    entry = catalogue.methods[method]
    earlier = [list(components) for components in lived.mixtures]
    components = mixture_spec(plan, catalogue, mixture, lived.world_seed, lived.history)
    spec = {
        "family": parent.spec["family"],
        "parent": parent.id,
        "parent_kind": parent.kind,
        "mixture": components,
        "earlier": earlier,
        "history": [*lived.history, mixture],
        "method": entry.method,
        "hyper": entry.hyper,
        "recipe": recipe_for(recipe, catalogue.recipes[recipe], model),
        "train_seed": train_seed,
    }
    inputs = [(parent.kind, parent.id)]
    inputs += sorted({("data", part["data"]) for part in [*components, *sum(earlier, [])]})
    node = plan.add("stage", slug, spec, inputs, plan.sizes.get(parent.id, 0.0))
    return node, components


def mixture_spec(
    plan: Plan,
    catalogue: Catalogue,
    mixture: str,
    world_seed: int | None,
    history: tuple[str, ...],
) -> list[dict[str, Any]]:
    """Components of a mixture. `draw` counts a task's earlier uses, so that each draws anew."""
    used = [task for earlier in history for task, _ in parse_mixture(earlier)]
    components = []
    for name, count in parse_mixture(mixture):
        task = catalogue.tasks[name]
        data = add_data(plan, catalogue, task.source, world_seed)
        if data.kind != "data":
            raise UserError(
                f"tasks.{name}.source: {task.source!r} is fetched as it is; give it a `loader` "
                "that makes prompts and responses of its columns."
            )
        components.append(
            {
                "task": name,
                "data": data.id,
                "file": task.file,
                "template": task.template,
                "delimiter": task.delimiter,
                "count": count if count is not None else task.count,
                "draw": used.count(name),
            }
        )
    return components


def add_probes(
    plan: Plan,
    study: Study,
    catalogue: Catalogue,
    checkpoint: Node,
    world_seed: int | None,
    slug: str,
    is_base: bool,
) -> None:
    """The probe nodes of a checkpoint, once."""
    if checkpoint.id in plan.probes:
        return
    plan.probes[checkpoint.id] = []
    for name in study.probes:
        probe = catalogue.probes[name]
        if probe.stages == "base" and not is_base:
            continue
        inputs = {(checkpoint.kind, checkpoint.id): None}
        tasks = []
        for task, entry in probe.tasks.items():
            source = entry.source or probe.source
            data = add_data(plan, catalogue, source, world_seed) if source else None
            if data:
                inputs[data.kind, data.id] = None
            tasks.append(
                {
                    "name": task,
                    **entry.model_dump(exclude={"source"}),
                    "data": data.id if data else None,
                    "data_kind": data.kind if data else None,
                }
            )
        spec = {
            "checkpoint": checkpoint.id,
            "checkpoint_kind": checkpoint.kind,
            "probe": name,
            "include": probe.include,
            "include_sha256": folder_digest(probe.include, f"probes.{name}.include"),
            "split": "test",
            "limit": study.limit,
            "engine": probe.engine,
            "dtype": probe.dtype,
            "tasks": tasks,
        }
        size = plan.sizes.get(checkpoint.id, 0.0)
        node = plan.add("probe", f"{slug}-{name}", spec, list(inputs), size)
        plan.probes[checkpoint.id].append(node.id)


def add_import(plan: Plan, study: Study, catalogue: Catalogue, name: str) -> None:
    """A chain that was trained elsewhere: none of its stages is trained here.

    Its checkpoints are scored here, or its scores too were made elsewhere.
    """
    entry = catalogue.imports[name]
    scored = [bool(stage.results) for stage in entry.stages]
    if any(scored) and not all(scored):
        raise UserError(
            f"imports.{name}: stage {scored.index(True)} has `results`, stage "
            f"{scored.index(False)} has `import`; scores made elsewhere and here cannot be "
            "compared, so give all stages one of the two."
        )
    slugs = [f"{name}-s{i}-{_slug(stage.task or 'base')}" for i, stage in enumerate(entry.stages)]
    if all(scored):
        checkpoints = _add_scored(plan, stage_specs(study, catalogue, name, entry), slugs)
    else:
        checkpoints = _add_checkpoints(plan, study, catalogue, name, slugs)
    plan.runs.append(
        Run(
            model=entry.model,
            family=entry.family,
            series=entry.series or entry.model,
            untuned=entry.untuned or "",
            world_seed=None,
            base_seed=entry.base_seed,
            method=entry.method,
            hyper={},
            recipe="elsewhere",
            order=entry.order,
            train_seed=entry.train_seed,
            checkpoints=tuple(checkpoints),
            stages=tuple(stage.task or "" for stage in entry.stages),
        )
    )


def _refuse_equal_words(study: Study, catalogue: Catalogue) -> None:
    """Two imported chains that no table could tell apart."""
    known: dict[tuple, str] = {}
    for name in study.imports:
        entry = catalogue.imports[name]
        words = (entry.model, entry.method, entry.order, entry.base_seed, entry.train_seed)
        if words in known:
            raise UserError(
                f"imports: {known[words]!r} and {name!r} have the same model, method, order, "
                "base_seed and train_seed; give one of them another (a train_seed, if they are "
                "repetitions)."
            )
        known[words] = name


def _add_scored(plan: Plan, specs: list[dict[str, Any]], slugs: list[str]) -> list[str]:
    """Probe nodes over result files. There is no checkpoint, so each stands for its own.

    Their job reads a file, whatever the size of the model.
    """
    checkpoints = []
    for slug, spec in zip(slugs, specs, strict=True):
        node = plan.add("probe", slug, spec, ())
        plan.probes[node.id] = [node.id]
        checkpoints.append(node.id)
    return checkpoints


def _add_checkpoints(
    plan: Plan, study: Study, catalogue: Catalogue, name: str, slugs: list[str]
) -> list[str]:
    entry = catalogue.imports[name]
    seeds = study.seeds.world
    if len(seeds) > 1 and any(_probe_uses_world(catalogue, probe) for probe in study.probes):
        raise UserError(
            f"imports.{name}: its checkpoints are scored on one generated world; give one seed in "
            f"seeds.world, found {len(seeds)}."
        )
    checkpoints = []
    for index, (stage, slug) in enumerate(zip(entry.stages, slugs, strict=True)):
        where = f"imports.{name}.stages[{index}].import"
        node = imported_node(plan, slug, entry.family, stage.path, where, entry.params)
        checkpoints.append(node.id)
        add_probes(plan, study, catalogue, node, seeds[0], slug, index == 0)
    return checkpoints


def _probe_uses_world(catalogue: Catalogue, name: str) -> bool:
    probe = catalogue.probes[name]
    sources = {probe.source, *(task.source for task in probe.tasks.values())} - {None}
    return any(catalogue.sources[source].kind == "world" for source in sources)


def _slug_of(model: str, world_seed: int | None, base_seed: int | None) -> str:
    parts = [model]
    parts += [f"w{world_seed}"] if world_seed is not None else []
    parts += [f"b{base_seed}"] if base_seed is not None else []
    return "-".join(parts)


def _slug(mixture: str) -> str:
    return mixture.replace("&", "_").replace(":", "")[:24]
