"""How rules call the package: any line in a log can be run by hand."""

import os

os.environ["PYTHONPATH"] = str(workflow.current_basedir.parent)
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

LETHE = f"{sys.executable} -m lethe"
