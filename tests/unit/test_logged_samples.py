"""Samples that lm-eval itself logged ask and answer what the same documents do here."""

import shutil

import evaluation_world as world
import pytest

from lethe.commands.evaluate import evaluate
from lethe.evaluation.questions import with_questions
from lethe.evaluation.specification import EvalTask
from lethe.imported.result_file import read_result_file, sample_file
from lethe.imported.scores import result_of_file

CONTEXTS = world.CHOICE.replace('"question"', '"answer"').replace(
    'doc_to_target: "answer"', 'doc_to_target: "question"'
)
INFORMED = world.CHOICE + "  - {{metric: acc_mutual_info, higher_is_better: true}}\n"
TASKS = {
    "know": (world.CHOICE, world.choice_rows),
    "templated": (world.TEMPLATED, world.choice_rows),
    "informed": (INFORMED, world.choice_rows),
    "contexts": (CONTEXTS, lambda seed, n: world.choice_rows(seed, n, choices=2)),
    "own": (world.OWN, world.own_rows),
}
ASKED = {"axis": "a", "metric": "acc", "chance": 0.25, "shots": 0, "cluster": "cluster"}
ASKED |= {"subset": None, "digest": "none"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    world.write_checkpoint(folder / "checkpoint")
    for name, (template, rows) in TASKS.items():
        world.write_task(folder / "eval", name, template, rows, length=8)
    return folder


@pytest.fixture(scope="module", params=[0, 2], ids=["0-shot", "2-shot"])
def logged(request, place):
    """(shots, result file) as `lm_eval --log_samples --output_path` writes it."""
    from lm_eval import evaluator
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from lethe.evaluation.checkpoint import open_checkpoint

    folder = place / f"stock{request.param}"
    shutil.copytree(place / "eval", folder)
    for path in folder.glob("*.yaml"):
        text = path.read_text().replace(": data/", f": {folder}/data/")
        path.write_text(
            text.replace("dataset_kwargs:", f"dataset_kwargs:\n  cache_dir: {place}/cache")
        )
    model, tokenizer = open_checkpoint(place / "checkpoint", "float32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluator, "add_env_info", lambda _: None)
        tracker = EvaluationTracker(output_path=str(folder / "out"))
        raw = evaluator.simple_evaluate(
            model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=5),
            tasks=list(TASKS),
            num_fewshot=request.param,
            task_manager=TaskManager(include_path=str(folder), include_defaults=False),
            bootstrap_iters=0,
            log_samples=True,
            evaluation_tracker=tracker,
        )
    samples = raw.pop("samples")
    tracker.save_results_aggregated(results=raw, samples=samples)
    for name, found in samples.items():
        tracker.save_results_samples(task_name=name, samples=found)
    return request.param, next((folder / "out").rglob("results_*.json"))


def imported(file, name: str, **changes) -> dict:
    sampled = {name: {"path": str(sample_file(file, name))}}
    task = {**ASKED, "name": name, **changes}
    return result_of_file(task, read_result_file(file, "x"), sampled, texts=True)


@pytest.mark.parametrize("name", TASKS)
def test_samples_ask_and_answer_what_the_same_documents_do_here(place, logged, name):
    shots, file = logged
    theirs = imported(file, name, metric="rouge1" if name == "own" else "acc", shots=shots)
    (here,) = evaluate(place / "checkpoint", [name], str(place / "eval"), shots=shots)
    here = with_questions(EvalTask(name, str(place / "eval"), shots=shots), here)
    assert len(theirs["items"]) == len(here["items"]) == 12
    for one, other in zip(theirs["items"], here["items"], strict=True):
        assert one["predicted"] == other["predicted"]
        assert one["gold"] == other["gold"] and one["answers"] == other["answers"]
        assert one["margin"] == pytest.approx(other["margin"], abs=1e-4)
        assert one.get("choice_logprobs") == pytest.approx(other["choice_logprobs"], abs=1e-4)
        if name == "contexts":
            assert one["question"].endswith(other["question"])
        else:
            assert one["question"] == other["question"]
        assert one["choices"] == other["choices"]
