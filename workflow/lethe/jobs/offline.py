"""Importing this module first keeps evaluation's libraries off the network and off the screen."""

import os

for _variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
    os.environ[_variable] = "1"
for _variable in ("TQDM_DISABLE", "HF_HUB_DISABLE_PROGRESS_BARS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Arrow's unused second allocator would start a thread; a process with threads must not be forked.
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
