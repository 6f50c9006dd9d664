"""The recipe's `unused_rows: held`: the row rule beside any method."""

from lethe.methods.contract import Method, Stage
from lethe.methods.row_rule import RowRule


def row_rules(stage: Stage, recipe: dict) -> list[Method]:
    """What holds the rows of tokens that no example of the stage has; empty: they are trained.

    Their gradients are zero, so they do not count in the norm that is clipped; where weights decay
    the rows are put back as well.
    """
    if recipe.get("unused_rows", "trained") == "trained":
        return []
    whats = ["gradients", "updates"] if recipe["weight_decay"] else ["gradients"]
    rules: list[Method] = [RowRule(what, required=False) for what in whats]
    for rule in rules:
        rule.before_stage(stage)
    return rules
