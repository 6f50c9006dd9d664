"""Result files that were made in different ways are no chain, unless a user declares them one."""

import json

import pytest
from result_files import result, study, write
from test_imported_results import KNOWLEDGE, collected, planned, refused, specs, two_stages

from lethe.cli import main
from lethe.errors import UserError
from lethe.imported.result_file import read_result_file
from lethe.longtables.same_versions import WORDS
from lethe.metrics.study import study_metrics

CONFIG = {"model": "hf", "model_dtype": "torch.bfloat16", "limit": None, "fewshot_seed": 1234}
SHA = "a" * 64

# As lm-eval 0.4.13 writes them, what a second stage may have that the base does not.
DIFFERENT = {
    "chat_template": {"chat_template": "{{ x }}", "chat_template_sha": SHA},
    "system_instruction": {"system_instruction": "Be brief.", "system_instruction_sha": SHA},
    "fewshot_as_multiturn": {"fewshot_as_multiturn": False},
    "max_length": {"max_length": 512},
    "transformers_version": {"transformers_version": "4.40.0"},
    "bos_token": {"tokenizer_bos_token": ["<s>", "1"]},
    "eos_token": {"tokenizer_eos_token": ["</s>", "2"]},
    "eot_token_id": {"eot_token_id": 2},
    "backend": {"config": {**CONFIG, "model": "vllm"}},
    "gen_kwargs": {"config": {**CONFIG, "gen_kwargs": {"temperature": 0.7}}},
    "fewshot_seed": {"config": {**CONFIG, "fewshot_seed": 1}},
    "random_seed": {"config": {**CONFIG, "random_seed": None}},
    "numpy_seed": {"config": {**CONFIG, "numpy_seed": 1}},
    "torch_seed": {"config": {**CONFIG, "torch_seed": 1}},
    "dtype": {"config": {**CONFIG, "model_dtype": "torch.float16"}},
    "lm_eval_version": {"lm_eval_version": "0.4.9"},
    "version": {"versions": {"quiz": 2.0}},
    "model_args.load_in_4bit": {"config": {**CONFIG, "model_args": "load_in_4bit=True"}},
    "model_args.add_bos_token": {"config": {**CONFIG, "model_args": {"add_bos_token": False}}},
    "model_args.prefix_token_id": {"config": {**CONFIG, "model_args": "prefix_token_id=0"}},
    "model_args.trust_remote_code": {"config": {**CONFIG, "model_args": "trust_remote_code=true"}},
    "model_args.quantization": {"config": {**CONFIG, "model_args": "quantization=awq"}},
    "model_args.gguf_file": {"config": {**CONFIG, "model_args": "gguf_file=one-Q4_K_M.gguf"}},
    "model_args.enable_thinking": {"config": {**CONFIG, "model_args": "enable_thinking=False"}},
    "model_args.tokenizer": {"config": {**CONFIG, "model_args": "pretrained=one,tokenizer=other"}},
}  # fmt: skip


def first(**changes) -> dict:
    """The base's file: every setting recorded, as `lm_eval` records it."""
    seeds = {"random_seed": 0, "numpy_seed": 1234, "torch_seed": 1234}
    recorded = {
        "config": {**CONFIG, **seeds, "model_args": "pretrained=base", "gen_kwargs": None},
        "model_source": "hf",
        "chat_template": None,
        "chat_template_sha": None,
        "system_instruction": None,
        "system_instruction_sha": None,
        "fewshot_as_multiturn": True,
        "max_length": 2048,
        "transformers_version": "4.57.0",
        "tokenizer_bos_token": ["<|endoftext|>", "0"],
        "tokenizer_eos_token": ["<|endoftext|>", "0"],
        "eot_token_id": 0,
    }
    return result({"quiz": 0.75}, **recorded | changes)


def second(changes: dict) -> dict:
    """A stage's file: as the base's but for `changes`, of `config` key by key."""
    raw = first(date=2)
    config = {**raw["config"], **changes.get("config", {})}
    backend = {"model_source": config["model"]}
    return {**raw, **backend, **changes, "config": config}


