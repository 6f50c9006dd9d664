"""A classifier on an encoder: a dense layer, tanh, dropout and an output layer on the first token.

The head is that of RoBERTa (Liu et al. 2019, arXiv 1907.11692) for sentences.
"""

from pathlib import Path

import torch
from torch import nn

from lethe.errors import UserError
from lethe.methods.attached import attach
from lethe.models.loading import load_model


class Classifier(nn.Module):
    """An encoder and a randomly initialised head.

    Args:
        encoder: gives `last_hidden_state` [R, L, width] of `input_ids` and `attention_mask`.
        classes: number of classes, C.
        seed: of the head's weights; they are normal with the encoder's `initializer_range`.
        extra: parameters of a method that the encoder computes with, tuned as its own are.
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
    """The encoder in a checkpoint folder, and what its method adds to it; no domain is told.

    The encoder is the whole network but its language-model head.

    Raises:
        UserError: the checkpoint cannot be loaded, or is not a masked language model.
    """
    model = load_model(directory)
    if not type(model).__name__.endswith("ForMaskedLM"):
        raise UserError(
            f"{directory}: end tasks are fine-tuned on encoders (`family: masked`), found a model "
            f"of type {model.config.model_type!r}."
        )
    model, method = attach(model, directory)
    return model.base_model, method.extra if method else None


def _dropout(config) -> float:
    """The dropout rate that a configuration names for classifiers, else its general one."""
    own = getattr(config, "classifier_dropout", None)
    return own if own is not None else config.hidden_dropout_prob
