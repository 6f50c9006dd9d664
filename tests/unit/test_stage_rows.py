"""stages.csv: what stages cost and what their method recorded of them."""

import pandas as pd
import pytest
import torch
from softmask_case import model_with_dropout, stage_of

from lethe.artefacts.manifests import publish
from lethe.errors import UserError
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.stage_rows import stage_rows
from lethe.longtables.tables import LongTables, read_stages, write_stages
from lethe.methods.contract import Method
from lethe.methods.parts.softmask.importance import summaries
from lethe.methods.registry import create
from lethe.metrics.warnings import sentence, study_warnings
from lethe.training.base import again_words

SMALL = {"subset": 6, "importance_batch": 4}
RUN = {
    "model": "enc",
    "family": "masked",
    "series": "enc",
    "untuned": "",
    "world_seed": 1,
    "base_seed": 0,
    "method": "das",
    "parametrisation": "full",
    "method_params": {},
    "recipe": "brief",
    "order": "both",
    "train_seed": 0,
    "checkpoints": ["base", "one", "two"],
    "stages": ["", "simp", "emdg"],
}


def write_stage(folder, node, **changes):
    manifest = {
        "parameters": 7,
        "steps": 3,
        "tokens": 50,
        "flops": 2100,
        "seconds": 2.5,
        "cpu_seconds": {"job": 2.0, "training": 1.5},
        "provenance": {"device": "cpu"},
        **changes,
    }
    (folder / "stages" / node).mkdir(parents=True, exist_ok=True)
    publish(folder / "stages" / node, "stage.json", manifest, [])


def test_a_row_for_every_cost_and_every_recorded_number(tmp_path):
    record = {"a": 0.5, "b": [1.0, 2.0], "c": [[3.0, 4.0], [5.0, 6.0]]}
    write_stage(tmp_path, "one", record=record, peak_memory=2**30)
    # As stages of before methods could record something, and memory was told.
    write_stage(tmp_path, "two")
    write_stages(tmp_path / "stages.csv", stage_rows({"runs": [RUN]}, tmp_path))
    rows = read_stages(tmp_path / "stages.csv")
    assert len(rows) == 6 + 7 + 5
    assert rows.loc[rows["measure"] == "cost.peak_memory", "value"].tolist() == [2**30]
    assert dict(zip(rows["stage_index"], rows["stage_task"], strict=True)) == {1: "simp", 2: "emdg"}
    spent = rows[rows["stage_index"] == 2].set_index("measure")["value"]
    assert spent["cost.cpu_seconds"] == 1.5 and spent["cost.flops"] == 2100
    found = rows[rows["measure"] == "c"][["layer", "unit", "value"]]
    assert found.to_numpy().tolist() == [[0, 0, 3], [0, 1, 4], [1, 0, 5], [1, 1, 6]]
    assert rows[rows["measure"] == "b"]["unit"].isna().all()
    assert rows[rows["measure"] == "a"][["layer", "unit"]].isna().all(axis=None)


@pytest.mark.parametrize(("odd", "words"), [(4, "4 rows"), (1, "1 row")])
def test_rows_of_the_data_that_gave_no_example_are_counted_and_told(tmp_path, odd, words):
    parts = [
        {"task": "simp", "data": "mine-1", "file": "train.jsonl"},
        {"task": "general", "data": "gone-2", "file": "train.jsonl"},
    ]
    write_stage(tmp_path, "one", spec={"mixture": parts})
    write_stage(tmp_path, "two", spec={"mixture": parts[1:]})
    (tmp_path / "data" / "mine-1").mkdir(parents=True)
    split = {"read": 9, "kept": 5, "dropped": {"too odd": odd - 1, "too long": 1}}
    rows = {"train": split, "test": {**split, "dropped": {"too odd": 100}}}
    publish(tmp_path / "data" / "mine-1", "data.json", {"rows": rows}, [])
    write_stages(tmp_path / "stages.csv", stage_rows({"runs": [RUN]}, tmp_path))
    stages = read_stages(tmp_path / "stages.csv")
    left = stages[stages["measure"] == "rows.left_out"]
    assert left[["stage_index", "value"]].to_numpy().tolist() == [[1, odd]]
    scores = pd.DataFrame(columns=[*RUN_COLUMNS, "split", "stage_index", "node"])
    (told,) = [sentence(row) for row in study_warnings(scores, stages).to_dict("records")]
    where = "rows left out (enc, das, both): stage 1 (simp)"
    assert told.startswith(f"{where}: {words} of its data")


