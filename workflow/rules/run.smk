"""How rules call the package: any line in a log can be run by hand."""

import os

os.environ["PYTHONPATH"] = str(Path(workflow.basedir) / "workflow")
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

LETHE = f"{sys.executable} -m lethe"


def begin_run():
    """Leave a record of this process, and start the server that spares jobs their imports.

    `LETHE_FORKSERVER=0` switches the server off; results are equal with and without it.
    """
    from lethe.drivers import record_driver
    from lethe.forkserver.launch import start

    record_driver()
    if workflow.local_exec:
        start()
