"""How rules call the package: any line in a log can be run by hand."""

from lethe.jobs.drivers import record_driver
from lethe.forkserver.launch import forget, start
from lethe.jobs.environment import set_environment

set_environment(wf.study.snapshot_seconds)


# Before Snakemake takes its lock, so that the owner of every lock is recorded.
if workflow.is_main_process:
    record_driver()


def begin_run():
    """Start the server that saves this machine's jobs their imports.

    `LETHE_FORKSERVER=0` switches it off; results are the same with and without it.
    """
    if workflow.local_exec:
        start()
    else:
        forget()


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
