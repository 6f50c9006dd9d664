"""In which type of numbers a product is computed."""

import torch


def arithmetic_dtype(device: torch.device, otherwise: torch.dtype) -> torch.dtype:
    """That of autocast on this kind of device where it is on."""
    if torch.is_autocast_enabled(device.type):
        return torch.get_autocast_dtype(device.type)
    return otherwise
