"""The hyper-parameters of every method: typed, whole in the spec, and refused early if wrong."""

import sys
from typing import Literal, get_args, get_origin

import pytest
from test_tuned import TUNED, plan_of

from lethe.artefacts.fingerprint import imported_modules
from lethe.artefacts.paths import PACKAGE
from lethe.artefacts.rules import RULES
from lethe.config.by_file import names_in
from lethe.errors import UserError
from lethe.methods.parameters.base import MethodParameters, parameters_of
from lethe.methods.parameters.ewc import EwcParameters
from lethe.methods.parameters.hat import HatParameters
from lethe.methods.parts.hard_attention.places import KINDS
from lethe.methods.registry import create
from lethe.parameters.entries import parameter

METHODS = names_in("methods")
RECIPE = {"batch_size": 4, "epochs": 1, "max_length": 8, "learning_rate": 1e-3}


def stage_of(entry: dict, model: str = "xs", order: str = "forward", tuned: dict | None = None):
    """The first stage of a study's own method, as a node."""
    probes = "domains" if model == "masked" else "miniature"
    plan = plan_of(
        models=[model],
        orders=[order],
        methods=["mine"],
        recipe="mine",
        probes=[probes],
        end_tasks=[],
        define={
            "methods": {"mine": {"source": "none", **entry}},
            "recipes": {"mine": {**RECIPE, "tuned": {"mine": tuned} if tuned else {}}},
        },
    )
    return plan.nodes[plan.runs[0].checkpoints[1]]


@pytest.mark.parametrize("name", METHODS)
def test_every_parameter_says_what_it_is_and_whence_and_its_default_is_in_its_bounds(name):
    kind = parameters_of(name)
    assert issubclass(kind, MethodParameters)
    assert kind.model_validate(kind().model_dump()) == kind()
    for field in kind.model_fields.values():
        assert field.description and field.json_schema_extra["source"]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_made_with_the_defaults_of_its_parameters(name):
    create(name, {})


def test_there_are_no_parameters_of_methods_that_are_not_there():
    files = {path.stem for path in (PACKAGE / "methods" / "parameters").glob("*.py")}
    assert files - {"__init__", "base"} == set(METHODS)


def test_the_gated_units_of_hat_are_those_that_its_mathematics_knows():
    annotation = HatParameters.model_fields["layers"].annotation
    assert get_origin(annotation) is Literal
    assert set(get_args(annotation)) == set(KINDS)


def test_the_spec_of_ewc_holds_every_value_and_what_is_given_is_kept():
    assert stage_of({"method": "ewc"}).spec["hyper"] == {"strength": 5000.0, "samples": 1000}
    given = {"strength": 2, "samples": None}
    assert stage_of({"method": "ewc", "hyper": given}).spec["hyper"] == given


def test_the_spec_of_das_holds_all_eighteen_values():
    stage = stage_of({"method": "das", "hyper": {"mask": "update"}}, "masked", "only-acl")
    assert stage.spec["hyper"] == {
        "contrast_weight": 1.0,
        "temperature": 0.05,
        "contrast_share": 1.0,
        "contrast_input": "masked",
        "previous": "attached",
        "pairing": "same",
        "soft_mask": True,
        "mask": "update",
        "head_axis": "rows",
        "initialise": "proxy",
        "subset": 10000,
        "importance_batch": 32,
        "kl_axis": "hidden",
        "proxy_dropout": True,
        "importance_dropout": False,
        "signed": False,
        "normalisation": "absolute",
        "importance_input": "masked",
    }


def test_a_key_that_was_added_later_is_in_the_spec_where_it_is_not_its_default():
    before = {"weight": 1.0, "temperature": 1.0, "compare": "logits"}
    for hyper in ({}, {"teacher": "parent"}, {"target": "kept"}):
        spec = stage_of({"method": "kd", "hyper": hyper}).spec
        assert spec["hyper"] == before and "base" not in spec
    spec = stage_of({"method": "kd", "hyper": {"teacher": "base"}}).spec
    assert spec["hyper"] == {**before, "teacher": "base"}


def test_the_base_is_an_input_of_the_stages_that_read_it_and_of_no_other():
    for entry in (
        {"method": "kd", "hyper": {"teacher": "base"}},
        {"method": "l2sp", "hyper": {"anchor": "base"}},
        {"method": "wise_ft", "hyper": {"toward": "base"}},
        {"method": "ties"},
    ):
        spec = stage_of(entry).spec
        assert (spec["base"], spec["base_kind"]) == (spec["parent"], spec["parent_kind"])
    for method in ("kd", "l2sp", "wise_ft", "ema"):
        assert "base" not in stage_of({"method": method}).spec


def test_plain_fine_tuning_has_none():
    assert stage_of({"method": "sequential"}).spec["hyper"] == {}


def test_a_value_that_is_the_default_is_the_same_stage_however_it_is_written():
    entries = [{}, {"strength": 5000}, {"strength": "5e3", "samples": 1000}]
    assert len({stage_of({"method": "ewc", "hyper": hyper}).id for hyper in entries}) == 1


