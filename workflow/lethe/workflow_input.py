"""What the rules ask of the package: a validated study, its plan, and inputs by node."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.artefacts import sha256_file
from lethe.config import Catalogue, Study
from lethe.fingerprint import LIBRARIES, fingerprint
from lethe.paths import node_manifest, study_directory
from lethe.plan import Plan, make_plan
from lethe.settings import parse_study, read_catalogue
from lethe.specs import write_specs
from lethe.study_record import study_record, write_study_record
from lethe.writable import require_writable

STYLE = Path(__file__).parent / "figures" / "matplotlibrc"

# Where the code of a kind of node starts; everything that is imported from there counts.
CODE = {
    "data": ["lethe.world.build"],
    "base": ["lethe.training.base"],
    "stage": ["lethe.training.stage"],
    "probe": ["lethe.evaluation.harness", "lethe.evaluation.text_metrics", "lethe.evaluation.bias"]
    + ["lethe.evaluation.mutual", "lethe.evaluation.race_middle"],
    "collect": ["lethe.collect"],
    "summarize": ["lethe.metrics.study"],
}


@dataclass(frozen=True)
class Workflow:
    """A study as the rules see it."""

    study: Study
    catalogue: Catalogue
    plan: Plan
    record: str

    def inputs(self, node: str) -> list[str]:
        """Manifests of what a node is made from."""
        inputs = self.plan.nodes[node].inputs
        return [str(node_manifest(self.study.output, kind, name)) for kind, name in inputs]

    def probe_results(self) -> list[str]:
        """Manifests of every probe result of the study."""
        nodes = self.plan.of_kind("probe")
        return [str(node_manifest(self.study.output, "probe", node.id)) for node in nodes]

    def targets(self) -> list[str]:
        """Everything that the study is asked for: its tables and figures."""
        folder = study_directory(self.study.output, self.study.study)
        tables = [
            str(folder / "tables" / f"{name}.{kind}")
            for name in self.study.tables
            for kind in ("csv", "md", "tex")
        ]
        figures = [
            str(folder / "figures" / f"{name}.{kind}")
            for name in self.study.figures
            for kind in ("pdf", "png", "csv")
        ]
        return [*tables, *figures, str(folder / "metrics.csv")]

    def code(self, kind: str, node: str = "") -> str:
        """Fingerprint of the code that makes a node; constant under `code_changes: keep`."""
        if self.study.code_changes == "keep":
            return "kept"
        roots = list(CODE.get(kind, ()))
        if kind == "data" and self._is_prepared(node):
            roots = ["lethe.data.prepare"]
        if kind == "stage" and node in self.plan.nodes:
            roots.append(f"lethe.methods.{self.plan.nodes[node].spec['method']}")
        if kind in ("tables", "figures"):
            roots += [f"lethe.{kind}.{node}", f"lethe.{kind}.command"]
        trained = kind in ("base", "stage", "probe")
        code = fingerprint(roots, LIBRARIES if trained else ())
        # The figures' look is not Python, but it makes them too.
        return code + sha256_file(STYLE)[:12] if kind == "figures" else code

    def _is_prepared(self, node: str) -> bool:
        """Whether a data node is made by a loader, not by the world's generator."""
        return node in self.plan.nodes and self.plan.nodes[node].spec.get("source") != "world"


def read_workflow(config: dict[str, Any]) -> Workflow:
    """Validate Snakemake's config, plan the study, write specs that are not there yet.

    Raises:
        UserError: anything wrong with the configuration.
    """
    study = parse_study(config)
    catalogue = read_catalogue(study)
    require_writable(study.output)
    plan = make_plan(study, catalogue)
    write_specs(plan, study.output)
    record = write_study_record(study, study_record(study, catalogue, plan))
    return Workflow(study, catalogue, plan, record)
