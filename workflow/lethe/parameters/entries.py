"""What every part of the configuration is made of: kinds of values, and the strict base."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


def _number(value: Any) -> Any:
    """YAML 1.1 reads `1e-4` as a string; here it is a number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Positive = Annotated[float, BeforeValidator(_number), Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1)]
Count = Annotated[int, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, le=2**31)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=40)]
Mixture = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(:\d+)?(&[A-Za-z0-9][A-Za-z0-9_.-]*(:\d+)?)*$"
    ),
]


# The family of every architecture that is built here.
class Entry(BaseModel):
    """Base of every part: unknown keys and values of the wrong type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Revision = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
