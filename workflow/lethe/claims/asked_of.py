"""Which of a study's subjects a part of a claim is about, and what is said of the others.

A study may train encoders on domains beside decoders on instructions. A claim about an ability is
about the models that can be asked for it: encoders have evaluation sets of their own, and where no
encoder has one of the ability, encoders are left out, and so are all others the other way round.
Where only some of them lack it, they stay, and are not measured.
"""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from lethe.claims.cells import Question
from lethe.config.claims import WITH
from lethe.longtables.axes import DOMAIN
from lethe.longtables.tables import LongTables
from lethe.metrics.learning_points import FULL
from lethe.metrics.shown import HOW, PLAIN
from lethe.metrics.subjects import Subject, study_subjects

MASKED = "masked"


def all_subjects(tables: LongTables) -> list[Subject]:
    """The study's subjects, with the general ability of models with domains beside other models.

    Where not all weights are trained, a subject's method is `METHOD+PARAMETRISATION`.
    """
    general = tables.domains[tables.domains["axis"] != DOMAIN]
    both = replace(tables, metrics=pd.concat([tables.metrics, general]))
    return [
        one if one.line[HOW] == FULL else replace(one, method=f"{one.method}{WITH}{one.line[HOW]}")
        for one in study_subjects(both, every=True)
    ]


def asked_of(subjects: list[Subject], asked: Question) -> list[Subject]:
    """The subjects of the named recipe, without the kind of models that has no set of the axes.

    Those of which not all weights are trained are there where a claim names them.
    """
    chosen = [
        one
        for one in subjects
        if (not asked.recipe or one.recipe == asked.recipe)
        and (WITH not in one.method or one.method in asked.methods)
    ]
    measured = {one.family == MASKED for one in chosen if _is_measured(one, asked)}
    return [one for one in chosen if not measured or (one.family == MASKED) in measured]


def told_of(subjects: list[Subject], parts: Iterable[Question]) -> list[str]:
    """Sentences on who is left out, and on which chain stands for several of the same words."""
    left_out: dict[str, dict[str, None]] = {}
    several: dict[str, None] = {}
    for asked in parts:
        chosen = asked_of(subjects, asked)
        models = {one.model for one in chosen}
        of_recipe = [one for one in subjects if not asked.recipe or one.recipe == asked.recipe]
        out = dict.fromkeys(one.model for one in of_recipe if one.model not in models)
        if out:
            left_out.setdefault(", ".join(out), {}).update(dict.fromkeys(asked.axes))
        several |= dict.fromkeys(_first_of_several(chosen, asked))
    told = [
        f"left out, as models of their kind have no set of {', '.join(axes)}: {names}"
        for names, axes in left_out.items()
    ]
    return [*told, *several]


def _is_measured(subject: Subject, asked: Question) -> bool:
    return any(place[1] in asked.axes for place in (*subject.numbers, *subject.gaps))


def _first_of_several(subjects: Iterable[Subject], asked: Question) -> list[str]:
    """Which recipe is compared of a model and method that have several on the same stages."""
    recipes: dict[tuple, dict[str, None]] = {}
    methods = asked.methods or (PLAIN,)
    if asked.contrast == "method_less_pool" and len(methods) == 1:
        # The pool is trained plainly where no other method is named.
        methods = (*methods, PLAIN)
    for one in subjects:
        if one.method in methods and one.tasks:
            key = (one.model, one.method, one.order)
            recipes.setdefault(key, {})[one.recipe] = None
    return [
        f"{model} by {method} on {order}: of several recipes the first is compared, {first} "
        f"(not {', '.join(others)})"
        for (model, method, order), (first, *others) in recipes.items()
        if others
    ]
