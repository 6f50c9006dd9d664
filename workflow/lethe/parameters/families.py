"""The families of language models.

A module of its own, because training reads it: in the configuration, every new key would count as
changed training code.
"""

from typing import Literal

Family = Literal["causal", "seq2seq", "masked"]

IN_WORDS: dict[str, str] = {
    "causal": "a decoder (causal)",
    "seq2seq": "an encoder-decoder (seq2seq)",
    "masked": "a masked language model (masked)",
}
END_TASK_FAMILIES = ("masked", "causal")
"""Families of models whose copies are fine-tuned on end tasks."""


def family_of_classes(architectures: list[str] | None, is_encoder_decoder: bool) -> Family:
    """The family of a checkpoint, from what its configuration says.

    Args:
        architectures: names of its transformers classes, such as `RobertaForMaskedLM`.
    """
    if is_encoder_decoder:
        return "seq2seq"
    # BERT's class for pretraining has the head of its class for masked language modelling.
    masked = any(name.endswith(("ForMaskedLM", "ForPreTraining")) for name in architectures or [])
    return "masked" if masked else "causal"
