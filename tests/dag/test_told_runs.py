"""What a run tells in a pipe, and what Snakemake's own report of a finished study holds."""

import json
import re
import zipfile

import pytest
from project import Project

pytestmark = pytest.mark.slow

TABLES = ["fg", "learning", "matrix", "bases", "items", "calibration"]
FIGURES = ["evolution", "fg", "learning_forgetting", "matrix", "items"]


def test_a_run_in_a_pipe_names_jobs_by_words_without_colours_and_its_log_file_has_it_all(
    project: Project,
):
    (project.folder / "results" / "studies" / "nano" / "tables" / "fg.json").unlink()
    told = project.snakemake().stderr
    assert re.search(r"^\d\d:\d\d:\d\d  1 of \d  table fg, \d+ s", told, re.M), told
    assert "\x1b" not in told and "rule table:" not in told
    log = re.search(r"^Complete log: (.+)$", told, re.M)
    with open(log[1]) as file:
        whole = file.read()
    assert "rule table:" in whole and "results/logs/table/fg.log" in whole


def test_the_workflows_report_holds_every_table_and_figure_with_a_caption(
    project: Project, tmp_path
):
    project.snakemake("--report", str(tmp_path / "study.zip"))
    with zipfile.ZipFile(tmp_path / "study.zip") as packed:
        page = packed.read("study/report.html").decode()
        names = {name.rpartition("/")[2] for name in packed.namelist()}
    assert {f"{name}.html" for name in [*TABLES, "claims"]} <= names
    assert {f"{name}.svg" for name in FIGURES} <= names
    found = json.loads(re.search(r"var results = (\{.*?\});?\n", page)[1])
    shown = {(entry["job_properties"]["rule"], entry["name"]): entry for entry in found.values()}
    for rule, ending, wanted in (("table", "html", TABLES), ("figure", "svg", FIGURES)):
        for name in wanted:
            entry = shown[rule, f"{name}.{ending}"]
            assert f">{name}</" in entry["caption"]
            # Of two labels Snakemake's page makes a switch where there are two results.
            (shows,) = entry["labels"].values()
            assert shows.startswith(f"{name}: ") and len(shows) > len(name) + 20
    categories = json.loads(re.search(r"var categories = (\{.*?\});?\n", page)[1])
    assert {"Tables", "Figures", "Claims", "The study"} <= categories.keys()
    assert "How the models of the study" in page
