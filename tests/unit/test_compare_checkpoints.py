"""lethe compare on checkpoints: scored once, kept, paired item by item, with their texts."""

import json
from pathlib import Path

import evaluation_world as world
import numpy as np
import pytest

from lethe.cli import main
from lethe.commands.evaluate import evaluate

HOSTILE = "<img src=x onerror=alert(1)> \u202eterces"


def hostile_rows(seed: int, n: int) -> list[dict]:
    """Questions that would run, load or turn something if a page took them for more than text."""
    rows = world.choice_rows(seed, n)
    return [{**row, "question": f"{HOSTILE} {row['question']}"} for row in rows]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    for seed, name in enumerate(("before", "after")):
        world.write_checkpoint(folder / name, seed)
    for name, rows in {"know": world.choice_rows, "hostile": hostile_rows}.items():
        world.write_task(folder / "eval", name, world.CHOICE, rows, n=24)
    world.write_task(folder / "eval", "own", world.OWN, world.own_rows, n=8, length=8)
    return folder


def compared(place: Path, capsys, *options: str) -> dict:
    targets = [str(place / "before"), str(place / "after")]
    assert main(["compare", *targets, "--json", *options]) in (0, 3)
    return json.loads(capsys.readouterr().out)


def tasks(place: Path, *names: str) -> list[str]:
    return ["--tasks", *names, "--include-path", str(place / "eval")]


def test_two_checkpoints_have_the_numbers_of_their_items(place, capsys):
    report = compared(place, capsys, *tasks(place, "know", "own"), "--out", str(place / "kept"))
    (before,), (after,) = (
        evaluate(place / name, ["know"], str(place / "eval")) for name in ("before", "after")
    )
    answers = [{i["item_id"]: i["correct"] for i in r["items"]} for r in (before, after)]
    know, own = report["comparisons"][0]["sets"]
    lost = sum(answers[0][name] > answers[1][name] for name in answers[0])
    assert (know["set"], know["counts"]["lost"], know["items"]) == ("know", lost, 24)
    assert know["clusters"] == 12 and know["chance"] == 25.0
    assert know["change"] == pytest.approx(
        100 * sum(answers[1][name] - answers[0][name] for name in answers[0]) / 24
    )
    assert own["metric"] == "sari" and own["counts"] is None


def test_kept_scores_are_not_computed_again(place, capsys, monkeypatch):
    options = [*tasks(place, "know"), "--out", str(place / "kept-twice")]
    first = compared(place, capsys, *options)

    def refuse(*_, **__):
        raise AssertionError("a model was loaded for scores that are kept")

    monkeypatch.setattr("lethe.evaluation.harness.open_checkpoint", refuse)
    assert compared(place, capsys, *options) == first


def test_what_evaluate_printed_compares_as_the_checkpoint_does(place, capsys):
    files = []
    for name in ("before", "after"):
        results = evaluate(place / name, ["know"], str(place / "eval"))
        files.append(place / f"{name}.json")
        files[-1].write_text(json.dumps(results))
    main(["compare", *map(str, files), "--json"])
    from_files = json.loads(capsys.readouterr().out)["comparisons"][0]["sets"]
    assert from_files == compared(place, capsys, *tasks(place, "know"))["comparisons"][0]["sets"]


def test_other_precisions_are_refused_with_both(place, capsys):
    results = evaluate(place / "before", ["know"], str(place / "eval"), dtype="bfloat16")
    (place / "bf16.json").write_text(json.dumps(results))
    targets = [str(place / "bf16.json"), str(place / "after")]
    assert main(["compare", *targets, *tasks(place, "know")]) == 2
    said = capsys.readouterr().err
    assert "'know' has the precision 'bfloat16'" in said and "'float32'" in said


def test_a_checkpoint_without_tasks_asks_for_them(place, capsys):
    assert main(["compare", str(place / "before"), str(place / "after")]) == 2
    assert "on which to score the checkpoint" in capsys.readouterr().err


