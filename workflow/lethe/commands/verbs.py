"""Every verb of the command line, by group; the module of its name has what it does."""

import importlib
from types import ModuleType

GROUPS = {
    "Studies: train models one stage after another, and see what they forget": {
        "init": "write a study of your own to start from",
        "check": "is this study right? in one sentence",
        "plan": "what a study will compute, and what of it is done",
        "run": "make a study, from any folder",
        "status": "grid of stages: done, running, failed and why",
        "where": "where a study's report, figures and tables are",
        "models": "the models that a study can name",
        "methods": "how stages can be trained, and what goes together",
        "unlock": "release the lock of a run that was killed",
    },
    "Checkpoints: score and compare what you have": {
        "compare": "did a fine-tune forget anything?",
        "evaluate": "score any checkpoint or adapter on any tasks",
        "tasks": "what can be asked: names for --tasks",
        "card": "a model card of one checkpoint of a study",
        "convert": "a GGUF file as a checkpoint folder, equal to the file",
    },
    "Results: read, check and keep what a study found": {
        "report": "a study as one page to read, print and share",
        "items": "which questions were lost, with the answers",
        "show": "lineage, spec and record of one node",
        "diff": "how two nodes differ",
        "metrics": "forgetting metrics of your own score matrix",
        "precision": "are there units enough? half-widths of claims",
        "verify": "read all results again, and name what is damaged",
        "keep": "keep a finished study's long tables, to draw them again",
        "render": "draw kept studies again, without any checkpoint",
        "assemble": "join the parts of a study that were run apart",
    },
}
"""What `lethe --help` lists: by group, in the order in which they are used."""

ALONE = {"completion": "print a script that completes commands in bash or zsh"}
CALLED = {
    "fetch": "fetch a model or data",
    "data": "make a data node",
    "tokens": "tokenize a corpus once",
    "base": "train a base node",
    "stage": "train a stage node",
    "probe": "score a checkpoint",
    "end_task": "fine-tune on an end task",
    "collect": "gather a study's long tables",
    "summarize": "metrics of a study",
    "questions": "texts and pages of items",
    "table": "make one table",
    "figure": "draw one figure",
    "claims": "test published claims on scores",
    "schema": "write the JSON schemas and the manual's tables of keys",
}
"""What the workflow and developers call: not in `lethe --help`, but each has its own help."""

LISTED = {verb: what for verbs in GROUPS.values() for verb, what in verbs.items()} | ALONE
VERBS = LISTED | CALLED


def module_of(verb: str) -> ModuleType:
    """The module that has a verb's `add_arguments` and `run`."""
    return importlib.import_module(f"lethe.commands.{verb}")
