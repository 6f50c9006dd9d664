"""Import this module first to keep evaluation's libraries off the network and quiet."""

import os

for _variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
    os.environ[_variable] = "1"
# Compiled code that a checkpoint's configuration names.
os.environ["USE_HUB_KERNELS"] = "NO"
for _variable in ("TQDM_DISABLE", "HF_HUB_DISABLE_PROGRESS_BARS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Arrow's second allocator, unused here, would start a thread; a process with threads cannot fork
# safely.
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
