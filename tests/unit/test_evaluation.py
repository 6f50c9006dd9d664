"""Scoring a checkpoint: equal to lm-eval's own, repeatable, kept per task, honest about faults."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import evaluation_world as world
import pytest

from lethe.commands.evaluate import evaluate
from lethe.errors import UserError
from lethe.evaluation.specification import EvalTask
from lethe.evaluation.targets import weights_sha256

TASKS = {
    "know": (world.CHOICE, world.choice_rows),
    "templated": (world.TEMPLATED, world.choice_rows),
    "yes_no": (world.CHOICE, world.yes_no_rows),
    "pairs": (world.BIAS, world.pair_rows),
    "own": (world.OWN, world.own_rows),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Folder with a checkpoint, `eval` tasks and a store that the tests of this file share."""
    folder = tmp_path_factory.mktemp("evaluation")
    world.write_checkpoint(folder / "checkpoint")
    for name, (template, rows) in TASKS.items():
        world.write_task(folder / "eval", name, template, rows, length=8)
    return folder


def task(place: Path, name: str, **changes) -> EvalTask:
    return replace(EvalTask(name, str(place / "eval")), **changes)


def score(place: Path, tasks: list[EvalTask], store: Path, checkpoint: Path | None = None):
    from lethe.evaluation.harness import score_checkpoint

    checkpoint = checkpoint or place / "checkpoint"
    return score_checkpoint(checkpoint, weights_sha256(checkpoint), tasks, store)


@pytest.fixture(scope="module")
def results(place):
    tasks = [task(place, name, subset="bias_type" if name == "pairs" else None) for name in TASKS]
    return {result["task"]: result for result in score(place, tasks, place / "store")}


@pytest.fixture(scope="module")
def stock(place):
    """The same tasks through lm-eval's simple_evaluate, but for its look at the machine."""
    from lm_eval import evaluator
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from lethe.evaluation.checkpoint import open_checkpoint

    folder = place / "stock"
    shutil.copytree(place / "eval", folder)
    for path in folder.glob("*.yaml"):
        text = path.read_text().replace(": data/", f": {folder}/data/")
        cache = f"dataset_kwargs:\n  cache_dir: {place}/cache"
        path.write_text(text.replace("dataset_kwargs:", cache))
    model, tokenizer = open_checkpoint(place / "checkpoint", "float32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluator, "add_env_info", lambda _: None)
        return evaluator.simple_evaluate(
            model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=5),
            tasks=list(TASKS),
            task_manager=TaskManager(include_path=str(folder), include_defaults=False),
            bootstrap_iters=0,
            log_samples=True,
        )


def value(result: dict, metric: str, subset: str = "") -> float:
    rows = [r for r in result["scores"] if (r["metric"], r["subset"]) == (metric, subset)]
    assert len(rows) == 1
    return rows[0]["value"]


@pytest.mark.parametrize("name", TASKS)
def test_every_metric_equals_that_of_stock_lm_eval(results, stock, name):
    theirs = stock["results"][name]
    compared = [
        key.split(",")[0] for key in theirs if key.endswith(",none") and "_stderr" not in key
    ]
    assert compared
    for metric in compared:
        assert value(results[name], metric) == pytest.approx(theirs[f"{metric},none"], abs=1e-4)


@pytest.mark.parametrize("name", ["know", "templated", "yes_no"])
def test_gold_log_probabilities_equal_those_of_stock_lm_eval(results, stock, name):
    for item, sample in zip(results[name]["items"], stock["samples"][name], strict=True):
        logprobs = [logprob for logprob, _ in sample["filtered_resps"]]
        assert item["choice_logprobs"] == pytest.approx(logprobs, abs=1e-4)
        gold = logprobs.pop(sample["doc"]["answer"])
        assert item["gold_logprob"] == pytest.approx(gold, abs=1e-4)
        assert item["margin"] == pytest.approx(gold - max(logprobs), abs=1e-4)
        assert item["correct"] == sample["acc"]


def test_generated_text_equals_that_of_stock_lm_eval(results, stock):
    texts = [sample["filtered_resps"][0] for sample in stock["samples"]["own"]]
    assert any(texts)
    assert [item["predicted"] for item in results["own"]["items"]] == texts
    assert {item["choice_logprobs"] for item in results["own"]["items"]} == {None}


def test_items_carry_their_own_value_of_every_metric(results):
    items = results["own"]["items"]
    assert set(items[0]["metrics"]) == {"sari", "bleu", "rouge1", "exact_match"}
    assert all(item["correct"] == item["metrics"]["sari"] for item in items)
    mean = sum(item["metrics"]["rouge1"] for item in items) / len(items)
    assert value(results["own"], "rouge1") == pytest.approx(mean)


def test_items_are_named_by_content_and_clustered_by_the_column(place, results):
    items = results["know"]["items"]
    assert len({item["item_id"] for item in items}) == len(items)
    assert len({item["cluster_id"] for item in items}) == len(items) / 2
    file = place / "eval" / "data" / "know" / "test.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    from lethe.evaluation.outcomes import item_id

    renamed = [item_id({**row, "id": "another"}, "cluster") for row in rows]
    assert renamed == [item["item_id"] for item in items]


