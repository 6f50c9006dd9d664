"""The typed configuration: a study (what is selected) over catalogues (what exists).

The one source of the JSON schemas and of the manual's tables. Nothing heavy is imported here.
"""

from typing import Annotated, Any, Literal

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
FAMILIES = {"llama": "causal", "t5": "seq2seq", "mt5": "seq2seq"}


class Entry(BaseModel):
    """Base of every part: unknown keys and values of the wrong type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Recipe(Entry):
    """Named optimisation settings of a stage or a base."""

    batch_size: Count = Field(description="examples in one optimizer step (the global batch)")
    epochs: Positive | None = Field(None, description="passes over the examples; or give `steps`")
    steps: Count | None = Field(None, description="optimizer steps; or give `epochs`")
    max_length: Count = Field(description="tokens of the longest example, and of a packed row")
    learning_rate: Positive = Field(description="peak learning rate of AdamW")
    schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="course of the learning rate after the warm-up"
    )
    warmup_share: Share = Field(0.0, description="share of the steps that warm up linearly")
    final_share: Share = Field(0.0, description="share of the peak rate left at the end")
    betas: tuple[Share, Share] = Field((0.9, 0.999), strict=False, description="AdamW's betas")
    epsilon: Positive = Field(1e-8, description="AdamW's epsilon")
    weight_decay: Annotated[Number, Field(ge=0)] = Field(
        0.0, description="decoupled weight decay of matrices; vectors are not decayed"
    )
    clip_norm: Positive | None = Field(1.0, description="largest gradient norm; null: no clipping")
    packed: bool = Field(
        True, description="several examples a row, kept apart by attention; padding only changes"
    )
    loss_normalisation: Literal["token", "example"] = Field(
        "token", description="equal weight of every label, or every example, of the global batch"
    )
    micro_batch_rows: Count | None = Field(
        None, description="rows computed at once, to save memory; null: the whole batch"
    )
    dtype: Literal["float32", "bfloat16"] = Field("float32", description="of weights and training")
    overrides: dict[Name, dict[str, Any]] = Field(
        {}, description="other values of these keys, by model name"
    )


class Source(Entry):
    """Where data comes from."""

    kind: Literal["world"] = Field(description="`world`: the generated world")
    parameters: dict[str, Any] = Field({}, description="settings of the generator, beside the seed")


class Model(Entry):
    """A base language model that is trained in the pipeline."""

    family: Literal["causal", "seq2seq"] = Field(
        description="`causal`: decoder; `seq2seq`: encoder-decoder"
    )
    source: Name = Field(description="the source whose corpus and tokenizer it is built on")
    architecture: Literal["llama", "t5", "mt5"] = Field(description="transformers architecture")
    config: dict[str, Any] = Field(description="settings of the transformers configuration")
    corpus: list[str] = Field(
        ["corpus/train.jsonl"],
        min_length=1,
        description="files of the source it is trained on: documents, or prompts and responses",
    )
    recipe: Name = Field(description="how it is trained")
    attempts: Count = Field(3, description="base seeds tried until the dev floors are reached")
    floors: dict[Name, Share] = Field({}, description="least dev score by evaluation task")


class Task(Entry):
    """What a stage trains on."""

    source: Name = Field(description="where its data comes from")
    file: str = Field(description="jsonl within the source: `prompt` and `response`, or `text`")
    template: str = Field("{prompt}", description="how a prompt is wrapped; holds `{prompt}`")
    count: Count | None = Field(None, description="examples drawn for a stage; null: all")
    own: Name | None = Field(None, description="evaluation task that tests what was learned")


class Evaluation(Entry):
    """One evaluation task of a probe."""

    axis: Literal["knowledge", "reasoning", "reading", "bias", "own"] = Field(
        description="the ability it belongs to"
    )
    metric: str = Field(description="the headline metric")
    chance: Share | None = Field(None, description="score of guessing; null: there is none")
    shots: Annotated[int, Field(ge=0)] = Field(0, description="examples in the prompt")
    cluster: str | None = Field(
        "cluster", description="column that says which items belong together"
    )
    subset: str | None = Field(None, description="column whose values are also scored apart")


class Probe(Entry):
    """Evaluation tasks that share one load of a checkpoint."""

    source: Name | None = Field(None, description="source that holds the tasks' YAML")
    tasks: dict[Name, Evaluation] = Field(description="evaluation tasks by lm-eval name")


class MethodEntry(Entry):
    """A method with its hyper-parameters."""

    method: Name = Field(description="file in lethe/methods")
    hyper: dict[str, Any] = Field({}, description="hyper-parameters")
    source: Literal["paper", "tuned", "none"] = Field(description="where the values come from")
    note: str = Field("", description="the paper's section, or trials and seeds of the tuning")


class Catalogue(Entry):
    """Everything that exists, by kind and name."""

    sources: dict[Name, Source] = {}
    models: dict[Name, Model] = {}
    tasks: dict[Name, Task] = {}
    probes: dict[Name, Probe] = {}
    methods: dict[Name, MethodEntry] = {}
    recipes: dict[Name, Recipe] = {}
    orders: dict[Name, list[Mixture]] = {}


class Seeds(Entry):
    """Five named seeds; each is in the specs of exactly what it affects."""

    world: list[Seed] = Field(min_length=1, description="worlds generated")
    base: list[Seed] = Field(
        min_length=1, description="initial weights and document order of bases"
    )
    train: list[Seed] = Field(min_length=1, description="order of examples and dropout of a stage")
    bootstrap: Seed = Field(0, description="resampling of items for intervals")


class Study(Entry):
    """A selection: models x orders x methods x seeds, probed, with its tables and figures."""

    study: Name = Field(description="name of the study; its tables and figures lie under it")
    output: str = Field("results", min_length=1, description="folder of all artefacts")
    code_changes: Literal["rerun", "keep"] = Field(
        "rerun", description="whether changed code reruns what it made, or is only reported"
    )
    models: list[Name] = Field(min_length=1, description="base models")
    orders: list[Name] = Field(min_length=1, description="sequences of stages")
    methods: list[Name] = Field(min_length=1, description="how stages are trained")
    controls: list[Name] = Field(
        [], description="orders run as controls, with plain fine-tuning (drawn in grey)"
    )
    recipe: Name = Field(description="optimisation settings of the stages")
    probes: list[Name] = Field(min_length=1, description="what is evaluated after every stage")
    limit: Count | None = Field(None, description="largest number of items an evaluation task")
    seeds: Seeds = Field(description="the named seeds")
    tables: list[Name] = Field([], description="tables to make")
    figures: list[Name] = Field([], description="figures to draw")
    snapshot_seconds: Positive = Field(
        60.0, description="seconds between snapshots of a stage in training"
    )
    define: Catalogue = Field(Catalogue(), description="entries of your own, by kind and name")
