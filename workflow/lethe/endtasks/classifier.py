"""Classifiers on networks without their language-model heads, one for each kind of network.

An encoder has a dense layer, tanh, dropout and an output layer on the first token: RoBERTa's head
for sentences (Liu et al. 2019, arXiv 1907.11692). A decoder has one output layer on the last token,
the only one that has seen the whole text, as in transformers' `...ForSequenceClassification`.

With `reads: slot`, which is ours, the same head of an encoder is on the mask token, and a decoder's
text ends before it (`lethe.endtasks.slot` says why).
"""

from pathlib import Path

import torch
from torch import nn

from lethe.errors import UserError
from lethe.methods.attached import attach
from lethe.models import roberta_forward
from lethe.parameters.families import END_TASK_FAMILIES, family_of_classes
from lethe.parametrisations.composed import load_checkpoint


class Classifier(nn.Module):
    """An encoder and a randomly initialised head.

    Args:
        encoder: maps `input_ids` and `attention_mask` to `last_hidden_state` [R, L, width].
        classes: number of classes, C.
        seed: seed of the head's weights, drawn from N(0, the encoder's `initializer_range`^2).
        extra: a method's parameters that the encoder computes with, tuned like its own.
        slot: the token whose state is read, which every text has once; None: the first token.
    """

    def __init__(
        self,
        encoder: nn.Module,
        classes: int,
        seed: int,
        extra: nn.Module | None = None,
        slot: int | None = None,
    ):
        super().__init__()
        config = encoder.config
        self.encoder, self.extra, self.slot = encoder, extra, slot
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.out = nn.Linear(config.hidden_size, classes)
        self.dropout = nn.Dropout(_dropout(config))
        generator = torch.Generator().manual_seed(seed)
        for layer in (self.dense, self.out):
            nn.init.normal_(layer.weight, 0.0, config.initializer_range, generator=generator)
            nn.init.zeros_(layer.bias)

    @property
    def config(self):
        return self.encoder.config

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits [R, C] of token rows [R, L]; the mask is 1 on tokens and 0 on padding."""
        place = torch.zeros(len(input_ids), dtype=torch.long, device=input_ids.device)
        if self.slot is not None:
            place = (input_ids == self.slot).int().argmax(1)
        read = self._states_at(input_ids, attention_mask, place)
        return self.out(self.dropout(torch.tanh(self.dense(read))))

    def _states_at(self, input_ids, attention_mask, place) -> torch.Tensor:
        """The encoder's last states [R, width], one of each row, at a place [R]."""
        rows = torch.arange(len(input_ids), device=input_ids.device)
        if roberta_forward.applies(self.encoder):
            seen, flat = attention_mask[:, None].bool(), rows * input_ids.shape[1] + place
            return roberta_forward.last_states(self.encoder, input_ids, seen, places=flat)
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states[rows.to(states.device), place.to(states.device)]


class LastTokenClassifier(nn.Module):
    """A decoder and a randomly initialised output layer, without bias, on each text's last token.

    Args:
        decoder: maps `input_ids` and `attention_mask` to `last_hidden_state` [R, L, width].
        classes: number of classes, C.
        seed: seed of the layer's weights, drawn from N(0, the decoder's `initializer_range`^2).
        extra: as in `Classifier`.
    """

    def __init__(self, decoder: nn.Module, classes: int, seed: int, extra: nn.Module | None = None):
        super().__init__()
        self.decoder, self.extra = decoder, extra
        # Of the states, which in an OPT can be narrower than its layers.
        width = decoder.get_input_embeddings().embedding_dim
        self.out = nn.Linear(width, classes, bias=False)
        generator = torch.Generator().manual_seed(seed)
        nn.init.normal_(self.out.weight, 0.0, _deviation(decoder.config), generator=generator)

    @property
    def config(self):
        return self.decoder.config

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits [R, C] of token rows [R, L]; the mask is 1 on tokens, then 0 on padding."""
        states = self.decoder(
            input_ids=input_ids, attention_mask=attention_mask, use_cache=False
        ).last_hidden_state
        last = attention_mask.sum(1) - 1
        return self.out(states[torch.arange(len(states), device=states.device), last])


def load_classifier(
    directory: Path, classes: int, seed: int, slot: int | None = None
) -> tuple[nn.Module, str]:
    """A checkpoint's network with the head of its family, and that family.

    Args:
        slot: as in `Classifier`; a decoder reads the last token all the same.

    Raises:
        UserError: the checkpoint cannot be loaded, or is neither an encoder nor a decoder.
    """
    network, extra, family = _load_network(directory)
    if family == "masked":
        return Classifier(network, classes, seed, extra, slot), family
    return LastTokenClassifier(network, classes, seed, extra), family


def load_encoder(directory: Path) -> tuple[nn.Module, nn.Module | None]:
    """The encoder in a checkpoint folder, and its method's own parameters or None."""
    return _load_network(directory)[:2]


def _load_network(directory: Path) -> tuple[nn.Module, nn.Module | None, str]:
    """The whole network without its language-model head, its method's own parameters, its family.

    The network is not given a domain.
    """
    model = load_checkpoint(directory)
    family = family_of_classes([type(model).__name__], model.config.is_encoder_decoder)
    if family not in END_TASK_FAMILIES:
        raise UserError(
            f"{directory}: end tasks expect an encoder (`family: masked`) or a decoder (`family: "
            f"causal`), found a model of type {model.config.model_type!r}."
        )
    model, method = attach(model, directory)
    return model.base_model, method.extra if method else None, family


def _deviation(config) -> float:
    """The deviation that a configuration sets for new weights; an OPT has it by another name."""
    return getattr(config, "initializer_range", None) or getattr(config, "init_std", 0.02)


def _dropout(config) -> float:
    """The dropout rate that a configuration sets for classifiers, else its general one."""
    own = getattr(config, "classifier_dropout", None)
    return own if own is not None else config.hidden_dropout_prob
