"""The typed configuration: a study selects from catalogues of all that exists.

JSON schemas and the manual's tables are generated from it. Nothing heavy is imported here.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from lethe.config.claims import Claim
from lethe.config.end_tasks import EndTask
from lethe.config.origins import Import, Model, Source
from lethe.config.pages import Figures, FigureWidth, Listed
from lethe.config.recipes import OneOrMore, Recipe
from lethe.config.reference_chains import References
from lethe.errors import shown
from lethe.longtables.axes import BIAS, CLOZE, DOMAIN, TAKEN
from lethe.parameters.entries import (
    Count,
    Entry,
    File,
    LocalPath,
    Mixture,
    Name,
    Positive,
    Seed,
    Share,
    is_template,
)
from lethe.parametrisations.parameters import ParametrisationEntry

MASKED_METRICS = ("mlm_loss", "mlm_accuracy", "mlm_likelihood", CLOZE)
CAUSAL_METRICS = ("lm_loss", "lm_accuracy", "lm_likelihood")
TEXT_METRICS = {"masked": MASKED_METRICS, "causal": CAUSAL_METRICS}
"""Headline metrics of `texts`, whose family of models they name."""


class Task(Entry):
    """What a stage trains on."""

    source: Name = Field(description="where its data comes from")
    file: File = Field(
        "train.jsonl", description="jsonl within the source: `prompt` and `response`, or `text`"
    )
    template: str = Field(
        "{prompt}", description="text around every prompt; holds `{prompt}` once, braces as text"
    )
    delimiter: str = Field(" ", description="what stands between prompt and response")
    count: Count | None = Field(None, description="examples drawn for a stage; null: all")
    joined: bool = Field(
        False,
        description="documents are joined, with the end token after each, and cut into pieces of "
        "the recipe's `max_length` tokens across their borders, so that long ones are learned "
        "whole; `count` counts documents. Not for prompts and responses",
    )
    own: Name | None = Field(None, description="evaluation task that tests what was learned")

    @model_validator(mode="after")
    def _joins_documents(self) -> "Task":
        default = {"template": "{prompt}", "delimiter": " "}
        given = [key for key, value in default.items() if getattr(self, key) != value]
        if self.joined and given:
            raise ValueError(
                f"no `{given[0]}` beside `joined: true`, which is for documents, not for prompts "
                "and responses"
            )
        return self


class Evaluation(Entry):
    """One evaluation task of a probe."""

    axis: Name = Field(
        description="the ability it belongs to; any name makes an axis in tables and figures. "
        "Reserved names: `own`: tests what a task of the stages teaches; `bias`: the share of "
        "stereotyped answers, `metric: pct_stereotype`, whose drop is not a loss; `calibration`: "
        "another way to score the set whose name this name contains, part of no other axis; "
        "`domain`: `texts` from the domains that models are trained on"
    )
    texts: File | None = Field(
        None,
        description="jsonl of texts within the source, with `{split}`, instead of an lm-eval task; "
        "metrics of masked language models: `mlm_loss` (nats a masked token), `mlm_accuracy`, "
        "`mlm_likelihood` (exp of -loss) and `cloze` (share of texts whose hidden word gets the "
        "right class; rows with `text`, `label`, `classes`, `cluster`); of decoders, on every "
        "token but a text's first: `lm_loss`, `lm_accuracy` and `lm_likelihood`",
    )
    source: Name | None = Field(
        None, description="source of its YAML or its data, if it is not the probe's"
    )
    metric: str = Field(description="the headline metric")
    chance: Share | None = Field(
        None,
        description="score of a random guess; null: it has none, or of `cloze` 1 / classes",
    )
    shots: Annotated[int, Field(ge=0)] = Field(0, le=100, description="examples in the prompt")
    cluster: str | None = Field(
        "cluster", description="column that shows which items belong together"
    )
    subset: str | None = Field(
        None, description="column; items with the same value in it are also scored separately"
    )

    @model_validator(mode="after")
    def _fits_its_axis(self) -> "Evaluation":
        if self.axis in TAKEN:
            raise ValueError(f"another name of `axis`: `{self.axis}` is {TAKEN[self.axis]}")
        if self.axis == BIAS and self.metric != "pct_stereotype":
            raise ValueError("`metric: pct_stereotype` beside `axis: bias`, or another axis")
        if self.axis == DOMAIN and self.texts is None:
            raise ValueError("`texts` beside `axis: domain`, or another axis")
        return self

    @model_validator(mode="after")
    def _texts_can_be_scored(self) -> "Evaluation":
        if self.texts is None:
            return self
        if not is_template(self.texts, "split"):
            raise ValueError(f"`texts` that hold {{split}}, found {shown(self.texts)}")
        known = (*MASKED_METRICS, *CAUSAL_METRICS)
        if self.metric not in known:
            metrics = ", ".join(known)
            raise ValueError(f"one of {metrics} as `metric` of `texts`, found {shown(self.metric)}")
        return self


class Probe(Entry):
    """Evaluation tasks for which a checkpoint is loaded once."""

    source: Name | None = Field(None, description="source that holds the tasks' YAML")
    tasks: dict[Name, Evaluation] = Field(
        min_length=1, description="evaluation tasks by lm-eval name"
    )
    include: LocalPath | None = Field(
        None, description="folder with your own task YAMLs; null: those of the source or lm-eval"
    )
    stages: Literal["all", "ends", "base"] = Field(
        "all",
        description="`ends`: scored before the first stage and after the last one; `base`: before "
        "the first only",
    )
    split: Literal["test", "dev"] = Field(
        "test", description="the items that are scored; `dev`: for choices made before a study"
    )
    engine: Literal["fast", "stock"] = Field(
        "fast",
        description="what runs the forward passes, with the same scores: `fast` computes shared "
        "prefixes once, `stock` is lm-eval's own",
    )
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="numeric type of the weights in evaluation"
    )


class MethodEntry(Entry):
    """A method with its hyper-parameters."""

    method: Name = Field(description="file in lethe/methods")
    hyper: dict[str, Any] = Field(
        {}, description="hyper-parameters; those left out have their defaults"
    )
    general: Mixture | None = Field(
        None, description="general texts that a chain's first stage reads in addition to its own"
    )
    source: Literal["paper", "code", "tuned", "none"] = Field(
        description="where the values come from; `code`: what its authors released"
    )
    note: str = Field("", description="the paper's section, or trials and seeds of the tuning")


class Also(Entry):
    """Further chains of some models, in addition to those of every model."""

    models: list[Name] = Field(
        min_length=1, description="models; those that the study does not select are skipped"
    )
    orders: list[Name] = Field([], description="orders")
    methods: list[Name] = Field([], description="methods; none: those of the study")
    controls: list[Name] = Field([], description="orders run as controls")
    parametrisations: list[Name] = Field(
        [], description="how parameters are trained; none: those of the study"
    )
    recipe: OneOrMore | None = Field(
        None,
        description="optimisation settings of these chains, or a list of them; none: those of the "
        "study",
    )
    probes: list[Name] = Field([], description="further probes of these models")
    end_tasks: list[Name] = Field([], description="further end tasks of these models")


class Catalogue(Entry):
    """Everything that exists, by kind and name."""

    sources: dict[Name, Source] = {}
    models: dict[Name, Model] = {}
    tasks: dict[Name, Task] = {}
    probes: dict[Name, Probe] = {}
    end_tasks: dict[Name, EndTask] = {}
    methods: dict[Name, MethodEntry] = {}
    parametrisations: dict[Name, ParametrisationEntry] = {}
    recipes: dict[Name, Recipe] = {}
    orders: dict[Name, Annotated[list[Mixture], Field(min_length=1, max_length=500)]] = {}
    imports: dict[Name, Import] = {}
    claims: dict[Name, Claim] = {}


class Seeds(Entry):
    """Five named seeds; each is in the specs of exactly what it affects."""

    @model_validator(mode="before")
    @classmethod
    def _lists_by_name(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            found = f", found {shown(value)}" if isinstance(value, list) else ""
            raise ValueError(
                f"lists by name, as {{train: [0, 1, 2]}} for three repetitions of a stage{found}"
            )
        return value

    world: list[Seed] = Field(min_length=1, description="worlds generated")
    base: list[Seed] = Field(
        min_length=1, description="initial weights and document order of bases"
    )
    train: list[Seed] = Field(min_length=1, description="order of examples and dropout of a stage")
    end_task: list[Seed] = Field(
        [0], min_length=1, description="head, order of examples and dropout of end tasks"
    )
    bootstrap: Seed = Field(0, description="resampling of items for intervals")


class Study(Entry):
    """A selection: models x orders x methods x seeds, probed, with its tables and figures."""

    _figure_widths: dict[str, FigureWidth | None] = PrivateAttr({})

    study: Name = Field(description="name of the study; its tables and figures lie under it")
    output: LocalPath = Field("results", min_length=1, description="folder of all artefacts")
    code_changes: Literal["rerun", "keep"] = Field(
        "rerun", description="whether changed code reruns what it made, or is only reported"
    )
    models: list[Name] = Field([], description="base models")
    orders: list[Name] = Field([], description="sequences of stages, run for every model")
    methods: list[Name] = Field([], description="how stages are trained")
    parametrisations: list[Name] = Field(
        ["full"],
        min_length=1,
        description="which parameters are trained: every chain once with each of them",
    )
    controls: list[Name] = Field(
        [], description="orders run as controls, with plain fine-tuning (drawn in grey)"
    )
    references: References | None = Field(
        None,
        description="each task alone from the base at four times the steps, for comparisons at "
        "equal learning; null: none",
    )
    also: list[Also] = Field([], description="further chains of some of the models")
    imports: list[Name] = Field([], description="chains trained or scored elsewhere")
    recipe: OneOrMore = Field(
        description="optimisation settings of the stages, from recipes; a list: every chain once "
        "with each of them"
    )
    probes: list[Name] = Field([], description="what is evaluated after every stage")
    probe_stages: Literal["all", "ends"] = Field(
        "all",
        description="`ends`: also probes that say `stages: all` score only before the first stage "
        "and after the last one, which is cheaper and tells nothing of the way",
    )
    end_tasks: list[Name] = Field(
        [], description="what copies of the checkpoints are fine-tuned on and scored"
    )
    end_task_cells: Literal["published", "all"] = Field(
        "published",
        description="`published`: at stage 0, after the own domain's stage, and after the last of "
        "several stages; `all`: after every stage",
    )
    limit: Count | None = Field(None, description="most items per evaluation task; null: all")
    seeds: Seeds = Field(description="the named seeds")
    tables: Listed = Field(
        None, description="tables to make; null, or no list for this study: those that apply to it"
    )
    figures: Figures = Field(
        None,
        description="figures to draw; null, or no list for this study: those that apply to it. A "
        "figure with settings, as in `evolution: {width: column}`, is drawn besides",
    )
    claims: Listed = Field(
        None, description="published claims to test; null, or no list for this study: none"
    )
    snapshot_seconds: Positive = Field(
        60.0,
        description="fewest seconds between snapshots of a stage in training; they never take more "
        "than 2 % of the time",
    )
    define: Catalogue = Field(Catalogue(), description="your own entries, by kind and name")

    @model_validator(mode="after")
    def _scores_what_it_compares(self) -> "Study":
        """What a chain learned is its score right after each task's own stage."""
        if self.references is not None and self.probe_stages == "ends":
            raise ValueError(
                "expected `probe_stages: all` beside `references`, which need the scores right "
                "after each stage, found `probe_stages: ends`: change one of them"
            )
        return self

    @property
    def figure_widths(self) -> dict[str, FigureWidth | None]:
        """Widths by figure, of those for which the study has settings."""
        return self._figure_widths

    def with_figure_widths(self, widths: dict[str, FigureWidth | None]) -> "Study":
        """The same study with other widths of figures."""
        study = self.model_copy()
        study._figure_widths = widths
        return study
