"""What the fork server imports before it forks, by the job's verb."""

import importlib
import sys
from collections.abc import Callable

from lethe.artefacts.rules import RULES

GROUPS = {
    "models": (
        "numpy",
        "torch",
        "transformers.models.llama.modeling_llama",
        "transformers.models.t5.modeling_t5",
        "transformers.models.roberta.modeling_roberta",
        "transformers.models.auto.modeling_auto",
        "transformers.tokenization_utils_tokenizers",
        "datasets",
        "lm_eval.evaluator",
        "lm_eval.models.huggingface",
        "lethe.cli",
        "lethe.commands.data",
        "lethe.commands.base",
        "lethe.commands.stage",
        "lethe.commands.probe",
        "lethe.commands.end_task",
        "lethe.methods.das",
        "lethe.sources.world.build",
    ),
    "tables": (
        "numpy",
        "pandas",
        "scipy.special",
        "matplotlib.figure",
        "matplotlib.backends.backend_agg",
        "matplotlib.backends.backend_pdf",
        "matplotlib.backends.backend_svg",
        "seaborn",
        "lethe.cli",
        "lethe.commands.collect",
        "lethe.commands.summarize",
        "lethe.commands.table",
        "lethe.commands.figure",
        "lethe.commands.claims",
    ),
}
GROUP_OF_VERB = {verb: rule.preload for verb, rule in RULES.items() if rule.preload}


def preload(group: str) -> None:
    """Import a group's modules; if one fails, the job that needs it reports the error."""
    for name in GROUPS[group]:
        _or_say(name, lambda name=name: importlib.import_module(name))
    if group == "models":
        _or_say("names of weights", _name_weights)
    sys.stderr.flush()


def _name_weights() -> None:
    """What transformers makes at a process's first checkpoint: a thousand patterns, 0.06 s."""
    mapping = importlib.import_module("transformers.conversion_mapping")
    mapping.get_checkpoint_conversion_mapping("llama")


def _or_say(name: str, load: Callable[[], object]) -> None:
    try:
        load()
    except Exception as error:
        print(f"not preloaded: {name} ({type(error).__name__}: {error})", file=sys.stderr)