def test_bias_has_rows_of_its_own_for_every_category(results):
    result = results["pairs"]
    whole = value(result, "pct_stereotype")
    parts = [value(result, "pct_stereotype", subset) for subset in ("age", "place")]
    assert whole == pytest.approx(sum(parts) / 2)
    item = result["items"][0]
    assert item["correct"] == float(item["margin"] > 0)


def test_two_runs_are_identical_to_the_last_bit(place, tmp_path, results):
    tasks = [task(place, name) for name in ("know", "own")]
    again = score(place, tasks, tmp_path)
    for result in again:
        first = results[result["task"]]
        assert result["scores"] == first["scores"]
        assert result["items"] == first["items"]


def test_batch_size_changes_nothing_that_is_counted(place, tmp_path, results):
    from lethe.evaluation.harness import score_checkpoint

    checkpoint = place / "checkpoint"
    (result,) = score_checkpoint(checkpoint, "0", [task(place, "know")], tmp_path, batch_size=3)
    for ours, other in zip(result["items"], results["know"]["items"], strict=True):
        assert ours["predicted"] == other["predicted"]
        assert ours["gold_logprob"] == pytest.approx(other["gold_logprob"], abs=1e-4)


def test_adding_a_task_scores_only_that_task(place, tmp_path):
    score(place, [task(place, "know")], tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    both = score(place, [task(place, "know"), task(place, "pairs")], tmp_path)
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert [result["task"] for result in both] == ["know", "pairs"]
    assert len(before) == 1 and len(after) == 2
    assert before.items() <= after.items()


def test_a_probe_that_failed_midway_keeps_its_finished_tasks(place, tmp_path, monkeypatch):
    from lethe.evaluation import harness

    def failing(lm, job):
        if job.task.name == "pairs":
            raise KeyboardInterrupt
        return original(lm, job)

    original = harness._score
    monkeypatch.setattr(harness, "_score", failing)
    with pytest.raises(KeyboardInterrupt):
        score(place, [task(place, "know"), task(place, "pairs")], tmp_path)
    assert [path.name.split("-")[0] for path in tmp_path.iterdir()] == ["know"]


def test_a_store_that_cannot_be_written_is_reported(place, tmp_path):
    (tmp_path / "store").write_text("a file where a folder is needed")
    with pytest.raises(UserError, match="cannot write"):
        score(place, [task(place, "yes_no")], tmp_path / "store")


def test_kept_results_need_neither_weights_nor_model(place, tmp_path, monkeypatch):
    from lethe.evaluation import harness

    first = score(place, [task(place, "know")], tmp_path)
    monkeypatch.setattr(harness, "open_checkpoint", lambda *_: pytest.fail("the model was loaded"))
    assert score(place, [task(place, "know")], tmp_path) == first


def test_axis_and_chance_are_annotations_and_score_nothing_anew(place, tmp_path):
    score(place, [task(place, "know")], tmp_path)
    (result,) = score(place, [task(place, "know", axis="knowledge", chance=0.25)], tmp_path)
    assert (result["axis"], result["chance"]) == ("knowledge", 0.25)
    assert len(list(tmp_path.iterdir())) == 1


def test_other_weights_other_data_and_another_limit_make_new_keys(place, tmp_path):
    from lethe.evaluation.harness import score_checkpoint

    store, folder = tmp_path / "store", tmp_path / "eval"
    shutil.copytree(place / "eval", folder)
    one = EvalTask("yes_no", str(folder))

    def files(weights: str, wanted: EvalTask) -> int:
        score_checkpoint(place / "checkpoint", weights, [wanted], store)
        return len(list(store.iterdir()))

    assert files("a", one) == files("a", one) == 1
    assert files("b", one) == 2
    assert files("a", replace(one, limit=3)) == 3
    data = folder / "data" / "yes_no" / "test.jsonl"
    data.write_text("\n".join(data.read_text().splitlines()[1:]))
    assert files("a", one) == 4


def test_the_digest_of_a_task_does_not_depend_on_where_its_folder_lies(place, tmp_path):
    from lethe.evaluation.task_digest import task_digest
    from lethe.evaluation.tasks import find

    shutil.copytree(place / "eval", tmp_path / "moved")
    for name in TASKS:
        moved = EvalTask(name, str(tmp_path / "moved"))
        assert task_digest(find(moved)) == task_digest(find(task(place, name)))


def test_dev_scores_the_rows_of_the_validation_split(place, tmp_path):
    (result,) = score(place, [task(place, "know", split="dev")], tmp_path)
    file = place / "eval" / "data" / "know" / "dev.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    from lethe.evaluation.outcomes import item_id

    assert [item["item_id"] for item in result["items"]] == [item_id(r, "cluster") for r in rows]
    assert result["split"] == "dev" and result["n"] == 6


def test_examples_before_a_question_never_include_the_question(place):
    from lethe.evaluation.tasks import build, find

    lm_task = build(find(task(place, "know", split="dev", shots=4)))
    lm_task.build_all_requests()
    assert len(lm_task.instances) == 24
    for instance in lm_task.instances:
        prompt = instance.args[0]
        assert prompt.count("?") == 5
        assert prompt.count(instance.doc["question"]) == 1


def test_a_limit_scores_the_first_documents_only(place, tmp_path, results):
    (result,) = score(place, [task(place, "know", limit=5)], tmp_path)
    assert [item["item_id"] for item in result["items"]] == [
        item["item_id"] for item in results["know"]["items"][:5]
    ]


def test_a_collapsed_model_shows_in_the_modal_share(place, tmp_path, results):
    import torch
    from safetensors.torch import load_file, save_file

    checkpoint = tmp_path / "collapsed"
    shutil.copytree(place / "checkpoint", checkpoint)
    weights = load_file(checkpoint / "model.safetensors")
    # Nothing but the constant part is left: every text gets the same next word.
    weights = {name: w if "norm" in name else torch.zeros_like(w) for name, w in weights.items()}
    save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})
    tasks = [task(place, "yes_no"), task(place, "own")]
    for result in score(place, tasks, tmp_path / "store", checkpoint):
        assert value(result, "modal_share") == 1.0
        assert value(results[result["task"]], "modal_share") < 1.0


