"""End tasks whose classifier reads the hidden slot: what it scores, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from end_task_case import SETTINGS, task_of
from masked_model import masked_model, masked_tokenizer
from small_nodes import CONFIG, WORDS, make_tokenizer

from lethe.artefacts.jsonlines import write_rows
from lethe.endtasks.classifier import Classifier
from lethe.endtasks.finetune import fine_tune
from lethe.endtasks.slot import slot_mark
from lethe.endtasks.tokens import split_rows
from lethe.errors import UserError
from lethe.models.architectures import build
from lethe.models.saving import save_model

# A head alone can be trained: what the encoder's states do not hold, it cannot learn.
FROZEN = replace(SETTINGS, epochs=20)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def rows_of(count: int, seed: int, classes: int = 2) -> list[dict]:
    """Texts with the slot behind the word that tells their class, at changing places."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        before, after = (
            [WORDS[int(i)] for i in generator.integers(classes, len(WORDS), length)]
            for length in (1 + number % 3, 2)
        )
        told = WORDS[number % classes]
        text = " ".join([*before, told, "<mask>", *after])
        rows.append({"id": f"{seed}-{number}", "text": text, "label": f"class{number % classes}"})
    return rows


def folder_of(path, **splits):
    for split, rows in splits.items():
        write_rows(path / f"{split}.jsonl", rows)
    return path


@pytest.fixture
def data(tmp_path):
    return folder_of(tmp_path / "data", train=rows_of(48, 0), test=rows_of(32, 1))


class KnowsAtTheSlot(torch.nn.Module):
    """Stands for a trained encoder: the mask's state tells the word before it, others nothing."""

    def __init__(self, encoder):
        super().__init__()
        self.config, width = encoder.config, encoder.config.hidden_size
        states = torch.randn(encoder.config.vocab_size, width, generator=torch.manual_seed(0))
        self.register_buffer("states", states)
        self.mask = masked_tokenizer().mask_token_id

    def forward(self, input_ids, attention_mask):
        before = torch.roll(input_ids, 1, dims=1)
        at_slot = (input_ids == self.mask).unsqueeze(-1)
        states = torch.where(at_slot, self.states[before], torch.ones(self.states.shape[1]))
        return type("States", (), {"last_hidden_state": states})


def test_what_the_mask_state_knows_scores_with_slot_and_not_with_first(tmp_path, data, monkeypatch):
    save_model(masked_model(), masked_tokenizer(), tmp_path / "base")
    monkeypatch.setattr(
        "lethe.endtasks.classifier._load_network",
        lambda directory: (KnowsAtTheSlot(masked_model().base_model), None, "masked"),
    )
    task = task_of(data)
    slot, first = (
        fine_tune(tmp_path / "base", task, replace(FROZEN, reads=reads), 0)["scores"]["test"]
        for reads in ("slot", "first")
    )
    assert slot["macro_f1"] == 1.0
    assert first["accuracy"] == 0.5


def test_a_real_encoder_is_tuned_through_the_slot_alike_twice(tmp_path, data):
    save_model(masked_model(), masked_tokenizer(), tmp_path / "base")
    settings = replace(SETTINGS, reads="slot")
    found = fine_tune(tmp_path / "base", task_of(data), settings, 0)
    assert found["scores"]["test"]["macro_f1"] > 0.9
    assert fine_tune(tmp_path / "base", task_of(data), settings, 0) == found


def test_the_slot_head_is_the_published_head_on_the_masks_state(tmp_path, data):
    tokenizer, encoder = masked_tokenizer(), masked_model().base_model.eval()
    model = Classifier(encoder, 3, seed=2, slot=tokenizer.mask_token_id).eval()
    texts = ["<mask> " + WORDS[3], f"{WORDS[4]} {WORDS[2]} <mask>"]
    encoded = tokenizer(texts, padding=True, return_tensors="pt")
    found = model(encoded["input_ids"], encoded["attention_mask"])
    for place, text in enumerate(texts):
        one = tokenizer(text, return_tensors="pt")
        state = encoder(**one).last_hidden_state[0, 1 + text.split().index("<mask>")]
        wanted = model.out(torch.tanh(model.dense(state)))
        torch.testing.assert_close(found[place], wanted, rtol=1e-4, atol=1e-5)
    # The weights are those of the published head: only the state that they read differs.
    plain = Classifier(encoder, 3, seed=2)
    for layer in ("dense", "out"):
        assert torch.equal(getattr(plain, layer).weight, getattr(model, layer).weight)


def test_a_decoders_text_ends_before_the_slot(data):
    tokenizer, split = make_tokenizer(), task_of(data).splits["test"]
    rows = split_rows(tokenizer, split, 12, "causal", "slot")
    for row, text in zip(rows, split.texts, strict=True):
        words = text.split()
        assert row[0] == tokenizer.bos_token_id
        assert tokenizer.decode(row[-1]) == words[words.index("<mask>") - 1]


def test_a_decoder_learns_from_what_stands_before_the_slot(tmp_path, data):
    save_model(build("llama", CONFIG, make_tokenizer(), seed=0), make_tokenizer(), tmp_path / "b")
    task = task_of(data)
    found = fine_tune(tmp_path / "b", task, replace(SETTINGS, reads="slot"), 0)
    assert found["scores"]["test"]["macro_f1"] > 0.9


@pytest.mark.parametrize(
    ("text", "family", "longest", "sentence"),
    [
        ("red dog", "masked", 12, r"row 2: expected <mask> once .* found it 0 times in 'red dog'"),
        ("<mask> <mask>", "masked", 12, "row 2: expected <mask> once .* found it 2 times"),
        ("red dog", "causal", 12, "row 2: expected <mask> once .* found it 0 times"),
        (f"{'red ' * 9}<mask>", "masked", 9, "row 2: expected the mask token among the first 9 "),
        (f"{'red ' * 9}<mask>", "causal", 9, "row 2: expected at most 9 tokens before the slot, "),
    ],
)
def test_a_text_without_its_slot_is_one_sentence(tmp_path, text, family, longest, sentence):
    rows = [{"text": "red <mask>", "label": "a"}, {"text": text, "label": "b"}]
    data = folder_of(tmp_path / "data", train=rows, test=rows[:1])
    split = task_of(data).splits["train"]
    tokenizer = masked_tokenizer() if family == "masked" else make_tokenizer()
    with pytest.raises(UserError, match=rf"train.jsonl, {sentence}"):
        split_rows(tokenizer, split, longest, family, "slot")


def test_a_tokenizer_without_mask_token_is_refused_for_an_encoder_alone():
    tokenizer = masked_tokenizer()
    assert slot_mark(tokenizer, "masked") == slot_mark(tokenizer, "causal") == "<mask>"
    tokenizer.mask_token = None
    assert slot_mark(tokenizer, "causal") == "<mask>"
    with pytest.raises(UserError, match="a tokenizer with a mask token, .* set `reads: first`"):
        slot_mark(tokenizer, "masked")
