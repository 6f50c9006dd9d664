"""Recognise errors that say that there was no memory for a tensor."""

import torch

# How torch reports an allocation that fails on the CPU; it has no exception class of its own.
CPU_MESSAGE = "can't allocate memory"


def ran_out(error: RuntimeError) -> bool:
    """Whether an error says that there was no memory for a tensor."""
    return isinstance(error, torch.OutOfMemoryError) or CPU_MESSAGE in str(error)