def test_a_changed_default_is_another_stage_of_that_method_alone(monkeypatch):
    class Changed(EwcParameters):
        samples: int = parameter(999, "examples")

    before = {name: stage_of({"method": name}).id for name in ("ewc", "kd")}
    monkeypatch.setattr(sys.modules[EwcParameters.__module__], "PARAMETERS", Changed)
    assert stage_of({"method": "ewc"}).id != before["ewc"]
    assert stage_of({"method": "kd"}).id == before["kd"]


WRONG = [
    ("ewc", {"strenght": 1.0}, "strenght in {}: there is no such key; did you mean 'strength'"),
    ("ewc", {"samples": True}, "samples in {}: expected .*, found true"),
    ("ewc", {"strength": -1.0}, "strength in {}: expected .* 0, found -1.0"),
    ("ewc", {"strength": float("inf")}, ".*strength in .*: expected a finite"),
    ("kd", {"compare": "dreams"}, "compare in {}: expected 'logits' or 'hidden', found 'dreams'"),
    ("kd", {"temperature": 0.0}, "temperature in {}: expected .* 0, found 0.0"),
    ("kd", {"teacher": "mother"}, "teacher in {}: expected 'parent' or 'base', found 'mother'"),
    ("kd", {"compare": "hidden", "target": "removed"}, "{}: expected `target: removed` with"),
    ("l2sp", {"strength": -1.0}, "strength in {}: expected .* 0, found -1.0"),
    ("wise_ft", {"alpha": 1.5}, "alpha in {}: expected .* 1, found 1.5"),
    ("ema", {"decay": 1.0}, "decay in {}: expected a number below 1, found 1.0"),
    ("flow", {"sharpness": -1}, "sharpness in {}: expected .* 0, found -1"),
    ("task_arithmetic", {"drop": 1.0}, "drop in {}: expected a number below 1, found 1.0"),
    ("ties", {"density": 0.0}, "density in {}: expected .* 0, found 0.0"),
    ("derpp", {"replayed": 1.5}, "replayed in {}: expected .*, found 1.5"),
    ("das", {"contrast_share": 1.5}, "contrast_share in {}: expected .* 1, found 1.5"),
    ("hat", {"layers": "some"}, "layers in {}: expected 'ffn_attention' or 'all', found 'some'"),
    ("bcl", {"iterations": 0}, "iterations in {}: expected .* 0, found 0"),
    ("sequential", {"weight": 1.0}, "weight in {}: there is no such key"),
]


@pytest.mark.parametrize(("method", "hyper", "sentence"), WRONG)
def test_a_wrong_value_is_one_sentence_that_names_its_key(method, hyper, sentence):
    with pytest.raises(UserError, match="^" + sentence.format("methods.mine.hyper")):
        stage_of({"method": method, "hyper": hyper})
    tuned = {**TUNED, "hyper": hyper}
    with pytest.raises(UserError, match="^" + sentence.format("recipes.mine.tuned.mine.hyper")):
        stage_of({"method": method}, tuned=tuned)
    where = f"the hyper-parameters of method '{method}'"
    with pytest.raises(UserError, match="^" + sentence.format(where)):
        create(method, hyper)


def test_an_entry_that_is_not_selected_is_checked_too():
    unused = {"method": "ewc", "hyper": {"strenght": 1.0}, "source": "none"}
    with pytest.raises(UserError, match="^strenght in methods.unused.hyper"):
        plan_of(define={"methods": {"unused": unused}})
    with pytest.raises(UserError, match="^methods.unused.method: 'ewcc' is not known; .* 'ewc'"):
        plan_of(define={"methods": {"unused": {**unused, "method": "ewcc"}}})


@pytest.fixture
def novel(tmp_path, monkeypatch):
    """Where the parameters of the method `novel` are looked for."""
    monkeypatch.setattr("lethe.methods.parameters.__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "lethe.methods.parameters.novel", raising=False)
    return tmp_path / "novel.py"


@pytest.mark.parametrize("content", [None, ""])
def test_a_method_file_without_parameters_is_one_sentence(novel, content):
    if content is not None:
        novel.write_text(content)
    with pytest.raises(UserError, match="methods/parameters/novel.py, found none; write that file"):
        parameters_of("novel")


def test_what_a_file_of_parameters_itself_lacks_is_said_of_it(novel):
    novel.write_text("import no_such_module\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        parameters_of("novel")


def test_a_constructor_that_does_not_take_its_parameters_is_one_sentence(monkeypatch):
    class Changed(EwcParameters):
        decay: float = parameter(0.5, "not among the constructor's")

    monkeypatch.setattr(sys.modules[EwcParameters.__module__], "PARAMETERS", Changed)
    with pytest.raises(UserError, match="ewc.py: expected a constructor that takes .*decay"):
        create("ewc", {})


@pytest.mark.parametrize("name", METHODS)
def test_typed_parameters_are_no_part_of_the_code_of_a_stage(name):
    """All that they come to is in the spec; a better sentence or description retrains nothing."""
    covered = imported_modules(
        [module.format(method=name) for module in RULES["stage"].code[""].modules]
    )
    assert f"lethe.methods.{name}" in covered
    typed = {"lethe.parameters.entries", "lethe.parameters.sentences"}
    typed |= {module for module in covered if module.startswith("lethe.methods.parameters")}
    assert not typed & set(covered)