def test_a_base_that_another_seed_stands_for_is_told_with_what_the_first_one_missed(tmp_path):
    """Of a tuned model, whose base is a stage on the base that was tried three times."""
    tried = [
        {"seed": 0, "dev": {"pronoun": 0.55, "tool": 0.9}, "below_floor": ["pronoun"]},
        {"seed": 1000, "dev": {"pronoun": 0.61, "tool": 0.9}, "below_floor": ["pronoun"]},
        {"seed": 2000, "dev": {"pronoun": 0.7, "tool": 0.9}, "below_floor": []},
    ]
    spec = {"floors": {"pronoun": 0.62, "tool": 0.62}}
    (tmp_path / "bases" / "untuned").mkdir(parents=True)
    base = {"seed": 2000, "attempts": tried, "spec": spec}
    publish(tmp_path / "bases" / "untuned", "base.json", base, [])
    write_stage(tmp_path, "base", spec={"parent": "untuned", "parent_kind": "base"})
    write_stage(tmp_path, "one", spec={"parent": "base", "parent_kind": "stage"})
    write_stage(tmp_path, "two", spec={"parent": "one", "parent_kind": "stage"})
    write_stages(tmp_path / "stages.csv", stage_rows({"runs": [RUN]}, tmp_path))
    stages = read_stages(tmp_path / "stages.csv")
    scores = pd.DataFrame(columns=[*RUN_COLUMNS, "split", "stage_index", "node"])
    (told,) = [sentence(row) for row in study_warnings(scores, stages).to_dict("records")]
    assert told == (
        "another base (enc): base seed 0 missed its floor (pronoun 0.55, expected 0.62), so the "
        "base of seed 2000 stands for it"
    )
    assert again_words({"base_seed": 0, "attempts": 3, **spec}, tried[0]) == (
        "attempt 2 of 3, seed 0 missed pronoun (0.55 < 0.62)"
    )


def test_chains_of_a_study_with_references_name_their_rate_and_references_the_level(tmp_path):
    write_stage(tmp_path, "one")
    write_stage(tmp_path, "two")
    alone = RUN | {"order": "alone:simp", "checkpoints": ["base", "one"], "stages": ["", "simp"]}
    rates = {"one": {"rate": 1e-3, "curve": 7}, "two": {"rate": 1e-3, "curve": 7}}
    record = {"runs": [RUN, alone], "equal_learning": {"level": 0.9, "rates": rates}}
    write_stages(tmp_path / "stages.csv", stage_rows(record, tmp_path))
    rows = read_stages(tmp_path / "stages.csv")
    rows = rows[~rows["measure"].str.startswith("cost.")]
    assert set(rows["stage_index"]) == {1}
    found = [tuple(row) for row in rows[["order", "measure", "value"]].to_numpy()]
    assert found == [
        ("both", "recipe.learning_rate", 1e-3),
        ("both", "recipe.curve", 7.0),
        ("alone:simp", "recipe.learning_rate", 1e-3),
        ("alone:simp", "recipe.curve", 7.0),
        ("alone:simp", "references.level", 0.9),
    ]


def test_chains_of_elsewhere_have_no_rows_and_broken_ones_are_one_sentence(tmp_path):
    record = {"runs": [RUN]}
    assert stage_rows(record, tmp_path) == []
    write_stages(tmp_path / "stages.csv", [])
    assert not len(read_stages(tmp_path / "stages.csv"))
    write_stage(tmp_path, "one")
    with pytest.raises(
        UserError, match="two/stage.json: is missing, though others of its chain exist"
    ):
        stage_rows(record, tmp_path)
    write_stage(tmp_path, "two", id="three")
    with pytest.raises(UserError, match="two/stage.json: is the manifest of three, not of two"):
        stage_rows(record, tmp_path)


def test_tables_without_stages_have_an_empty_one_with_its_columns():
    stages = LongTables(scores=None, metrics=None).stages
    assert not len(stages) and {"measure", "layer", "unit", "value"} <= set(stages.columns)


def test_a_summary_of_the_worked_example():
    places = {
        "heads": torch.tensor([[0.2, 0.8], [0.6, 1.0]]),
        "output": torch.tensor([[0.0, 0.1, 0.5, 0.9, 1.0]]),
    }
    found = summaries({"domain": places})
    assert found["importance.domain.heads.mean"].tolist() == [0.5, 0.8]
    assert found["importance.domain.heads.above_half"].tolist() == [0.5, 1.0]
    assert found["importance.domain.heads.unit"].tolist() == [[0.2, 0.8], [0.6, 1.0]]
    # A unit at 0.5 is not above it; deciles lie between the neighbours.
    assert found["importance.domain.output.above_half"].tolist() == [0.4]
    assert found["importance.domain.output.median"].tolist() == [0.5]
    assert found["importance.domain.output.low"].tolist() == pytest.approx([0.04])
    assert found["importance.domain.output.high"].tolist() == pytest.approx([0.96])
    assert "importance.domain.output.unit" not in found


