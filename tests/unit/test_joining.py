"""Where a prompt ends: every character of a response is a label, whatever a tokenizer merges."""

import pytest
from small_tokenizers import KINDS
from transformers import PreTrainedTokenizerFast

from lethe.data.encoding import encode_rows
from lethe.data.examples import (
    APART,
    LAYOUT,
    LOWERED,
    NOTES,
    REWRITTEN,
    SPECIAL,
    UNKNOWN,
    notes_in_numbers,
    say_notes,
)
from lethe.data.joining import join, special_tokens, texts_of
from lethe.errors import UserError

TEMPLATES = (
    ("{prompt}\n\n### Response:", ""),
    ("{prompt} Answer: ", ""),
    ("{prompt} Answer:", " "),
    ("{prompt} an experi", ""),
    ("{prompt} The cat s", ""),
    ("{prompt}: ", " "),
    ("{prompt}\n", "\n"),
    ('{"q": "{prompt}", "a": "', ""),
    ("{prompt} — ", "— "),
    ("{prompt}", ""),
)
RESPONSES = (
    '"Yes," he said.',
    "(a)",
    "[z]",
    "--no",
    "— no",
    "...",
    "`x`",
    "’tis",
    "ment on the mat",
    "at on the mat",
    "42",
    "3.50",
    "Paris",
    "  Rome",
    "\nRome",
    "你好 世界",
    "🙂 no",
    "é",
    "do not, I'm",
    "",
)
PROMPTS = ("the cat", "12", "你好", 'an "x"', "")


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request) -> PreTrainedTokenizerFast:
    return KINDS[request.param]()


def characters(text: str) -> str:
    return "".join(text.split())


def written(tokenizer, text: str) -> str:
    """A text as a tokenizer writes it: in lower case, say, or with its characters composed."""
    return texts_of(tokenizer, [tokenizer(text, add_special_tokens=False)["input_ids"]])[0]


def rows() -> list[dict]:
    return [
        {"id": f"{prompt}|{response}", "prompt": prompt, "response": response}
        for prompt in PROMPTS
        for response in RESPONSES
    ]


@pytest.mark.parametrize(("template", "delimiter"), TEMPLATES)
def test_labels_read_as_the_whole_response(tokenizer, template, delimiter):
    """Together the tokens read as prompt, delimiter and response; the prompt's are its own."""
    examples = encode_rows(rows(), "t", tokenizer, 200, template, "causal", delimiter)
    head = special_tokens(tokenizer).head
    for row, example in zip(rows(), examples, strict=True):
        if UNKNOWN in example.notes:
            continue
        prompt = template.replace("{prompt}", row["prompt"])
        response = delimiter + row["response"]
        tokens, labels = example.tokens, example.tokens[example.label_start :]
        alone = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        assert tokens[: example.label_start] == (*head, *alone) or not alone
        assert labels[-1] == tokenizer.eos_token_id not in labels[:-1]
        whole = texts_of(tokenizer, [tokens[:-1]])[0]
        expected = written(tokenizer, prompt + response)
        if tokenizer.unk_token in expected:  # the two apart can be written
            expected = written(tokenizer, prompt) + written(tokenizer, response)
        assert characters(whole).removeprefix("<s>") == characters(expected)
        label_text = characters(texts_of(tokenizer, [labels[:-1]])[0])
        assert label_text.replace("##", "") == characters(written(tokenizer, response))


def test_blanks_at_the_join_are_kept_where_a_tokenizer_keeps_blanks():
    for kind in ("bytes", "bytes that end", "llama", "llama that ends", "unigram", "pairs"):
        tokenizer = KINDS[kind]()
        for template, delimiter in TEMPLATES:
            for example in encode_rows(rows(), "t", tokenizer, 200, template, "causal", delimiter):
                prompt, response = example.id.split("|")
                whole = template.replace("{prompt}", prompt) + delimiter + response
                if not example.notes & {UNKNOWN, REWRITTEN} and "\n" not in whole:
                    read = texts_of(tokenizer, [example.tokens[:-1]])[0].removeprefix("<s>")
                    assert read.removeprefix(" ") in (whole, whole.removeprefix(" "))


def test_a_join_without_a_spanning_token_is_that_of_the_whole_text(tokenizer):
    """As lm-eval cuts it, and as every study was trained until now."""
    pairs = [(row["prompt"] + ":", " " + row["response"]) for row in rows()]
    found = join(tokenizer, *zip(*pairs, strict=True))
    assert not all(pair.apart for pair in found)
    head = list(special_tokens(tokenizer).head)
    for (prompt, response), pair in zip(pairs, found, strict=True):
        alone = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        whole = tokenizer(prompt + response, add_special_tokens=False)["input_ids"]
        if not pair.apart:
            assert pair.prompt + pair.continuation == head + whole
        assert pair.prompt == head + alone


