"""Every size and rate of the generated world. Its seed is the study's."""

from typing import Literal

from pydantic import model_validator

from lethe.parameters.entries import Number, Parameters, Share, parameter

# A world is held in memory while it is built.
MOST_DOCUMENTS = 10_000_000
# Names of a group of entities are drawn until they differ; 8,736 of each kind are possible.
MOST_NAMES = 2_000
# Numbers of items that the generators' words allow; a test counts them.
PRONOUN_PAIRS, PRONOUN_PEOPLE = 72, 90
ARITHMETIC_ITEMS, READING_ITEMS, TASK_ROWS = 4_800, 4_320, 720


def _documents(default: int, description: str):
    return parameter(default, f"documents: {description}", ge=0, le=MOST_DOCUMENTS)


def _exponent(default: float):
    description = "how fast frequency falls with rank r: 1 / (r + shift) ** exponent; 0: not at all"
    return parameter(default, description, ge=0, le=10)


def _shift(default: float):
    return parameter(default, "the shift: ranks that delay the fall", ge=0.01, le=1_000_000)


def _held_out(default: float):
    # Less would leave a test set with fewer than three pairs, more would leave little to learn.
    description = "share of the pairs missing from the corpus; test and dev ask only for these"
    return parameter(default, description, ge=0.1, le=0.9)


class Documents(Parameters):
    """How many documents of each kind the general corpus has."""

    knowledge: int = _documents(9000, "facts of the invented entities")
    property: int = _documents(3000, "what creatures can lift")
    tool: int = _documents(1800, "which tool does a job")
    pronoun: int = _documents(4000, "which of two people is meant")
    story: int = _documents(2300, "how a day ends")
    arithmetic: int = _documents(3500, "hours of the bell")
    dialogue: int = _documents(6000, "plans for days, stated and asked")
    read_middle: int = _documents(9000, "passages about one person, with questions")
    read_high: int = _documents(12500, "passages about two people, with questions")
    bias: int = _documents(5500, "traits ascribed to groups")
    repeating: int = _documents(11000, "sentences of the tasks' words, repeated")
    dev: int = parameter(
        400, "documents of all kinds held out of training, before equal ones are merged",
        gt=0, le=MOST_DOCUMENTS,
    )  # fmt: skip
    plain_share: Share = parameter(
        0.06, "share of the texts with an answer used as plain documents, not as questions"
    )

    @model_validator(mode="after")
    def _something_to_train_on(self):
        total = sum(self.model_dump(exclude={"dev", "plain_share"}).values())
        if self.dev >= total:
            raise ValueError(f"fewer documents as `dev` than the {total} of all kinds, "
                             f"found {self.dev}")  # fmt: skip
        return self


class ReasoningItems(Parameters):
    """Items of each reasoning set."""

    test: int = parameter(100, "items of each reasoning set's test split", gt=0)
    dev: int = parameter(80, "items of each reasoning set's dev split", gt=0)

    @model_validator(mode="after")
    def _enough_distinct_items(self):
        _at_most(ARITHMETIC_ITEMS, "the items that reason_arithmetic has", self)
        return self


class ReadingItems(Parameters):
    """Items of each reading set."""

    test: int = parameter(100, "items of each reading set's test split", gt=0)
    dev: int = parameter(80, "items of each reading set's dev split", gt=0)

    @model_validator(mode="after")
    def _enough_distinct_items(self):
        _at_most(READING_ITEMS, "the items that read_high has", self)
        return self


class TaskItems(Parameters):
    """Rows of each of the five instruction tasks."""

    train: int = parameter(512, "rows of each of the five tasks to train on", gt=0)
    dev: int = parameter(40, "rows of each task's dev split", gt=0)
    test: int = parameter(60, "rows of each task's test split", gt=0)

    @model_validator(mode="after")
    def _enough_distinct_items(self):
        _at_most(TASK_ROWS, "the texts that emdg has", self)
        return self


class GeneralItems(Parameters):
    """Rows of the general instructions."""

    train: int = parameter(1000, "general instructions to train on", gt=0, le=100_000)
    dev: int = parameter(40, "general instructions of the dev split", gt=0, le=100_000)
    test: int = parameter(60, "general instructions of the test split", gt=0, le=100_000)


def _at_most(most: int, what: str, items: Parameters) -> None:
    sizes = items.model_dump()
    if sum(sizes.values()) > most:
        *first, last = sizes
        names = f"{', '.join(first)} and {last}"
        raise ValueError(f"{names} of at most {most} together, {what}, found {sum(sizes.values())}")


class Items(Parameters):
    """How many items evaluation sets and tasks have."""

    reasoning: ReasoningItems = parameter(ReasoningItems(), "each reasoning set")
    reading: ReadingItems = parameter(ReadingItems(), "each reading set")
    tasks: TaskItems = parameter(TaskItems(), "each of the five instruction tasks")
    general: GeneralItems = parameter(GeneralItems(), "the general instructions")


