"""Where drift sits: grafts of rows, relative drift, and shares by hand."""

import pytest
import torch
import where_drift_sits as drift_sits
from retention_case import move, new_model
from small_nodes import CONFIG, make_tokenizer
from where_drift_sits import Chain, Line

from lethe.models.architectures import build
from lethe.models.vocabulary import token_rows

KEY = ("knowledge", "acc")


def chain(base: float, last: float, undone: float, caused: float) -> Chain:
    values = ({KEY: value} for value in (base, last, undone, caused))
    return Chain(*values, drift=(0.4, 0.2), tied=True)


@pytest.mark.parametrize("family", ["causal", "seq2seq", "masked"])
def test_a_graft_changes_the_chosen_rows_alone(family):
    own, other = new_model(family), new_model(family)
    move(other)
    rows = torch.arange(len(next(iter(token_rows(own).values())))) % 3 == 0
    grafted = drift_sits.grafted_rows(own, other, rows)
    before, source = dict(own.named_parameters()), dict(other.named_parameters())
    for name, parameter in grafted.named_parameters():
        if name in token_rows(grafted):
            assert torch.equal(parameter[rows], source[name][rows])
            assert torch.equal(parameter[~rows], before[name][~rows])
        else:
            assert torch.equal(parameter, before[name])


def test_drift_is_relative_and_counts_both_matrices_of_an_untied_model():
    base, last = (
        build("llama", {**CONFIG, "tie_word_embeddings": False}, make_tokenizer(), 0)
        for _ in range(2)
    )
    unused = torch.zeros(len(next(iter(token_rows(base).values()))), dtype=torch.bool)
    unused[:5] = True
    with torch.no_grad():
        for parameter in token_rows(last).values():
            parameter[:5] *= 1.5
    assert drift_sits.drift(base, last, unused) == pytest.approx((0.5, 0.0))


def test_a_worlds_share_is_of_the_sum_of_its_losses_and_a_world_without_loss_has_none():
    # Of 0.4 + 0.2 lost, 0.3 + 0.15 come back; a base with these rows loses 0.2 + 0.1.
    worlds = {
        1: [chain(0.9, 0.5, 0.8, 0.7), chain(0.9, 0.7, 0.85, 0.8)],
        2: [chain(0.9, 0.9, 1, 1)],
    }
    line = Line(worlds)
    assert line.shares(KEY, "undone") == pytest.approx([0.75])
    assert line.shares(KEY, "caused") == pytest.approx([0.5])


def test_the_report_has_a_row_an_ability_and_names_worlds_and_chains():
    lines = {("xs", "sequential", "finetune"): Line({1: [chain(0.9, 0.5, 0.8, 0.7)]})}
    text = "\n".join(drift_sits.report(lines))
    row = "| xs | tied | sequential | finetune | knowledge | accuracy | 1 of 1 worlds | "
    assert row + "0.900 | 0.500 | 75 % | 50 % |" in text
    assert "| xs | sequential | finetune | 1 | 0.400 [0.400, 0.400] | 0.200" in text


def test_three_worlds_have_an_interval():
    assert drift_sits.cell([0.4, 0.5, 0.6]) == "50 % [25, 75]"
    assert drift_sits.cell([]) == "nothing was lost"


def test_a_masked_base_is_asked_its_cloze_sets_and_reads_its_general_texts(tmp_path, monkeypatch):
    names = ["cloze_papers", "cloze_reviews"]
    floors = [
        {"name": name, "metric": "cloze", "texts": f"corpus/{name}-{{split}}.jsonl"}
        for name in names
    ]
    rows = {"cloze_papers": 0.9, "cloze_reviews": 0.7, "loss_general": 2.5}
    data = tmp_path / "data" / "domains-1"

    def scored(directory, weights, tasks, store, split):
        for task in tasks:
            metric = task.get("metric", "mlm_loss")
            score = {"metric": metric, "subset": "", "value": rows[task["name"]]}
            assert task["path"].is_relative_to(data)
            yield {"task": task["name"], "scores": [score]}

    monkeypatch.setattr(drift_sits, "score_texts", lambda *given: list(scored(*given)))
    (data / "corpus").mkdir(parents=True)
    spec = {"data": "domains-1", "floor_tasks": floors}
    found = drift_sits.measured(new_model("masked"), make_tokenizer(), spec, tmp_path, "dev")
    assert found == pytest.approx(
        {("general texts", "cloze"): 0.8, ("general texts", "mlm_loss"): -2.5}
    )
