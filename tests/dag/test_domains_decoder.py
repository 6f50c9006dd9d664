"""The generated domains on a decoder through the workflow: DAS, end tasks, their table, a kill."""

import pandas as pd
import pytest
from project import Project
from workflow_copy import copy_workflow

pytestmark = pytest.mark.slow

# The study of `config/mini-domains-decoder.yaml` on smaller data and a smaller model.
NANO = """
study: nano-domains-decoder
models: [nano]
orders: [nano-domains]
methods: [sequential, das-update]
controls: []
also: []
recipe: nano-domains
probes: [nano-texts]
end_tasks: [restaurant]
seeds: {world: [1], base: [0], train: [0], end_task: [0]}
tables: [end_tasks, end_task_methods, masked_loss, compute]
figures: [end_tasks, importance, compute]
claims: []
define:
  models:
    nano:
      family: causal
      source: nano-domains
      architecture: llama
      config:
        hidden_size: 16
        num_hidden_layers: 2
        num_attention_heads: 2
        num_key_value_heads: 1
        intermediate_size: 32
        max_position_embeddings: 40
        tie_word_embeddings: true
        initializer_range: 0.25
      recipe: nano-base
  recipes:
    nano-base: {steps: 60, batch_size: 16, max_length: 32, learning_rate: 3e-3}
    nano-domains: {steps: 12, batch_size: 16, max_length: 32, learning_rate: 2e-3}
  orders:
    nano-domains: [restaurant, acl]
  probes:
    nano-texts:
      source: nano-domains
      tasks:
        lm_restaurant: {axis: domain, metric: lm_loss, texts: "domains/restaurant/{split}.jsonl"}
  sources:
    nano-domains:
      kind: world
      parameters: {part: domains, corpus: 400, texts: 100, held_out: 40, labelled: 24, tested: 30}
"""


def test_a_small_decoder_goes_through_domains_and_end_tasks(tmp_path):
    project = Project(copy_workflow(tmp_path / "project"))
    (project.folder / "config" / "nano.yaml").write_text(NANO)
    study = ("--configfile", "config/nano.yaml")
    project.snakemake(*study)
    folder = project.folder / "results" / "studies" / "nano-domains-decoder"
    scores = pd.read_csv(folder / "scores.csv", keep_default_na=False)
    assert set(scores["kind"]) == {"end_task", "lm"} and set(scores["family"]) == {"causal"}
    cells = scores[scores["metric"] == "macro_f1"].groupby("method")["stage_index"].apply(set)
    assert cells["sequential"] == cells["das-update"] == {0, 1, 2}
    table = pd.read_csv(folder / "tables" / "end_tasks.csv")
    assert set(table["method"]) == {"none", "sequential", "das-update"}
    losses = pd.read_csv(folder / "tables" / "masked_loss.csv").set_index("method")
    assert set(losses["domain"]) == {"restaurant"}
    assert (losses["right_after"] < losses["before"]).all()
    units = pd.read_csv(folder / "figures" / "importance.csv")
    assert set(units["place"]) == {"heads", "intermediate", "output"}
    assert set(units["domain"]) == {"general", "restaurant", "acl"}
    assert project.planned(*study) == {}