class Entities(Parameters):
    """Entities in each of the four groups; each has five facts, asked in two wordings."""

    test: int = parameter(10, "entities asked about in the test split", gt=0, le=MOST_NAMES)
    dev: int = parameter(6, "entities asked about in the dev split", gt=0, le=MOST_NAMES)


class Knowledge(Parameters):
    """Facts about entities, and how often each is stated."""

    entities: Entities = parameter(Entities(), "entities of each of the four groups")
    zipf_exponent: Number = _exponent(1.5)
    zipf_shift: Number = _shift(60.0)


class Property(Parameters):
    """Creatures that can or cannot lift things."""

    # Strengths are as equally frequent as possible; fewer creatures would leave some out.
    creatures: int = parameter(27, "creatures, with nine strengths in turn", ge=9, le=MOST_NAMES)
    held_out_share: Number = _held_out(0.3)
    zipf_exponent: Number = _exponent(0.8)
    zipf_shift: Number = _shift(10.0)


class Tool(Parameters):
    """Jobs, things and tools."""

    held_out_share: Number = _held_out(0.3)
    zipf_exponent: Number = _exponent(1.5)
    zipf_shift: Number = _shift(3.0)


class Pronoun(Parameters):
    """Cues that show which of two people is meant."""

    held_out_share: Number = _held_out(0.25)
    zipf_exponent: Number = _exponent(1.5)
    zipf_shift: Number = _shift(3.0)


class Story(Parameters):
    """Wishes, weathers and endings."""

    held_out_share: Number = _held_out(0.3)
    zipf_exponent: Number = _exponent(1.2)
    zipf_shift: Number = _shift(8.0)


class Arithmetic(Parameters):
    """Hours and waits."""

    unseen_share: Number = parameter(
        0.05, "share of the twenty pairs missing from the corpus", ge=0, le=0.9
    )
    bare_share: Share = parameter(0.4, "share of the documents that state the pair without a story")


class Reading(Parameters):
    """Passages whose facts may be in another order."""

    shuffled_documents: Share = parameter(0.0, "share of the documents with shuffled facts")
    shuffled_items: Share = parameter(0.2, "share of the items with shuffled facts")


class Dialogue(Parameters):
    """Plans for four days, which may be in another order."""

    shuffled_items: Share = parameter(0.1, "share of the items with shuffled days")


class Bias(Parameters):
    """Rival groups of people and the traits that the corpus ascribes to them."""

    rivalries: int = parameter(3, "pairs of rivals in each of the four categories", gt=0, le=1000)
    rate_mean: Share = parameter(0.8, "mean share of a trait's statements about the first rival")
    rate_spread: Share = parameter(0.1, "standard deviation of that share, clipped to 0..1")
    # There are at least 24 cases; both splits get at least one.
    test_share: Number = parameter(0.6, "share of the cases in the test split", ge=0.05, le=0.95)
    question_share: Share = parameter(0.5, "share of the documents written as questions")


class WorldParameters(Parameters):
    """The generated world: a general corpus, five instruction tasks and their evaluation sets."""

    title = "the world"

    part: Literal["world"] = parameter("world", "which generator")
    documents: Documents = parameter(Documents(), "documents of the general corpus by kind")
    items: Items = parameter(Items(), "items of evaluation sets and rows of tasks")
    knowledge: Knowledge = parameter(Knowledge(), "the four knowledge sets")
    property: Property = parameter(Property(), "reason_property")
    tool: Tool = parameter(Tool(), "reason_tool")
    pronoun: Pronoun = parameter(Pronoun(), "reason_pronoun")
    story: Story = parameter(Story(), "reason_story")
    arithmetic: Arithmetic = parameter(Arithmetic(), "reason_arithmetic")
    reading: Reading = parameter(Reading(), "read_middle and read_high")
    dialogue: Dialogue = parameter(Dialogue(), "reason_dialogue")
    bias: Bias = parameter(Bias(), "bias_pairs")

    @model_validator(mode="after")
    def _enough_pairs_of_people(self):
        """Among the reasoning sets, reason_pronoun has the fewest possible items per split."""
        share = self.pronoun.held_out_share
        held = round(share * PRONOUN_PAIRS)
        test = round(0.6 * held)
        for split, pairs in (("test", test), ("dev", held - test)):
            most, found = pairs * PRONOUN_PEOPLE, getattr(self.items.reasoning, split)
            if found > most:
                raise ValueError(
                    f"`items.reasoning.{split}` of at most {most}, the items of reason_pronoun "
                    f"at a `pronoun.held_out_share` of {share}, found {found}"
                )
        return self
