"""Parts of a study that were run apart make the study that would have been run as a whole."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from study_folder_case import files_of, of_seed, small_record, small_study, write_study

from lethe.cli import main
from lethe.commands.assemble import planned_whole
from lethe.config.reading import DEFAULT, merge, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.longtables.assembling import join_records, join_table, require_repetitions
from lethe.longtables.items import ItemsWriter, ItemTables
from lethe.longtables.joined_items import join_items
from lethe.longtables.planned_whole import PlannedWhole
from lethe.longtables.run import RUN_COLUMNS, Run
from lethe.longtables.schema import parse_table, read_table, table_text
from lethe.longtables.settings import chain_settings
from lethe.planning.plan import make_plan

NANO = DEFAULT.parent / "test-nano.yaml"


def part(folder, seed: int, record=None, change=lambda scores, items: (scores, items)):
    """A folder with one seed of the small study."""
    scores, items = (of_seed(rows, seed) for rows in small_study())
    return write_study(folder, *change(scores, items), record or small_record())


def typed_scores(seed: int, **changes) -> pd.DataFrame:
    scores = of_seed(small_study()[0], seed).assign(**changes)
    return parse_table("scores", table_text("scores", scores, "scores"), "scores")


def test_two_seeds_run_apart_and_assembled_are_the_study_run_as_a_whole(tmp_path):
    whole = tmp_path / "whole"
    write_study(whole, *small_study(), small_record(), summarized=True)
    assert main(["render", str(whole), "--out", str(whole)]) == 0
    parts = [str(part(tmp_path / f"part-{seed}", seed)) for seed in (0, 1)]
    # A kept part serves as one that was run.
    assert main(["keep", parts[1], "--to", str(tmp_path / "kept"), "--items"]) == 0
    out = tmp_path / "assembled"
    assert main(["assemble", parts[0], str(tmp_path / "kept"), "--out", str(out)]) == 0
    expected, found = files_of(whole), files_of(out)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


def test_what_two_parts_share_is_there_once(tmp_path):
    both = write_study(tmp_path / "both", *small_study(), small_record())
    frames = {"a": read_table("scores", both / "scores.csv"), "b": typed_scores(1)}
    pd.testing.assert_frame_equal(join_table("scores", frames), frames["a"])
    parts = {"a": ItemTables(both / "items"), "b": ItemTables(part(tmp_path / "b", 1) / "items")}
    with ItemsWriter(tmp_path / "items", tmp_path / "work") as writer:
        join_items(parts, writer)
        writer.finish()
    assert files_of(tmp_path / "items") == files_of(both / "items")


def test_a_run_with_another_score_in_the_second_part_is_refused():
    first, second = typed_scores(0), typed_scores(0)
    place = second.index[second["probe"] == "own_hgen"][1]
    second.loc[place, "value"] += 0.1
    with pytest.raises(UserError, match="own_hgen after stage 1 of .decoder-xs, sequential, fo"):
        join_table("scores", {"a": first, "b": second})


def test_items_that_differ_are_refused(tmp_path, capsys):
    def other_answer(scores, items):
        items = items.reset_index(drop=True)
        items.loc[0, "margin"] = 9.0
        return scores, items

    parts = [part(tmp_path / "a", 0), part(tmp_path / "b", 0, change=other_answer)]
    assert main(["assemble", *map(str, parts), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "the items of " in said and "are not alike in" in said
    assert not (tmp_path / "out" / "study.json").exists()


def test_a_part_without_its_items_is_refused(tmp_path, capsys):
    whole = part(tmp_path / "a", 0)
    assert main(["keep", str(part(tmp_path / "b", 1)), "--to", str(tmp_path / "kept")]) == 0
    parts = [str(whole), str(tmp_path / "kept")]
    assert main(["assemble", *parts, "--out", str(tmp_path / "out")]) == 2
    assert "keep the study with `--items`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"engine": "stock2"}, "another engine: 'stock' in a and 'stock2' in b"),
        ({"lm_eval_version": "0.5"}, "another lm-eval version: '0.4.13' in a and '0.5' in b"),
        ({"task_digest": "d"}, r"another definition \(digest\)"),
        ({"n": 25}, "another number of items: '24' in a and '25' in b"),
        ({"params": 1}, "the model 'decoder-xs' has another `params`: 183000 in a and 1 in b"),
        ({"recipe": "slow"}, r"a: expected the chains of the other parts, but .*recipe slow"),
    ],
)
def test_parts_that_differ_in_more_than_seeds_are_refused(changes, words):
    require_repetitions({"a": typed_scores(0), "b": typed_scores(1)})
    with pytest.raises(UserError, match=words):
        require_repetitions({"a": typed_scores(0), "b": typed_scores(1, **changes)})


def test_another_world_has_its_own_data():
    other = {"world_seed": 101, "task_digest": "d", "n": 25}
    require_repetitions({"a": typed_scores(0), "b": typed_scores(0, **other)})


def test_records_are_joined_and_refused_where_they_contradict_each_other():
    first = small_record()
    second = replace(first, study="other", tables=["matrix"], claims=[])
    whole = join_records({"a": first, "b": second}, "both")
    assert (whole.study, whole.tables) == ("both", ["fg", "learning", "matrix"])
    assert join_records({"a": first, "b": first}, "both").study == "small"
    (chain,) = first.settings
    for changes, words in (
        ({"settings": {chain: "d2"}}, f"the chain {chain} was trained with other settings in b"),
        ({"bootstrap_seed": 4}, "`seeds.bootstrap` 3 in a and 4 in b"),
        ({"claims": [first.claims[0] | {"family": "x"}]}, "b: the claim 'C1' is defined otherwise"),
    ):
        with pytest.raises(UserError, match=words):
            join_records({"a": first, "b": replace(first, **changes)}, "both")


def settings(**changes) -> list[str]:
    """The settings of the chains of the reduced study, with changes of its configuration."""
    study = parse_study(merge(merge(read_yaml(DEFAULT), read_yaml(NANO)), changes))
    plan = make_plan(study, read_catalogue(study))
    return [chain_settings(run, [], lambda node: plan.nodes[node].spec) for run in plan.runs]


def test_the_settings_of_a_chain_depend_on_all_but_its_seeds():
    (plain,) = settings()
    seeds = {"world": [5, 6], "base": [1, 2], "train": [3]}
    assert set(settings(seeds=seeds)) == {plain} and len(settings(seeds=seeds)) == 4
    recipes = {"nano-finetune": {"learning_rate": 2e-3}}
    assert settings(define={"recipes": recipes}) != [plain]
    # The base is an input of the chain, several nodes before its last stage.
    recipes = {"nano-pretrain": {"steps": 61}}
    assert settings(define={"recipes": recipes}) != [plain]


@pytest.mark.parametrize("parts", [["a"], ["a", "./a"], ["a", "out"]])
def test_parts_are_several_folders_and_not_the_whole(parts, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["assemble", *parts, "--out", "out"]) == 2
    assert capsys.readouterr().err.startswith("lethe: ")


def test_parts_kept_without_items_are_joined_if_asked_with_the_same_values(tmp_path):
    parts = []
    for seed in (0, 1):
        made = part(tmp_path / f"part-{seed}", seed)
        parts.append(str(tmp_path / f"kept-{seed}"))
        assert main(["keep", str(made), "--to", parts[-1]]) == 0
    out = tmp_path / "out"
    assert main(["assemble", *parts, "--out", str(out), "--without-items"]) == 0
    whole = tmp_path / "whole"
    write_study(whole, *small_study(), small_record(), summarized=True)
    found, expected = (read_table("metrics", folder / "metrics.csv") for folder in (out, whole))
    keys = ["value", "metric", "probe", "n"]
    pd.testing.assert_frame_equal(found[keys], expected[keys])
    # Items alone tell what is paired, and a reader of an interval is told that they were not there.
    over_items = expected["unit"].isin(["items", "item clusters"]) & found["low"].notna()
    assert over_items.any()
    assert found.loc[over_items, "note"].str.contains("standard errors").all()
    assert main(["keep", str(out), "--to", str(tmp_path / "again"), "--items"]) == 0


def run_of_scores(**changes) -> Run:
    row = typed_scores(0).iloc[0]
    words = {name: row[name] for name in ("model", "family", "series", "untuned", *RUN_COLUMNS)}
    words |= {"method_params": json.loads(row["method_params"])}
    words |= {"checkpoints": (), "stages": (), **changes}
    return Run(**words)


def test_parts_of_other_chains_are_held_against_the_file_of_the_whole():
    slow = {"recipe": "slow"}
    parts = {"a": typed_scores(0), "b": typed_scores(0, **slow)}
    runs = [run_of_scores(), run_of_scores(**slow)]
    with pytest.raises(UserError, match="unless `--study` names"):
        require_repetitions(parts)
    whole = PlannedWhole("whole.yaml", runs, {})
    require_repetitions(parts, whole)
    with pytest.raises(UserError, match="2 runs in the parts, but .*slow.* is in none of them"):
        require_repetitions({"a": parts["a"]}, whole)
    with pytest.raises(UserError, match="whole.yaml: .*slow.* is not planned there but in b"):
        require_repetitions(parts, replace(whole, runs=runs[:1]))
    # Whatever else must agree still must.
    with pytest.raises(UserError, match="another engine"):
        require_repetitions({"a": parts["a"], "b": parts["b"].assign(engine="stock2")}, whole)


def test_the_settings_of_parts_are_those_of_the_file_of_the_whole():
    whole = planned_whole(NANO)
    ((chain, digest),) = whole.settings.items()
    whole.require_settings({chain: digest})
    with pytest.raises(UserError, match=f"1 of the parts' chains .* the first is {chain}"):
        whole.require_settings({chain: "another"})


def test_a_stage_that_two_parts_trained_has_the_costs_of_the_first_and_no_other_difference(
    tmp_path,
):
    first = read_table("stages", part(tmp_path / "a", 0) / "stages.csv")
    again = first.copy()
    slower = again["measure"] == "cost.seconds"
    again.loc[slower, "value"] *= 2
    pd.testing.assert_frame_equal(join_table("stages", {"a": first, "b": again}), first)
    again.loc[again["measure"] == "cost.steps", "value"] += 1
    with pytest.raises(UserError, match="cost.steps after stage 1 .* another `value`"):
        join_table("stages", {"a": first, "b": again})
