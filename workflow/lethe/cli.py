"""The command line: `lethe VERB ...`. A verb's module is imported only when it is called."""

import argparse
import difflib
import importlib
import os
import sys
from typing import NoReturn

from lethe.artefacts.disk_errors import disk_sentence
from lethe.artefacts.rules import RULES
from lethe.errors import Stopped, UserError

VERBS = {
    "run": ("lethe.commands.run", "make a study, from any folder"),
    "check": ("lethe.commands.check", "is this configuration right?"),
    "plan": ("lethe.commands.plan", "what a study will compute, and the specs of its nodes"),
    "status": ("lethe.commands.status", "grid of stages: done, running, failed and why"),
    "show": ("lethe.commands.show", "lineage, spec and record of one node"),
    "diff": ("lethe.commands.diff", "how two nodes differ"),
    "verify": ("lethe.commands.verify", "read all results again, and name what is damaged"),
    "where": ("lethe.commands.where", "where a study's report, figures and tables are"),
    "evaluate": ("lethe.commands.evaluate", "score any checkpoint or adapter on any tasks"),
    "compare": ("lethe.commands.compare", "did a fine-tune forget anything?"),
    "tasks": ("lethe.commands.tasks", "what can be asked: names for --tasks"),
    "methods": ("lethe.commands.methods", "how stages can be trained, and what goes together"),
    "items": ("lethe.commands.items", "which questions were lost, with the answers"),
    "metrics": ("lethe.commands.metrics", "forgetting metrics of your own score matrix"),
    "report": ("lethe.commands.report", "a study as one page to read, print and share"),
    "card": ("lethe.commands.card", "a model card of one checkpoint of a study"),
    "keep": ("lethe.commands.keep", "keep a finished study's long tables, to draw them again"),
    "render": ("lethe.commands.render", "draw kept studies again, without any checkpoint"),
    "assemble": ("lethe.commands.assemble", "join the parts of a study that were run apart"),
    "convert": ("lethe.commands.convert", "a GGUF file as a checkpoint folder, equal to the file"),
    "fetch": ("lethe.commands.fetch", "fetch a model or data (called by the workflow)"),
    "data": ("lethe.commands.data", "make a data node (called by the workflow)"),
    "tokens": ("lethe.commands.tokens", "tokenize a corpus once (called by the workflow)"),
    "base": ("lethe.commands.base", "train a base node (called by the workflow)"),
    "stage": ("lethe.commands.stage", "train a stage node (called by the workflow)"),
    "probe": ("lethe.commands.probe", "score a checkpoint (called by the workflow)"),
    "end_task": ("lethe.commands.end_task", "fine-tune on an end task (called by the workflow)"),
    "collect": ("lethe.commands.collect", "gather a study's long tables (called by the workflow)"),
    "summarize": ("lethe.commands.summarize", "metrics of a study (called by the workflow)"),
    "questions": ("lethe.commands.questions", "texts and pages of items (called by the workflow)"),
    "table": ("lethe.commands.table", "make one table (called by the workflow)"),
    "figure": ("lethe.commands.figure", "draw one figure (called by the workflow)"),
    "claims": ("lethe.commands.claims", "test published claims on scores (called by the workflow)"),
    "precision": ("lethe.commands.precision", "are there units enough? half-widths of claims"),
    "schema": ("lethe.commands.schema", "write the JSON schemas and the manual's tables of keys"),
    "unlock": ("lethe.commands.unlock", "release the lock of a run that was killed"),
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (`{self.prog} --help` lists the arguments).")


def main(arguments: list[str] | None = None) -> int:
    """Run one verb.

    Returns 0 on success, 2 after a mistake that one sentence explains, 75 if the job was asked to
    end and goes on when it is run again, 130 after Ctrl-C.
    """
    try:
        status = _call(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        return status
    except UserError as error:
        print(f"lethe: {error}", file=sys.stderr)
        return 2
    except MemoryError:
        print("lethe: there was not enough memory; what was computed is kept", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of a pipe (head, less) has closed it; that is not a failure.
        _drop_unwritable_output()
        return 0
    except Stopped as ending:
        print(f"lethe: {ending}", file=sys.stderr)
        return Stopped.STATUS
    except KeyboardInterrupt:
        print("lethe: interrupted; what was computed is kept", file=sys.stderr)
        return 130
    except Exception as error:
        sentence = disk_sentence(error)
        if sentence is None:
            raise
        print(f"lethe: {UserError(sentence)}", file=sys.stderr)
        _drop_unwritable_output()
        return 2


def _call(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_overview())
        return 0
    if arguments[0] == "--version":
        # Not imported above: the package names `load_study`, which lies higher than this room.
        print(f"lethe {importlib.import_module('lethe').__version__}")
        return 0
    verb, rest = arguments[0], arguments[1:]
    if verb not in VERBS:
        close = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UserError(f"There is no verb {verb!r}{hint} (`lethe --help` lists all).")
    module = importlib.import_module(VERBS[verb][0])
    parser = _Parser(prog=f"lethe {verb}", description=module.__doc__, allow_abbrev=False)
    module.add_arguments(parser)
    read = parser.parse_args([_at_home(argument) for argument in rest])
    if verb in RULES:
        from lethe.jobs.gpus import take_asked_gpus

        take_asked_gpus()
    return module.run(read) or 0


def _at_home(argument: str) -> str:
    """An argument with `~/` as the home folder, which shells leave as it is after `--out=`."""
    option, equals, path = argument.rpartition("=") if argument[:2] == "--" else ("", "", argument)
    return option + equals + os.path.expanduser(path)


def _drop_unwritable_output() -> None:
    """Spare the interpreter's end a second failure to write what is left of the output."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _overview() -> str:
    width = max(len(verb) for verb in VERBS)
    lines = ["usage: lethe VERB ...  (see `lethe VERB --help`)", ""]
    return "\n".join(lines + [f"  {verb:<{width}}  {text}" for verb, (_, text) in VERBS.items()])
