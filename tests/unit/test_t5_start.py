"""The initial weights of a small T5: what each head looks at, and what stays T5's own."""

import pytest
import torch
from seq2seq_model import CONFIG, make_model
from small_nodes import make_tokenizer

from lethe.models.architectures import build
from lethe.models.t5_start import bucket_distances

HEADS = {"encoder": [-1, 1, None, None], "decoder": [-2, None, None, None]}
START = {"embedding_std": 0.125, "heads": HEADS, "strength": 3.0}
BUCKETS = {"relative_attention_num_buckets": 32, "relative_attention_max_distance": 40}
FOUR = {"num_heads": 4, "d_kv": 4, **BUCKETS}


def bias(model, side: str, length: int = 9) -> torch.Tensor:
    """Attention biases [heads, queries, keys] that the model itself computes."""
    return getattr(model, side).block[0].layer[0].SelfAttention.compute_bias(length, length)[0]


def test_heads_prefer_their_offset_and_the_others_keep_their_weights():
    model, plain = make_model(**FOUR, start=START), make_model(**FOUR)
    encoder, decoder = bias(model, "encoder"), bias(model, "decoder")
    middle = 5
    assert encoder[0, middle].argmax() == middle - 1
    assert encoder[1, middle].argmax() == middle + 1
    assert decoder[0, middle, : middle + 1].argmax() == middle - 2
    lost = [0.0, -3.0, -6.0, -9.0, -9.0]
    assert encoder[0, middle, middle - 1 :].tolist() == pytest.approx(lost)
    for head in (2, 3):
        assert torch.equal(encoder[head], bias(plain, "encoder")[head])


def test_embeddings_have_the_spread_asked_for_and_all_else_is_t5s_own():
    model, plain = make_model(**FOUR, start=START), make_model(**FOUR)
    assert torch.allclose(model.shared.weight * 8, plain.shared.weight)
    assert model.lm_head.weight is model.shared.weight
    started = dict(model.named_parameters())
    for name, parameter in plain.named_parameters():
        if "relative_attention_bias" not in name and name != "shared.weight":
            assert torch.equal(started[name], parameter), name


def test_every_bucket_stands_for_its_nearest_distance():
    attention = make_model(**FOUR).encoder.block[0].layer[0].SelfAttention
    distances = bucket_distances(attention, bidirectional=True)
    for distance in (-7, -1, 0, 1, 7):
        bucket = attention._relative_position_bucket(
            torch.tensor([distance]), True, attention.relative_attention_num_buckets, 40
        )
        assert distances[bucket] == distance


def test_the_configuration_that_is_given_is_left_as_it_is():
    config = {**CONFIG, **FOUR, "start": START}
    build("t5", config, make_tokenizer(), seed=0)
    assert config["start"] == START
