"""Where data and models come from: sources, models, and chains made elsewhere."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from lethe.config.packages import Package
from lethe.errors import shown
from lethe.longtables.same_versions import DECLARABLE
from lethe.models.kinds import BUILT
from lethe.parameters.entries import (
    Count,
    Entry,
    File,
    LocalPath,
    Mixture,
    Name,
    Positive,
    Repository,
    Revision,
    Seed,
    Setting,
    Share,
)
from lethe.parameters.families import Family
from lethe.sources.real.parameters import PARTS


class Source(Entry):
    """Where data comes from: generated, from the hub, from packages, or local files."""

    kind: Literal["world", "hub", "package", "real", "files"] = Field(
        description="`world`: generated; `hub`: a dataset from the hub; `package`: files of a "
        "package of the Python index or of npm; `real`: sets and tasks made from the packages of "
        "`made_from`; `files`: local files"
    )
    parameters: dict[str, Any] = Field(
        {}, description="parameters of the generator or the loader, apart from the seed"
    )
    repo: Repository | None = Field(None, description="hub: the dataset's repository, OWNER/NAME")
    revision: Revision | None = Field(
        None, description="hub: commit, 40 hex digits; null: looked up once when fetched, then kept"
    )
    subset: str | None = Field(None, description="hub: the dataset's configuration")
    include: list[str] = Field(
        [], description="hub: patterns of the files to fetch; none: the whole repository"
    )
    package: Package | None = Field(
        None, description="package: which one, and which of its files; see the table of a package"
    )
    made_from: dict[Literal[PARTS], Name] = Field(  # type: ignore[valid-type]
        {}, description="real: sources of `kind: package`, one for each part that is made of them"
    )
    files: dict[str, LocalPath] = Field(
        {}, description="path by split: of local files, or of a hub dataset's local files"
    )
    loader: Name | None = Field(
        None, description="how raw columns become prepared rows; null: they are used unchanged"
    )
    gated: bool = Field(False, description="hub: needs accepted terms and a token")
    licence: str = Field("", description="licence of the data, as its publisher names it")
    note: str = Field("", description="what to know about it")

    @model_validator(mode="after")
    def _complete(self):
        if self.kind == "hub" and self.repo is None:
            raise ValueError("`repo` for a hub source")
        if self.kind == "files" and not self.files:
            raise ValueError("`files` (a path by split) for a source of local files")
        if self.kind != "hub" and self.repo is not None:
            raise ValueError(f"no `repo` beside `kind: {self.kind}`; only hub sources have one")
        if self.kind in ("world", "package", "real") and self.files:
            why = "which names `members`" if self.kind == "package" else "which is generated"
            raise ValueError(f"no `files` beside `kind: {self.kind}`, {why}")
        if (self.kind == "package") != (self.package is not None):
            raise ValueError("`package` in a source of `kind: package`, and in no other")
        missing = [part for part in PARTS if part not in self.made_from]
        if self.kind == "real" and missing:
            raise ValueError(f"a source of `kind: package` for {missing[0]} in `made_from`")
        if self.kind != "real" and self.made_from:
            raise ValueError(f"no `made_from` beside `kind: {self.kind}`, only beside `real`")
        return self


ORIGINS = ("architecture", "hub", "package", "import", "from")


class Model(Entry):
    """A base language model: built here, fetched, imported, or derived."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    family: Family | None = Field(
        None,
        description="`causal`: decoder; `seq2seq`: encoder-decoder; `masked`: masked language "
        "model; null: its parent's",
    )
    series: Name | None = Field(
        None, description="models of one series differ in size only; null: a series of its own"
    )
    untuned: Name | None = Field(
        None,
        description="the same model before general instruction tuning, if it is selected too",
    )
    params: Positive | None = Field(
        None, description="approximate number of parameters, for requests of memory and time"
    )
    source: Name | None = Field(
        None, description="built: the source whose corpus and tokenizer it is built on"
    )
    # The names come from the table of model types, so a type checker cannot know them.
    architecture: Literal[BUILT] | None = Field(  # type: ignore[valid-type]
        None, description="built: transformers architecture"
    )
    config: dict[str, Any] = Field(
        {}, description="built: keys of its class in transformers; see the tables of built models"
    )
    corpus: list[File] = Field(
        ["corpus/train.jsonl"],
        min_length=1,
        description="built: files of the source it is trained on",
    )
    recipe: Name | None = Field(None, description="built or derived: how it is trained")
    attempts: Count = Field(3, description="built: seeds to try until the dev floors are reached")
    floors: dict[Name, Share] = Field({}, description="built: lowest dev score by evaluation task")
    hub: Repository | None = Field(None, description="fetched: the model's repository, OWNER/NAME")
    revision: Revision | None = Field(
        None, description="fetched: commit, 40 hex digits; null: looked up once, then kept"
    )
    gated: bool = Field(False, description="fetched: needs accepted terms and a token")
    package: Package | None = Field(
        None,
        description="fetched: the package that carries it, with one member: a GGUF file, or a "
        "folder in hub format; see the table of a package",
    )
    licence: str = Field("", description="licence of the weights, as their publisher names it")
    note: str = Field("", description="what to know about it")
    path: LocalPath | None = Field(
        None, alias="import", description="imported: folder in hub format, with safetensors weights"
    )
    chat: bool | Annotated[str, Field(min_length=1)] = Field(
        False,
        description="fetched or imported: prompts in training and evaluation are put through the "
        "chat template of the model's tokenizer; a text instead of `true` is the system prompt",
    )
    parent: Name | None = Field(None, alias="from", description="derived: the model it starts from")
    train_on: Mixture | None = Field(None, description="derived: mixture it is trained on")

    @model_validator(mode="after")
    def _one_origin(self):
        values = [self.architecture, self.hub, self.package, self.path, self.parent]
        origins = [name for name, value in zip(ORIGINS, values, strict=True) if value is not None]
        if len(origins) != 1:
            raise ValueError(
                "exactly one of `architecture` (built here), `hub` or `package` (fetched), "
                f"`import` (a folder) and `from` (derived), found {' and '.join(origins) or 'none'}"
            )
        (origin,) = origins
        needed = {
            "architecture": ("family", "source", "recipe"),
            "hub": ("family",),
            "package": ("family",),
            "import": ("family",),
            "from": ("train_on", "recipe"),
        }[origin]
        for name in needed:
            if getattr(self, name) is None:
                raise ValueError(f"`{name}` beside `{origin}`")
        if self.config and origin != "architecture":
            raise ValueError(f"no `config` beside `{origin}`; only models built here have one")
        if self.floors and origin != "architecture":
            raise ValueError(f"no `floors` beside `{origin}`; only models built here have them")
        if self.package is not None and len(self.package.members) > 1:
            raise ValueError("one member in the `package` of a model: a GGUF file, or a folder")
        if self.chat and origin in ("architecture", "from"):
            why = "its parent's counts" if origin == "from" else "it has no chat template"
            raise ValueError(f"no `chat` beside `{origin}`; {why}")
        if self.chat and self.family == "masked":
            raise ValueError("no `chat` beside `family: masked`, which is given no prompts")
        return self


