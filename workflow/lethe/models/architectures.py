"""The architectures that are built here, and how a model is initialised."""

from importlib import import_module

import torch

from lethe.models.kinds import FAMILIES
from lethe.models.t5_start import start

# One place names the classes, so that a job imports only the architecture it runs.
ARCHITECTURES = {
    "llama": ("transformers.models.llama", "LlamaConfig", "LlamaForCausalLM"),
    "t5": ("transformers.models.t5", "T5Config", "T5ForConditionalGeneration"),
    "roberta": ("transformers.models.roberta", "RobertaConfig", "RobertaForMaskedLM"),
    "mt5": ("transformers.models.mt5", "MT5Config", "MT5ForConditionalGeneration"),
}


def build(architecture: str, config: dict, tokenizer, seed: int):
    """A randomly initialised model.

    Args:
        architecture: one of `ARCHITECTURES`.
        config: keyword arguments of the transformers configuration; vocabulary size and special
            tokens come from the tokenizer. For a T5 also `start`, the arguments of
            `lethe.models.t5_start.start`.
        seed: the base seed; the same seed gives the same weights bit by bit.
    """
    module, config_class, model_class = ARCHITECTURES[architecture]
    module = import_module(module)
    config = dict(config)
    started = config.pop("start", None)
    if FAMILIES[architecture] == "seq2seq":
        # As T5's, the decoder begins with the padding token.
        config = {"decoder_start_token_id": tokenizer.pad_token_id, **config}
    settings = getattr(module, config_class)(
        **config,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    model = getattr(module, model_class)(settings)
    if started is not None:
        start(model, **started)
    return model
