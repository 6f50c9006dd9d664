"""Whether the evaluation tasks of a probe exist, and give the metrics that it names."""

from lethe.config.catalogue import Catalogue, Evaluation, Probe
from lethe.config.contents import check_file, sets_in
from lethe.errors import UserError, shown
from lethe.evaluation.dataset_places import is_cached
from lethe.evaluation.declared import ADDED, Declared, declared
from lethe.parameters.sentences import require


def check_evaluation_sets(catalogue: Catalogue, name: str) -> None:
    """Hold the tasks and metrics of a probe that scores checkpoints against what is known of them.

    Raises:
        UserError: there is no such task or file, it does not give the metric, or its data is
            nowhere on this machine and no source fetches it.
    """
    probe = catalogue.probes[name]
    for task, entry in probe.tasks.items():
        where = f"probes.{name}.tasks.{task}"
        if entry.texts:
            file = entry.texts.format(split="test")
            source = entry.source or probe.source
            check_file(f"{where}.texts", file, source, catalogue)
            _require_texts(where, task, source, catalogue)
        else:
            _check_metric(where, task, entry, _declared(where, task, entry, probe, catalogue))


def _require_texts(where: str, task: str, source: str | None, catalogue: Catalogue) -> None:
    """Refuse a set of texts on a source whose columns are mapped to prompts and responses."""
    entry = catalogue.sources.get(source or "")
    columns = (getattr(entry, "parameters", None) or {}).get("columns") or {}
    if "prompt" in columns:
        raise UserError(
            f"{where}: expected a source of texts, found {source!r}, whose columns are prompts and "
            f"responses (sources.{source}.parameters.columns); in the place of {task!r} ask "
            f"`own_{source}: {{source: {source}, axis: own, metric: rouge1}}`."
        )


def _declared(
    where: str, task: str, entry: Evaluation, probe: Probe, catalogue: Catalogue
) -> Declared:
    source = entry.source or probe.source
    own = sets_in(catalogue, source) if source else None
    if own is not None:
        require(f"{where}, among the sets of the source {source!r}", task, own)
        kind, metrics = own[task]
        return Declared(metrics, added=ADDED[kind])
    try:
        found = declared(task, probe.include)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    if source is None and found.dataset and not is_cached(found.dataset):
        raise UserError(
            f"{where}.source: expected a source with the documents of the task, of `kind: hub` and "
            f"`repo: {found.dataset}` or a copy of it, found none; nor are they in the cache of "
            "`datasets` on this machine."
        )
    return found


def _check_metric(where: str, task: str, entry: Evaluation, found: Declared) -> None:
    names = found.names()
    if names is None or entry.metric in names:
        return
    listed = ", ".join(f"`{name}`" for name in names)
    if len(found.filters) > 1 and entry.metric in (found.metrics or ()):
        ways = [name for name in names if name.startswith(f"{entry.metric},")]
        raise UserError(
            f"{where}.metric: {task} reads its answers in {len(ways)} ways; name one of "
            f"{', '.join(f'`{way}`' for way in ways)}, found {shown(entry.metric)}."
        )
    raise UserError(
        f"{where}.metric: expected one that the task gives, {listed}, found {shown(entry.metric)}."
    )
