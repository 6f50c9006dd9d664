"""Which code makes a node, a table or a figure: when the code changes, they are made again."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lethe.artefacts.files import sha256_file
from lethe.artefacts.fingerprint import LIBRARIES, fingerprint, imported_modules
from lethe.artefacts.local_files import folder_digest
from lethe.artefacts.nodes import NO_CODE
from lethe.artefacts.paths import FIGURE_STYLE, LUO2023, LUO2023_MODELS, REPORT_LOOK, TASK_YAML
from lethe.artefacts.rules import RULES, rule_of

# Files other than Python that also change results, by the module that reads them.
READ_BY = {
    "lethe.evaluation.lookup": (TASK_YAML,),
    "lethe.commands.figure": (FIGURE_STYLE,),
    "lethe.metrics.published": (LUO2023, LUO2023_MODELS),
    "lethe.report.page": REPORT_LOOK,
}


def code_of(rule: str, spec: dict[str, Any], *, name: str = "", method: str | None = None) -> str:
    """The fingerprint of the code that a job of a rule runs.

    Args:
        spec: of the node that it makes; empty if it makes none.
        name: of the table or figure that it makes.
        method: of the stage that it makes or reads; None if there is no such stage.
    """
    code = RULES[rule].code[way_of(rule, spec)]
    modules = [
        module.format(name=name, method=method)
        for module in code.modules
        if method or "{method}" not in module
    ]
    return fingerprint(modules, LIBRARIES if code.libraries else ()) + _read_by(modules)


def node_code(spec: dict[str, Any], spec_of: Callable[[str], dict[str, Any]]) -> str:
    """The fingerprint of the code that makes a node; `NO_CODE` if a change of code never reruns it.

    spec_of: the spec of another node.
    """
    rule = rule_of(spec["kind"])
    if RULES[rule].code is None:
        return NO_CODE
    # A base was not trained by a method.
    stage = spec_of(spec["checkpoint"]) if spec.get("checkpoint_kind") == "stage" else spec
    return code_of(rule, spec, method=stage.get("method"))


def way_of(rule: str, spec: dict[str, Any]) -> str:
    """Which of a rule's ways makes the node of a spec: a key of its `code`."""
    if rule == "data":
        is_domains = spec.get("part") == "domains"
        ways = {"world": "domains" if is_domains else "world", "real": "real"}
        return ways.get(spec["source"], "prepared")
    if rule == "base":
        ways = {"adapter": "merged", "package": "packaged"}
        return "trained" if "architecture" in spec else ways.get(spec["source"], "ready made")
    if rule == "probe":
        return "imported" if "imported" in spec else "scored"
    return ""


def _read_by(modules: Iterable[str]) -> str:
    reached = imported_modules(modules)
    read = [path for module, paths in READ_BY.items() if module in reached for path in paths]
    return "".join(_digest(path)[:12] for path in read)


def _digest(path: Path) -> str:
    return folder_digest(str(path), str(path)) if path.is_dir() else sha256_file(path)
