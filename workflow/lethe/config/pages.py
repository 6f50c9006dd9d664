"""How a study lists its tables, figures and claims, and how it wants a figure drawn."""

from typing import Literal, get_args

from pydantic import Field

from lethe.parameters.entries import Entry, Name

FigureWidth = Literal["column", "text", "page"]
FIGURE_WIDTHS: tuple[FigureWidth, ...] = get_args(FigureWidth)


class FigureSettings(Entry):
    """How a study draws one figure."""

    width: FigureWidth | None = Field(
        None,
        description="width in print: `column` (3.3 inches), `text` (5.5) or `page` (6.5); null: "
        "the figure's own",
    )


Listed = list[Name] | dict[Name, list[Name]] | None
"""Names, or the names of some studies by study: then the lists of others are null."""


Figures = list[Name] | dict[Name, list[Name] | FigureSettings] | None
"""As `Listed`, and settings by the name of a figure."""
