"""How it is told that there was no memory for a tensor."""

import torch

# How an allocation that fails on a processor is told; it has no class of its own.
PROCESSOR = "can't allocate memory"


def ran_out(error: RuntimeError) -> bool:
    """Whether an error says that there was no memory for a tensor."""
    return isinstance(error, torch.OutOfMemoryError) or PROCESSOR in str(error)
