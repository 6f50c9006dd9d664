"""LoRA's factors on a network, place by place, for methods that are made for LoRA."""

from torch import nn

from lethe.errors import UserError
from lethe.parametrisations.lora import TRAINED, Factors, factors

Places = dict[str, tuple[Factors, list[Factors]]]
"""By place: the adapter in training, and those of earlier stages that are on the network."""


def at_places(model: nn.Module, method: str) -> Places:
    """The adapters at every place of a network.

    Raises:
        UserError: there is no adapter in training.
    """
    places: dict[str, list[Factors]] = {}
    for each in factors(model):
        places.setdefault(each.place, []).append(each)
    trained = {
        place: (next(each for each in there if each.adapter == TRAINED), there)
        for place, there in places.items()
        if any(each.adapter == TRAINED for each in there)
    }
    if not trained:
        raise UserError(
            f"Method {method!r} trains adapters, and found none on the model; give the chain a "
            "parametrisation of kind `lora`."
        )
    return {
        place: (adapter, [each for each in there if each is not adapter])
        for place, (adapter, there) in trained.items()
    }


def trained_names(model: nn.Module, places: Places) -> dict[str, tuple[str, str]]:
    """The names of the parameters A and B that are trained, by place."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        place: (names[id(adapter.down)], names[id(adapter.up)])
        for place, (adapter, _) in places.items()
    }
