"""lethe compare on result files: verdicts, exit status, and what is refused or said."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from result_files import DATE, choice_sample, result, task_entry, write, write_samples

from lethe.cli import main
from lethe.commands.compare import MARGIN
from lethe.metrics.matrix import forget_chaudhry
from lethe.metrics.schedule import Schedule

N = 400


def rights(lost: int = 0, regained: int = 0, right: int = 300, n: int = N) -> list[bool]:
    """Whether each of n items is right after: the first `lost` of the right ones no more."""
    before = [number < right for number in range(n)]
    return [(r and i >= lost) or (not r and i < right + regained) for i, r in enumerate(before)]


def scored(folder: Path, tasks: dict[str, list[bool]], samples: bool = True, **changes) -> str:
    """A folder as lm-eval writes it, with the samples of each task."""
    entries = {}
    for name, right in tasks.items():
        mean = float(np.mean(right))
        entries[name] = task_entry(name, mean, np.sqrt(mean * (1 - mean) / len(right)), len(right))
        entries[name].pop("acc_norm,none")
    raw = result(dict.fromkeys(tasks, 0.5))
    raw["results"] = entries
    raw["n-samples"] = {name: {"original": 900, "effective": len(r)} for name, r in tasks.items()}
    write(folder, raw | changes)
    for name, right in tasks.items() if samples else ():
        write_samples(folder, name, [choice_sample(i, r) for i, r in enumerate(right)])
    return str(folder)


@pytest.fixture
def base(tmp_path):
    return scored(tmp_path / "base", {"mmlu_stem": rights(), "hellaswag": rights()})


def compared(capsys, *arguments: str) -> tuple[int, dict]:
    status = main(["compare", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def sets_of(report: dict, place: int = 0) -> dict[str, dict]:
    return {entry["set"]: entry for entry in report["comparisons"][place]["sets"]}


def test_a_loss_is_counted_item_by_item_and_ends_with_status_3(tmp_path, base, capsys):
    tasks = {"mmlu_stem": rights(lost=80, regained=10), "hellaswag": rights(lost=1, regained=2)}
    status, report = compared(capsys, base, scored(tmp_path / "after", tasks))
    sets = sets_of(report)
    assert status == 3 and report["comparisons"][0]["verdict"] == "lost"
    stem = sets["mmlu_stem"]
    assert stem["counts"] == {"kept": 220, "lost": 80, "regained": 10, "never": 90}
    assert (stem["before"], stem["after"]) == pytest.approx((75, 57.5))
    assert {name: len(ids) for name, ids in stem["changed_items"].items()} == {
        "lost": 80,
        "regained": 10,
    }
    assert stem["change"] == pytest.approx(-17.5)
    assert stem["interval"][0] < -17.5 < stem["interval"][1] < -MARGIN
    assert (stem["verdict"], sets["hellaswag"]["verdict"]) == ("lost", "kept")
    assert (stem["ability"], sets["hellaswag"]["ability"]) == ("knowledge", "reasoning")


def test_undecided_fails_only_when_asked_to(tmp_path, base, capsys):
    after = scored(tmp_path / "after", {"mmlu_stem": rights(20, 10), "hellaswag": rights()})
    assert main(["compare", base, after]) == 0
    assert main(["compare", base, after, "--fail-on", "undecided"]) == 4
    said = capsys.readouterr().out
    assert "UNDECIDED: of 2 sets 1 kept, 1 undecided" in said
    assert re.search(r"would decide .*mmlu_stem\s+\d", said, re.DOTALL)


def test_a_wider_margin_turns_a_loss_into_nothing_lost(tmp_path, base, capsys):
    after = scored(tmp_path / "after", {"mmlu_stem": rights(40), "hellaswag": rights()})
    assert main(["compare", base, after]) == 3
    assert main(["compare", base, after, "--margin", "20"]) == 0
    assert "KEPT: of 2 sets 2 kept (margin 20 points)" in capsys.readouterr().out


def test_headline_footer_json_and_page_name_the_margins_that_were_used(tmp_path, base, capsys):
    after = scored(tmp_path / "after", {"mmlu_stem": rights(40), "hellaswag": rights()})
    page = tmp_path / "page.html"
    main(["compare", base, after, "--margin-of", "acc=50", "--html", str(page)])
    said = capsys.readouterr().out
    assert "2 kept (margin 50 points for acc)" in said and "is below -50; kept" in said
    assert "Margin <bdi>50 points for acc</bdi>." in page.read_text(encoding="utf-8")
    report = compared(capsys, base, after, "--margin-of", "acc=50")[1]
    assert {found["margin"] for found in sets_of(report).values()} == {50}


def test_one_answer_for_all_is_said_to_be_collapsed(tmp_path, base, capsys):
    after = scored(tmp_path / "after", {"mmlu_stem": rights(lost=300), "hellaswag": rights()})
    assert main(["compare", base, after]) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "mmlu_stem: collapsed answers, 100% of them are the same (75% before)" in said
    assert sets_of(compared(capsys, base, after)[1])["mmlu_stem"]["known_lost"] == {
        "why_not": "answers collapsed after, 100% are the same"
    }


def test_scores_that_are_equal_by_chance_are_not_taken_for_one_checkpoint(tmp_path, base, capsys):
    """As many items lost as regained: another checkpoint, and none is known less than before."""
    after = scored(tmp_path / "after", {"mmlu_stem": rights(20, 20), "hellaswag": rights(5, 5)})
    asks = "the checkpoint that you mean"
    page = tmp_path / "page.html"
    main(["compare", base, after, "--html", str(page)])
    assert asks not in capsys.readouterr().out
    main(
        ["compare", base, scored(tmp_path / "same", {"mmlu_stem": rights(), "hellaswag": rights()})]
    )
    assert "no score and no item changed: is same " in " ".join(capsys.readouterr().out.split())
    written = page.read_text(encoding="utf-8")
    assert "<b>known and lost</b>" in written and "verdict_interval" not in written
    known = sets_of(compared(capsys, base, after)[1])["mmlu_stem"]["known_lost"]["lost"]
    assert min(known) < 0 < max(known) and f">0 to {100 * max(known):.0f} %<" in written


def test_a_score_that_changed_is_another_checkpoint_though_its_samples_are_equal(
    tmp_path, base, capsys
):
    after = scored(tmp_path / "far", {"mmlu_stem": rights(), "hellaswag": rights()})
    for path in Path(after).rglob("results_*.json"):
        found = json.loads(path.read_text())
        found["results"]["mmlu_stem"]["acc,none"] = 0.60
        path.write_text(json.dumps(found))
    main(["compare", base, after])
    assert "the checkpoint that you mean" not in capsys.readouterr().out


def test_a_base_at_chance_is_never_kept(tmp_path, capsys):
    base = scored(tmp_path / "base", {"piqa": rights(right=200)})
    after = scored(tmp_path / "after", {"piqa": rights(right=200)})
    assert main(["compare", base, after, "--fail-on", "undecided"]) == 4
    said = " ".join(capsys.readouterr().out.split())
    assert "piqa: at floor, the base scores 50.0 where guessing gives 50.0" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"config": {"model_dtype": "float32"}}, ["precision", "'float32'", "'bfloat16'"]),
        ({"n-shot": {"mmlu_stem": 5, "hellaswag": 0}}, ["number of shots", "'5'", "'0'"]),
        ({"chat_template": "{{ x }}"}, ["chat template", "'none'"]),
    ],
)
def test_files_that_were_not_made_alike_are_refused_with_both_values(
    tmp_path, base, capsys, changes, words
):
    tasks = {"mmlu_stem": rights(), "hellaswag": rights()}
    after = scored(tmp_path / "after", tasks, **changes)
    assert main(["compare", base, after]) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in ["mmlu_stem", *words]), said
    assert len(said) < 330 and ("--harmless" in said) == ("n-shot" not in changes)


def test_what_is_declared_harmless_is_compared(tmp_path, base, capsys):
    after = scored(
        tmp_path / "after", {"mmlu_stem": rights()}, config={"model_dtype": "torch.float32"}
    )
    names = ["dtype", "backend"]
    status, report = compared(capsys, base, after, "--harmless", *names)
    assert status == 0 and report["harmless"] == names


def test_a_set_that_only_one_side_has_is_said(tmp_path, base, capsys):
    after = scored(tmp_path / "after", {"mmlu_stem": rights()})
    main(["compare", base, after])
    assert "hellaswag: acc is in base alone, so it is not compared" in capsys.readouterr().out


def test_a_score_that_is_no_number_is_said(tmp_path, base, capsys):
    after = scored(tmp_path / "after", {"mmlu_stem": rights(), "hellaswag": rights()})
    path = Path(after) / f"results_{DATE}.json"
    raw = json.loads(path.read_text())
    raw["results"]["hellaswag"]["acc,none"] = float("nan")
    path.write_text(json.dumps(raw))
    main(["compare", base, after])
    assert "hellaswag: acc is nan in after, so it is not compared" in capsys.readouterr().out


def test_nothing_in_common_is_a_mistake(tmp_path, base, capsys):
    after = scored(tmp_path / "after", {"piqa": rights()})
    assert main(["compare", base, after]) == 2
    assert "no evaluation set in common: mmlu_stem, hellaswag against piqa" in (
        capsys.readouterr().err
    )


def test_other_items_are_compared_as_far_as_both_have_them(tmp_path, capsys):
    base = scored(tmp_path / "base", {"piqa": rights()})
    after = scored(tmp_path / "after", {"piqa": rights(lost=50)[:200]})
    _, report = compared(capsys, base, after)
    found = sets_of(report)["piqa"]
    assert (found["items"], found["before"], found["after"]) == (200, 100.0, 75.0)
    assert found["notes"] == ["items differ, 400 and 200: 200 in both"]


def test_without_samples_the_interval_is_from_the_standard_errors_and_this_is_said(
    tmp_path, capsys
):
    tasks = {"piqa": rights(lost=120)}
    base = scored(tmp_path / "base", {"piqa": rights()}, samples=False)
    status, report = compared(capsys, base, scored(tmp_path / "after", tasks, samples=False))
    found = sets_of(report)["piqa"]
    error = np.sqrt(0.75 * 0.25 / N + 0.45 * 0.55 / N)
    assert found["interval"] == pytest.approx([-30 - 196.6 * error, -30 + 196.6 * error], rel=1e-3)
    assert (status, found["paired"], found["counts"]) == (3, False, None)
    assert "not paired" in found["notes"][0]


def test_a_metric_that_is_better_if_lower_needs_a_margin_of_its_own(tmp_path, capsys):
    def perplexity(folder: Path, value: float) -> str:
        raw = result({"wikitext": 0.5})
        entry = {"word_perplexity,none": value, "word_perplexity_stderr,none": 0.1}
        raw["results"] = {"wikitext": entry}
        raw["higher_is_better"] = {"wikitext": {"word_perplexity": False}}
        write(folder, raw)
        return str(folder)

    base, after = perplexity(tmp_path / "base", 12.0), perplexity(tmp_path / "after", 14.0)
    status, report = compared(capsys, base, after)
    found = sets_of(report)["wikitext"]
    assert (status, found["verdict"]) == (0, None) and "--margin-of" in found["why_no_verdict"]
    assert found["change"] == 2.0 and found["interval"][0] > 1
    assert compared(capsys, base, after, "--margin-of", "word_perplexity=1")[0] == 3
    assert compared(capsys, after, base, "--margin-of", "word_perplexity=1")[0] == 0


def test_a_filter_names_a_metric_of_its_own(tmp_path, capsys):
    """lm-eval logs a generated answer once for every filter."""

    def generated(folder: Path, strict: list[bool], flexible: list[bool]) -> str:
        found = {"strict-match": strict, "flexible-extract": flexible}
        raw = result({"gsm8k": 0.5})
        raw["results"] = {
            "gsm8k": {f"exact_match,{f}": float(np.mean(r)) for f, r in found.items()}
        }
        raw["n-samples"] = {"gsm8k": {"effective": N}}
        write(folder, raw)
        samples = [
            choice_sample(i, True)
            | {"filter": name, "exact_match": float(r), "filtered_resps": [f"answer {i}"]}
            for name, right in found.items()
            for i, r in enumerate(right)
        ]
        write_samples(folder, "gsm8k", samples)
        return str(folder)

    base = generated(tmp_path / "base", rights(), rights())
    after = generated(tmp_path / "after", rights(lost=100), rights())
    status, report = compared(capsys, base, after)
    found = sets_of(report)["gsm8k"]
    assert (status, found["metric"], found["counts"]["lost"]) == (
        3,
        "exact_match,strict-match",
        100,
    )
    other = ["--metric", "gsm8k=exact_match,flexible-extract"]
    status, report = compared(capsys, base, after, *other)
    assert (status, sets_of(report)["gsm8k"]["counts"]["lost"]) == (0, 0)


def test_bias_has_no_verdict(tmp_path, capsys):
    base = scored(tmp_path / "base", {"crows_pairs_english": rights()})
    after = scored(tmp_path / "after", {"crows_pairs_english": rights(lost=200)})
    status, report = compared(capsys, base, after)
    assert (status, sets_of(report)["crows_pairs_english"]["verdict"]) == (0, None)


def test_two_runs_in_one_folder_are_asked_about(tmp_path, base, capsys):
    write(Path(base), result({"mmlu_stem": 0.5}), f"results_{DATE.replace('03', '05')}.json")
    assert main(["compare", base, base + "/results_" + DATE + ".json"]) == 2
    said = capsys.readouterr().err
    assert "the task 'mmlu_stem' is in both" in said and "as the newest" in said


@pytest.mark.parametrize("change", [{}, {"samples": True}])
def test_a_target_that_is_none_says_what_may_be_given(tmp_path, base, capsys, change):
    given = f"{base}/samples_mmlu_stem_{DATE}.jsonl" if change else str(tmp_path / "none.json")
    assert main(["compare", base, given]) == 2
    said = capsys.readouterr().err
    assert ("give the file of results" if change else "there is no such file") in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--margin", "-1"], "expected a number above 0, found -1.0"),
        (["--margin", "101"], "expected points below 100, found 101"),
        (["--margin-of", "acc=200"], "expected points below 100, found 200"),
        (["--margin-of", "acc"], "expected NAME=VALUE, found 'acc'"),
        (["--margin-of", "f1=2"], "no set is compared by 'f1'; they are by acc"),
        (["--margin-of", "acc=2", "--margin-of", "acc=3"], "acc has both '2' and '3'"),
        (["--metric", "f1"], "no set has 'f1'; they have acc"),
        (["--metric", "acc="], "expected NAME=VALUE, found 'acc='"),
        (["--metric", "acc", "--metric", "f1"], "all tasks has both 'acc' and 'f1'"),
        (["--metric", "mmlu=acc"], "'mmlu' is no set compared; those are mmlu_stem, hellaswag"),
        (["--ability", "code=mbpp"], "'mbpp' is none of the sets compared, nor the start"),
        (["--ability", "a=mmlu", "--ability", "b=mmlu"], "mmlu has both 'a' and 'b'"),
        (["--limit", "3"], "--limit: changes how a checkpoint is scored"),
        (["--dtype", "float16"], "--dtype: changes how a checkpoint is scored"),
        (["--metric", "mmlu_stem=f1"], "mmlu_stem has no metric 'f1'; it has acc"),
        (["--tasks", "mmlu"], "none of the results has 'mmlu'; they have mmlu_stem, hellaswag"),
        (["--harmless", "shots"], "`shots` changes a score; what may be named is version"),
        (["--html", "none/page.html"], "there is no folder for none/page.html"),
    ],
)
def test_a_wrong_option_is_one_sentence(tmp_path, base, capsys, options, words):
    after = scored(tmp_path / "after", {"mmlu_stem": rights(), "hellaswag": rights()})
    assert main(["compare", base, after, *options]) == 2
    assert words in capsys.readouterr().err


def test_a_group_stands_for_its_tasks(tmp_path, capsys):
    tasks = {"mmlu": rights(), "mmlu_a": rights()[:200], "mmlu_b": rights()[200:]}
    groups = {"group_subtasks": {"mmlu": ["mmlu_a", "mmlu_b"]}}
    folders = [scored(tmp_path / name, tasks, **groups) for name in ("base", "after")]
    for folder in folders:
        for name, first in {"mmlu_a": 0, "mmlu_b": 200}.items():
            samples = [choice_sample(i, rights()[i]) for i in range(first, first + 200)]
            write_samples(Path(folder), name, samples)
    assert list(sets_of(compared(capsys, *folders)[1])) == ["mmlu"]
    assert list(sets_of(compared(capsys, *folders, "--tasks", "mmlu_a,mmlu_b")[1])) == [
        "mmlu_a",
        "mmlu_b",
    ]


def test_a_chain_has_the_metrics_of_the_registry(tmp_path, base, capsys):
    lost = [{"mmlu_stem": 20, "hellaswag": 0}, {"mmlu_stem": 60, "hellaswag": 10}]
    folders = [
        scored(tmp_path / f"s{i}", {name: rights(lost=number) for name, number in each.items()})
        for i, each in enumerate(lost)
    ]
    _, report = compared(capsys, base, *folders)
    rows = {row["ability"]: row for row in report["chain"]}
    assert list(rows) == ["knowledge", "reasoning", "all abilities"]
    scores = np.array([[0.75, 0.75], [0.7, 0.75], [0.6, 0.725]])
    everything = rows["all abilities"]
    assert everything["drop_points"] == pytest.approx(100 * (0.15 + 0.025) / 2)
    relative = (0.75 - scores[1:]) / 0.75
    assert everything["fg_luo"] == pytest.approx(100 * relative.mean())
    stages = np.vstack([[np.nan, np.nan], scores])
    best = forget_chaudhry(stages, schedule=Schedule(((0, 1), (), ())))
    assert everything["forget_chaudhry"] == pytest.approx(100 * best) == pytest.approx(8.75)


def test_text_is_plain_in_a_pipe_and_fits_80_columns(tmp_path, base, capsys):
    after = scored(tmp_path / "after", {"mmlu_stem": rights(80), "hellaswag": rights(20, 10)})
    main(["compare", base, after])
    said = capsys.readouterr().out
    assert "\x1b" not in said and max(map(len, said.splitlines())) <= 80


def test_names_are_never_cut_in_a_pipe(tmp_path, capsys):
    name = "a_set_with_a_name_that_is_longer_than_any_column_of_the_table"
    folders = [scored(tmp_path / n, {name: rights()}) for n in ("base", "after")]
    main(["compare", *folders])
    assert f"  {name} " in (said := capsys.readouterr().out) and "…" not in said


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_it_is_asked_for_none(
    tmp_path, base, capsys, monkeypatch, no_color, coloured
):
    after = scored(tmp_path / "after", {"mmlu_stem": rights(80), "hellaswag": rights()})
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    main(["compare", base, after])
    assert ("\x1b[31;1mlost\x1b[0m" in capsys.readouterr().out) == coloured


def test_the_page_holds_hostile_texts_as_texts_and_asks_nothing_of_the_network(tmp_path, capsys):
    name = "x<script>alert(1)</script>"
    folders = []
    for place, right in {"base": rights(), "after": rights(lost=30)}.items():
        folders.append(scored(tmp_path / place, {name.replace("/", "_"): right}))
    page = tmp_path / "page.html"
    assert main(["compare", *folders, "--html", str(page)]) == 3
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert not re.search(r"(?:src|href|url)\s*[=(]", text.replace("default-src", ""))
    assert "30 lost" in text and text.count("<details") == text.count("</details>") > 0


def test_the_page_and_the_json_are_the_same_bytes_again(tmp_path, base, capsys):
    after = scored(tmp_path / "after", {"mmlu_stem": rights(80), "hellaswag": rights()})
    pages = []
    for name in ("one", "two"):
        main(["compare", base, after, "--json", "--html", str(tmp_path / name)])
        pages.append(((tmp_path / name).read_bytes(), capsys.readouterr().out))
    assert pages[0] == pages[1]


def test_result_files_need_neither_torch_nor_pandas(tmp_path, base):
    after = scored(tmp_path / "after", {"mmlu_stem": rights(), "hellaswag": rights()})
    code = (
        "import sys\nfrom lethe.cli import main\n"
        f"status = main(['compare', {base!r}, {after!r}])\n"
        "heavy = {'torch', 'transformers', 'pandas', 'lm_eval'} & set(sys.modules)\n"
        "sys.exit(status or bool(heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def altered(folder: str, name: str, change) -> str:
    """The folder with the samples of a set put through `change`."""
    path = Path(folder) / f"samples_{name}_{DATE}.jsonl"
    samples = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(sample) + "\n" for sample in change(samples)))
    return folder


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda samples: samples[:200], "the acc of 200 of 400 samples after has mean 0.6"),
        (lambda samples: samples + samples[:100], "the acc of 500 of 400 samples after has mean"),
        (lambda samples: [{**s, "acc": "1"} for s in samples], "samples after hold no acc"),
        (lambda _: [], "no samples after"),
    ],
)
def test_samples_that_do_not_give_the_score_are_said_with_what_they_are(
    tmp_path, base, capsys, change, words
):
    after = scored(tmp_path / "after", {"mmlu_stem": rights(lost=80)})
    found = sets_of(compared(capsys, base, altered(after, "mmlu_stem", change))[1])["mmlu_stem"]
    assert found["paired"] is False
    assert "not paired" in found["notes"][-1] and words in found["notes"][-1]


def test_a_score_that_its_own_samples_contradict_has_no_verdict(tmp_path, base, capsys):
    def folder(name: str, **changes) -> str:
        after = scored(tmp_path / name, {"mmlu_stem": rights(lost=100)}, **changes)
        path = Path(after) / f"results_{DATE}.json"
        path.write_text(path.read_text().replace('"acc,none": 0.5,', '"acc,none": 0.9,'))
        return after

    status, report = compared(capsys, base, folder("after"))
    found = sets_of(report)["mmlu_stem"]
    assert (status, found["verdict"]) == (0, None)
    assert "has mean 0.5 and the score is 0.9; the file was altered" in found["why_no_verdict"]
    # What a task aggregates in another way is no mean of its samples.
    listed = {"metric_list": [{"metric": "acc", "aggregation": "weighted"}]}
    other = folder("other", configs={"mmlu_stem": {"task": "mmlu_stem", **listed}})
    alike = altered_configs(base, {"mmlu_stem": {"task": "mmlu_stem", **listed}})
    assert sets_of(compared(capsys, alike, other)[1])["mmlu_stem"]["verdict"] == "kept"
    rounded = scored(tmp_path / "rounded", {"mmlu_stem": rights(lost=1)})
    path = Path(rounded) / f"results_{DATE}.json"
    path.write_text(path.read_text().replace("0.7475", "0.75"))
    plain = scored(tmp_path / "plain", {"mmlu_stem": rights()})
    assert sets_of(compared(capsys, plain, rounded)[1])["mmlu_stem"]["verdict"]


def altered_configs(folder: str, configs: dict) -> str:
    path = Path(folder) / f"results_{DATE}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"configs": configs}))
    return folder


def test_files_that_disagree_on_metric_direction_or_error_are_refused(tmp_path, base, capsys):
    other = only_scores(tmp_path / "other", "hellaswag", "f1", 0.5)
    assert main(["compare", base, other]) == 2
    assert "of hellaswag the former has the metric acc, the latter f1" in capsys.readouterr().err
    lower = scored(tmp_path / "lower", {"hellaswag": rights()})
    path = Path(lower) / f"results_{DATE}.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps(raw | {"higher_is_better": {"hellaswag": {"acc": False}}}))
    assert main(["compare", base, lower]) == 2
    assert "`higher_is_better` of acc is true in base and false in" in capsys.readouterr().err
    raw["results"]["hellaswag"]["acc_stderr,none"] = -0.1
    path.write_text(json.dumps(raw))
    assert main(["compare", base, lower]) == 2
    assert "standard error of 'acc' of 'hellaswag' is -0.1" in capsys.readouterr().err


def test_a_score_that_is_no_number_is_why_nothing_is_in_common(tmp_path, capsys):
    base = scored(tmp_path / "base", {"piqa": rights()})
    after = scored(tmp_path / "after", {"piqa": rights()})
    path = Path(after) / f"results_{DATE}.json"
    path.write_text(path.read_text().replace("0.75", "NaN"))
    assert main(["compare", base, after]) == 2
    assert "in common: piqa: acc is nan in after" in capsys.readouterr().err


def test_a_set_whose_name_is_no_name_of_a_file_has_no_samples(tmp_path, capsys):
    tasks = {"a/../b": rights(), "c": rights()}
    folders = [scored(tmp_path / n, tasks, samples=False) for n in ("base", "after")]
    assert sets_of(compared(capsys, *folders)[1])["a/../b"]["paired"] is False


def test_half_a_character_in_an_answer_is_shown_as_a_question_mark(tmp_path, capsys):
    def half(samples: list[dict]) -> list[dict]:
        return [{**s, "filtered_resps": [f"\ud800 {s['acc']}"]} for s in samples]

    folders = []
    for place, right in {"base": rights(), "after": rights(lost=80)}.items():
        folders.append(altered(scored(tmp_path / place, {"piqa": right}), "piqa", half))
    page = tmp_path / "page.html"
    assert main(["compare", *folders, "--html", str(page)]) == 3
    assert "? 0.0" in page.read_text(encoding="utf-8")


def only_scores(folder: Path, task: str, metric: str, value: float) -> str:
    raw = result({task: 0.5})
    raw["results"] = {task: {f"{metric},none": value, f"{metric}_stderr,none": value / 20}}
    write(folder, raw)
    return str(folder)


def test_a_bleu_in_percent_is_not_taken_for_a_share_because_it_is_low(tmp_path, capsys):
    folders = [only_scores(tmp_path / str(v), "wmt16", "bleu", v) for v in (0.9, 0.2)]
    status, report = compared(capsys, *folders)
    found = sets_of(report)["wmt16"]
    assert (status, found["unit"], found["before"], found["verdict"]) == (0, "bleu", 0.9, None)


def test_a_share_beside_a_score_in_percent_is_refused_with_both(tmp_path, capsys):
    folders = [only_scores(tmp_path / str(v), "squadv2", "f1", v) for v in (0.85, 60.0)]
    assert main(["compare", *folders]) == 2
    assert "f1 is 0.85 in 0.85 and 60 in 60.0, a share and one" in capsys.readouterr().err


def test_small_changes_of_a_score_that_is_no_share_are_printed(tmp_path, capsys):
    folders = [only_scores(tmp_path / str(v), "pile", "bits_per_byte", v) for v in (0.961, 0.998)]
    main(["compare", *folders])
    assert re.search(r"pile +0\.961 +0\.998 +\+0\.037 +\[-", capsys.readouterr().out)


def test_of_generated_answers_of_which_none_was_right_none_is_kept(tmp_path, capsys):
    folders = [scored(tmp_path / n, {"gsm8k": rights(right=0)}) for n in ("base", "after")]
    for folder in folders:
        altered(folder, "gsm8k", lambda samples: [{**s, "filtered_resps": ["7"]} for s in samples])
    assert main(["compare", *folders, "--fail-on", "undecided"]) == 4
    assert "at floor, the base scores 0.0 where guessing gives 0.0" in capsys.readouterr().out
