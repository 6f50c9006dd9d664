"""The parameters of each loader, by the name under which it is registered.

They are separate from the loaders, which take seconds to import; tests keep the two in step.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from lethe.artefacts.manifests import is_inside
from lethe.parameters.entries import Count, Number, Parameters, parameter
from lethe.sources.prompt_sets import wrapper

KE2023 = "Ke et al. 2023, released code"
RULE = "rule that rearranges the splits; null: the published splits"
Rule = Literal["aclarc", "scierc", "chemprot", "restaurant", "phone", "camera"] | None


def _fits(pattern: str) -> str:
    """Refuse what `Path.glob` refuses, and what leads out of the repository."""
    parts = pattern.split("/")
    if not is_inside(pattern) or any("**" in part and part != "**" for part in parts):
        raise ValueError(
            "a pattern within the repository, in which `**` replaces whole folder names"
        )
    return pattern


def _in_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _known_wrapper(value: str) -> str:
    wrapper(value)
    return value


Patterns = Annotated[
    list[Annotated[str, AfterValidator(_fits)]],
    Field(min_length=1),
    BeforeValidator(_in_list),
]


class Splits(Parameters):
    """Which fetched files each split is read from; local files are named in `files`."""

    train: Patterns | None = parameter(
        None, "glob patterns for the train split's files; null: by file name"
    )
    validation: Patterns | None = parameter(None, "glob patterns for the dev split's files")
    test: Patterns | None = parameter(None, "glob patterns for the test split's files")


class HoldOut(Parameters):
    """Examples at the end of train that become another split, the test split's last."""

    validation: Count | None = parameter(
        None, "examples of train that become the dev split, if the source has none"
    )
    test: Count | None = parameter(
        None, "last examples of train that become the test split, if the source has none"
    )


class LoaderParameters(Parameters):
    """Parameters of every loader."""

    title = "every loader"
    own_columns: ClassVar[tuple[str, ...]]
    """The loader's names of the raw columns, over all known layouts of its table."""
    reads_own_csv: ClassVar[bool] = False
    """Whether its published csv breaks the rules of csv, and the loader reads it by itself."""

    @classmethod
    def makes_documents(cls) -> bool:
        """Whether it can make texts that stand alone, not only prompts and responses."""
        return not issubclass(cls, PromptParameters) or "text" in cls.own_columns

    columns: dict[str, str] = parameter(
        {}, "raw columns with other names: {the loader's name: name in the file}"
    )
    splits: Splits = parameter(Splits(), "files of each split")

    @field_validator("columns")
    @classmethod
    def _are_the_loaders(cls, columns: dict[str, str]) -> dict[str, str]:
        for name in columns:
            if name not in cls.own_columns:
                raise ValueError(f"columns of {', '.join(cls.own_columns)}, found {name!r}")
        return columns


class SampledParameters(LoaderParameters):
    """Parameters of a loader that can select fewer examples than the source has."""

    title = "a loader of examples"
    prompts: ClassVar[tuple[int, int]] = (1, 1)
    """Prompt sets of the train split, and of the other splits."""

    hold_out: HoldOut = parameter(HoldOut(), "splits taken from the end of train")
    count: Count | None = parameter(
        None, "largest number of training examples, shared evenly by the prompt sets; null: all"
    )
    test_count: Count | None = parameter(
        None, "largest number of test examples, and of dev examples, shared evenly; null: all"
    )
    subset_seed: Annotated[int, Field(ge=0, lt=2**32)] = parameter(
        0, "seed for choosing `count` or `test_count` examples", "Luo et al. 2023, released code"
    )

    @field_validator("count")
    @classmethod
    def _trains_on_each_prompt_set(cls, count: int | None) -> int | None:
        return _one_for_each(cls.prompts[0], count)

    @field_validator("test_count")
    @classmethod
    def _tests_each_prompt_set(cls, count: int | None) -> int | None:
        return _one_for_each(cls.prompts[1], count)


def _one_for_each(sets: int, count: int | None) -> int | None:
    if count is not None and count < sets:
        raise ValueError(f"at least {sets}, one for each prompt set")
    return count


