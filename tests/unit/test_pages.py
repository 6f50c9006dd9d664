"""A study has the tables and figures that apply to it; claims only where it asks for them."""

from pathlib import Path

import pytest

from lethe.artefacts.files import write_atomic, write_json
from lethe.artefacts.study_files import no_longer_named
from lethe.cli import main
from lethe.config.by_file import names_in
from lethe.config.reading import check_selection, merge, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.planning.claimed import unmeasured
from lethe.planning.pages import PAGES, empty_pages, with_pages
from lethe.planning.plan import make_plan
from lethe.planning.workflow import Workflow, read_workflow

CONFIG = Path(__file__).parents[2] / "config"
DEFAULT = read_yaml(CONFIG / "config.yaml")
NOTHING = {"tables": None, "figures": None, "claims": None}


def planned(file: str, **changes):
    raw = merge(DEFAULT, read_yaml(CONFIG / file))
    study = parse_study({**raw, **changes})
    catalogue = read_catalogue(study)
    return study, catalogue, make_plan(study, catalogue)


def pages(file: str, **changes):
    study, catalogue, plan = planned(file, **changes)
    return with_pages(study, catalogue, plan)


def test_the_default_study_has_its_own_lists_and_all_of_them_apply_to_it():
    study, catalogue, plan = planned("config.yaml")
    assert study.tables == DEFAULT["tables"]["mini"] and study.claims == DEFAULT["claims"]["mini"]
    assert not list(empty_pages(study, catalogue, plan))
    other = pages("config.yaml", study="mine")
    assert set(study.tables) <= set(other.tables) and set(study.figures) <= set(other.figures)
    assert other.claims == []


def test_check_tells_of_claims_whose_outcome_the_study_does_not_measure():
    assert not list(unmeasured(*planned("config.yaml")))
    notes = list(unmeasured(*planned("test-nano.yaml", claims=["C1", "C2", "K1"])))
    reasoning, *of_domains = notes
    assert "no set of the axis `reasoning`" in reasoning
    assert "C1 (`reasoning`); C2 (`order`)." in reasoning, "what both lack is told once"
    asked = ("no end task", "no `cloze` of domains", "no `mlm_loss` of domains")
    for what, note in zip(asked, of_domains, strict=True):
        assert what in note and "K1 (`" in note
    first, *_ = unmeasured(*planned("test-nano-ke.yaml", claims=["C2"]))
    assert "no set of the axis `reading` will be measured" in first and "C2 (`order`)" in first


def test_a_study_of_one_s_own_has_what_it_can_fill():
    study = pages("test-nano.yaml", **NOTHING)
    assert study.tables == [
        "fg", "general_ability", "bias", "methods", "new_tasks", "learning", "matrix", "bases",
        "items", "calibration",
    ]  # fmt: skip
    assert study.figures == [
        "evolution", "fg", "learning_forgetting", "frontier", "matrix", "bias", "items"
    ]  # fmt: skip
    study = pages("test-nano-ke.yaml", **NOTHING)
    assert study.tables == [
        "fg", "general_ability", "methods", "bases", "items", "end_tasks", "end_task_methods",
        "end_task_tests", "masked_loss", "domains",
    ]  # fmt: skip
    # What the general corpus tells of classes is general ability of an encoder.
    assert study.figures == [
        "evolution", "fg", "frontier", "end_tasks", "importance", "items"
    ]  # fmt: skip


@pytest.mark.parametrize("kind", PAGES)
def test_every_page_that_a_study_may_have_unasked_exists(kind):
    assert PAGES[kind].keys() <= set(names_in(kind))


def test_a_list_of_one_s_own_is_obeyed_with_a_note_on_what_will_be_empty(capsys):
    study = pages("test-nano.yaml", tables=["end_tasks"], figures=[], claims=["K1"])
    assert (study.tables, study.figures, study.claims) == (["end_tasks"], [], ["K1"])
    file = str(CONFIG / "test-nano.yaml")
    assert main(["check", "--configfile", file, "--config", "figures=[scale, fg]"]) == 0
    said = capsys.readouterr().out
    assert "figures: 'scale' will be empty; it needs two models of one `series`." in said
    assert said.count("Note: figures") == 1