def test_a_hostile_text_is_text_on_the_page(place, capsys):
    page = place / "page.html"
    compared(place, capsys, *tasks(place, "hostile"), "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert "&lt;img src=x onerror=alert(1)&gt;" in text and "<img" not in text
    assert "\\u202eterces" in text and "\u202e" not in text
    assert "right answer, chosen before" in text and "chosen after" in text


def test_an_adapter_is_compared_with_its_base(place, capsys):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(place / "before")
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(place / "adapter")
    targets = [str(place / "before"), str(place / "adapter")]
    options = [*tasks(place, "know"), "--base", str(place / "before"), "--json"]
    assert main(["compare", *targets, *options]) in (0, 3)
    (know,) = json.loads(capsys.readouterr().out)["comparisons"][0]["sets"]
    counts = know["counts"]
    assert counts["lost"] + counts["regained"] > 0
    assert know["change"] == pytest.approx(100 * (counts["regained"] - counts["lost"]) / 24)


def texts_scored(losses: list[float], tokens: list[int]) -> list[dict]:
    """What `lethe evaluate --json` prints of a set of held-out texts."""
    mean = float(np.average(losses, weights=tokens))
    score = {"metric": "lm_loss", "subset": "", "value": mean, "stderr": 0.4, "n": len(losses)}
    items = [
        {
            "item_id": str(number),
            "cluster_id": str(number),
            "metrics": {"lm_loss": loss, "tokens": float(count)},
            "predicted": "",
        }
        for number, (loss, count) in enumerate(zip(losses, tokens, strict=True))
    ]
    scores = [{**score, "higher_is_better": False}]
    return [{"task": "letters", "axis": "prose", "chance": None, "scores": scores, "items": items}]


def test_held_out_texts_are_paired_each_by_its_tokens(tmp_path, capsys):
    tokens, before = [10, 200, 30, 60, 90, 20], [5.0, 2.0, 4.0, 3.0, 2.5, 4.5]
    moves = [0.5, 0.1, 0.4, 0.2, 0.15, 0.3]
    after = [loss + move for loss, move in zip(before, moves, strict=True)]
    (tmp_path / "before.json").write_text(json.dumps(texts_scored(before, tokens)))
    (tmp_path / "after.json").write_text(json.dumps(texts_scored(after, tokens)))
    (tmp_path / "other.json").write_text(json.dumps(texts_scored(after, tokens[::-1])))
    files = [str(tmp_path / f"{name}.json") for name in ("before", "after", "other")]
    assert main(["compare", *files[:2], "--json", "--margin-of", "lm_loss=0.5"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["comparisons"][0]["sets"]
    mean = float(np.average(moves, weights=tokens))
    assert one["paired"] and one["change"] == pytest.approx(mean) and one["verdict"] == "kept"
    # Six residuals t (d - mean) / mean t, by hand: variance 6/5 sum r^2 / 36, Student's t at 5.
    rest = [t * (d - mean) / np.mean(tokens) for t, d in zip(tokens, moves, strict=True)]
    half = 2.5706 * (6 / 5 * sum(r**2 for r in rest) / 36) ** 0.5
    assert one["interval"] == pytest.approx([mean - half, mean + half], abs=1e-4)
    main(["compare", files[0], files[2], "--json"])
    (one,) = json.loads(capsys.readouterr().out)["comparisons"][0]["sets"]
    assert not one["paired"] and "other numbers of tokens" in " ".join(one["notes"])


@pytest.mark.parametrize("is_before", [True, False])
def test_texts_without_tokens_on_one_side_or_with_none_are_told_and_not_paired(
    tmp_path, capsys, is_before
):
    unknown = texts_scored([5.0, 2.0], [10, 20])
    for item in unknown[0]["items"]:
        del item["metrics"]["tokens"]
    (tmp_path / "known.json").write_text(json.dumps(texts_scored([5.0, 2.0], [10, 20])))
    (tmp_path / "unknown.json").write_text(json.dumps(unknown))
    files = [str(tmp_path / f"{name}.json") for name in ("known", "unknown")]
    main(["compare", *(files[::-1] if is_before else files), "--json"])
    (one,) = json.loads(capsys.readouterr().out)["comparisons"][0]["sets"]
    when = "before" if is_before else "after"
    assert f"how many tokens the texts have is not known {when}" in one["notes"]
    assert not one["paired"]
    none = texts_scored([5.0, 2.0], [1, 1])
    for item in none[0]["items"]:
        item["metrics"]["tokens"] = 0.0
    (tmp_path / "none.json").write_text(json.dumps(none))
    main(["compare", str(tmp_path / "none.json"), files[0], "--json"])
    (one,) = json.loads(capsys.readouterr().out)["comparisons"][0]["sets"]
    assert not one["paired"] and "other numbers of tokens" in " ".join(one["notes"])
    (tmp_path / "after.json").write_text(json.dumps(none))
    main(["compare", str(tmp_path / "none.json"), str(tmp_path / "after.json"), "--json"])
    (one,) = json.loads(capsys.readouterr().out)["comparisons"][0]["sets"]
    assert not one["paired"] and "no token that is predicted" in " ".join(one["notes"])


def test_one_text_has_no_interval_and_says_so(tmp_path, capsys):
    files = [tmp_path / "before.json", tmp_path / "after.json"]
    for file, loss in zip(files, (5.0, 5.5), strict=True):
        file.write_text(json.dumps(texts_scored([loss], [10])))
    main(["compare", *map(str, files), "--json"])
    (one,) = json.loads(capsys.readouterr().out)["comparisons"][0]["sets"]
    assert one["interval"] == [None, None] and one["change"] == 0.5
    assert one["notes"] == ["one item, or one cluster: there is no interval"]


def test_a_text_of_which_no_token_is_right_is_no_wrong_answer(tmp_path, capsys):
    scored = texts_scored([0.0, 0.0], [10, 20])
    scored[0]["scores"][0]["higher_is_better"] = True
    files = [tmp_path / "before.json", tmp_path / "after.json"]
    for file in files:
        file.write_text(json.dumps(scored).replace("lm_loss", "lm_accuracy"))
    main(["compare", *map(str, files), "--json"])
    (one,) = json.loads(capsys.readouterr().out)["comparisons"][0]["sets"]
    assert one["metric"] == "lm_accuracy" and one["paired"] and one["counts"] is None