def test_weights_that_are_not_numbers_are_reported_and_nothing_is_kept(place, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    checkpoint = tmp_path / "diverged"
    shutil.copytree(place / "checkpoint", checkpoint)
    weights = load_file(checkpoint / "model.safetensors")
    weights["model.norm.weight"] = torch.full_like(weights["model.norm.weight"], float("nan"))
    save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="weights are broken"):
        score(place, [task(place, "know")], tmp_path / "store", checkpoint)
    assert not list((tmp_path / "store").glob("*"))


def cut(text: str) -> str:
    return text[:50]


def one_more_item(text: str) -> str:
    return re.sub(r'"n": (\d+)', lambda found: f'"n": {int(found[1]) + 1}', text, count=1)


@pytest.mark.parametrize("damage", [cut, one_more_item])
def test_a_kept_result_that_was_altered_is_named_and_made_again(place, tmp_path, capsys, damage):
    before = score(place, [task(place, "yes_no")], tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text(damage(file.read_text()))
    again = score(place, [task(place, "yes_no")], tmp_path)
    assert f"{file.name}: " in capsys.readouterr().err
    for result in (*before, *again):
        del result["seconds"]
    assert again == before


def test_a_result_that_was_kept_under_another_name_is_not_taken(place, tmp_path, capsys):
    score(place, [task(place, "yes_no"), task(place, "know")], tmp_path)
    first, second = sorted(tmp_path.iterdir())
    texts = first.read_text(), second.read_text()
    first.write_text(texts[1])
    second.write_text(texts[0])
    again = score(place, [task(place, "yes_no"), task(place, "know")], tmp_path)
    assert [result["task"] for result in again] == ["yes_no", "know"]
    assert capsys.readouterr().err.count("was altered; it is made again") == 2


def test_an_encoder_decoder_is_scored_as_stock_lm_eval_scores_it(place, tmp_path):
    import torch
    from lm_eval.models.huggingface import HFLM
    from transformers import T5Config, T5ForConditionalGeneration

    from lethe.evaluation.checkpoint import open_checkpoint
    from lethe.evaluation.tasks import build, find

    tokenizer = world.write_tokenizer(tmp_path / "t5")
    torch.manual_seed(0)
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 4}
    ids = {"decoder_start_token_id": 0, "eos_token_id": 2, "pad_token_id": 0}
    config = T5Config(vocab_size=len(tokenizer), n_positions=128, **sizes, **ids)
    T5ForConditionalGeneration(config).save_pretrained(tmp_path / "t5")
    tasks = [task(place, "know"), task(place, "own", limit=4)]
    choice, generated = score(place, tasks, tmp_path / "store", tmp_path / "t5")
    model, tokenizer = open_checkpoint(tmp_path / "t5", "float32")
    lm_task = build(find(tasks[0]))
    lm_task.build_all_requests()
    theirs = HFLM(model, tokenizer=tokenizer, batch_size=4).loglikelihood(lm_task.instances)
    docs = [instance.doc for instance in lm_task.instances[::4]]
    golds = [theirs[4 * i + doc["answer"]][0] for i, doc in enumerate(docs)]
    assert [item["gold_logprob"] for item in choice["items"]] == pytest.approx(golds, abs=1e-4)
    assert generated["n"] == 4


def test_scores_by_hand_are_those_of_the_pipeline(place, results):
    (result,) = evaluate(place / "checkpoint", ["know"], str(place / "eval"))
    assert result["scores"] == results["know"]["scores"]


@pytest.mark.parametrize("key", ["cluster", "subset"])
def test_a_column_that_the_documents_lack_is_named(place, tmp_path, key):
    sentence = f"^know: expected a column that its documents have as `{key}`, found 'pasage'"
    with pytest.raises(UserError, match=sentence):
        score(place, [task(place, "know", **{key: "pasage"})], tmp_path)