def test_pages_that_a_study_no_longer_names_are_named_and_kept(tmp_path):
    for name in ("tables/fg", "tables/bias", "figures/fg", "figures/scale"):
        write_json(tmp_path / f"{name}.json", {})
    write_atomic(tmp_path / "tables" / "mine.csv", "a user's own file")
    left = no_longer_named(tmp_path, {"tables": ["fg"], "figures": ["fg"], "claims": []})
    assert [str(path.relative_to(tmp_path)) for path in left] == [
        "tables/bias.json", "figures/scale.json"
    ]  # fmt: skip
    assert all(path.is_file() for path in left)


def test_what_compares_chains_of_one_recipe_is_left_out_where_a_chain_has_several():
    both = {"study": "rates", "models": ["xs", "s"], "also": [], "orders": ["forward"], **NOTHING}
    one = pages("config.yaml", **both, recipe="finetune")
    several = pages("config.yaml", **both, recipe=["finetune", "instruct"])
    assert set(one.figures) - set(several.figures) == {"scale", "bias"}
    assert one.tables == several.tables and "methods" in one.tables


def test_a_figure_with_settings_is_drawn_besides_those_of_the_list_or_those_that_apply():
    wide = {"evolution": {"width": "column"}, "compute": {}}
    listed = pages("test-nano.yaml", figures={"nano": ["fg"], **wide})
    assert listed.figures == ["fg", "evolution", "compute"]
    applying = pages("test-nano.yaml", figures=wide)
    assert set(applying.figures) == {*pages("test-nano.yaml", **NOTHING).figures, "compute"}
    assert applying.figure_widths == {"evolution": "column", "compute": None}
    default = merge(DEFAULT, {"figures": wide})
    assert set(parse_study(default).figures) == {*DEFAULT["figures"]["mini"], "compute"}


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        ({"evolution": {"width": "wide"}}, "evolution.*width.*'column', 'text' or 'page'"),
        ({"evolution": {"wide": 3}}, "wide"),
        ({"evolutoin": {"width": "page"}}, "'evolutoin'.*did you mean 'evolution'"),
    ],
)
def test_wrong_settings_of_a_figure_are_one_sentence(figures, sentence):
    with pytest.raises(UserError, match=sentence):
        study = parse_study(merge(DEFAULT, {"figures": figures}))
        check_selection(study, read_catalogue(study))


def test_another_width_is_another_input_of_that_figure_alone(tmp_path):
    def values(**changes):
        raw = merge(DEFAULT, read_yaml(CONFIG / "test-nano.yaml"))
        raw |= {"output": str(tmp_path), **changes}
        jobs = read_workflow(raw).jobs()
        return {(job.rule, job.name): (job.code, job.values) for job in jobs}

    names = ["evolution", "fg"]
    before = values(figures=names)
    after = values(figures={"nano": names, "fg": {"width": "column"}})
    assert {job for job in before if before[job] != after[job]} == {("figure", "fg")}
    assert after["figure", "fg"][1] == {"width": "column"}


@pytest.mark.parametrize("file", ["config.yaml", "test-nano-ke.yaml", "test-nano.yaml"])
def test_the_pages_of_questions_wait_for_the_documents_that_their_command_reads(file):
    study, catalogue, plan = planned(file)
    jobs = Workflow(study, catalogue, plan, record="r", claims_record="c").jobs()
    (job,) = (job for job in jobs if job.rule == "questions")
    asked = {
        task["data"]
        for node in plan.of_kind("probe")
        for task in node.spec["tasks"]
        if task.get("data") and task["metric"] not in ("mlm_loss", "lm_loss")
    }
    assert asked and set(job.reads) == {"scores.csv", "items", *asked}


def test_the_report_waits_for_stages_of_chains_and_for_no_base_that_is_one():
    study, catalogue, plan = planned("config.yaml")
    jobs = Workflow(study, catalogue, plan, record="r", claims_record="c").jobs()
    (job,) = (job for job in jobs if job.rule == "report")
    tuned = {run.checkpoints[0] for run in plan.runs if run.model == "xs-tuned"}
    assert {plan.nodes[one].kind for one in tuned} == {"stage"}
    # What stages.csv has rows of, from which the command knows them.
    trained = {one for run in plan.runs for one in run.checkpoints[1:]}
    assert set(job.reads) & plan.nodes.keys() == trained and not trained & tuned
