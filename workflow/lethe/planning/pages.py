"""Which tables and figures apply to a study, known from its plan: others would be empty pages."""

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lethe.artefacts.paths import PACKAGE
from lethe.config.catalogue import Catalogue, Study
from lethe.longtables.axes import BIAS as BIAS_AXIS
from lethe.longtables.axes import CALIBRATION, CLOZE, DOMAIN, OWN
from lethe.longtables.run import ALONE, Run
from lethe.planning.nodes import Plan
from lethe.planning.several_recipes import OF_ONE_RECIPE, with_several_recipes

CONTROL = "control:"


@dataclass(frozen=True)
class Scope:
    """What a study measures. runs: its chains, without controls. axes: those that are scored.

    choices: whether a set of an ability or a task is multiple choice. texts: whether held-out texts
    of no domain are read; their axes are not among `axes`.
    """

    runs: list[Run]
    axes: set[str]
    end_tasks: bool
    importances: bool
    choices: bool
    several_recipes: bool = False
    references: bool = False
    texts: bool = False

    @property
    def measures_ability(self) -> bool:
        return bool(self.axes - {OWN, CALIBRATION, DOMAIN})

    @property
    def measures_tasks(self) -> bool:
        return OWN in self.axes or self.end_tasks

    @property
    def has_later_stages(self) -> bool:
        """Whether a stage can make something forgotten that an earlier one taught."""
        return any(len(run.checkpoints) > 2 for run in self.runs)

    def pairs(self, fits: Callable[[Run, Run], bool]) -> bool:
        """Whether two chains fit together, and general ability shows how they differ."""
        return self.measures_ability and any(fits(a, b) for a in self.runs for b in self.runs)

    def several(self, word: str) -> bool:
        return len({getattr(run, word) for run in self.runs}) > 1


@dataclass(frozen=True)
class Need:
    """What a table or figure needs, in words, and whether a study has it."""

    words: str
    has: Callable[[Scope], bool]


def _mixes(mixed: Run, plain: Run) -> bool:
    first = tuple(stage.partition("&")[0] for stage in mixed.stages)
    is_mixed = all("&" in stage for stage in mixed.stages[1:])
    return is_mixed and (mixed.model, first) == (plain.model, plain.stages)


ABILITY = Need("a set of general ability", lambda study: study.measures_ability)
TAUGHT = Need("a set of the axis `own`", lambda study: OWN in study.axes)
BOTH = Need(
    "a set of general ability and one of the axis `own`",
    lambda study: study.measures_ability and OWN in study.axes,
)
TASKS = Need("a set of the axis `own`, or end tasks", lambda study: study.measures_tasks)
KEPT = Need(
    "own tasks, end tasks or `references`, and an order of several stages or a set of general "
    "ability",
    lambda study: (
        (study.measures_tasks or study.references)
        and (study.measures_ability or study.has_later_stages)
    ),
)
BIAS = Need("a set of the axis `bias`", lambda study: BIAS_AXIS in study.axes)
SIZES = Need(
    "two models of one `series`",
    lambda study: study.pairs(lambda a, b: a.series == b.series and a.model != b.model),
)
FAMILIES = Need(
    "a decoder and an encoder-decoder",
    lambda study: study.pairs(lambda a, b: (a.family, b.family) == ("causal", "seq2seq")),
)
TUNED = Need(
    "a model and its instruction-tuned variant",
    lambda study: study.pairs(lambda a, b: a.untuned == b.model),
)
MIXED = Need("an order with more mixed into its stages, and the same without",
             lambda study: study.pairs(_mixes))  # fmt: skip
CHOICES = Need("a set with a `chance` that is not one of bias", lambda study: study.choices)
END_TASKS = Need("end tasks", lambda study: study.end_tasks)
METHODS = Need("end tasks and several methods",
               lambda study: study.end_tasks and study.several("method"))  # fmt: skip
ORDERS = Need("end tasks and several orders",
              lambda study: study.end_tasks and study.several("order"))  # fmt: skip
ANSWERS = Need(
    "a set of an ability with right answers, or of the axis `own`",
    lambda study: bool(study.axes - {BIAS_AXIS, CALIBRATION, DOMAIN}),
)
IMPORTANCES = Need("`das` or one of its kin", lambda study: study.importances)
REFERENCES = Need("`references`", lambda study: study.references)
TEXTS = Need("a set of `texts` on another axis than `domain`", lambda study: study.texts)
LOSSES = Need("a set of the axis `domain`", lambda study: DOMAIN in study.axes)

