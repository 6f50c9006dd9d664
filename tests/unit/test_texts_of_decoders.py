"""Losses of decoders on texts: those of transformers, and which models a probe of texts is for."""

import numpy as np
import pytest
import torch
from seq2seq_model import make_model
from small_nodes import CONFIG, make_tokenizer, sentence
from test_method_demands import plan_of

from lethe.artefacts.jsonlines import write_rows
from lethe.config.catalogue import Probe
from lethe.config.reading import CATALOGUE, DEFAULT, merge, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.evaluation.masked_loss import score_texts
from lethe.longtables.collect import kind_of
from lethe.models.architectures import build
from lethe.models.loading import load_model
from lethe.models.saving import save_model
from lethe.planning.plan import make_plan
from lethe.planning.probes import scores


@pytest.fixture
def base(tmp_path):
    torch.set_num_threads(1)
    save_model(build("llama", CONFIG, make_tokenizer(), 0), make_tokenizer(), tmp_path / "base")
    generator = np.random.default_rng(0)
    rows = [{"id": str(n), "text": sentence(generator, 2 + n % 9)} for n in range(70)]
    write_rows(tmp_path / "texts.jsonl", rows)
    return tmp_path


def scored(folder, model: str = "base"):
    task = {"name": "lm_x", "axis": "domain", "chance": None, "path": folder / "texts.jsonl"}
    return score_texts(folder / model, "0" * 64, [task], folder / "store")[0]


def test_the_loss_is_transformers_own_over_all_tokens_but_each_texts_first(base):
    found = scored(base)
    value = {row["metric"]: row["value"] for row in found["scores"]}
    assert list(value) == ["lm_loss", "lm_accuracy", "lm_likelihood"]
    assert kind_of(found, {}) == "lm" and found["n"] == 70 == len(found["items"])
    model, tokenizer = load_model(base / "base").eval(), make_tokenizer()
    losses, counts = [], []
    for line in (base / "texts.jsonl").read_text().splitlines():
        text = line.partition('"text": "')[2].partition('"')[0]
        tokens = torch.tensor([[*tokenizer(text)["input_ids"], tokenizer.eos_token_id]])
        losses.append(model(tokens, labels=tokens).loss.item())
        counts.append(tokens.shape[1] - 1)
    assert value["lm_loss"] == pytest.approx(np.average(losses, weights=counts), abs=1e-5)
    assert value["lm_likelihood"] == pytest.approx(np.exp(-value["lm_loss"]))
    for item, loss in zip(found["items"], losses, strict=True):
        assert item["metrics"]["lm_loss"] == pytest.approx(loss, abs=1e-5)
    assert scored(base) == found  # kept


def test_an_encoder_decoder_has_no_loss_of_texts(base):
    save_model(make_model(), make_tokenizer(), base / "t5")
    with pytest.raises(UserError, match="an encoder or a decoder to score texts, found .* 't5'"):
        scored(base, "t5")


def test_the_metric_of_texts_names_the_family_that_they_are_for():
    task = {"axis": "domain", "texts": "{split}.jsonl"}
    for metric, family in (
        ("mlm_loss", "masked"),
        ("lm_loss", "causal"),
        ("lm_accuracy", "causal"),
    ):
        probe = Probe(source="domains", tasks={"one": {**task, "metric": metric}})
        of = {name for name in ("masked", "causal", "seq2seq") if scores(probe, name)}
        assert of == {family}
    plain = Probe(tasks={"piqa": {"axis": "reasoning", "metric": "acc"}})
    assert [scores(plain, name) for name in ("masked", "causal", "seq2seq")] == [False, True, True]
    # The probe `domains` is for the masked model alone.
    assert plan_of("masked", "only-acl", "sequential").of_kind("probe")


@pytest.mark.parametrize("floor", ["lm_general", "cloze_reviews"])
def test_a_floor_is_a_loss_of_the_models_own_family(floor):
    study = merge(read_yaml(DEFAULT), read_yaml(DEFAULT.parent / "mini-domains-decoder.yaml"))
    model = {**read_yaml(CATALOGUE / "models.yaml")["domains-decoder"], "floors": {floor: 0.4}}
    mine = {"models": ["mine"], "also": [], "define": {"models": {"mine": model}}}
    asked = parse_study(merge(study, mine))
    if floor == "lm_general":
        assert make_plan(asked, read_catalogue(asked)).of_kind("base")
        return
    with pytest.raises(UserError, match="cloze of texts, .* a causal model does not"):
        make_plan(asked, read_catalogue(asked))


def test_the_small_decoder_of_the_domains_has_end_tasks_and_losses_after_every_stage():
    study = merge(read_yaml(DEFAULT), read_yaml(DEFAULT.parent / "mini-domains-decoder.yaml"))
    study = parse_study(study)
    plan = make_plan(study, read_catalogue(study))
    checkpoints = {one for run in plan.runs for one in run.checkpoints}
    assert set(plan.probes) == checkpoints and all(plan.probes[one] for one in checkpoints)
    ends = [set(run.checkpoints) & set(plan.end_tasks) for run in plan.runs]
    assert all(
        {run.checkpoints[0], run.checkpoints[-1]} <= own
        for run, own in zip(plan.runs, ends, strict=True)
    )
    assert {node.spec["family"] for node in plan.of_kind("stage")} == {"causal"}
