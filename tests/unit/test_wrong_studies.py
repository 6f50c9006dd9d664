"""`lethe check` refuses a wrong study in one sentence that names the key: one study for each hole
through which values once passed unread."""

import pytest

from lethe.cli import main

BUILT = (
    "define: {models: {mine: {family: causal, source: world, architecture: llama, "
    "recipe: pretrain-xs, config: {%s}}}}"
)
METHOD = "define: {methods: {mine: {method: %s, hyper: {%s}, source: none}}}"
SOURCE = "define: {sources: {mine: {kind: %s, parameters: {%s}}}}"
TUNED = (
    "define: {recipes: {mine: {batch_size: 2, epochs: 1, max_length: 16, learning_rate: 1e-3, "
    "tuned: {ewc: {hyper: {strength: -1}, trials: 2, note: none}}}}}"
)
MODEL = "define: {models: {mine: {%s}}}"
END_TASK = (
    "define: {end_tasks: {mine: {source: domains, task: restaurant, metric: accuracy, epochs: 1, "
    "labels: [%s]}}}"
)
TEXTS = "define: {probes: {mine: {source: %s, tasks: {mine: {axis: domain, metric: %s}}}}}"
CHAIN = (
    "define:\n  models:\n"
    + "".join(
        f"    m{n}: {{from: m{n + 1}, train_on: general, recipe: instruct}}\n" for n in range(1500)
    )
    + "    m1500: {from: xs, train_on: general, recipe: instruct}\nmodels: [m0]\n"
)
WRONG = {
    METHOD % ("ewc", "strenght: 5000"): "strenght in methods.mine.hyper: there is no such key; "
    "did you mean 'strength'?",
    METHOD % ("das", "mask: gradients"): "mask in methods.mine.hyper: expected 'gradient' or "
    "'update', found 'gradients'",
    TUNED: "strength in recipes.mine.tuned.ewc.hyper: expected a number of at least 0, found -1",
    SOURCE % ("world", "documents: {knowlege: 10}"): "documents.knowlege in "
    "sources.mine.parameters: there is no such key; did you mean 'knowledge'?",
    SOURCE % ("world", "part: domains, stems: 4.5"): "stems in sources.mine.parameters: expected "
    "a whole number, found 4.5",
    "define: {sources: {mine: {kind: hub, repo: a/b, loader: alpaca, parameters: {wraper: x}}}}": (
        "wraper in sources.mine.parameters: there is no such key; did you mean 'wrapper'?"
    ),
    BUILT % "hiden_size: 64": "did you mean 'hidden_size'?",
    BUILT % "hidden_size: 64, num_attention_heads: 5": ("models.mine.config"),
    BUILT % "num_hidden_layers: 0": "num_hidden_layers",
    "methods: [kd-hidden]": "methods.kd-hidden: method 'kd' with `compare: hidden` trains masked",
    "figures: [evolutoin]": "figures: 'evolutoin' is not known; did you mean 'evolution'?",
    "define: {probes: {mine: {tasks: {mine: {axis: bias, metric: acc}}}}}": "expected `metric: "
    "pct_stereotype` beside `axis: bias`",
    TEXTS % ("domains", "acc, texts: 'x/{split}.jsonl'"): "expected one of mlm_loss, mlm_accuracy, "
    "mlm_likelihood, cloze, lm_loss, lm_accuracy, lm_likelihood "
    "as `metric` of `texts`, found 'acc'",
    TEXTS % ("domains", "mlm_loss, texts: x.jsonl"): "`texts` that hold {split}, found 'x.jsonl'",
    TEXTS
    % (
        "domains",
        "mlm_loss, texts: ''",
    ): "expected a path inside its source, without '..', found ''",
    TEXTS % ("domains", "mlm_loss, texts: '{split}{x}'"): "`texts` that hold {split}",
    TEXTS % ("null", "mlm_loss, texts: '{split}.jsonl'"): "probes.mine.tasks.mine.source: expected "
    "the source that holds its `texts`, found none",
    MODEL % "family: causal, hub: ''": "define.models.mine.hub in the configuration: expected a "
    "repository of the hub, OWNER/NAME, found ''",
    MODEL % "family: causal, hub: ../../x": "OWNER/NAME, found '../../x'",
    MODEL % "family: seq2seq, from: xs, train_on: general, recipe: instruct": "models.mine.family: "
    "a derived model has the family of 'xs', 'causal', found 'seq2seq'",
    MODEL % "from: xs, train_on: general, recipe: instruct, floors: {x: 0.3}": "no `floors` "
    "beside `from`; only models built here have them",
    "define: {sources: {mine: {kind: world, repo: a/b}}}": "no `repo` beside `kind: world`",
    "define: {sources: {mine: {kind: world, files: {a: x}}}}": "no `files` beside `kind: world`",
    "define: {models: {a: {from: b, train_on: general, recipe: instruct}, b: {from: xss, train_on: "
    "general, recipe: instruct}}}": "models.b.from: 'xss' is not known; did you mean 'xs'?",
    "define: {orders: {mine: []}}": "orders.mine in the configuration: expected at least one entry",
    "define: {probes: {mine: {tasks: {}}}}": "probes.mine.tasks in the configuration: expected at "
    "least one entry",
    END_TASK % "a, b, a": "labels in the configuration: expected each entry once, found 'a' 2",
    END_TASK % "a": "`labels` of two or more different classes, found ['a']",
    "also: [{models: []}]": "also, entry 1, models in the configuration: expected at least one",
    CHAIN: "models.m0.from: expected at most 50 models derived one from another, found more",
    f"define: {{models: {{mine: {{family: causal, import: {'x' * 300}}}}}}}\nmodels: [mine]": (
        "models.mine.import: expected a checkpoint folder, found none"
    ),
    f"probes: [mine]\ndefine: {{probes: {{mine: {{include: {'x' * 300}, tasks: "
    "{a: {axis: a, metric: acc}}}}}": "probes.mine.include: expected a folder, found none",
    f"define: {{orders: {{mine: [{'simp, ' * 600}]}}}}": "orders.mine in the configuration: "
    "expected at most 500 entries, found 600",
    BUILT % "num_hidden_layers: 1000000000": "num_hidden_layers in models.mine.config: expected a "
    "number of at most 1000",
    "seeds: {world: [2024-01-01]}": "2024-01-01 is read as a date",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_study_is_one_sentence_that_names_the_key(text, tmp_path, capsys):
    study = tmp_path / "study.yaml"
    study.write_text(text + "\n")
    assert main(["check", "--configfile", str(study)]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith("lethe: ") and written.err.count("\n") == 1
    assert WRONG[text] in written.err
    assert len(written.err) <= 300 + len("lethe: \n")


def test_several_files_and_values_may_follow_one_option_as_in_snakemake(tmp_path, capsys):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("study: first\n")
    second.write_text("study: second\n")
    arguments = ["--configfile", str(first), str(second), "--config", "limit=3", "seeds.world=[7]"]
    assert main(["check", *arguments]) == 0
    assert "study 'second' is right" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["node", "--nodes"], ["x", "--snapshot-seconds", "a\nb"]]
)
def test_wrong_arguments_are_one_sentence(arguments, capsys):
    assert main(["stage", *arguments]) == 2
    written = capsys.readouterr().err
    assert written.startswith("lethe: ") and written.count("\n") == 1
    assert "`lethe stage --help` lists the arguments" in written


@pytest.mark.parametrize("verb", ["check", "where"])
def test_a_study_may_be_named_without_an_option_as_in_run(verb, tmp_path, capsys):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("study: first\nlimit: 3\n")
    second.write_text("study: second\n")
    written = []
    for arguments in ([str(first), str(second)], [str(first), "--configfile", str(second)]):
        # Nothing is there yet of which `where` could tell.
        assert main([verb, *arguments]) == (2 if verb == "where" else 0)
        told = capsys.readouterr()
        written.append(told.out + told.err)
    assert "second" in written[0] and written[0] == written[1]


def test_where_says_what_is_not_made_yet(tmp_path, capsys):
    folder = tmp_path / "studies" / "new" / "tables"
    folder.mkdir(parents=True)
    assert main(["where", "--config", "study=new", f"output={tmp_path}"]) == 0
    figures, tables = capsys.readouterr().out.splitlines()[:2]
    assert figures.endswith("figures (not made yet)") and tables.endswith(str(folder))
