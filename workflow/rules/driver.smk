"""How a run begins: it waits for others, says with which process its jobs end, offers its GPUs."""

from contextlib import ExitStack
from functools import cache

from snakemake.logging import logger as snakemake_logger

from lethe.artefacts.rules import rule_of
from lethe.commands.unlock import unlock_if_possible
from lethe.display.handler import is_typed, show_run
from lethe.forkserver.launch import forget, start
from lethe.jobs.announced import announce_driver
from lethe.jobs.drivers import record_driver
from lethe.jobs.gpus import announce_gpus, jobs_per_gpu
from lethe.jobs.runs import turn
from lethe.planning.room import require_memory_to_train, require_room
from lethe.planning.words import node_words
from lethe.slurm.driver import begin, jobs_left, warn_of_left
from lethe.slurm.own_job import announce_end


def in_turn(execute):
    """Snakemake's execution, before which a run waits for others that make the same nodes.

    After the wait Snakemake looks at what is there, and so finds what the others have made. It
    calls this neither for `--unlock`, `--lint` or `--summary` nor for the jobs of a run.
    """

    def execute_in_turn(executor_plugin, **settings):
        common = executor_plugin.common_settings
        with ExitStack() as held:
            try:
                if not common.dryrun_exec:
                    # Not while planning: jobs of a run plan too, and what is half made then would
                    # count as taken and as needed.
                    require_room(wf.catalogue, wf.plan)
                    begin_driver(held)
                    if common.local_exec:
                        offer_gpus()
            except UserError as error:
                raise SystemExit(f"lethe: {error}")
            return execute(executor_plugin=executor_plugin, **settings)

    return execute_in_turn


def begin_driver(held):
    """Wait for this run's turn, and let its local jobs know with which process they must end."""
    locks = workflow.execution_settings.lock
    note = held.enter_context(turn(RESULTS, wf.study.study, wf.plan.nodes, wait=locks))
    if shown := shown_run():
        shown.note = note
    if locks:
        unlock_if_possible(Path("."))
    # Before Snakemake takes its lock, so that the owner of every lock is recorded.
    record_driver()
    forget()
    announce_driver()
    get_left()


@cache
def shown_run():
    """Show jobs by their words. `--verbose`, `--quiet` and `snakemake -n` keep its own lines."""
    asked = workflow.output_settings
    # `--quiet` takes away the very events from which jobs are counted.
    if (
        asked.verbose
        or asked.debug_dag
        or asked.quiet
        or (asked.dryrun and not is_typed())
    ):
        return None
    words = node_words(wf.plan)
    return show_run(
        snakemake_logger,
        wf.study.study,
        words=lambda rule, name: f"{rule} {words.get(name, name)}".rstrip(),
        results=Path(RESULTS),
        is_local=lambda: workflow.local_exec,
        is_dry=asked.dryrun,
    )


@cache
def get_left():
    """Looked up before Snakemake looks at files: what killed runs' jobs make later is theirs."""
    return jobs_left()


def offer_gpus():
    """Let as many jobs run side by side as there are places on GPUs.

    `--resources gpu=` says another number of jobs.
    """
    nodes = wf.plan.nodes.values()
    asked = max(wf.request(rule_of(node.kind), node.id, 1).gpu for node in nodes)
    if not asked:
        return
    share = jobs_per_gpu()
    count = announce_gpus()
    if "gpu" in workflow.global_resources:
        return
    workflow.register_resource("gpu", count * share)
    if not count:
        sys.stderr.write(
            "lethe: torch sees no GPU on this machine, so all models are trained and scored on "
            "the CPU, also those that are large enough for a GPU; with --resources gpu=1 their "
            "jobs refuse instead\n"
        )
        require_memory_to_train(wf.plan)


if workflow.is_main_process:
    workflow.execute = in_turn(workflow.execute)
    shown_run()
elif workflow.remote_exec:
    # A submitted job goes on when the run that submitted it has ended.
    forget()
    announce_end()


def begin_run():
    """Start the server that saves this machine's jobs their imports, or be ready for SLURM.

    `LETHE_FORKSERVER=0` switches it off; results are the same with and without it.
    """
    if workflow.local_exec:
        start()
        warn_of_left(get_left())
    elif workflow.executor_plugin.name == "slurm":
        begin(workflow.dag.needrun_jobs(), get_left())
