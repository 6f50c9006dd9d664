"""Every size of the real data, and the seed with which items are drawn."""

from lethe.parameters.entries import Parameters, Seed, parameter

MOST = 100_000
PARTS = ("wordnet", "speeches", "novel", "countries", "manual")
"""What is made of one package each."""


class SetItems(Parameters):
    """Items of each evaluation set; a set of which the packages hold fewer has all of them."""

    test: int = parameter(300, "items of each set's test split, in fours", ge=8, le=MOST)
    dev: int = parameter(100, "items of each set's dev split, in fours", ge=8, le=MOST)


class TaskItems(Parameters):
    """Rows of each of the five instruction tasks."""

    train: int = parameter(640, "rows of each of the five tasks to train on", gt=0, le=MOST)
    dev: int = parameter(60, "rows of each task's dev split", gt=0, le=MOST)
    test: int = parameter(120, "rows of each task's test split", gt=0, le=MOST)


class ProseItems(Parameters):
    """Pieces of prose, of whole sentences."""

    words: int = parameter(120, "words of a piece, at least", ge=20, le=2000)
    train: int = parameter(360, "pieces of each source to train on", gt=0, le=MOST)
    dev: int = parameter(30, "pieces of each source's dev split", gt=0, le=MOST)
    test: int = parameter(60, "pieces of each source's test split", gt=0, le=MOST)


class RealParameters(Parameters):
    """Real words, facts and prose from packages: seven sets, five tasks, three kinds of prose."""

    title = "the real data"

    seed: Seed = parameter(0, "which of the packages' items are drawn")
    items: SetItems = parameter(SetItems(), "each evaluation set")
    rows: TaskItems = parameter(TaskItems(), "each of the five instruction tasks")
    prose: ProseItems = parameter(ProseItems(), "each of the three kinds of prose")
