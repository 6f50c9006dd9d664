"""Initial weights of a small T5, where T5's own initialisation is too far from trained values.

T5 sees order only through learned attention biases by distance, which start near zero; at the
learning rates of a small model they move a few thousandths per step. Heads that start by looking at
one neighbour (as ALiBi starts with fixed slopes, Press et al. 2022) let copying circuits form in
hundreds of steps instead of tens of thousands. All weights are trained; the model remains a T5.
"""

import torch

FARTHEST = 3


@torch.no_grad()
def start(
    model,
    *,
    heads: dict[str, list[int | None]],
    strength: float,
    embedding_std: float | None = None,
):
    """Change the initial weights of a T5 in place.

    Args:
        embedding_std: standard deviation of the token embeddings; None: T5's own.
        heads: for `encoder` and `decoder` the offset that each head of the first layer prefers, -1
            for the token before; None for a head without preference.
        strength: penalty on a head's score per token of distance from its offset, in nats; it
            stops growing beyond `FARTHEST` tokens.
    """
    embeddings = model.get_input_embeddings().weight
    if embedding_std is not None:
        embeddings.mul_(embedding_std / model.config.initializer_factor)
    for side, offsets in heads.items():
        attention = getattr(model, side).block[0].layer[0].SelfAttention
        distances = bucket_distances(attention, bidirectional=side == "encoder")
        for head, offset in enumerate(offsets):
            if offset is not None:
                away = (distances - offset).abs().clamp(max=FARTHEST)
                attention.relative_attention_bias.weight[:, head] = -strength * away


def bucket_distances(attention, bidirectional: bool) -> torch.Tensor:
    """The smallest signed distance, key minus query, that falls into each bucket [buckets]."""
    most = attention.relative_attention_max_distance
    distances = torch.arange(-most, most + 1)
    buckets = attention._relative_position_bucket(
        distances,
        bidirectional=bidirectional,
        num_buckets=attention.relative_attention_num_buckets,
        max_distance=most,
    )
    # A bucket that no distance falls into is never read; it gets the largest distance.
    nearest = torch.full((attention.relative_attention_num_buckets,), float(most))
    for distance in sorted(distances.tolist(), key=abs, reverse=True):
        nearest[buckets[distance + most]] = distance
    return nearest