# In the order of the report. Those that are not here are made only where a study names them.
TABLES = {
    "fg": ABILITY, "general_ability": ABILITY, "bias": BIAS, "instruction_tuning": TUNED,
    "mixing": MIXED, "methods": TASKS, "equal_learning": REFERENCES,
    "new_tasks": TAUGHT, "learning": TAUGHT, "matrix": TAUGHT,
    "bases": ABILITY, "items": ANSWERS, "calibration": CHOICES, "texts": TEXTS,
    "end_tasks": END_TASKS, "end_task_methods": METHODS, "end_task_tests": METHODS,
    "orders": ORDERS, "masked_loss": LOSSES, "domains": LOSSES,
}  # fmt: skip
FIGURES = {
    "evolution": ABILITY, "fg": ABILITY, "learning_forgetting": BOTH, "frontier": KEPT,
    "matrix": TAUGHT,
    "scale": SIZES, "architecture": FAMILIES, "instruction_tuning": TUNED, "mixing": MIXED,
    "bias": BIAS, "end_tasks": END_TASKS, "importance": IMPORTANCES, "items": ANSWERS,
}  # fmt: skip
PAGES = {"tables": TABLES, "figures": FIGURES}
# Parts of the workflow's report, by what a table or a figure needs.
OF_ABILITY, OF_DOMAINS = "General ability (Luo et al. 2023)", "Domains (Ke et al. 2023)"
OTHERS = "Learned, kept and lost"
PARTS = {
    **dict.fromkeys(map(id, (ABILITY, BIAS, SIZES, FAMILIES, TUNED, MIXED)), OF_ABILITY),
    **dict.fromkeys(map(id, (END_TASKS, METHODS, ORDERS, LOSSES, IMPORTANCES)), OF_DOMAINS),
}


def with_pages(study: Study, catalogue: Catalogue, plan: Plan) -> Study:
    """The study with the tables and figures that apply to it, where it names none itself."""
    scope = scope_of(catalogue, plan)
    chosen = {
        kind: [
            name
            for name, need in needs.items()
            if need.has(scope) and not (scope.several_recipes and name in OF_ONE_RECIPE[kind])
        ]
        for kind, needs in PAGES.items()
        if getattr(study, kind) is None
    }
    if "figures" in chosen:
        chosen["figures"] = list(dict.fromkeys([*chosen["figures"], *study.figure_widths]))
    return study.model_copy(update={"claims": study.claims or [], **chosen})


def empty_pages(study: Study, catalogue: Catalogue, plan: Plan) -> Iterable[str]:
    """A note for every table and figure that the study names but that will be empty."""
    scope = scope_of(catalogue, plan)
    for kind, needs in PAGES.items():
        for name in getattr(study, kind) or ():
            if name in needs and not needs[name].has(scope):
                yield f"{kind}: {name!r} will be empty; it needs {needs[name].words}."


def scope_of(catalogue: Catalogue, plan: Plan) -> Scope:
    """What a study measures, from its plan."""
    runs = [run for run in plan.runs if not run.order.startswith((CONTROL, ALONE))]
    methods = {catalogue.methods[run.method].method for run in runs
               if run.method in catalogue.methods}  # fmt: skip
    every = [task for node in plan.of_kind("probe") for task in node.spec["tasks"]]
    tasks = [task for task in every if not _is_held_out(task)]
    axes = {task["axis"] for task in tasks}
    choices = any(
        task["chance"] is not None and task["axis"] not in ("bias", CALIBRATION) for task in tasks
    )
    several = bool(with_several_recipes(runs))
    alone = any(run.order.startswith(ALONE) for run in plan.runs)
    texts = len(tasks) < len(every)
    return Scope(runs, axes, bool(plan.end_tasks), "das" in methods, choices, several, alone, texts)


def _is_held_out(task: dict) -> bool:
    """Whether a set is texts of no domain, of which the loss is measured."""
    is_loss = task.get("texts") is not None and task["metric"] != CLOZE
    return is_loss and task["axis"] != DOMAIN


def part_of_report(kind: str, name: str) -> str:
    """The part of the workflow's report that a table or a figure stands in."""
    return PARTS.get(id(PAGES[kind].get(name)), OTHERS)


def headline(kind: str, name: str) -> str:
    """What a table or a figure shows, in the words of the module that makes it."""
    source = (PACKAGE / kind / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or name).partition("\n")[0]
