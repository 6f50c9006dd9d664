"""End tasks in a study: which cells are planned, their rows, and the table of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from synthetic_study import Synthetic, by_set, synthetic_study

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.manifests import publish
from lethe.artefacts.nodes import write_results
from lethe.commands import figure as figures
from lethe.config.reading import merge, parse_study, read_catalogue, read_yaml
from lethe.endtasks.labelled import read_task
from lethe.errors import UserError
from lethe.figures.end_tasks import draw
from lethe.longtables.collect import gather
from lethe.longtables.items import ItemsWriter
from lethe.longtables.tables import LongTables, read_scores, write_scores
from lethe.metrics.matrix import fr_ke
from lethe.metrics.study import study_metrics
from lethe.planning.plan import make_plan
from lethe.planning.records import study_record
from lethe.sources.parameters import source_parameters
from lethe.sources.prepare import prepare
from lethe.tables.end_tasks import build

# Tables and figures of a study with end tasks.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FILES = {split: f"tasks/simp/{split}.jsonl" for split in ("train", "test")}
END_TASK = {"source": "world", "metric": "macro_f1", "epochs": 2, **FILES}
TEXTS = {"axis": "domain", "metric": "mlm_loss", "texts": "tasks/simp/{split}.jsonl"}
DEFINED = {
    "probes": {"losses": {"source": "world", "tasks": {"loss_simp": TEXTS}}},
    "models": {
        "enc": {
            "family": "masked",
            "source": "world",
            "architecture": "roberta",
            "recipe": "pretrain-xs",
        }
    },
    "orders": {"both": ["simp", "emdg"], "turned": ["emdg", "simp"]},
    "end_tasks": {"toy": {**END_TASK, "task": "simp"}, "other": {**END_TASK, "task": "emdg"}},
}


def study_of(**changes):
    default = {"also": [], "models": ["enc"], "orders": ["both"], "controls": [], "claims": []}
    default |= {"end_tasks": ["toy", "other"], "define": DEFINED, "probes": ["losses"]}
    raw = read_yaml(ROOT / "config" / "config.yaml")
    study = parse_study(merge(merge(raw, default), changes))
    return study, read_catalogue(study)


def cells(plan) -> dict[tuple, set]:
    """End tasks by order and stage."""
    return {
        (run.order, stage): {plan.nodes[node].spec["end_task"] for node in plan.end_tasks[one]}
        for run in plan.runs
        for stage, one in enumerate(run.checkpoints)
        if one in plan.end_tasks
    }


def test_published_cells_are_the_base_the_own_stage_and_the_last():
    plan = make_plan(*study_of(orders=["both"]))
    both = {"toy", "other"}
    assert cells(plan) == {("both", 0): both, ("both", 1): {"toy"}, ("both", 2): both}
    assert len(plan.of_kind("end_task")) == 5
    alone = {**DEFINED, "orders": {"one": ["simp"], "mix": ["simp&emdg"]}}
    plan = make_plan(*study_of(orders=["one", "mix"], define=alone))
    assert (cells(plan)["one", 1], cells(plan)["mix", 1]) == ({"toy"}, both)
    plan = make_plan(*study_of(end_task_cells="all"))
    assert set(map(frozenset, cells(plan).values())) == {frozenset(both)}


def test_end_tasks_and_their_seeds_change_no_other_node():
    def ids(plan):
        return {node for node, one in plan.nodes.items() if one.kind != "end_task"}

    without = make_plan(*study_of(end_tasks=[]))
    assert not without.of_kind("end_task")
    assert "end_tasks" not in study_record(*study_of(end_tasks=[]), without)
    plans = [make_plan(*study_of(seeds={"end_task": seeds})) for seeds in ([0], [0, 1])]
    assert ids(plans[0]) == ids(plans[1]) == ids(without)
    assert not {n.id for n in plans[0].of_kind("end_task")} & set(plans[1].nodes)


def test_each_family_has_its_own_probes_and_end_tasks_in_one_study():
    plan = make_plan(*study_of(models=["enc", "xs"], probes=["miniature", "losses"]))
    of = {run.family: run.checkpoints for run in plan.runs}
    kinds = {
        family: {
            plan.nodes[node].spec["probe"] for one in nodes for node in plan.probes[one].values()
        }
        for family, nodes in of.items()
    }
    assert kinds == {"masked": {"losses"}, "causal": {"miniature"}}
    assert set(plan.end_tasks) == {*of["masked"], *of["causal"]}
    with_t5 = make_plan(*study_of(models=["enc", "encdec"], probes=["miniature", "losses"]))
    assert {plan.nodes[node].spec["family"] for node in with_t5.end_tasks} <= {"masked"}


def test_a_probe_that_scores_no_selected_model_is_one_sentence():
    with pytest.raises(UserError, match="probes: 'miniature' scores none of the selected models"):
        make_plan(*study_of(probes=["miniature"]))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"models": ["encdec"]}, "end_tasks: .* or `family: causal`, found encdec .seq2seq."),
        ({"end_tasks": ["toi"]}, "end_tasks: 'toi' is not known; did you mean 'toy'"),
        ({"seeds": {"end_task": [1, 1]}}, "seeds.end_task .* each entry once, found 1 2 times"),
        ({"seeds": {"end_task": []}}, "seeds.end_task"),
        (
            {"define": {"end_tasks": {"toy": {**END_TASK, "task": "sim"}}}},
            "end_tasks.toy.task: 'sim' is not known; did you mean 'simp'",
        ),
    ],
)
def test_a_wrong_end_task_is_one_sentence(changes, sentence):
    with pytest.raises(UserError, match=sentence):
        make_plan(*study_of(**changes))


def made_up(spec: dict, stage: int) -> list[dict]:
    """Results whose value tells seed, stage and end task."""
    value = {"toy": 0.8, "other": 0.6}[spec["end_task"]] - 0.1 * stage
    return [
        {
            "seed": seed,
            "counts": {"train": 4, "test": 8},
            "scores": {
                "test": {"accuracy": value + 0.01, "macro_f1": value + 0.1 * seed, "micro_f1": 0.5}
            },
            "predicted": [],
        }
        for seed in spec["seeds"]
    ]


def scores_of(folder, train_seeds):
    """Scores of a study without probes, read again from its file."""
    study, catalogue = study_of(probes=[], seeds={"train": train_seeds, "end_task": [0, 1, 2]})
    plan = make_plan(study, catalogue)
    for run in plan.runs:
        for stage, checkpoint in enumerate(run.checkpoints):
            for node in plan.end_tasks[checkpoint]:
                spec = plan.nodes[node].spec
                made = {"spec": spec, "parameters": 7, "task_digest": "d"}
                place = folder / "endtasks" / node
                publish(place, "end_task.json", made, write_results(place, made_up(spec, stage)))
    with ItemsWriter(folder / "items", folder / "work") as items:
        rows = gather(study_record(study, catalogue, plan), folder, items)
        assert items.finish() == [] and items.rows == 0
    write_scores(folder / "scores.csv", rows)
    return read_scores(folder / "scores.csv")


@pytest.fixture
def scores(tmp_path):
    return scores_of(tmp_path, [0])


def test_a_base_that_runs_share_is_counted_once(tmp_path):
    frame = build(LongTables(scores_of(tmp_path, [0, 1]), pd.DataFrame())).frame
    assert list(frame["interval_over"]) == ["3 end-task seeds", "2 runs"]
    half = 4.302653 * 10 / 3**0.5
    assert frame["toy_low"][0] == pytest.approx(frame["toy"][0] - half)
    assert frame["toy_high"][0] == pytest.approx(min(frame["toy"][0] + half, 100))


def test_the_unit_is_the_run_whose_end_task_seeds_share_a_checkpoint(tmp_path):
    """Runs that are made alike show no spread, whatever their end-task seeds do: no interval."""
    scores = scores_of(tmp_path, [0, 1, 2])
    frame = build(LongTables(scores, pd.DataFrame())).frame
    last = frame.iloc[1]
    assert last["interval_over"] == "3 runs" and last["end_task_seeds"] == 3
    assert np.isnan(last["f1_final_low"]) and np.isnan(last["f1_final_high"])


def test_domains_trained_alone_are_one_order(tmp_path):
    """Each end task comes from the model of its own domain: the worked numbers of two models."""
    scores = scores_of(tmp_path, [0, 1, 2])
    parts = [scores]
    for order, task in (("only-simp", "simp"), ("only-emdg", "emdg")):
        one = scores[scores["stage_index"] < 2].assign(order=order)
        one.loc[one["stage_index"] == 1, "stage_task"] = task
        if task == "emdg":
            one = one.replace({"probe": {"toy": "other"}, "subset": {"simp": "emdg"}})
        parts.append(one)
    frame = build(LongTables(pd.concat(parts, ignore_index=True), pd.DataFrame())).frame
    alone = frame[frame["order"] == "each alone"].iloc[0]
    both = frame[frame["order"] == "both"].iloc[0]
    assert len(frame) == 3
    stage_one = scores[(scores["stage_index"] == 1) & scores["headline"].astype(bool)]
    toy = stage_one[stage_one["probe"] == "toy"]["value"].mean()
    assert alone["toy"] == pytest.approx(100 * toy)
    assert alone["f1_own"] == alone["f1_final"] and np.isnan(alone["f1_fr_ke"])
    assert both["interval_over"] == alone["interval_over"] == "3 runs"


def test_the_gain_over_plain_training_is_paired(tmp_path):
    scores = scores_of(tmp_path, [0, 1, 2])
    better = scores[scores["stage_index"] > 0].assign(method="das")
    # Runs differ by far more than the two methods do.
    shift = scores["train_seed"].astype(float) / 10
    scores = scores.assign(value=scores["value"] - shift)
    extra = better["train_seed"].map({0: 0.02, 1: 0.03, 2: 0.04}).astype(float)
    better = better.assign(value=better["value"] - better["train_seed"].astype(float) / 10 + extra)
    joined = pd.concat([scores, better], ignore_index=True)
    frame = build(LongTables(joined, pd.DataFrame())).frame.set_index("method")
    assert np.isnan(frame.loc["sequential", "f1_gain"])
    das = frame.loc["das"]
    assert das["f1_gain"] == pytest.approx(3)
    assert das["f1_gain_high"] - das["f1_gain"] == pytest.approx(4.302653 * 1 / 3**0.5)
    assert das["f1_final_high"] - das["f1_final"] > 10


def test_every_seed_and_metric_is_a_row_with_its_headline(scores):
    assert len(scores) == 5 * 3 * 3
    assert set(scores["kind"]) == set(scores["axis"]) == {"end_task"}
    assert sorted(scores["end_task_seed"].unique()) == [0, 1, 2]
    assert set(scores.loc[scores["headline"].astype(bool), "metric"]) == {"macro_f1"}
    assert dict(scores[["probe", "subset"]].itertuples(index=False)) == {
        "toy": "simp",
        "other": "emdg",
    }


def test_the_table_has_a_base_and_the_forgetting_of_the_worked_example(scores):
    table = build(LongTables(scores=scores, metrics=pd.DataFrame()))
    frame = table.frame
    assert list(frame["method"]) == ["none", "sequential"]
    base, last = frame.iloc[0], frame.iloc[1]
    # Seeds 0, 1, 2 add 0.0, 0.1, 0.2: a mean of 0.1 above the made-up value.
    assert base["toy"] == pytest.approx(90) and base["other"] == pytest.approx(70)
    assert last["toy"] == pytest.approx(70) and last["other"] == pytest.approx(50)
    assert last["f1_final"] == pytest.approx(60) and last["f1_own"] == pytest.approx(65)
    assert last["acc_final"] == pytest.approx(51)
    assert np.isnan(base["f1_fr_ke"]) and np.isnan(base["f1_own"])
    # own after stage 1: 0.8, after stage 2: 0.5; final 0.7 and 0.5.
    matrix = np.array([[0.9, 0.7], [0.8, np.nan], [0.7, 0.5]])
    assert last["f1_fr_ke"] == pytest.approx(100 * fr_ke(matrix)) == pytest.approx(10)
    assert last["toy_low"] < last["toy"] < last["toy_high"]
    assert last["interval_over"] == "3 end-task seeds" and last["end_task_seeds"] == 3


def test_metrics_of_a_study_are_the_same_with_end_tasks(scores):
    probes, items = synthetic_study(Synthetic(models=(("decoder-xs", 183_000),), items=20))
    joined = pd.concat([probes, scores], ignore_index=True)
    items = by_set(items)
    before = study_metrics(probes, items, 0, 20)
    pd.testing.assert_frame_equal(study_metrics(joined, items, 0, 20), before)


def test_the_table_of_a_study_without_end_tasks_says_so(scores):
    frame = build(LongTables(scores=scores[:0], metrics=pd.DataFrame())).frame
    assert frame["note"].tolist() == ["the study has no end tasks"]


def test_the_figure_has_a_row_a_line_and_all_its_text_on_the_page(tmp_path):
    scores = scores_of(tmp_path, [0, 1, 2])
    scores = pd.concat([scores, scores[scores["stage_index"] > 0].assign(method="das-update")])
    with figures.style():
        drawn = draw(LongTables(scores, pd.DataFrame()))
        drawn.figure.draw_without_rendering()
        texts = [text for text in drawn.figure.findobj(Text) if text.get_text().strip()]
        texts = [text for text in texts if text.get_visible()]
        boxes = {text.get_text(): text.get_window_extent() for text in texts}
    page = drawn.figure.bbox
    # Numbers of ticks beyond an axis' end are there and never drawn.
    named = {name: box for name, box in boxes.items() if not name.strip("−.0123456789") == ""}
    assert [name for name, box in named.items() if box.x0 < -1 or box.x1 > page.x1 + 1] == []
    assert sorted(drawn.plotted["method"]) == ["das-update", "none", "sequential"]
    assert "3 runs" in drawn.caption
    shown = {text.get_text() for text in texts}
    assert {"before any domain", "das-update", "sequential"} <= shown


def test_a_figure_without_end_tasks_says_how_to_get_some(scores):
    drawn = draw(LongTables(scores[:0], pd.DataFrame()))
    assert "name some in `end_tasks`" in drawn.plotted["missing"].iloc[0]


def test_labelled_texts_are_prepared_with_their_labels(tmp_path):
    for split in ("train", "test"):
        rows = [{"text": f"{split} one", "topic": 1}, {"text": "two", "topic": 2}]
        write_rows(tmp_path / f"{split}.jsonl", [*rows, {"text": "", "topic": 2}])
    spec = {
        "name": "mine",
        "loader": "labelled",
        "parameters": source_parameters(
            "sources.mine", "files", "labelled", {"columns": {"label": "topic"}}
        ),
        "subset": None,
        "files": {s: {"path": str(tmp_path / f"{s}.jsonl")} for s in ("train", "test")},
    }
    prepare(spec, tmp_path / "made", None)
    task = read_task({s: tmp_path / "made" / f"{s}.jsonl" for s in ("train", "test")})
    assert task.labels == ("1", "2") and task.splits["test"].texts == ("test one", "two")
    assert not (tmp_path / "made" / "eval").exists()
