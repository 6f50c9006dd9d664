"""What the shipped studies expand to, by rule."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from project import Project
from workflow_copy import ROOT, copy_workflow

pytestmark = pytest.mark.slow

# 9 base models (one derived), 10 chains of 5 stages (nine models, and mixing for one), 2 probes of
# each of the 59 checkpoints and a third of the 9 bases.
LUO2023 = {
    "fetch": 24, "data": 6, "base": 8, "stage": 51, "probe": 2 * 59 + 9, "collect": 1,
    "summarize": 1, "questions": 1, "claims": 1, "table": 13, "figure": 10, "report": 1, "all": 1,
}  # fmt: skip
# Five worlds; in each 4 built bases, a derived one, 11 chains of 5 stages, one probe a checkpoint.
MINI_FULL_LUO = {
    "data": 5, "base": 20, "stage": 5 * (1 + 55), "probe": 5 * (5 + 55), "collect": 1,
    "summarize": 1, "questions": 1, "claims": 1, "table": 11, "figure": 10, "report": 1, "all": 1,
}  # fmt: skip


def counts(study, output):
    """Jobs by rule that a dry run of a study plans."""
    command = [sys.executable, "-m", "snakemake", "-n", "--cores", "1"]
    command += ["--configfile", f"config/{study}.yaml", "--config", f"output={output}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total +(\d+)$", done.stdout, re.M | re.S)
    found = dict(line.split() for line in table.group(1).splitlines())
    return {name: int(count) for name, count in found.items()}, int(table.group(2))


# 14 methods on one order; a pool; three methods on each domain alone; two methods on four more
# orders; seven ablations. Chains of one method share what begins alike.
KE2023_CHAINS = {6: 14 + 8 + 7, 1: 1 + 18}


@pytest.mark.parametrize(
    ("study", "expected"), [("luo2023", LUO2023), ("mini-full-luo", MINI_FULL_LUO)]
)
def test_a_study_expands_to_its_jobs(study, expected, tmp_path):
    found, total = counts(study, tmp_path / "results")
    assert found == expected
    assert total == sum(expected.values()) <= 10_000


def test_the_study_of_ke_et_al_expands_to_its_chains(tmp_path):
    project = Project(copy_workflow(tmp_path / "project"))
    for file in files_of(project.folder):
        file.parent.mkdir(parents=True, exist_ok=True)
        row = {"text": "a text of its own", "label": "other"}
        aspect = {"sentence": "a text of its own", "term": "text", "polarity": "neutral"}
        texts = {".jsonl": json.dumps(row) + "\n", ".json": json.dumps([aspect])}
        file.write_text(texts.get(file.suffix, "a text of its own\n"))
    planned = project.planned("--configfile", "config/ke2023.yaml")
    # One domain alone is the first stage of the order that begins with it: the main order plain
    # and with an adapter, and the four others plain.
    shared = 2 + 4
    assert planned["stage"] == sum(n * chains for n, chains in KE2023_CHAINS.items()) - shared
    assert planned["base"] == 1
    # Six end tasks on the base; on every chain of six stages each after its own and after the
    # last (11 cells), all six on the pool, and on the model of one domain its own.
    cells = 11 * KE2023_CHAINS[6] + 6 + (KE2023_CHAINS[1] - 1)
    assert planned["end_task"] == 6 + cells - shared


def files_of(folder):
    """Local files that the catalogue's sources of Ke et al. read."""
    catalogue = yaml.safe_load((folder / "config/catalogue/sources.yaml").read_text())
    names = ["Restaurant", "ACL", "AI", "Phone", "PubMed", "Camera"]
    for source in [*names, *(f"{name}-end" for name in names)]:
        for path in catalogue[source].get("files", {}).values():
            yield folder / path
