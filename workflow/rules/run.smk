"""How rules call the package: any line in a log can be run by hand."""

from functools import cache

from lethe.jobs.drivers import marker
from lethe.jobs.environment import set_environment

set_environment(wf.study.snapshot_seconds)


@cache
def get_marked():
    """Looked up when Snakemake first asks for an input, so after the wait for other runs."""
    if not workflow.is_main_process:
        return None  # a job on another machine, which the main process has chosen
    standing = wf.standing()
    for line in standing.lines():
        print(f"lethe: {line}", file=sys.stderr)
    return standing.marked(marker())


def is_again(rule, wildcards):
    """Whether a job is to be done again although it was done once."""
    marked = get_marked()
    return bool(
        marked and marked(rule, wildcards.get("node", wildcards.get("name", rule)))
    )


def get_again(rule):
    """For a job that is to be done again, one more input, newer than what it made."""
    return lambda wildcards: [str(marker())] if is_again(rule, wildcards) else []


def get_read(rule, files):
    """What a job reads. Times of files decide nothing, so files that are as they were are `ancient`."""
    return lambda wildcards: files if is_again(rule, wildcards) else ancient(files)


def get_inputs(rule):
    """Manifests of what a node is made from, as in `get_read`."""
    return lambda wildcards: get_read(rule, wf.inputs(wildcards.node))(wildcards)


def end_run():
    """A run of the whole study never ends well on results that are out of date."""
    settings = workflow.dag_settings
    if settings.targets or settings.until or settings.omit_from:
        return
    lines = list(wf.standing().lines())
    if lines:
        raise SystemExit(
            f"lethe: changed while this run went on: {lines[0]}; run again"
        )


def get_results(wildcards, output):
    """The folder of all artefacts, from results/KIND/NODE/MANIFEST."""
    return str(Path(output[0]).parents[2])


def get_request(rule):
    """Memory, time and GPUs of a rule's jobs, by node and attempt."""

    def of(what):
        return lambda wildcards, attempt: getattr(
            wf.request(rule, wildcards.get("node"), attempt), what
        )

    return {what: of(what) for what in ("mem_mb", "runtime", "gpu")}
