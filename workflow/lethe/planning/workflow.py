"""What the rules need from the package: a validated study, its plan, and the inputs of nodes."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.artefacts.nodes import ANY_CODE
from lethe.artefacts.output_folder import require_output, require_places
from lethe.artefacts.paths import node_manifest, study_directory
from lethe.artefacts.rules import rule_of
from lethe.artefacts.strict_yaml import read_yaml
from lethe.artefacts.study_files import ITEMS, QUESTIONS, REPORT, no_longer_named
from lethe.config.catalogue import Catalogue, Study
from lethe.config.reading import parse_study, read_catalogue
from lethe.longtables.questions import has_questions, question_nodes
from lethe.longtables.rows import ITEMS_VERSION
from lethe.longtables.run import after_bases
from lethe.planning.code import code_of, node_code
from lethe.planning.nodes import Node, Plan
from lethe.planning.pages import with_pages
from lethe.planning.plan import make_plan
from lethe.planning.records import (
    claims_record,
    study_record,
    write_claims_record,
    write_specs,
    write_study_record,
)
from lethe.planning.resources import (
    Request,
    held_by_method,
    request,
    scored_items,
    tokens_at_once,
    trained_parameters,
    training_tokens,
)
from lethe.planning.standing import Job, Standing, standing

SUMMARIES = ("metrics.csv", "changes.csv", "calibration.csv")
LONG_TABLES = ("scores.csv", "stages.csv", *SUMMARIES)


@dataclass(frozen=True)
class Workflow:
    """A study as the rules see it."""

    study: Study
    catalogue: Catalogue
    plan: Plan
    record: str
    claims_record: str

    def inputs(self, node: str) -> list[str]:
        """Manifests of what a node is made from."""
        inputs = self.plan.nodes[node].inputs
        return [str(node_manifest(self.study.output, kind, name)) for kind, name in inputs]

    def probe_results(self) -> list[str]:
        """Manifests of every probe result of the study."""
        nodes = self.plan.of_kind("probe")
        return [str(node_manifest(self.study.output, "probe", node.id)) for node in nodes]

    def _probe_specs(self) -> list[dict[str, Any]]:
        return [node.spec for node in self.plan.of_kind("probe")]

    def _asks_questions(self) -> bool:
        return any(has_questions(task) for spec in self._probe_specs() for task in spec["tasks"])

    def document_nodes(self) -> list[Node]:
        """The nodes that hold the questions of the study."""
        return [self.plan.nodes[name] for _, name in question_nodes(self._probe_specs())]

    def documents(self) -> list[str]:
        """Manifests of the nodes that hold the questions of the study."""
        output = self.study.output
        return [str(node_manifest(output, node.kind, node.id)) for node in self.document_nodes()]

    def end_task_results(self) -> list[str]:
        """Manifests of every end task's results of the study."""
        nodes = self.plan.of_kind("end_task")
        return [str(node_manifest(self.study.output, "end_task", node.id)) for node in nodes]

    def jobs(self) -> list[Job]:
        """Every job of the study, each after those that it reads from."""
        return [*self.node_jobs(), *self._study_jobs()]

    def node_jobs(self) -> list[Job]:
        """The jobs that make nodes."""
        return [self._node_job(node) for node in self.plan.nodes.values()]

    def _node_job(self, node: Node) -> Job:
        path = node_manifest(self.study.output, node.kind, node.id)
        rule = rule_of(node.kind)
        reads = [name for _, name in node.inputs]
        return Job(rule, node.id, path, self.code(rule, node.id), reads, spec=node.spec)

    def _study_jobs(self) -> list[Job]:
        folder = study_directory(self.study.output, self.study.study)
        scored = [node.id for kind in ("probe", "end_task") for node in self.plan.of_kind(kind)]
        record = {"record": Path(self.record).stem, "items_version": str(ITEMS_VERSION)}
        asked = {"record": Path(self.record).stem}
        documents = [node.id for node in self.document_nodes()]
        seed = {"seed": str(self.study.seeds.bootstrap)}
        claims = {"claims": Path(self.claims_record).stem}
        jobs = [
            ("collect", "", "collect", scored, record),
            ("summarize", "", "summarize", ["scores.csv", ITEMS], seed),
            *[
                ("questions", QUESTIONS, "questions", ["scores.csv", ITEMS, *documents], asked)
                for _ in range(self._asks_questions())
            ],
            *[("table", "tables", name, [*LONG_TABLES], {}) for name in self.study.tables],
            *[
                ("figure", "figures", name, [*LONG_TABLES], self._width_value(name))
                for name in self.study.figures
            ],
            *[
                ("claims", "claims", "claims", ["scores.csv", "metrics.csv"], claims)
                for _ in list(self.study.claims)[:1]
            ],
            ("report", "", REPORT, *self._report_reads()),
        ]
        return [
            Job(rule, name, folder / place / f"{name}.json", self.code(rule, name), reads, values)
            for rule, place, name, reads, values in jobs
        ]

    def _report_reads(self) -> tuple[list[str], dict[str, str]]:
        """What the report is made from: names of what others made, and values."""
        questions = [QUESTIONS] if self._asks_questions() else []
        stages = [
            one for one in after_bases(self.plan.runs) if self.plan.nodes[one].kind == "stage"
        ]
        values = {"record": Path(self.record).stem}
        if self.study.claims:
            values["claims"] = Path(self.claims_record).stem
        return [*LONG_TABLES, ITEMS, *questions, *stages], values

    def pages(self) -> list[str]:
        """Manifests of what people read besides the report, which comes last and leads to them."""
        rules = ("questions", "table", "figure", "claims")
        return [str(job.manifest) for job in self._study_jobs() if job.rule in rules]

    def figure_width(self, name: str) -> str:
        """The width that the study gives a figure, as a word; "" if the figure has its own."""
        return self.study.figure_widths.get(name) or ""

    def _width_value(self, name: str) -> dict[str, str]:
        width = self.figure_width(name)
        return {"width": width} if width else {}

    def left_pages(self) -> list[Path]:
        """Tables and figures of earlier runs that the study no longer names."""
        study = self.study
        claims = ["claims"] if study.claims else []
        named = {"tables": [*study.tables], "figures": [*study.figures], "claims": claims}
        return no_longer_named(study_directory(study.output, study.study), named)

    def standing(self) -> Standing:
        """Which jobs are to be done again although they were done once."""
        return standing(self.jobs())

    def request(self, rule: str, node: str | None, attempt: int) -> Request:
        """Memory, time and GPUs of a job of a rule; `node` is None if it makes no node."""
        if node not in self.plan.nodes:
            items = scored_items(node.spec for node in self.plan.of_kind("probe"))
            return request(rule, 0, attempt, items=items)
        spec, params = self.plan.nodes[node].spec, self.plan.sizes.get(node, 0)
        dtype = (spec.get("recipe") or spec).get("dtype", "float32")
        tokens, at_once = training_tokens(spec), tokens_at_once(spec)
        trained = trained_parameters(spec, params)
        held = held_by_method(spec, params, trained)
        return request(
            rule, params, attempt, tokens, dtype, tokens_at_once=at_once, trained=trained, held=held
        )

    def targets(self) -> list[str]:
        """The manifest of every job, and the long tables.

        Snakemake removes what a failed job made, and makes it again only if it is asked for. A
        table or figure whose file is missing is found by its manifest (`standing`).
        """
        folder = study_directory(self.study.output, self.study.study)
        manifests = [str(job.manifest) for job in self.jobs()]
        return [*manifests, *(str(folder / name) for name in LONG_TABLES)]

    def code(self, rule: str, name: str = "") -> str:
        """Fingerprint of the code of a rule's job; constant under `code_changes: keep`.

        name: of the node, table or figure that it makes; empty for files of the whole study.
        """
        if self.study.code_changes == "keep":
            return ANY_CODE
        nodes = self.plan.nodes
        if name in nodes:
            return node_code(nodes[name].spec, lambda node: nodes[node].spec)
        return code_of(rule, {}, name=name)


