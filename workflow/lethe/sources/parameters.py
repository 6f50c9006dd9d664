"""The parameters of a source: its generator's, or its loader's."""

from typing import Any

from lethe.errors import UserError
from lethe.parameters.entries import Parameters, resolved
from lethe.parameters.sentences import require, validated
from lethe.sources.domains.parameters import DomainsParameters
from lethe.sources.loaders.parameters import LOADERS
from lethe.sources.real.parameters import RealParameters
from lethe.sources.world.parameters import WorldParameters

GENERATORS: dict[str, type[Parameters]] = {
    "world": WorldParameters,
    "domains": DomainsParameters,
}
"""Of the generated worlds, by their `part`."""


def source_parameters(
    where: str, kind: str, loader: str | None, given: dict[str, Any]
) -> dict[str, Any]:
    """Every parameter of a source, defaults included.

    Args:
        where: the key of the source, for messages.
        kind: `world`, `hub`, `package`, `real` or `files`.
        loader: name of its loader; None: no loader.
        given: the parameters that its entry sets.

    Raises:
        UserError: an unknown generator or loader, an unknown parameter, or a wrong value.
    """
    if kind in ("world", "real") and loader is not None:
        what = "a world" if kind == "world" else "data made from packages"
        raise UserError(f"{where}.loader: expected none for {what}, found {loader!r}.")
    parameters: type[Parameters]
    if kind == "real":
        parameters = RealParameters
    elif kind == "world":
        part = str(given.get("part", "world"))
        require(f"{where}.parameters.part", part, GENERATORS)
        parameters = GENERATORS[part]
    elif loader is not None:
        require(f"{where}.loader", loader, LOADERS)
        parameters = LOADERS[loader]
    elif given:
        raise UserError(
            f"{where}.parameters: expected a `loader` that has such parameters, found "
            f"{', '.join(given)} without one."
        )
    else:
        return {}
    return resolved(validated(parameters, given, f"{where}.parameters"))
