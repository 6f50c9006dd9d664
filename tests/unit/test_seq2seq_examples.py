"""Examples of encoder-decoders: what the encoder is given and what the decoder predicts."""

from seq2seq_model import some_rows
from small_nodes import make_tokenizer
from tokenizers import processors

from lethe.data.encoding import encode_rows
from lethe.data.joining import encode
from lethe.data.seq2seq_examples import split_place
from lethe.models.tokenizer import load_tokenizer, tokenizer_for


def test_the_encoder_is_given_what_the_tokenizer_makes_of_the_prompt():
    tokenizer = make_tokenizer()
    rows, _ = some_rows()
    rows[0]["prompt"] = ""
    for row, example in zip(
        rows, encode_rows(rows, "t", tokenizer, 24, "say {prompt}", "seq2seq"), strict=True
    ):
        assert list(example.encoder_tokens) == tokenizer("say " + row["prompt"])["input_ids"]
        assert tokenizer.decode(example.tokens) == row["response"] + " </s>"
    (empty,) = encode_rows(rows[:1], "t", tokenizer, 24, "{prompt}", "seq2seq")
    assert empty.encoder_tokens == (tokenizer.bos_token_id,)


def test_a_tokenizer_for_an_encoder_decoder_ends_texts_and_keeps_every_number(tmp_path):
    plain = make_tokenizer()
    assert tokenizer_for("causal", plain) is plain
    made = tokenizer_for("seq2seq", plain)
    made.save_pretrained(tmp_path)
    for tokenizer in (made, load_tokenizer(tmp_path)):
        assert tokenizer.get_vocab() == plain.get_vocab()
        assert tokenizer.bos_token_id is None
        text = plain("red cat", add_special_tokens=False)["input_ids"]
        assert tokenizer("red cat")["input_ids"] == [*text, plain.eos_token_id]
    assert plain("red cat")["input_ids"] == [plain.bos_token_id, *text]
    rows = [{"id": 1, "prompt": "", "response": "cat"}, {"id": 2, "prompt": "red", "response": ""}]
    empty, short = encode_rows(rows, "t", made, 9, "{prompt}", "seq2seq")
    assert empty.encoder_tokens == (made.eos_token_id,)
    assert tuple(made("red")["input_ids"]) == short.encoder_tokens
    assert short.tokens == (made.eos_token_id,)


def test_a_tokenizer_without_special_tokens_still_gives_the_encoder_something():
    tokenizer = make_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.Sequence([])
    rows = [{"id": 1, "prompt": "", "response": "cat"}, {"id": 2, "prompt": "red", "response": "a"}]
    empty, short = encode_rows(rows, "t", tokenizer, 9, "{prompt}", "seq2seq")
    assert empty.encoder_tokens == (tokenizer.bos_token_id,)
    assert tokenizer.decode(short.encoder_tokens) == "red"


def test_many_texts_are_tokenised_as_one_by_one():
    tokenizer = make_tokenizer()
    texts = ["red cat", "", "a very old dog runs", "unknown"]
    for special in (True, False):
        wanted = [tokenizer(text, add_special_tokens=special)["input_ids"] for text in texts]
        assert encode(tokenizer, texts, special) == wanted


def test_a_document_is_split_by_its_id_and_nothing_of_it_is_lost():
    tokenizer = make_tokenizer()
    _, rows = some_rows(200)
    examples = encode_rows(rows, "t", tokenizer, 24, "{prompt}", "seq2seq")
    empty = 0
    for row, example in zip(rows, examples, strict=True):
        text = tokenizer(row["text"], add_special_tokens=False)["input_ids"]
        cut = split_place(row["id"], len(text))
        assert example.encoder_tokens == (tokenizer.bos_token_id, *text[:cut])
        assert example.tokens == (*text[cut:], tokenizer.eos_token_id)
        assert example.label_count > 1
        empty += cut == 0
    assert 70 < empty < 130


def test_long_prompts_are_cut_on_the_left_and_long_responses_at_their_end():
    rows = [{"id": 1, "prompt": "red " * 40 + "cat", "response": "cat dog " * 20}]
    tokenizer = make_tokenizer()
    (example,) = encode_rows(rows, "t", tokenizer, 10, "{prompt}", "seq2seq")
    assert tokenizer.decode(example.encoder_tokens) == "<s> " + "red " * 8 + "cat"
    assert tokenizer.decode(example.tokens) == " ".join(["cat dog"] * 5)