def node_standing(study: Study, catalogue: Catalogue, plan: Plan) -> Standing:
    """Where the nodes of a study stand."""
    return standing(Workflow(study, catalogue, plan, record="", claims_record="").node_jobs())


def read_workflow(config: dict[str, Any], files: Iterable[str | Path] = ()) -> Workflow:
    """Validate Snakemake's config, plan the study, write specs that are not there yet.

    Args:
        files: the files that Snakemake read the config from. Its reader silently keeps the last of
            a repeated key, so they are read again here.

    Raises:
        UserError: the configuration is wrong.
    """
    for file in files:
        # A pipe, as in --configfile <(...), can be read only once.
        if Path(file).is_file():
            read_yaml(file)
    study = parse_study(config)
    catalogue = read_catalogue(study)
    require_output(study.output)
    plan = make_plan(study, catalogue)
    study = with_pages(study, catalogue, plan)
    manifests = (node_manifest(study.output, node.kind, node.id) for node in plan.nodes.values())
    folder = study_directory(study.output, study.study)
    require_places(Path(study.output), manifests, folder)
    write_specs(plan, study.output)
    record = write_study_record(study, study_record(study, catalogue, plan))
    claims = write_claims_record(study, claims_record(study, catalogue))
    return Workflow(study, catalogue, plan, record, claims)
