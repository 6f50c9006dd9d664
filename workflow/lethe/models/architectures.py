"""The architectures that are built here, and how a model is initialised."""

from importlib import import_module

import torch

from lethe.models.kinds import KINDS
from lethe.models.t5_start import start


def build(architecture: str, config: dict, tokenizer, seed: int):
    """A randomly initialised model.

    Args:
        architecture: one of `kinds.BUILT`.
        config: keyword arguments of the transformers configuration; vocabulary size and special
            tokens come from the tokenizer. For a T5 also `start`, the arguments of
            `lethe.models.t5_start.start`.
        seed: the base seed; the same seed gives the same weights bit for bit.
    """
    classes = KINDS[architecture].built
    module = import_module(classes.module)
    config = dict(config)
    start_settings = config.pop("start", None)
    if KINDS[architecture].family == "seq2seq":
        # As in T5, the decoder begins with the padding token.
        config = {"decoder_start_token_id": tokenizer.pad_token_id, **config}
    settings = getattr(module, classes.config)(
        **config,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    model = getattr(module, classes.model)(settings)
    if start_settings is not None:
        start(model, **start_settings)
    return model
