"""Find a method by the name of its file; only that file is imported."""

import importlib
import pkgutil

import lethe.methods
from lethe.errors import UserError
from lethe.methods.contract import Method

_NOT_METHODS = {"attached", "contract", "registry"}


def method_names() -> list[str]:
    """Names of all methods, from their files."""
    modules = pkgutil.iter_modules(lethe.methods.__path__)
    found = (module.name for module in modules if not module.ispkg)
    return sorted(set(found) - _NOT_METHODS)


def create(name: str, hyper: dict) -> Method:
    """The method with its hyper-parameters.

    Raises:
        UserError: a hyper-parameter that the method does not have.
    """
    method = importlib.import_module(f"lethe.methods.{name}").METHOD
    try:
        return method(**hyper)
    except TypeError as error:
        raise UserError(f"Method {name!r} refuses its hyper-parameters {hyper}: {error}.") from None
