"""A classifier on an encoder: a dense layer, tanh, dropout and an output layer on the first token.

This is RoBERTa's head for sentences (Liu et al. 2019, arXiv 1907.11692).
"""

from pathlib import Path

import torch
from torch import nn

from lethe.errors import UserError
from lethe.methods.attached import attach
from lethe.parametrisations.composed import load_checkpoint


class Classifier(nn.Module):
    """An encoder and a randomly initialised head.

    Args:
        encoder: maps `input_ids` and `attention_mask` to `last_hidden_state` [R, L, width].
        classes: number of classes, C.
        seed: seed of the head's weights, drawn from N(0, the encoder's `initializer_range`^2).
        extra: a method's parameters that the encoder computes with, tuned like its own.
    """

    def __init__(self, encoder: nn.Module, classes: int, seed: int, extra: nn.Module | None = None):
        super().__init__()
        config = encoder.config
        self.encoder, self.extra = encoder, extra
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.out = nn.Linear(config.hidden_size, classes)
        self.dropout = nn.Dropout(_dropout(config))
        generator = torch.Generator().manual_seed(seed)
        for layer in (self.dense, self.out):
            nn.init.normal_(layer.weight, 0.0, config.initializer_range, generator=generator)
            nn.init.zeros_(layer.bias)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits [R, C] of token rows [R, L]; the mask is 1 on tokens and 0 on padding."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        first = states.last_hidden_state[:, 0]
        return self.out(self.dropout(torch.tanh(self.dense(first))))


def load_encoder(directory: Path) -> tuple[nn.Module, nn.Module | None]:
    """The encoder in a checkpoint folder, and its method's own parameters or None.

    The encoder is the whole network without its language-model head. It is not given a domain.

    Raises:
        UserError: the checkpoint cannot be loaded, or is not a masked language model.
    """
    model = load_checkpoint(directory)
    if not type(model).__name__.endswith("ForMaskedLM"):
        raise UserError(
            f"{directory}: end tasks expect an encoder (`family: masked`), found a model of type "
            f"{model.config.model_type!r}."
        )
    model, method = attach(model, directory)
    return model.base_model, method.extra if method else None


def _dropout(config) -> float:
    """The dropout rate that a configuration sets for classifiers, else its general one."""
    own = getattr(config, "classifier_dropout", None)
    return own if own is not None else config.hidden_dropout_prob
