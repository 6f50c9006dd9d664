"""Checkpoints by words: what is printed names one node, and can be pasted back."""

from pathlib import Path

import pytest

from lethe.artefacts.paths import node_manifest, spec_file
from lethe.cli import main
from lethe.commands.named_nodes import checkpoint_of, checkpoints_of
from lethe.config.reading import DEFAULT, merge, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.longtables.node_words import Words, find_by_words, recorded_runs
from lethe.parametrisations.composed import parametrisation_in
from lethe.planning.plan import make_plan
from lethe.planning.records import study_record, write_specs, write_study_record

SMALL = {
    "study": "small",
    "models": ["xs"],
    "orders": ["forward"],
    "methods": ["sequential", "ewc"],
    "also": [],
    "tables": [],
    "figures": [],
}
RECIPES = {"slow": {"steps": 8, "batch_size": 8, "max_length": 96, "learning_rate": 1e-4}}
LARGE = {
    "study": "large",
    "parametrisations": ["full", "lora"],
    "controls": ["general"],
    "recipe": ["finetune", "slow"],
    "seeds": {"world": [1, 2], "base": [0, 1], "train": [0, 1]},
    "define": {
        "recipes": {
            "slow": {
                "steps": 8,
                "batch_size": 8,
                "max_length": 96,
                "learning_rate": 1e-4,
                "parametrised": {"lora": {"learning_rate": 1e-3}},
            }
        }
    },
}


