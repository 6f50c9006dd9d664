"""What a stage's spec says of how parameters are trained, and what does not go together."""

from typing import Any

from lethe.config.catalogue import Catalogue
from lethe.errors import UserError
from lethe.methods.parameters.base import MethodParameters
from lethe.parameters.entries import resolved
from lethe.parametrisations.parameters import FULL, ParametrisationParameters, settings_of


def spec_of(
    catalogue: Catalogue, name: str, method: str, hyper: MethodParameters
) -> dict[str, Any]:
    """The key `parametrisation` of a stage's spec, which is left out where all is trained.

    Raises:
        UserError: the method does not go with it.
    """
    entry = catalogue.parametrisations[name]
    settings = settings_of(f"parametrisations.{name}", entry)
    _require_goes_with(name, settings, method, hyper)
    spec = {"kind": entry.kind, **resolved(settings)}
    return {} if spec == FULL else {"parametrisation": spec}


def _require_goes_with(
    name: str, settings: ParametrisationParameters, method: str, hyper: MethodParameters
) -> None:
    """Refuse what the method says that it does not go with, with its reason."""
    words = settings.words()
    for word in words:
        if word in hyper.not_with:
            raise UserError(
                f"methods.{method}: does not go with the parametrisation {name!r} ({word}), as "
                f"{hyper.not_with[word]}; select it with other `parametrisations` in an entry of "
                "`also`."
            )
    if hyper.only_with and not set(words) & set(hyper.only_with):
        raise UserError(
            f"methods.{method}: is made for the parametrisation {' or '.join(hyper.only_with)}, "
            f"found {name!r} ({words[-1]}); select it with such `parametrisations` in an entry of "
            "`also`."
        )
