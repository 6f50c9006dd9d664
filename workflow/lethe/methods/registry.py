"""Find a method by the name of its file; only that file and its hyper-parameters are imported."""

import importlib
from typing import Any

from lethe.errors import UserError
from lethe.methods.contract import Method


def create(name: str, hyper: dict[str, Any]) -> Method:
    """The method, which is given every hyper-parameter by keyword, defaults included.

    Raises:
        UserError: a hyper-parameter that the method does not have, or a wrong value.
    """
    # By name, so that typed parameters are no part of the code of a stage: what they come to, all
    # values, is in its spec.
    parameters = importlib.import_module(f"lethe.methods.parameters.{name}").PARAMETERS
    values = parameters.values(hyper, f"the hyper-parameters of method {name!r}")
    method = importlib.import_module(f"lethe.methods.{name}").METHOD
    try:
        return method(**values)
    except TypeError as error:
        raise UserError(
            f"workflow/lethe/methods/{name}.py: expected a constructor that takes "
            f"{', '.join(values) or 'nothing'}, found one that refuses it ({error})."
        ) from None
