"""Find a method by the name of its file; only that file and its hyper-parameters are imported."""

import importlib
from typing import Any

from lethe.errors import UserError
from lethe.methods.contract import Method


def create(name: str, hyper: dict[str, Any]) -> Method:
    """The method, constructed with every hyper-parameter by keyword, defaults included.

    Raises:
        UserError: a hyper-parameter that the method does not have, or a wrong value.
    """
    # Imported by name, so that typed parameters are not part of a stage's code; the resolved values
    # are in its spec.
    parameters = importlib.import_module(f"lethe.methods.parameters.{name}").PARAMETERS
    values = parameters.values(hyper, f"the hyper-parameters of method {name!r}")
    method = importlib.import_module(f"lethe.methods.{name}").METHOD
    try:
        return method(**values)
    except TypeError as error:
        raise UserError(
            f"workflow/lethe/methods/{name}.py: expected a constructor that takes the parameters "
            f"{', '.join(values) or '(none)'}, found one that refuses them ({error})."
        ) from None
