"""A study that the workflow made is kept and drawn again, and is the same if it is run in parts."""

import json

import pytest

pytestmark = pytest.mark.slow


APART = ("items/", "questions/", "report.html")
"""What is not drawn from long tables alone."""


def drawn(folder) -> dict[str, bytes]:
    """The files of a study by name, without manifests, records, items and their texts."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json"]
    names = {str(path.relative_to(folder)): path for path in paths}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith(APART)}


def told(project, *arguments: str) -> str:
    done = project.lethe(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_drawn_again_in_the_same_bytes_from_what_is_kept(project):
    told(project, "keep", "results/studies/nano")
    told(project, "render")
    made = drawn(project.folder / "results" / "studies" / "nano")
    again = drawn(project.folder / "results" / "rendered" / "nano")
    assert again == made and len(made) > 4 * 3 + 4 * 3 + 3


def test_a_manifest_names_the_long_tables_of_the_run(project):
    told(project, "keep", "results/studies/nano")
    told(project, "render", "--only", "bases,claims")
    for name in ("tables/bases.json", "claims/claims.json"):
        manifests = [
            json.loads((project.folder / "results" / place / "nano" / name).read_text())
            for place in ("studies", "rendered")
        ]
        made, again = ({**manifest, "changed": 0, "check": ""} for manifest in manifests)
        assert made == again


def test_two_seeds_run_apart_and_assembled_are_the_study_that_runs_both(project):
    for study, seeds in (("second", "[1]"), ("both", "[0, 1]")):
        overlay = project.folder / f"{study}.yaml"
        overlay.write_text(f"study: {study}\nseeds: {{base: {seeds}}}\n")
        project.snakemake("--configfile", "config/test-nano.yaml", overlay.name)
    studies = project.folder / "results" / "studies"
    parts = ["results/studies/nano", "results/studies/second"]
    told(project, "assemble", *parts, "--out", "results/assembled/both")
    assert drawn(project.folder / "results" / "assembled" / "both") == drawn(studies / "both")
