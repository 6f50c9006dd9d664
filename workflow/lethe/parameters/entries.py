"""Building blocks of the configuration: kinds of values, and a strict base class."""

import os
from string import Formatter
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from lethe.artefacts.manifests import is_inside
from lethe.errors import shown


def _number(value: Any) -> Any:
    """YAML 1.1 reads `1e-4` as a string; here it is a number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def within(name: str) -> str:
    """Refuse the name of a file that leads out of the folder that is to hold it."""
    if not is_inside(name):
        raise ValueError("a path inside its source, without '..'")
    return name


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Positive = Annotated[float, BeforeValidator(_number), Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1)]
Count = Annotated[int, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, le=2**31)]
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
NAME = f"^{_NAME}$"
_PART = rf"{_NAME}(:[1-9]\d{{0,11}})?"
NAMED = rf"^{_NAME}(\+{_NAME})?$"
MIXTURE = rf"^{_PART}(&{_PART})*$"
REPOSITORY = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)?$"
REVISION = r"^[0-9a-f]{40}$"
SHA256 = r"^[0-9a-f]{64}$"
PACKAGE = r"^(@[A-Za-z0-9][A-Za-z0-9_.-]*/)?[A-Za-z0-9][A-Za-z0-9_.-]*$"
VERSION = r"^[0-9][A-Za-z0-9.+!_-]*$"
SETTING = r"^(model_args|task)\.[A-Za-z_][A-Za-z0-9_]*$"
FORMS = {
    SETTING: "`model_args.NAME` or `task.NAME`",
    NAME: "a name of letters, digits, '.', '_' and '-'",
    NAMED: "the name of a method, or of a method and a parametrisation joined by '+'",
    MIXTURE: "task names joined by '&', each with an optional ':count' above 0",
    REPOSITORY: "a repository of the hub, OWNER/NAME",
    REVISION: "a commit of 40 digits 0-9 and a-f",
    SHA256: "a sha256 of 64 digits 0-9 and a-f",
    PACKAGE: "the name of a package, with @SCOPE/ before it if npm has it in a scope",
    VERSION: "one version in full, such as 0.1.2",
}
"""Each pattern in words, for messages."""

Name = Annotated[str, StringConstraints(pattern=NAME, max_length=40)]
Named = Annotated[str, StringConstraints(pattern=NAMED, max_length=80)]
"""A method, with its parametrisation after a plus where not all weights are trained."""
Mixture = Annotated[str, StringConstraints(pattern=MIXTURE)]
Repository = Annotated[str, StringConstraints(pattern=REPOSITORY)]
Revision = Annotated[str, StringConstraints(pattern=REVISION)]
Setting = Annotated[str, StringConstraints(pattern=SETTING, max_length=80)]
"""An argument of lm-eval's model, or a key of a task's configuration."""
File = Annotated[str, StringConstraints(max_length=200), AfterValidator(within)]
"""A file of a source."""
LocalPath = Annotated[str, AfterValidator(os.path.expanduser)]
"""A path on this machine; `~` is the home folder, as in a shell."""


class Entry(BaseModel):
    """Base class of every entry: unknown keys and values of the wrong type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @field_validator("*")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        """Refuse a list that names something twice: it would count once, or be done twice."""
        for entry in value if isinstance(value, list) else ():
            if isinstance(entry, str | int) and value.count(entry) > 1:
                raise ValueError(
                    f"each entry once, found {shown(entry)} {value.count(entry)} times"
                )
        return value


class Parameters(Entry):
    """Typed parameters of a thing that the catalogue configures: a method, a loader, a generator
    or a built model.

    A subclass stands beside the thing it configures and imports nothing heavy. Every field has a
    default, a description, and the source of the default; see `parameter`.
    """

    title: ClassVar[str] = ""
    """Heading of its table in the manual; if empty, the name of the thing."""


def parameter(
    default: Any, description: str, source: str = "ours", added: bool = False, **bounds: Any
) -> Any:
    """A field of `Parameters`.

    Args:
        default: the value if none is given.
        description: what it is, and its unit.
        source: where the default comes from: a paper and its section, released code, or `ours`.
        added: it came later than nodes that exist, and its default is what they were made with.
            Specs name it where it has another value, so those nodes keep their ids; its default
            may not change any more, since no spec would tell.
        bounds: `gt`, `ge`, `lt`, `le`, `min_length`, `max_length` of the value.
    """
    extra: dict[str, Any] = {"source": source} | ({"added": True} if added else {})
    return Field(default, description=description, json_schema_extra=extra, **bounds)


def resolved(parameters: Parameters) -> dict[str, Any]:
    """Values as JSON, as in a node's spec: defaults included, but for those of `added` keys."""
    kept_out = {
        name
        for name, field in type(parameters).model_fields.items()
        if isinstance(field.json_schema_extra, dict)
        and field.json_schema_extra.get("added")
        and getattr(parameters, name) == field.default
    }
    return parameters.model_dump(mode="json", exclude=kept_out)


def is_template(text: str, field: str) -> bool:
    """Whether `str.format` puts the value of `field`, and no other, into a text."""
    try:
        fields = [parts for _, *parts in Formatter().parse(text) if parts[0] is not None]
    except ValueError:
        return False
    return bool(fields) and all(parts == [field, "", None] for parts in fields)


def parse_mixture(mixture: str) -> list[tuple[str, int | None]]:
    """`simp&general:64` -> [("simp", None), ("general", 64)]."""
    parts = []
    for part in mixture.split("&"):
        task, _, count = part.partition(":")
        parts.append((task, int(count) if count else None))
    return parts
