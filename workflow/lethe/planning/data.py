"""Nodes of data: generated, prepared from the hub, a package or files, or used as fetched."""

from pathlib import Path
from typing import Any

from lethe.artefacts.local_files import file_digest
from lethe.config.catalogue import Catalogue
from lethe.config.packages import Package
from lethe.errors import UserError
from lethe.parameters.entries import parse_mixture
from lethe.planning.nodes import Base, Node, Plan
from lethe.sources.broken_files import refuse_broken
from lethe.sources.contents import rows_of
from lethe.sources.loaders.parameters import LOADERS
from lethe.sources.parameters import source_parameters
from lethe.sources.prepare import check_beginning

# Rows of a user's file that are looked at in planning, which must take no time; all are later.
CHECKED_ROWS = 100


def add_fetched(plan: Plan, kind: str, repo: str, revision: str | None, **spec: Any) -> Node:
    """The node of files fetched from a hub repository; `kind` is `model` or `dataset`."""
    slug = repo.replace("/", "--")[-60:]
    return plan.add(
        "fetched", slug, {"repo": repo, "repo_type": kind, "revision": revision, **spec}
    )


def add_package(plan: Plan, package: Package) -> Node:
    """The node of files fetched from a package; all who want the same files of it share it."""
    slug = package.name.strip("@").replace("/", "--")[-60:].lstrip("-.")
    spec = package.model_dump(mode="json", include={"index", "name", "version", "sha256"})
    spec["archive"] = (package.archive or "wheel") if package.index == "pypi" else "tarball"
    spec["members"] = package.digests()
    return plan.add("fetched", slug, {"package": spec})


def add_data(plan: Plan, catalogue: Catalogue, source: str, world_seed: int | None) -> Node:
    """The data node of a source: what its loader makes, or the fetched files themselves."""
    key = (source, world_seed)
    if key not in plan.data:
        plan.data[key] = _data_node(plan, catalogue, source, world_seed)
    return plan.data[key]


def _data_node(plan: Plan, catalogue: Catalogue, source: str, world_seed: int | None) -> Node:
    entry = catalogue.sources[source]
    parameters = source_parameters(f"sources.{source}", entry.kind, entry.loader, entry.parameters)
    if entry.kind == "world":
        spec = {"source": "world", "seed": world_seed, **parameters}
        return plan.add("data", f"{source}-{world_seed}", spec)
    if entry.kind == "real":
        made_of = {
            part: add_package(plan, catalogue.sources[name].package)
            for part, name in sorted(entry.made_from.items())
        }
        packages = [{"name": part, "fetched": node.id} for part, node in made_of.items()]
        return plan.add("data", source, {"source": "real", **parameters, "packages": packages})
    spec = {
        "source": entry.kind,
        "name": source,
        "loader": entry.loader,
        "parameters": parameters,
        "subset": entry.subset,
    }
    if entry.files:
        spec["source"] = "files"
        spec["files"] = {
            split: _local_file(path, f"sources.{source}.files.{split}", entry.loader)
            for split, path in entry.files.items()
        }
        written = check_beginning(spec, CHECKED_ROWS)
        node = plan.add("data", source, spec)
        plan.rows[node.id] = written
        return node
    if entry.kind == "package":
        fetched = add_package(plan, entry.package)
    else:
        fetched = add_fetched(
            plan, "dataset", entry.repo, entry.revision, include=entry.include, gated=entry.gated
        )
    if entry.loader is None:
        return fetched
    return plan.add("data", source, {**spec, "fetched": fetched.id})


def _local_file(path: str, where: str, loader: str | None) -> dict[str, str]:
    """A local file and its digest, once its beginning is what its name says."""
    sha256 = file_digest(path, where)
    is_usual = loader is None or not LOADERS[loader].reads_own_csv
    refuse_broken(Path(path), where, CHECKED_ROWS if is_usual else 0)
    return {"path": path, "sha256": sha256}


def add_tokens(plan: Plan, data: Node, file: str, family: str, tokenizer: Node) -> Node:
    """The node of a file's texts as tokens; all who join these texts share it.

    It depends on no length: whoever reads it cuts it.
    """
    spec = {
        "family": family,
        "data": data.id,
        "file": file,
        "tokenizer": tokenizer.id,
        "tokenizer_kind": tokenizer.kind,
    }
    return plan.add("tokens", f"{data.id.rpartition('-')[0]}-tokens", spec)


def mixture_spec(
    plan: Plan, catalogue: Catalogue, mixture: str, lived: Base, history: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Components of a mixture. `draw` counts a task's earlier uses, so that each draws afresh."""
    used = [task for earlier in history for task, _ in parse_mixture(earlier)]
    components = []
    for name, count in parse_mixture(mixture):
        task = catalogue.tasks[name]
        data = add_data(plan, catalogue, task.source, lived.world_seed)
        if data.kind != "data":
            raise UserError(
                f"tasks.{name}.source: {task.source!r} has no `loader`, so its files are used as "
                "fetched; give it a `loader` that turns its columns into prompts and responses."
            )
        drawn = {"count": count if count is not None else task.count, "draw": used.count(name)}
        rows = plan.rows.get(data.id, {}).get(task.file) or generated_rows(catalogue, name)
        if drawn["count"] and rows and drawn["count"] > rows:
            change = f"tasks.{name}.count" if count is None else "the count there"
            raise UserError(
                f"the mixture {mixture!r} asks for {drawn['count']} examples of task {name!r}, "
                f"which has {rows}; lower {change}, or leave it out to take all."
            )
        if task.joined:
            tokens = add_tokens(plan, data, task.file, lived.family, lived.tokenizer)
            read = {"tokens": tokens.id}
        else:
            read = {"data": data.id, "file": task.file}
            read |= {"template": task.template, "delimiter": task.delimiter}
        components.append({"task": name, **read, **drawn})
    return components


def generated_rows(catalogue: Catalogue, task: str) -> int | None:
    """Examples of a task that is generated here; None: it is not."""
    entry = catalogue.tasks[task]
    source = catalogue.sources[entry.source]
    where = f"sources.{entry.source}"
    parameters = source_parameters(where, source.kind, source.loader, source.parameters)
    return rows_of(source.kind, parameters, entry.file)
