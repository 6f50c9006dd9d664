"""Cloze: the class of a hidden word, by the probability of its words at the mask."""

import numpy as np
import pytest
import torch
from masked_model import masked_model, masked_tokenizer, publish_nodes
from small_nodes import WORDS, make_tokenizer
from tokenizers import normalizers

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.paths import node_directory
from lethe.commands.questions import write_texts
from lethe.errors import UserError
from lethe.evaluation.cloze_texts import cloze_questions
from lethe.evaluation.masked_loss import score_texts
from lethe.longtables.questions import question_nodes, read_questions
from lethe.models.saving import save_model
from lethe.questions.changes import answer_of

CLASSES = {"warm": ["red", "blue"], "cold": ["green"]}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def rows(count: int = 90) -> list[dict]:
    """Texts of a few words around a mask; three texts share a stem."""
    generator = np.random.default_rng(1)
    return [
        {
            "id": str(number),
            "text": f"{' '.join(generator.choice(WORDS, 1 + number % 5))} <mask> stop",
            "label": ("warm", "cold")[number % 2],
            "classes": CLASSES,
            "cluster": f"stem {number // 3}",
        }
        for number in range(count)
    ]


def task(path, **changes) -> dict:
    return {"name": "cloze_d", "axis": "domain", "chance": None, "metric": "cloze", "path": path,
            **changes}  # fmt: skip


def scored(tmp_path, texts: list[dict], **changes) -> dict:
    base, data = publish_nodes(tmp_path, {"t.jsonl": texts}, masked_model())
    (result,) = score_texts(base, "0" * 64, [task(data / "t.jsonl", **changes)], tmp_path / "store")
    return result


def test_the_answer_is_the_class_of_the_largest_summed_probability(tmp_path):
    result = scored(tmp_path, rows())
    tokenizer, model = masked_tokenizer(), masked_model().eval()
    for row, item in zip(rows(), result["items"], strict=True):
        tokens = tokenizer(row["text"], return_tensors="pt")["input_ids"]
        place = tokens[0].tolist().index(tokenizer.mask_token_id)
        with torch.no_grad():
            shares = model(tokens).logits[0, place].softmax(0)
        sums = {
            name: sum(float(shares[tokenizer.convert_tokens_to_ids(word)]) for word in words)
            for name, words in CLASSES.items()
        }
        assert item["predicted"] == max(sums, key=sums.get)
        assert item["correct"] == float(item["predicted"] == row["label"])
        share = sums[row["label"]] / sum(sums.values())
        assert item["gold_logprob"] == pytest.approx(np.log(share), abs=1e-5)
        assert item["margin"] == pytest.approx(np.log(share / (1 - share)), abs=1e-5)
        assert sum(np.exp(item["choice_logprobs"])) == pytest.approx(1)
        assert item["cluster_id"] == row["cluster"]
    (score,) = result["scores"]
    assert score["metric"] == "cloze"
    right = [item["correct"] for item in result["items"]]
    assert 0 < score["value"] == np.mean(right) < 1
    assert result["chance"] == 0.5


def test_a_reader_sees_text_classes_words_and_the_right_class_of_every_item(tmp_path):
    result = scored(tmp_path, rows())
    (path,) = tmp_path.rglob("t.jsonl")
    asked = {one.item_id: one for one in cloze_questions(path, None)}
    assert list(asked) == [item["item_id"] for item in result["items"]]
    for row, item in zip(rows(), result["items"], strict=True):
        question = asked[item["item_id"]]
        assert question.text == f"{row['text']}\nwarm: red, blue\ncold: green"
        assert question.answers == (row["label"],) and not question.choices
        answer = answer_of(item, question)
        assert answer.text == item["predicted"] and answer.choice is None
    assert len(list(cloze_questions(path, 7))) == 7
    # A class may be called by a number.
    number = answer_of({**result["items"][0], "predicted": "1"}, question)
    assert (number.text, number.choice) == ("1", None)