def chain(tmp_path, changes: dict, **entry) -> dict:
    files = two_stages(tmp_path, first(), second(changes))
    return study(files, {"quiz": KNOWLEDGE}, **entry)


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_setting_that_differs_is_named_with_both_files_and_the_key_that_allows_it(tmp_path, name):
    told = refused(chain(tmp_path, DIFFERENT[name]))
    assert WORDS.get(name, f"`{name}`") in told and "stage 0 (base) and" in told
    assert f"harmless: [{name}]" in told and "base/…" in told and "one/…" in told
    tables = planned(chain(tmp_path, DIFFERENT[name], harmless=[name]))
    assert tables[2].of_kind("probe")[1].spec["declared"] == [name]


def test_all_that_differs_is_named_at_once(tmp_path):
    told = refused(chain(tmp_path, {**DIFFERENT["chat_template"], **DIFFERENT["max_length"]}))
    assert "harmless: [chat_template, max_length]" in told
    only_one = chain(tmp_path, DIFFERENT["chat_template"], harmless=["max_length"])
    assert "harmless: [max_length, chat_template]" in refused(only_one)


def test_both_values_are_shown(tmp_path):
    told = refused(chain(tmp_path, DIFFERENT["max_length"]))
    assert "'2048' in stage 0 (base) and '512' in stage 1 (simp)" in told
    told = refused(chain(tmp_path, DIFFERENT["model_args.prefix_token_id"]))
    assert "'not given' in stage 0 (base) and '0' in stage 1" in told


@pytest.mark.parametrize(
    "arguments",
    [
        "pretrained=one,revision=step1000,dtype=auto,batch_size=8,device=cuda:1,parallelize=True",
        {"pretrained": "base", "peft": "adapters/one", "trust_remote_code": False},
        "pretrained=one,tokenizer=one/,backend=default,load_in_8bit=False,max_length=2048",
        {"pretrained": "one", "tokenizer": "base", "softmax_dtype": None},
    ],
)
def test_which_checkpoint_and_which_machine_is_no_difference(tmp_path, arguments):
    changes = {"config": {"model_args": arguments, "batch_size": 8, "device": "cpu"}}
    raw = chain(tmp_path, changes)
    assert "declared" not in specs(raw)[1]


def test_arguments_are_the_same_as_text_and_as_a_mapping(tmp_path):
    text = {"config": {"model_args": "pretrained=one,add_bos_token=true,prefix_token_id=2,x=0.5"}}
    mapping = {"pretrained": "two", "add_bos_token": True, "prefix_token_id": 2, "x": 0.5}
    files = two_stages(tmp_path, second(text), second({"config": {"model_args": mapping}}))
    assert len(specs(study(files, {"quiz": KNOWLEDGE}))) == 2


def test_a_model_that_was_passed_loaded_has_no_backend_to_compare(tmp_path):
    paths = [{"config": {"model": f"models/{name}"}, "model_source": None} for name in "ab"]
    files = two_stages(tmp_path, *(second(change) | {"date": i} for i, change in enumerate(paths)))
    assert len(specs(study(files, {"quiz": KNOWLEDGE}))) == 2


def test_what_was_declared_harmless_is_noted_and_both_values_are_in_the_scores(tmp_path):
    changes = {**DIFFERENT["chat_template"], **DIFFERENT["dtype"], **DIFFERENT["lm_eval_version"]}
    raw = chain(tmp_path, changes, harmless=["chat_template", "dtype", "lm_eval_version"])
    scores, items = collected(raw, tmp_path)
    assert set(scores["dtype"]) == {"bfloat16, float16"}
    assert set(scores["lm_eval_version"]) == {"0.4.13, 0.4.9"}
    assert "chat_template" in scores["engine"].iloc[0]
    notes = study_metrics(scores, items, 0, 20)["note"]
    assert notes.str.contains("other values of lm_eval_version, dtype, chat_template").all()


def test_nothing_is_noted_of_what_does_not_differ(tmp_path):
    scores, items = collected(chain(tmp_path, {}, harmless=["chat_template"]), tmp_path)
    assert set(scores["engine"]) == {"lm-eval"}
    assert not study_metrics(scores, items, 0, 20)["note"].str.contains("harmless").any()


def test_a_setting_that_does_not_exist_is_one_sentence(tmp_path):
    told = refused(chain(tmp_path, {}, harmless=["chat_templat"]))
    assert "harmless" in told and "did you mean 'chat_template'" in told


