"""Files that a package of a public index carries: of the Python index, or of npm."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from lethe.parameters.entries import PACKAGE, SHA256, VERSION, Count, Entry, File

Sha256 = Annotated[str, StringConstraints(pattern=SHA256)]


class Package(Entry):
    """A package of an index, and those of its files that are kept."""

    index: Literal["pypi", "npm"] = Field(
        description="`pypi`: the Python index, with the settings of your pip; `npm`: npm's "
        "registry, with those of your npm"
    )
    name: Annotated[str, StringConstraints(pattern=PACKAGE, max_length=100)] = Field(
        description="name of the package in its index"
    )
    version: Annotated[str, StringConstraints(pattern=VERSION, max_length=40)] = Field(
        description="its version, in full"
    )
    archive: Literal["wheel", "sdist"] | None = Field(
        None, description="pypi: which of its archives; null: the wheel. Nothing of it is ever run"
    )
    sha256: Sha256 = Field(description="sha256 of the archive, 64 hex digits")
    size: Count | None = Field(
        None,
        description="bytes of the archive, so that room on the disk is known before it is fetched",
    )
    members: list[File] | dict[File, Sha256 | None] = Field(
        min_length=1,
        description="what is kept of it: files, or folders with all that is in them, named as in "
        "the archive but without its one outer folder (`package/` of npm, `NAME-VERSION/` of an "
        "sdist); as a mapping, with the sha256 of a file or null",
    )

    @model_validator(mode="after")
    def _has_such_archives(self) -> "Package":
        if self.archive and self.index == "npm":
            raise ValueError("no `archive` beside `index: npm`, which has tarballs only")
        if self.name.startswith("@") and self.index == "pypi":
            raise ValueError("`index: npm` for a package in a scope (@SCOPE/NAME)")
        return self

    def digests(self) -> dict[str, str | None]:
        """sha256 by member; None where the catalogue gives none."""
        if isinstance(self.members, dict):
            return {str(PurePosixPath(name)): digest for name, digest in self.members.items()}
        return {str(PurePosixPath(name)): None for name in self.members}
