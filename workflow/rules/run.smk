"""How rules call the package: any line in a log can be run by hand."""

from lethe.drivers import record_driver
from lethe.forkserver.launch import start
from lethe.job_environment import set_environment

set_environment(wf.study.snapshot_seconds)


def begin_run():
    """Leave a record of this process, and start the server that spares jobs their imports.

    `LETHE_FORKSERVER=0` switches the server off; results are equal with and without it.
    """
    record_driver()
    if workflow.local_exec:
        start()


def get_results(wildcards, output):
    """The folder of all artefacts, from results/KIND/NODE/MANIFEST."""
    return str(Path(output[0]).parents[2])
