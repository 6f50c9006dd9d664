"""Every rule of the workflow: what it makes, the code that makes it, and what its jobs request.

It imports almost nothing, since every job reads it before it does anything else. Nothing here
changes a result, so fingerprints of code leave this module out.
"""

from typing import NamedTuple


class Code(NamedTuple):
    """Where the code of a job starts; everything that it imports counts too.

    modules: dotted names. `{name}` is the table or figure that is made. `{method}` is the method
        of the stage that is made or read; without one, the modules that hold it do not count.
    libraries: whether the versions of torch and transformers count.
    """

    modules: tuple[str, ...]
    libraries: bool = False


class Rule(NamedTuple):
    """What one rule needs and makes; it runs the verb of its own name.

    memory: MB, without the part that grows with the model.
    minutes: likewise.
    code: by way of making the result, if there are several; "" if there is only one.
        None if a change of code never reruns the rule.
    preload: the group of modules that the fork server imports; None: its jobs start without it.
    kind: kind of the nodes that it makes; None: it makes files of a study.
    folder, manifest: where the nodes are in the results, and the file that marks one as done.
    """

    memory: int
    minutes: int
    code: dict[str, Code] | None
    preload: str | None
    kind: str | None = None
    folder: str = ""
    manifest: str = ""


METHOD = "lethe.methods.{method}"

RULES = {
    "fetch": Rule(4000, 240, None, None, "fetched", "fetched", "fetch.json"),
    "data": Rule(
        4000,
        60,
        {
            "world": Code(("lethe.sources.world.build",)),
            "domains": Code(("lethe.sources.domains.build",)),
            "real": Code(("lethe.sources.real.build",)),
            # Data that a loader prepares does not depend on the world's generator.
            "prepared": Code(("lethe.sources.prepare",)),
        },
        "models",
        "data",
        "data",
        "data.json",
    ),
    "tokens": Rule(
        2000,
        240,
        {"": Code(("lethe.data.streams", "lethe.models.tokenizer"), libraries=True)},
        "models",
        "tokens",
        "tokens",
        "tokens.json",
    ),
    "base": Rule(
        2000,
        20,
        {
            "trained": Code(("lethe.training.base",), libraries=True),
            # A base that was trained elsewhere does not depend on how bases are trained here.
            "ready made": Code(("lethe.training.ready_made",), libraries=True),
            "merged": Code(("lethe.training.merged",), libraries=True),
            "packaged": Code(("lethe.training.from_package",), libraries=True),
        },
        "models",
        "base",
        "bases",
        "base.json",
    ),
    "stage": Rule(
        2000,
        20,
        {"": Code(("lethe.training.stage", METHOD), libraries=True)},
        "models",
        "stage",
        "stages",
        "stage.json",
    ),
    "probe": Rule(
        3000,
        20,
        {
            "scored": Code(
                (
                    "lethe.evaluation.masked_loss",
                    "lethe.evaluation.harness",
                    # Definitions of evaluation tasks name these; no module imports them.
                    "lethe.evaluation.text_metrics",
                    "lethe.evaluation.bias",
                    "lethe.evaluation.mutual",
                    "lethe.evaluation.race_middle",
                ),
                libraries=True,
            ),
            # Scores that were made elsewhere do not depend on how checkpoints are scored here.
            "imported": Code(("lethe.imported.scores",)),
        },
        "models",
        "probe",
        "scores",
        "probe.json",
    ),
    "end_task": Rule(
        3000,
        20,
        {"": Code(("lethe.endtasks.results", METHOD), libraries=True)},
        "models",
        "end_task",
        "endtasks",
        "end_task.json",
    ),
    "collect": Rule(
        2000,
        60,
        {"": Code(("lethe.longtables.collect", "lethe.longtables.stage_rows"))},
        "tables",
    ),
    "summarize": Rule(
        2000,
        120,
        {
            "": Code(
                (
                    "lethe.metrics.study",
                    "lethe.metrics.study_changes",
                    "lethe.metrics.calibration",
                    "lethe.longtables.items",
                )
            )
        },
        "tables",
    ),
    "questions": Rule(
        3000,
        30,
        {
            "": Code(
                (
                    "lethe.commands.questions",
                    "lethe.questions.study",
                    "lethe.evaluation.questions",
                    "lethe.imported.scores",
                )
            )
        },
        "models",
    ),
    "table": Rule(2000, 10, {"": Code(("lethe.commands.table", "lethe.tables.{name}"))}, "tables"),
    "figure": Rule(
        2000,
        10,
        {"": Code(("lethe.commands.figure", "lethe.figures.{name}"))},
        "tables",
    ),
    "claims": Rule(2000, 10, {"": Code(("lethe.commands.claims",))}, "tables"),
    # The page is built of tables, which it finds by their names.
    "report": Rule(
        3000,
        30,
        {
            "": Code(
                (
                    "lethe.report.page",
                    "lethe.tables.methods",
                    "lethe.tables.domains",
                    "lethe.tables.equal_learning",
                    "lethe.tables.items",
                    "lethe.tables.compute",
                )
            )
        },
        "tables",
    ),
}


def rule_of(kind: str) -> str:
    """The name of the rule that makes a kind of node."""
    return next(name for name, rule in RULES.items() if rule.kind == kind)


KINDS = {rule.kind: rule for rule in RULES.values() if rule.kind is not None}
"""The rule that makes a kind of node."""