class PromptParameters(SampledParameters):
    """Parameters of a loader that makes prompts and responses."""

    title = "a loader of prompts"
    metrics: ClassVar[tuple[str, ...]] = ("bleu", "rouge1", "exact_match")
    """Metrics of its evaluation task, `own_SOURCE`, the headline metric first."""

    wrapper: Annotated[str, AfterValidator(_known_wrapper)] = parameter(
        "none",
        "text around every prompt, containing {prompt}; or `none`, `luo2023`, `luo2023-one-blank`",
    )
    delimiter: str = parameter(
        " ", "text before the response in testing; the same as in the task that trains on it"
    )


class RuledParameters(LoaderParameters):
    """Parameters of a loader of labelled texts whose public splits are rearranged by a rule."""

    title = "a loader of published labels"
    own_columns = ("text", "label")

    split: Rule = parameter(None, RULE, KE2023)
    any_size: bool = parameter(
        False, "true: accept files that do not give the published numbers of rows"
    )


class Alpaca(PromptParameters):
    """General instructions."""

    title = "alpaca"
    own_columns = ("instruction", "input", "response")

    bare: bool = parameter(
        False,
        "true: only instruction and input, separated by an empty line, for another wrapper; "
        "false: Alpaca's own prompts",
        "Taori et al. 2023, released code",
    )


class AspectSentiment(RuledParameters):
    """Aspect sentiment of reviews."""

    title = "absa"
    own_columns = ("sentence", "term", "polarity")

    separator: str = parameter(
        "</s>",
        "text between term and sentence; the default is RoBERTa's separator token",
        KE2023,
        min_length=1,
    )


class ChemProt(RuledParameters):
    """Interactions of chemicals and proteins."""

    title = "chemprot"

    split: Rule = parameter("chemprot", RULE, KE2023)


class CitationIntent(RuledParameters):
    """Reasons for citing a paper."""

    title = "citation_intent"

    split: Rule = parameter("aclarc", RULE, KE2023)


class SciIE(RuledParameters):
    """Relations of entities in abstracts."""

    title = "sciie"

    split: Rule = parameter("scierc", RULE, KE2023)


class Eli5(PromptParameters):
    """Questions answered by a text."""

    title = "eli5"
    own_columns = ("response", "answers")
    prompts = (2, 1)


class EmpatheticDialogues(PromptParameters):
    """Turns of dialogues about a feeling."""

    title = "empathetic_dialogues"
    reads_own_csv = True
    own_columns = (
        "conv_id", "emotion", "situation", "turns",
        "utterance_idx", "context", "prompt", "speaker_idx", "utterance",
    )  # fmt: skip


class ESnli(PromptParameters):
    """Explanations of how two sentences are related."""

    title = "esnli"
    own_columns = (
        "Sentence1", "Sentence2", "label", "response", "explanation_2", "explanation_3",
    )  # fmt: skip

    released_targets: bool = parameter(
        False,
        "true: an explanation with an apostrophe keeps the brackets that the released code leaves "
        "around it",
    )


class Generic(PromptParameters):
    """A user's own table."""

    title = "generic"
    own_columns = ("prompt", "response", "text")
    metrics = ("rouge1", "bleu", "exact_match")


class Gigaword(PromptParameters):
    """Headlines with a required word."""

    title = "gigaword"
    own_columns = ("document", "response")
    prompts = (3, 3)
    metrics = ("rouge1", "bleu", "constraint", "exact_match")


class Labelled(SampledParameters):
    """A user's own labelled texts."""

    title = "labelled"
    own_columns = ("text", "label", "id", "cluster")


class TextLines(SampledParameters):
    """A corpus, one document per line."""

    title = "text_lines"
    own_columns = ("text",)

    dev_percent: Number = parameter(
        5.0,
        "percent of train's lines, from the start, that become the dev split, if no dev file is "
        "given",
        KE2023,
        ge=0,
        lt=100,
    )


class WikiAuto(PromptParameters):
    """Sentences to simplify."""

    title = "wiki_auto"
    own_columns = ("normal_sentence", "response")
    metrics = ("sari", "bleu", "rouge1", "exact_match")


SHARED = (LoaderParameters, SampledParameters, PromptParameters, RuledParameters)
LOADERS: dict[str, type[LoaderParameters]] = {
    kind.title: kind
    for kind in (
        Alpaca, AspectSentiment, ChemProt, CitationIntent, Eli5, EmpatheticDialogues, ESnli,
        Generic, Gigaword, Labelled, SciIE, TextLines, WikiAuto,
    )
}  # fmt: skip
