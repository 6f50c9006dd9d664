"""Entries of the catalogue of claims: published statements as tests on scores."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lethe.parameters.entries import Entry, Name, Named, Number

WITH = "+"
"""Stands between a method and the parametrisation that it is compared with."""
# How many methods a contrast of methods compares; others compare none.
METHODS_COMPARED = {"method_value": (1,), "method_difference": (2,), "method_less_pool": (1, 2)}


class ClaimPart(Entry):
    """One statement of a claim, written in advance as a test on scores."""

    contrast: Literal[
        "above_zero",
        "axis_ordering",
        "grows_with_size",
        "turns_with_size",
        "range_narrows",
        "causal_below_seq2seq",
        "tuned_below_untuned",
        "mixing_raises_final",
        "new_tasks_rise",
        "spread_over_orders",
        "spread_over_seeds",
        "method_value",
        "method_difference",
        "method_less_pool",
    ] = Field(description="what is compared; a function of lethe/claims")
    metric: Name = Field(
        description="metric id; `base_score` or `final_score`: an axis' mean score, points"
    )
    axes: list[Name] = Field(
        min_length=1, description="abilities, each tested; `axis_ordering`: in the claimed order"
    )
    unit: Literal["bases", "train seeds"] = Field(
        description="what replicates: bases for claims about models, train seeds about methods"
    )
    direction: Literal["above", "below"] = Field(
        "above", description="side of zero on which the claim expects the effect"
    )
    smallest_effect: Annotated[Number, Field(ge=0)] = Field(
        description="smallest effect that matters, in the metric's unit (%, or points)"
    )
    why: str = Field("", description="the argument for it, in one line")
    verdict: bool = Field(True, description="false: show the numbers without a verdict")
    published_set: str = Field(
        "", description="published numbers: the set that represents the axis; empty: its mean"
    )
    methods: list[Named] = Field(
        [],
        description="`method_` contrasts: the method, or two, the first minus the second, each as "
        "`METHOD`, or `METHOD+PARAMETRISATION` where not all weights are trained; "
        "`method_less_pool`: the second trains the pool, `sequential` if there is none",
    )
    gain: Annotated[Number, Field(ge=0)] | None = Field(
        None,
        description="`method_` contrasts: a method that learned less of the outcome than this, own "
        "less base in the metric's unit, gets no verdict; null: 10 points, for losses nothing",
    )
    recipe: Name | None = Field(
        None,
        description="recipe of the chains that are compared, where a study trains them with "
        "several; null: there is one",
    )
    half_width: Annotated[Number, Field(gt=0)] | None = Field(
        None,
        description="half-width of the 95 % interval with which there are units enough, in the "
        "metric's unit; for `lethe precision`",
    )

    @model_validator(mode="after")
    def _methods_fit(self) -> "ClaimPart":
        if self.gain is not None and self.contrast not in METHODS_COMPARED:
            raise ValueError(
                f"no `gain` beside `{self.contrast}`, which is not about methods, "
                f"found {self.gain:g}"
            )
        wanted = METHODS_COMPARED.get(self.contrast, (0,))
        if len(self.methods) not in wanted:
            raise ValueError(
                f"as many `methods` as `{self.contrast}` needs ({' or '.join(map(str, wanted))}), "
                f"found {len(self.methods)}"
            )
        return self


class Claim(Entry):
    """A published statement as tests on scores, all of which must hold."""

    statement: str = Field(description="what is claimed")
    where: str = Field("", description="where it is published")
    miniature: str = Field("", description="how a small study represents it")
    family: Name = Field(description="claims tested together: Holm's correction is within a family")
    parts: dict[Name, ClaimPart] = Field(min_length=1, description="its statements, by name")
