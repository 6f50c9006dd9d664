"""Recipes: how a stage or a base is optimised."""

from typing import Annotated, Any, Literal

from pydantic import Field

from lethe.parameters.entries import Count, Entry, Name, Number, Positive, Share

Beta = Annotated[Number, Field(ge=0, lt=1)]
OneOrMore = Name | Annotated[list[Name], Field(min_length=1)]
"""A name, or several."""


def listed(names: OneOrMore | None) -> list[str]:
    """The names of a key that holds one or several; none for null."""
    return [names] if isinstance(names, str) else list(names or ())


class Tuned(Entry):
    """Values of one method that were tuned for one recipe, on development seeds."""

    hyper: dict[str, Any] = Field({}, description="replace the method's own hyper-parameters")
    recipe: dict[str, Any] = Field({}, description="replace the recipe's own values")
    trials: Count = Field(description="settings that were tried, including the catalogue's")
    note: str = Field(description="seeds and split of the tuning, and the criterion")


class Recipe(Entry):
    """Named optimisation settings of a stage or a base."""

    # Written in full before it is validated (`lethe.config.inherited`), so it is always null here.
    parent: Name | None = Field(
        None,
        alias="from",
        exclude=True,
        description="a recipe whose values these are, but for those that are given here",
    )
    batch_size: Count = Field(
        le=1_000_000, description="examples in one optimizer step (the global batch)"
    )
    epochs: Positive | None = Field(
        None, le=100_000, description="passes over the examples; or give `steps`"
    )
    steps: Count | None = Field(None, le=10**9, description="optimizer steps; or give `epochs`")
    max_length: Count = Field(
        le=10_000_000, description="tokens of the longest example, and of a packed row"
    )
    checkpoint: Literal["last", "newest-periodic"] = Field(
        "last",
        description="weights that a stage passes on: the last, or the newest of every `save_steps`",
    )
    save_steps: Count | None = Field(None, description="steps between periodic checkpoints")
    learning_rate: Positive = Field(le=1, description="peak learning rate of AdamW")
    schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="the learning rate after the warm-up"
    )
    warmup_share: Share = Field(0.0, description="share of the steps that warm up linearly")
    final_share: Share = Field(0.0, description="share of the peak rate left at the end")
    betas: tuple[Beta, Beta] = Field((0.9, 0.999), strict=False, description="AdamW's betas")
    epsilon: Positive = Field(1e-8, description="AdamW's epsilon")
    embedding_epsilon: Positive | None = Field(
        None,
        description="AdamW's epsilon for the matrices of input and output embeddings alone; null: "
        "`epsilon`",
    )
    unused_rows: Literal["trained", "held"] = Field(
        "trained",
        description="rows of the embeddings and of the output layer whose tokens are in no example "
        "of the stage: trained as the others, or held as they are (as the method `row_rule`, and "
        "beside any method that trains on the stage's own examples alone)",
    )
    weight_decay: Annotated[Number, Field(ge=0)] = Field(
        0.0, description="decoupled weight decay of matrices; vectors are not decayed"
    )
    clip_norm: Positive | None = Field(1.0, description="largest gradient norm; null: no clipping")
    packed: bool = Field(
        True,
        description="several examples per row, separated by attention; only the padding differs. "
        "No effect on masked language models, see `unpadded`",
    )
    unpadded: bool = Field(
        False,
        description="masked language models: several texts per row of `max_length` tokens, as "
        "`packed` does for the other families",
    )
    loss_normalisation: Literal["token", "example"] = Field(
        "token", description="give equal weight to every label, or every example, of a global batch"
    )
    mask_share: Annotated[Number, Field(gt=0, lt=1)] = Field(
        0.15, description="masked language models: share of tokens that are predicted"
    )
    micro_batch_rows: Count | None = Field(
        None, description="rows computed at once, to save memory; null: the whole batch"
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32", description="numeric type of training; weights and optimizer are always float32"
    )
    kept_dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32",
        description="numeric type of the weights that a stage or a base saves; the next stage "
        "starts from the rounded ones",
    )
    recompute_activations: bool = Field(
        False, description="compute activations again in the backward pass, to save memory"
    )
    overrides: dict[Name, dict[str, Any]] = Field(
        {}, description="other values of these keys, by model name"
    )
    parametrised: dict[Name, dict[str, Any]] = Field(
        {},
        description="other values of these keys, by the name of a parametrisation; {} says that "
        "the recipe's own are meant",
    )
    tuned: dict[Name, Tuned] = Field(
        {}, description="values of methods with this recipe, by method name"
    )
