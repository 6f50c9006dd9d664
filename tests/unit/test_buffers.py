"""Methods that look back: how much there is to keep, and where their chain begins."""

import pytest
from test_method_demands import plan_of
from test_tuned import plan_of as plan_of_study

from lethe.config.by_file import names_in
from lethe.errors import UserError
from lethe.methods.parameters.base import parameters_of

SINCE = [name for name in names_in("methods") if parameters_of(name).since_its_base]
PER_STAGE = [name for name in SINCE if parameters_of(name).capacity_of == "stage"]
ORDERS = {
    "orders": {
        "counted": ["simp:30", "emdg:40", "exp"],
        "generated": ["simp", "exp:40"],
        "elsewhere": ["Simp", "exp:40"],
    }
}


def plan(method: str, hyper: dict, order: str = "counted", model: str = "xs", **entry):
    """entry: more of the method's entry. A method made for adapters gets them."""
    lora = [way.rpartition(":")[2] for way in parameters_of(method).only_with]
    how = {"lo": {"kind": "lora", "settings": {"chain": lora[0]}}} if lora else {}
    return plan_of_study(
        models=[model],
        orders=[order],
        methods=["mine"],
        also=[],
        probes=["miniature"],
        end_tasks=[],
        recipe="finetune",
        define={
            **ORDERS,
            "methods": {"mine": {"method": method, "hyper": hyper, "source": "none", **entry}},
            "parametrisations": how,
        },
        parametrisations=[*how] or ["full"],
    )


@pytest.mark.parametrize("method", PER_STAGE)
def test_a_buffer_larger_than_a_stages_data_is_refused_before_anything_runs(method):
    sentence = (
        "^methods.mine.hyper.capacity: expected at most as many examples as there are to keep, "
        "found 35, and 'simp:30' draws 30; lower it, or leave it out to keep all of them.$"
    )
    with pytest.raises(UserError, match=sentence):
        plan(method, {"capacity": 35})
    assert plan(method, {"capacity": 30}).of_kind("stage")
    # Nothing looks back on the last stage; what the catalogue does not count, the job finds out.
    assert plan(method, {"capacity": 100_000_000}, order="elsewhere").of_kind("stage")


@pytest.mark.parametrize("method", PER_STAGE)
def test_what_is_generated_is_counted_before_it_is_there(method):
    assert plan(method, {"capacity": 512}, order="generated").of_kind("stage")
    with pytest.raises(UserError, match="found 513, and 'simp' draws 512; lower it"):
        plan(method, {"capacity": 513}, order="generated")


def test_a_mixture_of_more_examples_than_are_generated_is_refused_before_anything_runs():
    def of(count: int):
        return plan_of_study(orders=["o"], also=[], define={"orders": {"o": [f"simp:{count}"]}})

    assert of(512).of_kind("stage")
    with pytest.raises(UserError, match="'simp:513' asks for 513 .* which has 512; lower the coun"):
        of(513)


def test_a_reservoir_larger_than_all_earlier_data_is_refused_before_anything_runs():
    with pytest.raises(UserError, match="found 71, and the stages before the last draw 70; lower"):
        plan("derpp", {"capacity": 71})
    assert plan("derpp", {"capacity": 70}).of_kind("stage")
    assert plan_of("xs", "forward", "derpp").of_kind("stage")


@pytest.mark.parametrize("method", SINCE)
def test_the_training_of_a_derived_base_is_no_stage_of_its_chain(method):
    stages = {}
    for model in ("xs", "xs-tuned"):
        made = plan(method, {}, "generated", model)
        stages[model] = [made.nodes[node] for node in made.runs[0].checkpoints[1:]]
    first, second = stages["xs-tuned"]
    assert (first.spec["before"], first.spec["history"]) == (1, ["general", "simp"])
    assert first.spec["earlier"] == []
    assert [part["task"] for mixture in second.spec["earlier"] for part in mixture] == ["simp"]
    assert not any("before" in stage.spec for stage in stages["xs"])


def test_on_a_derived_base_too_the_first_stage_reads_general_texts():
    """Of a task that the base was trained on, other texts than those."""
    draws = []
    for model in ("xs", "xs-tuned"):
        made = plan("das", {"initialise": "general"}, "generated", model, general="general:9")
        first, second = (made.nodes[node].spec for node in made.runs[0].checkpoints[1:])
        draws += [part["draw"] for part in first["general"]]
        assert "general" not in second
    assert draws == [0, 1]


def test_other_methods_stages_on_a_derived_base_are_as_they_were():
    made = plan("kd", {}, "generated", "xs-tuned")
    first = made.nodes[made.runs[0].checkpoints[1]]
    assert "before" not in first.spec
    assert [part["task"] for mixture in first.spec["earlier"] for part in mixture] == ["general"]


def test_texts_longer_than_the_recipes_examples_are_refused_before_anything_runs():
    with pytest.raises(UserError, match=r"^methods.mine.hyper.max_length: .* 96, found 97; lower"):
        plan("self_replay", {"max_length": 97})
    stage = plan("self_replay", {"max_length": 96}).of_kind("stage")[0]
    assert stage.spec["base"] == stage.spec["parent"]
