"""The command line: `lethe VERB ...`. A verb's module is imported only when it is called."""

import argparse
import importlib
import os
import sys
from typing import NoReturn

from lethe.artefacts.disk_errors import disk_sentence
from lethe.artefacts.paths import CLONE
from lethe.artefacts.rules import RULES
from lethe.commands.verbs import ALONE, CALLED, GROUPS, LISTED, VERBS, module_of
from lethe.errors import Stopped, UserError, guess, shown
from lethe.jobs.repeated_sums import repeat_sums
from lethe.terminal import paint, print_any_text


def _complain(error: Exception) -> None:
    print(f"{paint('lethe:', 'red', sys.stderr)} {error}", file=sys.stderr)


class _Once(argparse._StoreAction):
    """An option of one value that is given twice with two: which one counts would not be seen."""

    given: object = None

    def __call__(self, parser, namespace, values, option_string=None):
        if option_string is not None:
            if self.given not in (None, values):
                both = f"{shown(str(self.given))} and {shown(str(values))}"
                raise UserError(f"{option_string}: expected one value, found {both}.")
            self.given = values
        super().__call__(parser, namespace, values, option_string)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and lets no option replace its own earlier value."""

    def __init__(self, **settings):
        super().__init__(**settings)
        for name in (None, "store"):
            self.register("action", name, _Once)

    def error(self, message: str) -> NoReturn:
        if "are required" in message:
            places = [str(one.metavar or one.dest) for one in self._get_positional_actions()]
            options = [
                f"{one.option_strings[0]} {one.metavar or one.dest.upper()}"
                for one in self._get_optional_actions()
                if one.required
            ]
            message = f"expected `{' '.join([self.prog, *places, *options])}`; {message}"
        raise UserError(f"{message} (`{self.prog} --help` lists the arguments).")


def main(arguments: list[str] | None = None) -> int:
    """Run one verb.

    Returns 0 on success, 2 after a mistake that one sentence explains, 75 if the job was asked to
    end and goes on when it is run again, 130 after Ctrl-C.
    """
    print_any_text()
    repeat_sums()
    try:
        status = _call(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        return status
    except UserError as error:
        _complain(error)
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
        _complain(UserError(sentence))
        _drop_unwritable_output()
        return 2


def _call(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(_version())
        return 0
    verb, rest = arguments[0], arguments[1:]
    if verb not in VERBS:
        hint = guess(verb, [*LISTED, *CALLED])
        raise UserError(f"There is no verb {shown(verb)}{hint} (`lethe --help` lists them).")
    module = module_of(verb)
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


def _version() -> str:
    """The version; in a checkout the commit too, with `-dirty` if files differ from it."""
    # Not imported above: the package names `load_study`, which lies higher than this room, and what
    # reads the commit lies among what imports torch.
    version = importlib.import_module("lethe").__version__
    found = None
    if (CLONE / ".git").exists():
        found = importlib.import_module("lethe.training.provenance").commit()
    return f"lethe {version}" + (f" (commit {found})" if found else "")


def _overview() -> str:
    width = max(map(len, LISTED))
    lines = ["usage: lethe VERB ...  (`lethe VERB --help` says more, `lethe --version` which)"]
    for title, verbs in GROUPS.items():
        name, colon, what = title.partition(":")
        lines += ["", paint(name, "bold") + colon + what]
        lines += [f"  {verb:<{width}}  {text}" for verb, text in verbs.items()]
    lines += ["", *(f"  {verb:<{width}}  {text}" for verb, text in ALONE.items())]
    return "\n".join(lines)