def test_numbers_of_items_and_shots_cannot_be_declared_harmless(tmp_path):
    fewer = {"n-samples": {"quiz": {"original": 20, "effective": 11}}}
    told = refused(chain(tmp_path, fewer))
    assert "the number of items '12' in stage 0" in told and "harmless" not in told
    assert "expected one of" in refused(chain(tmp_path, fewer, harmless=["n"]))


def test_a_limit_is_refused_unless_it_is_declared(tmp_path):
    limited = {"config": {"limit": 12}}
    assert "`limit` 12" in refused(chain(tmp_path, limited))
    files = two_stages(tmp_path, second(limited) | {"date": 1}, second(limited))
    assert "`limit` 12" in refused(study(files, {"quiz": KNOWLEDGE}))
    allowed = study(files, {"quiz": KNOWLEDGE}, harmless=["limit"])
    assert specs(allowed)[0]["declared"] == ["limit"]


def test_how_an_answer_becomes_a_score_is_compared_even_where_prompts_are(tmp_path):
    base, stage = first(), second({})
    for raw, filters in ((base, ["take_first"]), (stage, ["regex"])):
        raw["task_hashes"] = {"quiz": SHA}
        raw["configs"] = {"quiz": {"doc_to_text": "q", "filter_list": filters}}
    told = refused(study(two_stages(tmp_path, base, stage), {"quiz": KNOWLEDGE}))
    assert "the `task.filter_list` '[\"take_first\"]' in stage 0" in told
    assert "'[\"regex\"]' in stage 1" in told


def scored(tmp_path, metric: str, values: list[float], **entry) -> dict:
    files = []
    for place, value in enumerate(values):
        raw = first(date=place)
        raw["results"]["quiz"] = {f"{metric},none": value, f"{metric}_stderr,none": 0.01}
        files.append([write(tmp_path / str(place), raw)])
    return study(files, {"quiz": {"axis": "knowledge", "metric": metric}}, **entry)


@pytest.mark.parametrize(
    "metric", ["acc", "acc_norm", "exact_match", "em", "pct_stereotype", "mc2"]
)
@pytest.mark.parametrize("values", [[0.75, 50.0], [50.0, 0.75], [75.0, 50.0], [0.5, -0.1]])
def test_a_share_out_of_its_range_is_refused_with_the_way_out(tmp_path, metric, values):
    told = refused(scored(tmp_path, metric, values))
    odd = next(value for value in values if not 0 <= value <= 1)
    assert f"is {odd:g} in stage" in told and "divide it" in told


@pytest.mark.parametrize("metric", ["f1", "best_f1", "exact", "rougeL"])
def test_a_metric_that_may_be_either_is_refused_only_if_it_is_both(tmp_path, metric):
    told = refused(scored(tmp_path, metric, [0.8, 35.0]))
    assert "0.8" in told and "35" in told and "harmless: [scale]" in told
    assert len(specs(scored(tmp_path, metric, [80.0, 0.0, 35.0]))) == 3
    assert len(specs(scored(tmp_path, metric, [0.8, 1.0]))) == 2
    declared = specs(scored(tmp_path, metric, [0.8, 35.0], harmless=["scale"]))
    assert declared[0]["declared"] == ["scale"]


@pytest.mark.parametrize(("metric", "values"), [("bleu", [0.8, 35.0]), ("perplexity", [0.9, 9e9])])
def test_metrics_without_a_known_range_are_left_alone(tmp_path, metric, values):
    assert len(specs(scored(tmp_path, metric, values))) == 2


@pytest.mark.parametrize("value", ["NaN", "Infinity", '"N/A"', "null", "1e999", "true"])
def test_a_headline_score_that_is_no_number_is_refused(tmp_path, value):
    raw = scored(tmp_path, "acc", [0.75, 0.123])
    path = tmp_path / "1"
    (file,) = path.iterdir()
    file.write_text(file.read_text().replace("0.123", value))
    assert "expected a number" in refused(raw)
    # Another metric that could not be computed is no reason to refuse the file.
    for stage in (tmp_path / "0", path):
        (file,) = stage.iterdir()
        file.write_text(file.read_text().replace('"acc,none"', '"f1,none": 0.5, "acc,none"'))
    raw["define"]["probes"]["theirs"]["tasks"]["quiz"]["metric"] = "f1"
    assert len(specs(raw)) == 2


