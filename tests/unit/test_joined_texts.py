"""Joined texts: the stream of tokens on disk, and the pieces that every family learns of it."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from masked_model import masked_tokenizer, texts
from small_nodes import make_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from lethe.artefacts.jsonlines import write_rows
from lethe.data.masked_examples import document_examples
from lethe.data.pieces import Parts, Pieces
from lethe.data.seq2seq_examples import split_place
from lethe.data.streams import Stream, texts_of, write_stream
from lethe.errors import UserError

ROWS = [row["text"] for row in texts(40)]


def pieces_of(folder, family: str, tokenizer, max_length: int, rows=None, chosen=None) -> Pieces:
    facts = write_stream(ROWS if rows is None else rows, tokenizer, family, folder)
    return Pieces(Stream(folder, facts, chosen), "d", tokenizer, max_length, family)


def joined(pieces) -> list[int]:
    return [token for piece in pieces for token in (*piece.encoder_tokens, *piece.tokens)]


def test_a_decoder_learns_every_token_of_its_documents_but_the_first_of_a_piece(tmp_path):
    tokenizer = make_tokenizer()
    pieces = pieces_of(tmp_path, "causal", tokenizer, 16)
    whole = [token for text in ROWS for token in (*tokenizer(text)["input_ids"], 3)]
    assert joined(pieces) == whole
    assert {len(piece.tokens) for piece in pieces[:-1]} == {16}
    assert 2 <= len(pieces[-1].tokens) <= 16 and pieces.dropped == 0
    assert {piece.label_start for piece in pieces} == {1}
    assert [piece.id for piece in pieces[:2]] == ["d-1", "d-2"]
    assert tokenizer.decode(pieces[0].tokens).count("</s> <s>") >= 1


def test_a_single_token_at_the_end_predicts_nothing_and_is_counted(tmp_path):
    # <s> red blue </s> twice are 8 tokens: pieces of 7 leave one.
    pieces = pieces_of(tmp_path, "causal", make_tokenizer(), 7, ["red blue"] * 2)
    assert len(pieces) == 1 and pieces.dropped == 1


def test_a_masked_model_learns_whole_pieces_as_in_ke_et_al_2023(tmp_path):
    tokenizer = masked_tokenizer()
    pieces = pieces_of(tmp_path, "masked", tokenizer, 16)
    whole = [token for text in ROWS for token in tokenizer(text)["input_ids"]]
    assert [len(piece.tokens) for piece in pieces] == [16] * (len(whole) // 16)
    assert joined(pieces) == whole[: len(pieces) * 16]
    assert pieces.dropped == len(whole) % 16
    (short,) = pieces_of(tmp_path, "masked", tokenizer, 512, ROWS[:1])
    assert short.tokens == (*tokenizer(ROWS[0])["input_ids"],)


def test_an_encoder_decoder_reads_a_prefix_of_a_piece_and_predicts_the_rest(tmp_path):
    tokenizer = make_tokenizer()
    pieces = pieces_of(tmp_path, "seq2seq", tokenizer, 16)
    texts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in ROWS]
    whole = [token for tokens in texts for token in (*tokens, 3)]
    start, prefixes = 0, set()
    for piece in pieces:
        part = whole[start : start + 15]  # the encoder puts <s> before it
        cut = split_place(piece.id, len(part))
        assert piece.encoder_tokens == (2, *part[:cut]) and piece.tokens == (*part[cut:],)
        assert piece.label_count > 0 and piece.label_start == 0
        start, prefixes = start + 15, prefixes | {cut}
    assert start >= len(whole) - pieces.dropped and len(prefixes) > 3
    assert Parts([pieces], {}).longest == 16


@pytest.mark.parametrize("family", ["causal", "seq2seq", "masked"])
def test_the_texts_that_are_drawn_are_joined_as_if_there_were_no_others(family, tmp_path):
    tokenizer = masked_tokenizer()
    chosen = np.array([0, 1, 7, 8, 9, 39])
    some = pieces_of(tmp_path / "some", family, tokenizer, 9, chosen=chosen)
    alone = pieces_of(tmp_path / "alone", family, tokenizer, 9, [ROWS[i] for i in chosen])
    assert list(some) == list(alone) and some.dropped == alone.dropped
    last = pieces_of(tmp_path / "some", family, tokenizer, 99, chosen=np.array([39]))
    assert list(last) == list(pieces_of(tmp_path / "last", family, tokenizer, 99, ROWS[39:]))


@given(st.lists(st.text("red blu\n", max_size=30), min_size=1, max_size=12), st.data())
def test_any_part_of_a_stream_is_that_part_of_the_joined_tokens(tmp_path_factory, rows, data):
    folder, tokenizer = tmp_path_factory.mktemp("stream"), make_tokenizer()
    facts = write_stream(rows, tokenizer, "causal", folder)
    chosen = data.draw(st.lists(st.sampled_from(range(len(rows))), unique=True, min_size=1))
    for some in (None, np.array(sorted(chosen))):
        kept = rows if some is None else [rows[index] for index in some]
        whole = [token for text in kept for token in (*tokenizer(text)["input_ids"], 3)]
        stream = Stream(folder, facts, some)
        assert len(stream) == len(whole)
        start = data.draw(st.integers(0, len(whole)))
        stop = data.draw(st.integers(start, len(whole)))
        assert list(stream.read(start, stop)) == whole[start:stop]


def test_a_tokenizer_that_ends_texts_by_itself_ends_them_once(tmp_path):
    tokenizer = make_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 3)]
    )
    (piece,) = pieces_of(tmp_path, "causal", tokenizer, 99, ["red", "blue cat"])
    assert tokenizer.decode(piece.tokens) == "red </s> blue cat </s>"


def test_numbers_of_tokens_beyond_two_bytes_are_kept(tmp_path):
    names = {f"w{number}": number for number in range(70_000)}
    backend = Tokenizer(models.WordLevel({**names, "</s>": 70_000}, unk_token="w0"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>")
    (piece,) = pieces_of(tmp_path, "causal", tokenizer, 99, ["w65535 w65536", "w69999"])
    assert piece.tokens == (65535, 65536, 70_000, 69_999, 70_000)


def test_pieces_are_read_one_by_one_and_no_corpus_is_held(tmp_path):
    pieces = pieces_of(tmp_path, "causal", make_tokenizer(), 64, ["red blue cat " * 50] * 4000)
    assert len(pieces) > 9000
    tracemalloc.start()
    total = sum(len(piece.tokens) for piece in pieces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 4000 * 152 and peak < 200_000


def test_parts_of_a_mixture_follow_each_other_and_end(tmp_path):
    tokenizer = make_tokenizer()
    pieces = pieces_of(tmp_path, "causal", tokenizer, 16)
    short = document_examples([{"id": "a", "text": "red"}], "e", masked_tokenizer(), 9)
    parts = Parts([short, pieces, short], {})
    assert list(parts) == [*short, *pieces, *short] and len(parts) == len(pieces) + 2
    assert parts[-1] == parts[np.int64(0)] == short[0] and parts[1:3] == pieces[:2]
    for index in (len(parts), -len(parts) - 1):
        with pytest.raises(IndexError):
            parts[index]


def test_too_little_to_join_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="'d' has 1 tokens in all: too few to learn from"):
        pieces_of(tmp_path, "seq2seq", make_tokenizer(), 9, [""])
    with pytest.raises(UserError, match="`max_length` has room for two tokens of a text, found 1"):
        pieces_of(tmp_path, "causal", make_tokenizer(), 1)


def test_prompts_and_responses_are_not_joined(tmp_path):
    path = tmp_path / "one.jsonl"
    write_rows(path, [{"text": "red"}, {"prompt": "a", "response": "b"}])
    with pytest.raises(UserError, match="example 2: .*`joined: true` expected a `text`, found pr"):
        list(texts_of(path))
    write_rows(path, [{"text": None}])
    with pytest.raises(UserError, match="example 1: .*found text"):
        list(texts_of(path))
    path.write_text("")
    with pytest.raises(UserError, match="holds no examples"):
        list(texts_of(path))