class ImportedStage(Entry):
    """One checkpoint that was trained elsewhere, or its scores if they too were made elsewhere."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    task: Mixture | None = Field(None, description="what it was trained on; null: the base model")
    path: LocalPath | None = Field(
        None, alias="import", description="folder in hub format, or of a PEFT adapter"
    )
    onto: Literal["base", "previous"] | None = Field(
        None,
        description="an adapter: what it is merged onto, the chain's base or the stage before it; "
        "null: the base",
    )
    results: list[LocalPath] = Field(
        [], description="lm-eval result files, instead of a checkpoint"
    )

    @model_validator(mode="after")
    def _one_kind(self):
        if (self.path is None) == (not self.results):
            raise ValueError("either `import` (a folder) or `results` (lm-eval result files)")
        if self.onto is not None and self.results:
            raise ValueError("no `onto` beside `results`; only an adapter is merged onto something")
        return self


class Import(Entry):
    """A chain trained elsewhere: the base model first, then every stage in order."""

    model: Name = Field(description="name of the model in tables and figures")
    family: Family = Field(description="`causal`, `seq2seq` or `masked`")
    series: Name | None = Field(None, description="models of one series differ in size only")
    untuned: Name | None = Field(None, description="the model before general instruction tuning")
    params: Positive | None = Field(None, description="number of parameters, for result files")
    method: Name = Field("sequential", description="name of the method in tables and figures")
    parametrisation: Name | None = Field(
        None,
        description="which parameters were trained, in tables and figures; null: the kind of its "
        "adapters, else `full`",
    )
    order: Name = Field("imported", description="name of the order in tables and figures")
    base_seed: Seed | None = Field(None, description="seed of the base model, if it has one")
    train_seed: Seed | None = Field(None, description="seed of the training, if it is known")
    harmless: list[Literal[DECLARABLE] | Setting] = Field(  # type: ignore[valid-type]
        [],
        description="what differs between the result files but changes no score, as you know; "
        "noted in tables",
    )
    stages: list[ImportedStage] = Field(min_length=2, description="the base, then every stage")

    @model_validator(mode="after")
    def _starts_with_the_base(self):
        if self.stages[0].task is not None:
            raise ValueError(
                f"the base model first, without `task`, found {shown(self.stages[0].task)}; what "
                "is forgotten is measured from the base"
            )
        untaught = [index for index, stage in enumerate(self.stages) if stage.task is None][1:]
        if untaught:
            raise ValueError(f"`task` (what it was trained on) in stages[{untaught[0]}]")
        return self
