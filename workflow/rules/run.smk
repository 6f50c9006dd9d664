"""How rules call the package: any line in a log can be run by hand."""

from functools import cache

from snakemake.dag import DAG

from lethe.commands.run import settings_file
from lethe.jobs.drivers import marker
from lethe.jobs.environment import set_environment
from lethe.planning.pages import headline, part_of_report

set_environment(wf.study.snapshot_seconds)


async def accept_any_time(dag, job, files):
    """Snakemake would refuse all that is made of results whose times are in the future."""


DAG.check_output_mtime = accept_any_time


@cache
def get_standing():
    """Names of jobs that are to be done again, and of those that are done, each with its rule.

    Looked up when Snakemake first asks for an input, so after the wait for other runs. A process
    that does one job for the main one leaves the choice to it.
    """
    if not workflow.is_main_process:
        return None
    standing = wf.standing()
    for line in standing.lines():
        print(f"lethe: {line}", file=sys.stderr)
    standing.write_marker(marker())
    return [
        {(job.rule, job.name) for job in jobs}
        for jobs in (standing.again, standing.done)
    ]


def get_again(rule):
    """For a job that is to be done again, one more input, newer than what it made."""

    def of(wildcards):
        again, _ = get_standing() or ((), ())
        name = wildcards.get("node", wildcards.get("name", rule))
        return [str(marker())] if (rule, name) in again else []

    return of


def get_read(rule, files):
    """What a job reads; `ancient` for a job that is done, since times of files decide nothing."""

    def of(wildcards):
        standing = get_standing()
        name = wildcards.get("node", wildcards.get("name", rule))
        return files if standing and (rule, name) not in standing[1] else ancient(files)

    return of


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
    for path in wf.left_pages():
        print(
            f"lethe: {path} is of an earlier run; the study no longer names it",
            file=sys.stderr,
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


def in_report(kind):
    """Where a table or a figure stands in `snakemake --report`, and what is said of it there."""
    return {
        "category": kind.capitalize(),
        "subcategory": lambda wildcards: part_of_report(kind, wildcards.name),
        # One label only: with two, Snakemake takes those of two results for a switch.
        "labels": lambda wildcards: {
            "shows": f"{wildcards.name}: {headline(kind, wildcards.name)}"
        },
    }


def typed_settings():
    """A file with what Snakemake's own `--config` says; `lethe run` brings one of its own."""
    values = dict(workflow.config_settings.config)
    return [settings_file(values)] if values else []
