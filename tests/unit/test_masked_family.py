"""Masked language models: what is masked, the loss, a stage, and the masked-LM loss as a score."""

import numpy as np
import pytest
import torch
from masked_model import masked_model, masked_tokenizer, publish_nodes, texts
from small_nodes import WORDS, make_tokenizer, stage_spec

from lethe.artefacts.jsonlines import write_rows
from lethe.data.masked_batches import Masking, collate, mask
from lethe.data.masked_examples import document_examples, instruction_examples
from lethe.errors import UserError
from lethe.evaluation.masked_loss import score_texts
from lethe.models.forward import weighted_loss
from lethe.models.loading import load_model, require_family
from lethe.models.saving import save_model
from lethe.training.stage import train_stage

TOKENIZER = masked_tokenizer()
MASKING = Masking.of(TOKENIZER, 0.15)
SETTINGS = {"masking": MASKING, "seed": 3, "normalisation": "token", "pad_token": 1}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def examples(count: int = 8):
    return document_examples(texts(count), "d", TOKENIZER, 40)


def test_a_cut_text_keeps_its_last_special_token():
    (example,) = document_examples([{"id": "1", "text": "red blue green"}], "d", TOKENIZER, 4)
    assert TOKENIZER.decode(example.tokens) == "<s> red blue </s>"


def test_a_text_that_is_cut_to_its_special_tokens_names_what_cut_it():
    (example,) = document_examples([{"id": "1", "text": "red blue green"}], "d", TOKENIZER, 2)
    with pytest.raises(UserError, match="cut to 2 tokens by the recipe's `max_length`"):
        mask(example, MASKING, 0, 0)


def test_about_the_share_is_chosen_of_which_four_fifths_are_masked():
    many = examples(1500)
    chosen = masked = free = 0
    for example in many:
        seen, places = mask(example, MASKING, 0, 0)
        assert len(places) >= 1
        assert not set(places) & {0, len(example.tokens) - 1}  # special tokens are never chosen
        untouched = np.setdiff1d(np.arange(len(seen)), places)
        assert (seen[untouched] == np.asarray(example.tokens)[untouched]).all()
        if len(example.tokens) > 10:  # in short texts the "at least one" weighs
            chosen, free = chosen + len(places), free + len(example.tokens) - 2
        masked += int((seen[places] == TOKENIZER.mask_token_id).sum())
    assert 0.13 < chosen / free < 0.19
    total = sum(len(mask(example, MASKING, 0, 0)[1]) for example in many)
    assert 0.77 < masked / total < 0.83


def test_masks_depend_on_seed_draw_and_example_alone():
    one, *others = examples()
    alone = mask(one, MASKING, 3, 5)
    (batch,) = collate([*others, one], draw=5, **SETTINGS)
    row = batch.input_ids[len(others), : len(one.tokens)]
    assert row.tolist() == alone[0].tolist()
    draws = {tuple(mask(one, MASKING, 3, draw)[1]) for draw in range(20)}
    assert len(draws) > 3


def test_the_loss_is_that_of_transformers_with_labels():
    model = masked_model().eval()
    batches = collate(examples(), draw=0, **SETTINGS)
    (batch,) = batches
    labels = torch.full_like(batch.input_ids, -100).flatten()
    labels[batch.label_positions] = batch.targets
    expected = model(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        labels=labels.view_as(batch.input_ids),
    ).loss
    assert weighted_loss(model, batch).item() == pytest.approx(expected.item(), abs=1e-6)


def test_micro_batches_add_up_to_the_whole():
    model = masked_model().eval()
    whole = collate(examples(), draw=2, **SETTINGS)
    parts = collate(examples(), draw=2, micro_batch_rows=3, **SETTINGS)
    assert len(parts) == 3
    together = sum(weighted_loss(model, part).item() for part in parts)
    assert together == pytest.approx(weighted_loss(model, whole[0]).item(), abs=1e-6)


def test_a_tokenizer_without_mask_and_instructions_are_refused():
    with pytest.raises(UserError, match="no mask token"):
        Masking.of(make_tokenizer(), 0.15)
    with pytest.raises(UserError, match="prompts and responses"):
        instruction_examples([{"prompt": "a", "response": "b"}], "simp", TOKENIZER, 8, "{prompt}")


def masked_nodes(results):
    files = {"one.jsonl": texts(24), "test.jsonl": texts(12, seed=1)}
    return publish_nodes(results, files, masked_model())


def masked_spec(**changes):
    recipe = {"mask_share": 0.15, "epochs": 30.0, "batch_size": 8, **changes.pop("recipe", {})}
    return stage_spec(family="masked", recipe=recipe, **changes)


def test_a_stage_lowers_the_loss_of_its_texts_and_is_bit_identical_again(tmp_path):
    found = []
    for name in ("first", "second"):
        results = tmp_path / name
        base, data = masked_nodes(results)
        train_stage("stage", masked_spec(), results, "code", 60)
        stage = results / "stages" / "stage"
        model = load_model(stage)
        require_family(model, "masked", stage)
        found.append(model.state_dict())
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    task = {"name": "d", "axis": "domain", "chance": None, "path": data / "one.jsonl"}
    (before,) = score_texts(base, "0" * 64, [task], tmp_path / "store")
    (after,) = score_texts(stage, "1" * 64, [task], tmp_path / "store")
    value = {row["metric"]: row["value"] for row in before["scores"]}
    assert after["scores"][0]["metric"] == "mlm_loss"
    assert after["scores"][0]["value"] < value["mlm_loss"] - 0.3


def test_scores_of_the_masked_loss_are_means_over_tokens_and_are_kept(tmp_path):
    base, data = masked_nodes(tmp_path)
    task = {"name": "d", "axis": "domain", "chance": None, "path": data / "test.jsonl"}
    (first,) = score_texts(base, "0" * 64, [task], tmp_path / "store")
    assert first["n"] == 12
    assert len(list((tmp_path / "store").iterdir())) == 1
    model = load_model(base).eval()
    many = document_examples(texts(12, seed=1), "d", TOKENIZER, 38)
    settings = {**SETTINGS, "seed": 20230211}
    parts = [collate(many, draw=draw, **settings)[0] for draw in range(4)]
    counts = [len(part.targets) for part in parts]
    losses = [weighted_loss(model, part).item() for part in parts]
    expected = np.average(losses, weights=counts)
    assert first["scores"][0]["value"] == pytest.approx(expected, abs=1e-5)
    (again,) = score_texts(base, "0" * 64, [task], tmp_path / "store")
    assert again == first


def test_an_encoder_whose_tokenizer_has_no_mask_has_no_masked_loss(tmp_path):
    base = tmp_path / "encoder"
    save_model(masked_model(), make_tokenizer(), base)
    write_rows(tmp_path / "t.jsonl", texts(3))
    task = {"name": "d", "axis": "domain", "chance": None, "path": tmp_path / "t.jsonl"}
    with pytest.raises(UserError, match="expected a masked language model"):
        score_texts(base, "0" * 64, [task], tmp_path / "store")


def test_words_of_the_tests_are_all_known():
    assert TOKENIZER.unk_token_id not in TOKENIZER(" ".join(WORDS))["input_ids"]
