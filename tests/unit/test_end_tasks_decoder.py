"""End tasks on decoders: transformers' classifiers, what is read of a text, and what is learned."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from end_task_case import SETTINGS, task_of
from plain_reference import fast_twin, padded, random_model
from seq2seq_model import make_model
from small_nodes import CONFIG, WORDS, make_tokenizer
from transformers import AutoModelForSequenceClassification

from lethe.artefacts.jsonlines import write_rows
from lethe.endtasks import finetune
from lethe.endtasks.classifier import LastTokenClassifier, load_classifier
from lethe.endtasks.finetune import fine_tune
from lethe.endtasks.tokens import token_rows
from lethe.errors import UserError
from lethe.models.architectures import build
from lethe.models.saving import save_model

ROWS = [[5, 9, 4, 17, 6], [11, 8], [6, 6, 7, 10, 12, 4, 9]]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", ["llama", "qwen2", "gpt2", "gpt_neox", "opt", "bloom"])
def test_logits_are_those_of_transformers_own_classifier(name):
    network = fast_twin(random_model(name))
    network.config.num_labels = 3
    stock = AutoModelForSequenceClassification.from_config(network.config).eval()
    stock.base_model.load_state_dict(network.base_model.state_dict())
    classifier = LastTokenClassifier(network.base_model, 3, seed=1).eval()
    with torch.no_grad():
        stock.score.weight.copy_(classifier.out.weight)
    tokens = padded(ROWS, 0)
    mask = padded([[1] * len(row) for row in ROWS], 0)
    found = classifier(tokens, mask)
    torch.testing.assert_close(found, stock(tokens, attention_mask=mask).logits)
    for number, row in enumerate(ROWS):  # padding changes nothing
        alone = classifier(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.long))
        torch.testing.assert_close(found[number], alone[0], rtol=1e-4, atol=1e-5)
    again = LastTokenClassifier(network.base_model, 3, seed=1)
    assert torch.equal(classifier.out.weight, again.out.weight)
    other = LastTokenClassifier(network.base_model, 3, seed=2)
    assert not torch.equal(classifier.out.weight, other.out.weight)


def labelled(count: int, seed: int) -> list[dict]:
    """Texts whose first word tells their class, so that the last token has to look back."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        rest = [WORDS[int(i)] for i in generator.integers(2, len(WORDS), 1 + number % 5)]
        text = " ".join([WORDS[number % 2], *rest, "very"])
        rows.append({"text": text, "label": f"class{number % 2}"})
    return rows


@pytest.fixture
def nodes(tmp_path):
    """A decoder's folder, and labelled texts."""
    model = build("llama", CONFIG, make_tokenizer(), seed=0)
    save_model(model, make_tokenizer(), tmp_path / "base")
    for split, count, seed in (("train", 64, 0), ("test", 32, 1)):
        write_rows(tmp_path / "data" / f"{split}.jsonl", labelled(count, seed))
    return tmp_path


def test_a_task_that_needs_the_whole_text_is_learned_alike_twice(nodes):
    task = task_of(nodes / "data")
    found = fine_tune(nodes / "base", task, SETTINGS, 0)
    assert found["scores"]["test"]["macro_f1"] > 0.9
    assert fine_tune(nodes / "base", task, SETTINGS, 0) == found
    # Untrained, the head knows nothing.
    still = fine_tune(nodes / "base", task, replace(SETTINGS, learning_rate=1e-12), 0)
    assert still["scores"]["test"]["macro_f1"] < 0.8


def test_a_decoder_reads_the_token_that_begins_texts_and_no_end_token(nodes):
    tokenizer = make_tokenizer()
    (row,) = token_rows(tokenizer, ["red dog runs"], 10, "causal")
    assert row[0] == tokenizer.bos_token_id and tokenizer.decode(row[-1]) == "runs"
    (cut,) = token_rows(tokenizer, ["red dog runs"], 3, "causal")
    assert cut == row[:3]
    tokenizer.backend_tokenizer.post_processor = None
    with pytest.raises(UserError, match="at least one token, found an empty one"):
        token_rows(tokenizer, ["red", ""], 10, "causal")


def test_the_head_goes_with_the_family_and_an_encoder_decoder_is_one_sentence(nodes, monkeypatch):
    model, family = load_classifier(nodes / "base", 2, 0)
    assert isinstance(model, LastTokenClassifier) and family == "causal"
    save_model(make_model(), make_tokenizer(), nodes / "t5")
    with pytest.raises(UserError, match="or a decoder .*, found a model of type 't5'"):
        load_classifier(nodes / "t5", 2, 0)
    with pytest.raises(UserError, match="at most 64 tokens, .* is 1000; lower it"):
        task = task_of(nodes / "data")
        finetune.fine_tune(nodes / "base", task, replace(SETTINGS, max_length=1000), 0)
