"""Checks of hyper-parameters that several methods have."""

import math
from numbers import Real

from lethe.errors import UserError


def check_weights(method: str, **values: float) -> None:
    """Refuse what is not a finite number of at least 0.

    Raises:
        UserError: such a value.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            raise UserError(f"{method}: expected a number as {name}, found {value!r}.")
        if not (math.isfinite(value) and value >= 0):
            raise UserError(f"{method}: expected a finite {name} >= 0, found {value!r}.")


def check_count(method: str, name: str, value: int) -> None:
    """Refuse what is not a whole number of at least 1.

    Raises:
        UserError: such a value.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UserError(f"{method}: expected a whole number >= 1 as {name}, found {value!r}.")
