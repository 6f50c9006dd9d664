"""Lethe: every training stage and every evaluation is a rule. `lethe check` checks a config."""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

# A clone runs its own package. The rules that a wheel holds lie inside of the installed one.
if (Path(workflow.basedir) / "workflow" / "lethe").is_dir():
    sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from lethe.config.reading import DEFAULT
from lethe.errors import UserError
from lethe.planning.workflow import read_workflow


configfile: str(DEFAULT)


report: "workflow/report/workflow.rst"


try:
    wf = read_workflow(config, workflow.configfiles)
except UserError as error:
    raise SystemExit(f"lethe: {error}")

RESULTS = wf.study.output
STUDY = f"{RESULTS}/studies/{wf.study.study}"


wildcard_constraints:
    node=r"[A-Za-z0-9_.\-]+",
    name=r"[A-Za-z0-9_\-]+",


include: "workflow/rules/driver.smk"
include: "workflow/rules/run.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/nodes.smk"
include: "workflow/rules/study.smk"


onstart:
    begin_run()


onsuccess:
    end_run()


rule all:
    default_target: True
    input:
        wf.targets(),
    message:
        f"All of the study {wf.study.study!r} is made."
