"""BLOOM's attention under a bias that keeps examples apart, by the fused kernels of torch.

transformers has only an eager attention for BLOOM, and takes ALiBi's positions from the padding.
The classes here replace those of a loaded network: weights, names and configuration stay, and a
call without a ready bias (evaluation, generation) computes what it did before.
"""

import torch
import torch.nn.functional as functional
from transformers.models.bloom.modeling_bloom import (
    BloomAttention,
    BloomModel,
    build_alibi_tensor,
)

from lethe.data.batches import Batch
from lethe.models.attention import same


class BiasedAttention(BloomAttention):
    """Attention whose `attention_mask` is the whole bias, [R, heads, L, L], if `alibi` is None."""

    def forward(self, hidden_states, residual, alibi, attention_mask, **named):
        if alibi is not None:
            return super().forward(hidden_states, residual, alibi, attention_mask, **named)
        query, key, value = self._reshape(self.query_key_value(hidden_states))
        context = functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=attention_mask.to(query.dtype),  # of that type already, see `bias`
            dropout_p=self.attention_dropout.p if self.training else 0.0,
        )
        output = self.dense(context.transpose(1, 2).flatten(2))
        output = functional.dropout(output, self.hidden_dropout, self.training)
        return residual + output, None


class BiasedModel(BloomModel):
    """A network that takes a bias [R, heads, L, L] as its attention mask."""

    def build_alibi_tensor(self, attention_mask, num_heads, dtype):
        if attention_mask.dim() == 4:
            return None
        return super().build_alibi_tensor(attention_mask, num_heads, dtype)


def take_biases(model) -> None:
    """Let a BLOOM take biases; the change is permanent, and repeating it does nothing."""
    inner = model.base_model
    if type(inner) is BloomModel:
        inner.__class__ = BiasedModel
        for block in inner.h:
            block.self_attention.__class__ = BiasedAttention


def bias(batch: Batch, heads: int, dtype: torch.dtype) -> torch.Tensor:
    """ALiBi and the mask, [R, heads, L, L]: slope x (key - query) within an example, up to itself.

    Press et al. 2022, "Train short, test long", section 3. transformers adds slope x key, which is
    the same under the softmax. Distances are small where they matter, so bfloat16 represents them
    well.

    Args:
        dtype: dtype of the attention. Attention keeps the bias for its backward pass; one bias for
            all layers is stored only once.
    """
    documents, places = batch.document_ids, batch.position_ids
    ones = torch.ones(1, 2, device=places.device)
    slopes = build_alibi_tensor(ones, heads, torch.float32)[:, 0, 1]
    distances = (places[:, None, :] - places[:, :, None]).float()
    biases = (slopes[:, None, None] * distances[:, None]).to(dtype)
    allowed = same(documents, documents).tril()
    return biases.masked_fill_(~allowed[:, None], torch.finfo(dtype).min)
