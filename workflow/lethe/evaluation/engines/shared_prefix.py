"""A forward pass over packs of a prefix tree that follow kept tokens."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import Cache, DynamicCache

from lethe.evaluation.engines.prefix_tree import Pack
from lethe.models.kinds import kind_of


class SharedPrefix(Cache):
    """Keys and values of one text's tokens, for every row of a batch that continues it.

    Unlike the caches of transformers it does not grow: later tokens are joined for one pass only.
    """

    def __init__(self, grown: DynamicCache) -> None:
        super().__init__(layers=grown.layers)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *args, **kwargs
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values [R, heads, P + L, size] of the prefix and the tokens after it."""
        kept, rows = self.layers[layer_idx], len(key_states)
        return (
            torch.cat([kept.keys.expand(rows, -1, -1, -1), key_states], dim=-2),
            torch.cat([kept.values.expand(rows, -1, -1, -1), value_states], dim=-2),
        )


def extend(model, past: SharedPrefix | None, tokens: list[int]) -> SharedPrefix:
    """Keys and values of the tokens after those of `past`."""
    cache = DynamicCache()
    for number, kept in enumerate(past.layers if past else []):
        cache.update(kept.keys, kept.values, number)
    ids = torch.tensor([tokens], device=model.device)
    model.base_model(input_ids=ids, past_key_values=cache, use_cache=True)
    return SharedPrefix(cache)


def states(model, packs: list[Pack], past: SharedPrefix | None) -> torch.Tensor:
    """Last hidden states [R, longest pack, width]; packs are padded on the right."""
    ids = _padded([pack.tokens for pack in packs], model.device, 0)
    if past is None and not any(pack.forks for pack in packs):
        return model.base_model(input_ids=ids, use_cache=False).last_hidden_state
    positions = _padded([pack.positions for pack in packs], model.device, 0)
    width, start = ids.shape[1], past.get_seq_length() if past else 0
    ends = _padded([pack.ends for pack in packs], model.device, width)
    places = torch.arange(width, device=model.device)
    # Padding sees itself, so that no row of the mask is empty.
    sees = (places[:, None] >= places) & (ends[:, None, :] > places[:, None])
    mask = torch.zeros(*sees.shape[:2], start + width, dtype=model.dtype, device=model.device)
    mask[:, :, start:].masked_fill_(~sees, torch.finfo(model.dtype).min)
    inputs = {"input_ids": ids, "attention_mask": mask[:, None], "past_key_values": past}
    inputs["use_cache"] = past is not None
    if kind_of(model.config.model_type).positions != "slopes":
        return model.base_model(**inputs, position_ids=positions).last_hidden_state
    before = torch.arange(start, device=model.device).expand(len(packs), -1)
    with _alibi(model, torch.cat([before, positions], dim=1)):
        return model.base_model(**inputs).last_hidden_state


@contextmanager
def _alibi(model, positions: torch.Tensor) -> Iterator[None]:
    """Within, BLOOM's bias uses the keys' positions [R, S] in their own texts, not the mask.

    Press et al. 2022 add slope * (key's place - query's place) to a score; the query's part is the
    same for all keys and cancels in the softmax.
    """

    own = model.base_model.build_alibi_tensor

    def build(mask: torch.Tensor, heads: int, dtype: torch.dtype) -> torch.Tensor:
        two = torch.ones(1, 2, dtype=torch.long, device=positions.device)
        slopes = own(two, heads, torch.float32)[:, 0, 1]
        bias = slopes[:, None] * positions[:, None, :]
        return bias.reshape(len(positions) * heads, 1, -1).to(dtype)

    model.base_model.build_alibi_tensor = build
    try:
        yield
    finally:
        del model.base_model.build_alibi_tensor


def _padded(lists: list[list[int]], device: torch.device, filler: int) -> torch.Tensor:
    width = max(map(len, lists))
    rows = [values + [filler] * (width - len(values)) for values in lists]
    return torch.tensor(rows, device=device)