def test_das_records_what_it_hands_on():
    """I^(<=1) is the maximum of I^(0) and I^(1), head by head; I^(0) is told once."""
    method = create("das", SMALL)
    assert method.record() == Method().record() == {}
    stage = stage_of(model_with_dropout())
    method.before_stage(stage)
    general = method.state()["importance.heads"]
    method.after_stage(stage)
    found = method.record()
    heads = {of: found[f"importance.{of}.heads.unit"] for of in ("general", "domain")}
    torch.testing.assert_close(heads["general"].float(), general)
    later = torch.maximum(heads["general"], heads["domain"])
    assert torch.equal(found["importance.accumulated.heads.unit"], later)
    torch.testing.assert_close(later.float(), method.state()["importance.heads"])

    second = create("das", SMALL)
    second.load_state(method.state())
    stage = stage_of(model_with_dropout(), index=2)
    second.before_stage(stage)
    second.after_stage(stage)
    assert {name.split(".")[1] for name in second.record()} == {"domain", "accumulated"}
    free = create("das", {**SMALL, "initialise": "none"})
    stage = stage_of(model_with_dropout())
    free.before_stage(stage)
    free.after_stage(stage)
    assert {name.split(".")[1] for name in free.record()} == {"domain", "accumulated"}


def test_cut_texts_are_counted_by_stage_and_told_under_tables(tmp_path):
    left = {"of": 9, "examples": 2, "tokens": 30}
    cut = {"simp": {"prompts": left, "responses": {**left, "tokens": 5}}}
    write_stage(tmp_path, "one", cut=cut)
    write_stage(tmp_path, "two", cut={})
    write_stages(tmp_path / "stages.csv", stage_rows({"runs": [RUN]}, tmp_path))
    rows = read_stages(tmp_path / "stages.csv")
    found = rows[rows["measure"].str.startswith("cut.")]
    assert found[["stage_index", "measure", "value"]].to_numpy().tolist() == [
        [1, "cut.texts", 4],
        [1, "cut.tokens", 35],
    ]
    (told,) = study_warnings(scored(), rows).query("kind == 'cut texts'").to_dict("records")
    assert sentence(told).endswith(
        "stage 1 (simp): cut at the recipe's max_length; 4 texts, 35 tokens left out"
    )
    whole = rows[~rows["measure"].str.startswith("cut.")]
    for stages in (whole, LongTables(1, 2).stages):
        assert study_warnings(scored(), stages)["kind"].tolist() == ["few runs"]


def scored() -> pd.DataFrame:
    """A score of the run, with nothing to warn of."""
    words = {
        **RUN,
        "parametrisation": "full",
        "method_params": "{}",
        "stage_index": 1,
        "stage_task": "simp",
    }
    words |= {"kind": "probe", "axis": "knowledge", "probe": "simp", "subset": "", "chance": 0.25}
    words |= {"split": "test", "metric": "acc", "value": 0.5, "stderr": 0.01, "headline": True}
    words |= {"higher_is_better": True}
    return pd.DataFrame([{name: words.get(name) for name in (*RUN_COLUMNS, *words)}])


def test_texts_that_a_tokenizer_cannot_write_or_rewrites_are_told(tmp_path):
    texts = {"encoded_apart": 7, "with_unknown_tokens": 2, "rewritten_by_tokenizer": 3}
    write_stage(tmp_path, "one", texts={**texts, "in_lower_case": 9})
    write_stage(tmp_path, "two", texts=dict.fromkeys(texts, 0))
    write_stages(tmp_path / "stages.csv", stage_rows({"runs": [RUN]}, tmp_path))
    told = study_warnings(scored(), read_stages(tmp_path / "stages.csv"))
    assert told["kind"].tolist() == ["not writable", "rewritten texts", "few runs"]
    assert told["what"].tolist()[:2] == [
        "stage 1 (simp): the tokenizer has no token for a part of the texts, which cannot be "
        "learned; 2 texts",
        "stage 1 (simp): the tokenizer changes or drops letters; 3 texts",
    ]