def planned(results, *overlays):
    """The plan of a study, with its record and specs written as a run does."""
    raw = read_yaml(DEFAULT)
    for overlay in (SMALL, {"output": str(results)}, *overlays):
        raw = merge(raw, overlay)
    study = parse_study(raw)
    catalogue = read_catalogue(study)
    plan = make_plan(study, catalogue)
    write_specs(plan, results)
    write_study_record(study, study_record(study, catalogue, plan))
    return plan


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A results folder of two studies, one of every kind of repetition; and their plans."""
    results = tmp_path_factory.mktemp("results")
    return results, planned(results), planned(results, LARGE)


def test_a_small_study_needs_four_words_and_a_seed(tmp_path):
    words = Words(planned(tmp_path).runs).of_nodes()
    assert "xs/base@0" in words.values() and "xs/ewc/forward/2@0" in words.values()
    assert len(set(words.values())) == len(words) == 11


def test_no_two_checkpoints_of_any_study_have_the_same_words(both):
    for plan in both[1:]:
        words = Words(plan.runs).of_nodes()
        assert len(set(words.values())) == len(words)


def test_whatever_is_printed_for_a_study_names_its_node(both):
    results, small, large = both
    for plan, study in ((small, "small"), (large, "large")):
        named = Words(plan.runs).of_nodes()
        for node, words in list(named.items())[::7]:
            assert find_by_words(results, words, study) == node, words


def test_worlds_bases_recipes_and_parametrisations_are_words_where_a_study_has_several(both):
    words = set(Words(both[2].runs).of_nodes().values())
    assert "xs/ewc+lora+slow/forward/2@w1,b0,t1" in words and "xs/base@w2,b1" in words
    assert "xs/ewc+finetune/forward/2@w1,b0,t1" in words
    assert "xs/sequential+slow/control:general/1@w1,b0,t0" in words


@pytest.mark.parametrize(
    "text",
    ["xs/ewc/forward/2", "ewc/2", "xs/ewc/2@0", "ewc/emdg", "xs/ewc/forward/2@t0", "ewc/2@w204,0"],
)
def test_words_that_are_not_needed_may_be_left_out(tmp_path, text):
    words = Words(planned(tmp_path).runs).of_nodes()
    assert words[find_by_words(tmp_path, text)] == "xs/ewc/forward/2@0"


def test_what_is_named_in_full_is_meant_before_what_has_more_words(tmp_path):
    parametrised = {"parametrisations": ["full", "lora"]}
    words = Words(planned(tmp_path, parametrised).runs).of_nodes()
    assert words[find_by_words(tmp_path, "xs/ewc/forward/2")] == "xs/ewc/forward/2@0"
    assert words[find_by_words(tmp_path, "ewc+lora/2")] == "xs/ewc+lora/forward/2@0"


def test_words_without_a_parametrisation_mean_the_usual_one_where_that_fits(tmp_path):
    named = Words(planned(tmp_path, {"parametrisations": ["full", "lora"]}).runs).of_nodes()
    for text in ("ewc/2", "xs/ewc/2@0", "xs/ewc/emdg", "ewc+full/2"):
        assert named[find_by_words(tmp_path, text)] == "xs/ewc/forward/2@0", text
        assert checkpoint_of(tmp_path, text).words == "xs/ewc/forward/2@0", text
    alone = tmp_path / "alone"
    planned(alone, {"methods": ["ewc"], "parametrisations": ["lora"]})
    assert checkpoint_of(alone, "ewc/2").words == "xs/ewc+lora/forward/2@0"
    assert checkpoint_of(alone, "xs/base").words == "xs/base@0"


def test_an_ambiguous_name_lists_the_candidates_by_words(both):
    results = both[0]
    with pytest.raises(
        UserError, match="'ewc/2' names .* checkpoints: xs/ewc.*/forward/2@w"
    ) as told:
        find_by_words(results, "ewc/2", "large")
    assert "give more of the words" in str(told.value)


def two_studies(folder):
    """The plan of the second of two studies whose checkpoints have equal words."""
    slow = {"recipe": "slow", "define": {"recipes": RECIPES}}
    planned(folder, slow)
    faster = {"study": "other", "define": {"recipes": {"slow": {"learning_rate": 1e-3}}}}
    return planned(folder, slow, faster)


def test_equal_words_of_two_studies_are_told_apart_by_the_study(tmp_path):
    plan = two_studies(tmp_path)
    with pytest.raises(UserError, match=r"forward/2@0; choose with --study \(other, small\)[.]"):
        find_by_words(tmp_path, "xs/ewc/forward/2@0")
    assert find_by_words(tmp_path, "xs/ewc/forward/2@0", "other") in plan.nodes
    with pytest.raises(UserError, match="no study 'another'"):
        find_by_words(tmp_path, "xs/ewc/forward/2@0", "another")


def test_words_of_a_study_that_another_makes_ambiguous_are_chosen_by_the_study(tmp_path):
    words = Words(planned(tmp_path).runs).of_nodes()
    planned(tmp_path, {"study": "other", "recipe": "slow", "define": {"recipes": RECIPES}})
    with pytest.raises(UserError, match=r"[+]finetune/.*, or choose with --study \(other, small"):
        find_by_words(tmp_path, "xs/ewc/forward/2@0")
    assert words[find_by_words(tmp_path, "xs/ewc/forward/2@0", "small")] == "xs/ewc/forward/2@0"


@pytest.mark.parametrize(
    "text", ["xs/ewcc/forward/2@0", "xs/ewc/forward/2@x", "xs/ewc/forward/9@0"]
)
def test_what_names_nothing_is_a_sentence_with_the_nearest(tmp_path, text):
    planned(tmp_path)
    with pytest.raises(UserError, match=r"no checkpoint .*; did you mean xs/ewc/forward/\d@0"):
        find_by_words(tmp_path, text)


def test_of_a_studys_records_the_newest_counts(tmp_path):
    import os

    planned(tmp_path)
    old = next((tmp_path / "specs").glob("study-small-*.json"))
    os.utime(old, (1, 1))
    planned(tmp_path, {"methods": ["kd"]})
    assert {run.method for run in recorded_runs(tmp_path)["small"]} == {"kd"}


def test_an_unreadable_record_hides_no_other_study(tmp_path):
    planned(tmp_path)
    (tmp_path / "specs" / "study-broken-0123456789ab.json").write_text("{")
    assert list(recorded_runs(tmp_path)) == ["small"]


def test_show_and_diff_take_and_print_words(tmp_path, capsys):
    plan = planned(tmp_path)
    place = ["--results", str(tmp_path)]
    assert main(["show", "xs/ewc/forward/2@0", *place]) == 0
    said = capsys.readouterr().out
    assert "xs/base@0" in said and "xs/ewc/forward/2@0  (not done)" in said
    assert main(["diff", "xs/ewc/forward/1", "xs/sequential/forward/1", *place]) == 0
    assert "+ " in (said := capsys.readouterr().out) and "xs/sequential/forward/1@0" in said
    node = plan.runs[-1].checkpoints[2]
    assert main(["show", node[:-8], *place]) == 0
    assert f"stage {node}  xs/" in capsys.readouterr().out


@pytest.mark.parametrize("damaged", ["manifest", "spec"])
def test_a_record_that_holds_no_keys_is_a_sentence(tmp_path, capsys, damaged):
    node = planned(tmp_path).runs[0].checkpoints[1]
    places = {"manifest": node_manifest(tmp_path, "stage", node), "spec": spec_file(tmp_path, node)}
    places[damaged].parent.mkdir(parents=True, exist_ok=True)
    places[damaged].write_text("[]")
    assert main(["show", node, "--results", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert str(places[damaged])[-40:] in said and "Traceback" not in said
    if damaged == "manifest":
        with pytest.raises(UserError, match=r"expected keys and values, found \[\]"):
            parametrisation_in(places[damaged].parent)


def test_the_beginning_of_an_id_means_the_checkpoint_before_its_scores(tmp_path, capsys):
    plan = planned(tmp_path)
    stage = plan.runs[0].checkpoints[2]
    beginning = stage.rpartition("-")[0]
    assert sum(node.startswith(beginning) for node in plan.nodes) > 1
    assert main(["show", beginning, "--results", str(tmp_path), "--json"]) == 0
    assert f'"node": "{stage}"' in capsys.readouterr().out


def test_a_single_word_that_begins_no_id_names_a_checkpoint(tmp_path, capsys):
    plan = planned(tmp_path, {"methods": ["ewc"]})
    last = plan.runs[0].checkpoints[-1]
    assert main(["show", "5", "--results", str(tmp_path), "--json"]) == 0
    assert f'"node": "{last}"' in capsys.readouterr().out
    assert main(["show", "ewc", "--results", str(tmp_path)]) == 2
    assert "'ewc' names 6 checkpoints: xs/base@0, xs/ewc/forward/1@0" in capsys.readouterr().err


def test_a_word_that_names_nothing_is_answered_with_those_there_are(tmp_path):
    with pytest.raises(UserError, match="has no study yet; run its study first .*--results"):
        find_by_words(tmp_path, "xs/base")
    planned(tmp_path)
    with pytest.raises(UserError, match=r"did you mean xs/base@0 or xs/.*status` prints"):
        find_by_words(tmp_path, "xs/bass")


def test_what_is_scored_is_named_as_what_is_shown(tmp_path, monkeypatch):
    plan = planned(tmp_path)
    monkeypatch.chdir(tmp_path)
    stage = next(run for run in plan.runs if run.method == "ewc").checkpoints[2]
    for name in ("xs/ewc/forward/2@0", "ewc/2", "ewc/emdg", stage, stage[:-8]):
        found = checkpoint_of(tmp_path, name)
        assert (found.node, found.folder.parent) == (stage, tmp_path / "stages"), name
        assert found.words == "xs/ewc/forward/2@0"
    assert checkpoint_of(tmp_path, "xs/base").folder.parent == tmp_path / "bases"
    for name in ("Qwen/Qwen3-0.6B", "owner/name@0a1b2c", "ewc/2@main", "gpt2", "./xs/base"):
        assert checkpoint_of(tmp_path, name) is None, name
    for name in ("xs", "xs/ewc"):
        with pytest.raises(UserError, match="checkpoints: xs/.*OWNER/NAME@main"):
            checkpoint_of(tmp_path, name)
    for name in ("xs/bas", "xs/ewcc/forward/2"):
        with pytest.raises(UserError, match="no checkpoint .*did you mean xs/"):
            checkpoint_of(tmp_path, name)


def test_what_no_run_has_made_yet_is_told_by_its_words(tmp_path, capsys):
    planned(tmp_path)
    for call in (["compare", "xs/base", "ewc/2"], ["evaluate", "ewc/2", "--tasks", "know_nature"]):
        assert main([*call, "--results", str(tmp_path)]) == 2
        told = capsys.readouterr().err
        assert "@0 is not made yet: there is no folder" in told and "lethe status" in told


@pytest.mark.parametrize("text", ["ewc/9", "xs/9", "sequential/hgenn/8", "xs/control/1"])
def test_what_begins_as_words_and_ends_in_a_stage_is_never_asked_of_the_hub(tmp_path, text):
    planned(tmp_path)
    with pytest.raises(UserError, match="no checkpoint .*did you mean xs/"):
        checkpoint_of(tmp_path, text)


@pytest.mark.parametrize("text", ["replay/2", "replay/emdg", "of-nothing/base"])
def test_beside_a_checkpoint_what_ends_as_words_is_refused_before_anything_is_scored(
    tmp_path, capsys, text
):
    planned(tmp_path)
    call = ["compare", "xs/base", text, "--tasks", "know_nature", "--results", str(tmp_path)]
    assert main(call) == 2
    told = capsys.readouterr().err
    assert f"There is no checkpoint '{text}' in" in told and "did you mean xs/" in told
    assert "hub" not in told and "scoring" not in told


def test_beside_a_checkpoint_a_name_of_the_hub_is_one_still(tmp_path, monkeypatch):
    planned(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved").mkdir()
    for name in ("Qwen/Qwen3-0.6B", "replay/2@main", "gpt2", "saved/2"):
        assert checkpoints_of(tmp_path, ["xs/base", name])[name] is None, name


def test_before_any_run_words_are_told_that_the_study_comes_first(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    place = ["--tasks", "know_nature"]
    assert main(["compare", "xs/base", "xs/sequential/forward/5", *place]) == 2
    told = capsys.readouterr().err
    assert "a checkpoint of a study by words (xs/base)" in told and "lethe run" in told
    for call in (["compare", "xs/base", "replay/2"], ["evaluate", "xs/base"]):
        assert main([*call, *place]) == 2
        told = capsys.readouterr().err
        assert "run its study first" in told and "a model in the hub's cache" in told


def test_what_is_scored_is_chosen_by_the_study_where_two_have_equal_words(tmp_path):
    plan = two_studies(tmp_path)
    with pytest.raises(UserError, match=r"choose with --study \(other, small\)"):
        checkpoint_of(tmp_path, "ewc/2")
    assert checkpoint_of(tmp_path, "ewc/2", "other").node in plan.nodes


def test_a_folder_goes_before_words_and_is_known_as_its_study_knows_it(tmp_path, monkeypatch):
    plan = planned(tmp_path)
    monkeypatch.chdir(tmp_path)
    base = plan.runs[0].checkpoints[0]
    (tmp_path / "xs" / "base").mkdir(parents=True)
    assert checkpoint_of(tmp_path, "xs/base") is None
    (tmp_path / "bases" / base).mkdir(parents=True)
    found = checkpoint_of(Path("elsewhere"), f"bases/{base}")
    assert (found.node, found.words, found.results) == (base, "xs/base@0", tmp_path)
