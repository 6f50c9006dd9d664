"""What a study says of equal learning: the tasks that are also taught alone, and the level L*."""

from typing import Annotated

from pydantic import Field

from lethe.parameters.entries import Entry, Name, Number

LEVEL = 0.9


class References(Entry):
    """Reference chains of plain training, against which what a chain learned is measured."""

    orders: list[Name] = Field(
        min_length=1,
        description="orders of the study; each of their tasks that has an own set, or as a domain "
        "a set `cloze_TASK`, is also taught alone from the base",
    )
    recipe: Name | None = Field(
        None,
        description="optimisation settings of these chains, at four times the steps; null: the "
        "study's, if it has one",
    )
    level: Annotated[Number, Field(gt=0, le=1)] = Field(
        LEVEL,
        description="the share of what the reference chains learn at which methods are compared "
        "(L*); it is part of no stage",
    )