def test_a_repeated_key_is_refused(tmp_path):
    raw = scored(tmp_path, "acc", [0.75, 0.5])
    (file,) = (tmp_path / "1").iterdir()
    file.write_text(file.read_text().replace('"acc,none": 0.5', '"acc,none": 0.5, "acc,none": 0.7'))
    assert "the key 'acc,none' occurs twice" in refused(raw)


def test_a_file_of_an_older_layout_is_named_as_such(tmp_path):
    old = {"results": {"quiz": {"acc": 0.5, "acc_stderr": 0.1}}, "versions": {"quiz": 0}}
    with pytest.raises(UserError, match=r"before version 0\.4"):
        read_result_file(write(tmp_path, old), "here")


def test_precision_is_one_over_all_tasks(tmp_path):
    files = two_stages(tmp_path, first(), second({}))
    for stage, name in zip(files, ("base", "one"), strict=True):
        other = result({"b": 0.5}, config={**CONFIG, "model_dtype": "float32"}, date=name)
        stage.append(write(tmp_path / name, other, "results_b.json"))
    tasks = {"quiz": KNOWLEDGE, "b": KNOWLEDGE}
    assert "one precision for all tasks, found bfloat16" in refused(study(files, tasks))
    scores, items = collected(study(files, tasks, harmless=["dtype"]), tmp_path)
    assert set(scores["dtype"]) == {"bfloat16, float32"}
    assert study_metrics(scores, items, 0, 20)["value"].notna().any()


@pytest.mark.parametrize("place", [0, 1])
def test_a_chain_starts_with_its_base_and_every_other_stage_has_a_task(tmp_path, place):
    raw = chain(tmp_path, {})
    stages = raw["define"]["imports"]["mine"]["stages"]
    if place:
        del stages[1]["task"]
        assert "expected `task` (what it was trained on) in stages[1]" in refused(raw)
    else:
        stages[0]["task"] = "simp"
        assert "expected the base model first, without `task`, found 'simp'" in refused(raw)


def test_every_key_that_is_compared_is_one_that_lm_eval_writes():
    schema = pytest.importorskip("lm_eval.result_schema")
    top, config = schema.EvalResults.__annotations__, schema._EvalConfig.__annotations__
    written = first()
    assert not written["config"].keys() - config.keys()
    assert not written.keys() - top.keys()
    assert json.dumps(written)


def test_several_base_seeds_without_a_base_trained_here_are_refused(tmp_path):
    raw = chain(tmp_path, {})
    assert "expected one seed, found 3; they have no effect" in refused(
        raw | {"seeds": {"base": [0, 1, 2]}}
    )
    assert len(planned(raw | {"seeds": {"base": [7]}})[2].runs) == 1


def test_check_says_which_models_have_no_base_seed(tmp_path, capsys):
    raw = chain(tmp_path, {}) | {"models": ["xs"], "seeds": {"base": [0, 1]}}
    raw |= {"orders": ["forward"]}
    # `xs` is scored on the sets too, so they must be ones that there are.
    raw = json.loads(json.dumps(raw).replace('"quiz"', '"know_nature"'))
    raw["define"]["probes"]["theirs"]["source"] = "world"
    for file in tmp_path.rglob("*.json"):
        file.write_text(file.read_text().replace('"quiz"', '"know_nature"'))
    path = tmp_path / "study.yaml"
    path.write_text(json.dumps(raw))
    main(["check", "--configfile", str(path)])
    assert "seeds.base has no effect on mine: trained elsewhere." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("metric", "better"),
    [("word_perplexity", False), ("bits_per_byte", False), ("brier_score", False), ("acc", None)],
)
def test_an_older_file_that_does_not_say_so_has_the_direction_of_its_metrics_names(
    tmp_path, metric, better
):
    raw = result({"quiz": 0.5}, higher_is_better=None)
    raw["results"]["quiz"] |= {f"{metric},none": 0.5}
    found = read_result_file(write(tmp_path, raw), "here").tasks["quiz"]
    assert found.higher_is_better[metric] is better
