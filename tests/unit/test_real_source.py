"""The source of real data: what a catalogue may say of it, its node, and the job that makes it."""

import shutil

import pytest
from node_specs import write_spec
from real_packages import SMALL, make_packages

from lethe.artefacts.files import read_json
from lethe.artefacts.lineage import inputs_of
from lethe.artefacts.manifests import publish
from lethe.artefacts.nodes import read_spec
from lethe.artefacts.paths import MANIFEST, node_directory
from lethe.cli import main
from lethe.config.catalogue import Catalogue
from lethe.config.references import check_references
from lethe.errors import UserError
from lethe.planning.code import code_of, way_of
from lethe.planning.data import add_data
from lethe.planning.nodes import Plan
from lethe.sources.real.parameters import PARTS, RealParameters

PACKAGE = {"index": "npm", "name": "texts", "version": "1.0.0", "sha256": "0" * 64}


def catalogue_with(parameters=None, made_from=None, **other) -> Catalogue:
    """A catalogue with a package for every part, and the data that are made from them."""
    sources = {
        part: {"kind": "package", "package": {**PACKAGE, "members": [part]}} for part in PARTS
    }
    parts = {part: part for part in PARTS} if made_from is None else made_from
    sources["mine"] = {"kind": "real", "parameters": parameters or {}, "made_from": parts, **other}
    sources["world"] = {"kind": "world"}
    catalogue = Catalogue.model_validate({"sources": sources})
    check_references(catalogue)
    return catalogue


def node_of(**given):
    plan = Plan()
    return plan, add_data(plan, catalogue_with(**given), "mine", None)


def test_its_spec_holds_every_parameter_and_names_a_package_for_every_part():
    plan, node = node_of()
    defaults = RealParameters().model_dump()
    assert defaults.items() <= node.spec.items()
    assert [package["name"] for package in node.spec["packages"]] == sorted(PARTS)
    fetched = {package["fetched"] for package in node.spec["packages"]}
    assert {name for kind, name in inputs_of(node.spec)} == fetched
    assert all(plan.nodes[name].spec["package"]["name"] == "texts" for name in fetched)
    assert way_of("data", node.spec) == "real" and code_of("data", node.spec)


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 1},
        {"items": {"test": 12}},
        {"items": {"dev": 12}},
        {"rows": {"train": 9}},
        {"prose": {"words": 50}},
    ],
)
def test_a_changed_parameter_is_another_node_and_one_that_is_written_out_is_not(changed):
    _, before = node_of()
    _, same = node_of(parameters={"seed": 0, "items": {"test": 300}})
    assert same.id == before.id
    assert node_of(parameters=changed)[1].id != before.id


def test_another_package_is_another_node():
    _, before = node_of()
    swapped = {part: part for part in PARTS} | {"novel": "speeches", "speeches": "novel"}
    assert node_of(made_from=swapped)[1].id != before.id


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"made_from": {"wordnet": "wordnet"}}, "`kind: package` for speeches in `made_from`"),
        ({"made_from": {}}, "`kind: package` for wordnet in `made_from`"),
        ({"files": {"train": "x.jsonl"}}, "no `files` beside `kind: real`"),
        ({"loader": "generic"}, "expected none for data made from packages, found 'generic'"),
        ({"parameters": {"rows": {"trian": 5}}}, "rows.trian .*did you mean 'train'"),
        ({"parameters": {"items": {"test": 0}}}, "items.test .*found 0"),
        ({"parameters": {"seed": -1}}, "seed .*found -1"),
        (
            {"made_from": {part: part for part in PARTS} | {"novel": "world"}},
            "made_from.novel, among the sources of `kind: package`",
        ),
        (
            {"made_from": {part: part for part in PARTS} | {"novel": "speechs"}},
            "made_from.novel.*did you mean 'speeches'",
        ),
    ],
)
def test_a_mistake_is_refused_in_a_sentence(given, message):
    with pytest.raises((UserError, ValueError), match=message):
        catalogue_with(**given)


def test_only_real_data_are_made_from_packages():
    with pytest.raises(ValueError, match="no `made_from` beside `kind: world`, only beside `real`"):
        Catalogue.model_validate(
            {"sources": {"a": {"kind": "world", "made_from": {"novel": "novel"}}}}
        )


def node_to_make(tmp_path, change=lambda folders: None) -> str:
    """A node of small real data whose packages are fetched; `change` is made to them before."""
    folders, packages = make_packages(tmp_path / "packages"), []
    change(folders)
    for part, folder in folders.items():
        package = {"name": f"some-{part}", "version": "1.0"}
        fetched = write_spec(tmp_path, part, {"kind": "fetched", "package": package})
        place = node_directory(tmp_path, "fetched", fetched)
        shutil.copytree(folder, place / "files")
        files = [str(p.relative_to(place)) for p in place.rglob("*") if p.is_file()]
        publish(place, MANIFEST["fetched"], {}, files)
        packages.append({"name": part, "fetched": fetched})
    spec = {"kind": "data", "source": "real", **SMALL, "packages": packages}
    return write_spec(tmp_path, "mine", spec)


def test_the_job_makes_it_from_what_was_fetched_and_checks_that_first(tmp_path, capsys):
    node = node_to_make(tmp_path)
    command = ["data", node, "--results", str(tmp_path)]
    assert main(command) == 0
    made = node_directory(tmp_path, "data", node)
    facts = read_json(made / MANIFEST["data"])
    assert facts["shortcuts"] and set(facts["leakage"].values()) == {0}
    assert (made / "tasks" / "sort" / "train.jsonl").is_file()
    assert "choices alone" in capsys.readouterr().out

    shutil.rmtree(made)
    fetched = read_spec(tmp_path, node)["packages"][0]["fetched"]
    broken = node_directory(tmp_path, "fetched", fetched) / "files"
    next(path for path in broken.rglob("*") if path.is_file()).write_text("cut short")
    assert main(command) != 0
    assert not made.exists()


def test_the_job_names_package_and_file_in_one_sentence(tmp_path, capsys):
    def spoil(folders):
        (folders["novel"] / "data" / "chapter_0.json").write_text("[]")

    node = node_to_make(tmp_path, spoil)
    assert main(["data", node, "--results", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "made_from.novel: data/chapter_0.json of some-novel 1.0: expected an object" in said
    assert not node_directory(tmp_path, "data", node).exists()