def test_a_spanning_token_is_split_and_counted(capsys):
    tokenizer = KINDS["bytes"]()
    row = {"id": 1, "prompt": "The cat s", "response": "at on the mat"}
    plain = {"id": 2, "prompt": "The cat", "response": " sat on the mat"}
    spanned, whole = encode_rows([row, plain], "t", tokenizer, 99, "{prompt}", "causal", "")
    assert tokenizer.decode(spanned.tokens[spanned.label_start :]) == "at on the mat</s>"
    assert tokenizer.decode(whole.tokens[whole.label_start :]) == " sat on the mat</s>"
    found = notes_in_numbers([spanned, whole])
    assert found == {**dict.fromkeys(NOTES, 0), APART: 1}
    say_notes(found)
    assert capsys.readouterr().out.startswith("1 text: a token would span prompt and")


def test_a_piece_of_a_word_continues_the_word():
    """BERT's `##` says so; on its own the piece would begin another word."""
    tokenizer = KINDS["wordpiece"]()
    (pair,) = join(tokenizer, ["the cat s"], ["at on the mat"])
    first = tokenizer.convert_ids_to_tokens(pair.continuation)[0]
    assert first.startswith("##") and pair.kept


def test_what_a_tokenizer_cannot_write_or_rewrites_is_counted():
    tokenizer = KINDS["wordpiece"]()
    responses = ("the mat", "The Mat", "the ж", "the\u200b")
    rows = [{"id": n, "prompt": "a", "response": text} for n, text in enumerate(responses)]
    plain, upper, unknown, dropped = encode_rows(rows, "t", tokenizer, 99, "{prompt}", "causal")
    assert plain.notes == frozenset()
    assert (upper.notes, dropped.notes) == ({LOWERED}, {REWRITTEN})
    assert unknown.notes == {UNKNOWN, REWRITTEN}


def test_a_response_behind_an_unknown_character_is_still_a_label():
    """BERT's tokenizer makes one unknown token of a word with an unknown character in it."""
    tokenizer = KINDS["wordpiece"]()
    (pair,) = join(tokenizer, ["the ж"], ["cat sat"])
    assert tokenizer.decode(pair.continuation) == "cat sat"
    assert not pair.kept


def test_an_encoder_decoder_predicts_every_character(tokenizer):
    for template, delimiter in TEMPLATES:
        for example in encode_rows(rows(), "t", tokenizer, 200, template, "seq2seq", delimiter):
            prompt, response = example.id.split("|")
            if not example.notes:
                whole = characters(template.replace("{prompt}", prompt))
                given = texts_of(tokenizer, [example.encoder_tokens])[0]
                said = texts_of(tokenizer, [example.tokens])[0]
                assert whole in characters(given)
                assert characters(said) == characters(delimiter + response) + "</s>"


def test_a_text_that_brings_its_beginning_token_gets_no_second_one():
    tokenizer = KINDS["llama"]()
    (pair,) = join(tokenizer, ["<s>the cat"], [" sat"])
    assert pair.prompt.count(tokenizer.bos_token_id) == 1


@pytest.mark.parametrize("row", [{"text": "the cat"}, {"prompt": "the", "response": "cat"}])
def test_an_example_that_is_cut_to_nothing_names_what_cut_it(tokenizer, row):
    with pytest.raises(UserError, match="'1' of t: cut to 1 token by the recipe's `max_length`"):
        encode_rows([{"id": 1, **row}], "t", tokenizer, 1, "{prompt}", "causal")
    assert encode_rows([{"id": 1, **row}], "t", tokenizer, 2, "{prompt}", "causal")


@pytest.mark.parametrize("family", ["causal", "seq2seq"])
def test_a_response_that_spells_a_special_token_is_counted(tokenizer, family):
    """`</s>` of a text becomes the end token, after which no answer goes on."""
    responses = ("<s>cat</s> mat", "the mat</s>", "the <mask>", "the mat", "<b> / s >")
    rows = [{"id": n, "prompt": "the </s>", "response": text} for n, text in enumerate(responses)]
    found = encode_rows(rows, "t", tokenizer, 99, "<s> {prompt}", family)
    assert [SPECIAL in example.notes for example in found] == [True, True, True, False, False]


@pytest.mark.parametrize("family", ["causal", "seq2seq", "masked"])
def test_a_document_that_spells_a_special_token_is_counted(tokenizer, family):
    rows = [{"id": n, "text": text} for n, text in enumerate(("the cat", "the </s> cat"))]
    plain, spelled = encode_rows(rows, "t", tokenizer, 99, "{prompt}", family)
    assert SPECIAL in spelled.notes - plain.notes


def test_line_ends_that_a_tokenizer_drops_are_counted():
    for kind, dropped in (("bytes", False), ("llama", False), ("wordpiece", True)):
        rows = [{"id": n, "prompt": "a", "response": t} for n, t in enumerate(("a b", "a\n\tb"))]
        plain, lines = encode_rows(rows, "t", KINDS[kind](), 99, "{prompt}", "causal")
        assert (LAYOUT in plain.notes, LAYOUT in lines.notes) == (False, dropped)