def test_the_command_takes_the_texts_of_cloze_sets_and_of_no_losses(tmp_path, monkeypatch):
    loss = {"name": "loss_d", "texts": "domains/d/{split}.jsonl", "metric": "mlm_loss"}
    ask = {"name": "cloze_d", "texts": "domains/d/cloze-{split}.jsonl", "metric": "cloze"}
    both = [one | {"data": "data-1", "data_kind": "data"} for one in (loss, ask)]
    assert question_nodes([{"tasks": both}]) == [("data", "data-1")]
    folder = node_directory(tmp_path, "data", "data-1")
    write_rows(folder / "domains/d/cloze-dev.jsonl", rows(5))
    monkeypatch.setattr("lethe.commands.questions.verify", lambda *_: None)
    spec = {"tasks": both, "split": "dev", "limit": 4}
    (path,) = write_texts([spec], tmp_path, tmp_path)
    found = list(read_questions(path))
    assert path.name == "cloze_d.jsonl" and len(found) == 4
    assert found[0].text.startswith(rows(1)[0]["text"])


def test_texts_of_one_stem_are_no_independent_evidence(tmp_path):
    alone = [{**row, "cluster": None} for row in rows()]
    error = {name: scored(tmp_path / name, texts)["scores"][0]["stderr"]
             for name, texts in (("stems", rows()), ("alone", alone))}  # fmt: skip
    assert error["stems"] != error["alone"]


def test_a_result_is_kept_apart_from_the_loss_on_the_same_texts(tmp_path):
    base, data = publish_nodes(tmp_path, {"t.jsonl": rows()}, masked_model())
    path, store = data / "t.jsonl", tmp_path / "store"
    both = [task(path), task(path, metric="mlm_loss")]
    first = [result["scores"][0]["metric"]
             for result in score_texts(base, "0" * 64, both, store)]  # fmt: skip
    assert first == ["cloze", "mlm_loss"]
    assert len(list(store.iterdir())) == 2
    again = score_texts(base, "0" * 64, both, store)
    assert [result["scores"][0]["metric"] for result in again] == first
    (less,) = score_texts(base, "0" * 64, [task(path)], store, limit=7)
    assert less["n"] == 7


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text": "red stop"}, "expected a `text` with <mask> once, found 'red stop'"),
        ({"text": "<mask> <mask>"}, "with <mask> once"),
        ({"label": "hot"}, "expected a `label` among the classes (warm, cold), found 'hot'"),
        ({"label": ["warm"]}, "expected a `label`"),
        ({"classes": {"warm": ["red"]}}, "two or more names each with a list of words"),
        ({"classes": {"warm": ["red"], "cold": ["red"]}}, "expected `classes`"),
        ({"classes": {"warm": [], "cold": ["red"]}}, "expected `classes`"),
        ({"classes": {"warm": ["red blue"], "cold": ["green"]}}, "'red blue', which the model's "
         "tokenizer reads as 2 tokens"),
        ({"classes": {"warm": ["unheard"], "cold": ["green"]}}, "a token that it does not know"),
        ({"text": "red " * 60 + "<mask> stop"}, "behind them; shorten the text"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_scored_is_one_sentence_with_its_line(tmp_path, changes, said):
    texts = rows(4)
    texts[2] |= changes
    with pytest.raises(UserError) as caught:
        scored(tmp_path, texts)
    assert said in str(caught.value)
    assert "t.jsonl, line 3: " in str(caught.value)


def test_words_that_a_tokenizer_reads_as_one_token_are_refused(tmp_path):
    tokenizer = masked_tokenizer()
    tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()
    base = tmp_path / "base"
    save_model(masked_model(), tokenizer, base)
    texts = [{**row, "classes": {"warm": ["red"], "cold": ["RED"]}} for row in rows(2)]
    write_rows(tmp_path / "t.jsonl", texts)
    with pytest.raises(UserError, match="line 1: .* tells apart"):
        score_texts(base, "0" * 64, [task(tmp_path / "t.jsonl")], tmp_path / "store")


def test_a_model_without_mask_is_refused(tmp_path):
    base = tmp_path / "encoder"
    save_model(masked_model(), make_tokenizer(), base)
    write_rows(tmp_path / "t.jsonl", rows(3))
    with pytest.raises(UserError, match="tokenizer without a mask token"):
        score_texts(base, "0" * 64, [task(tmp_path / "t.jsonl")], tmp_path / "store")
