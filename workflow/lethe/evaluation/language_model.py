"""The model as lm-eval sees it: its own HFLM, with a model and tokenizer that are already open."""

from lethe.evaluation import environment  # noqa: F401  isort: skip (before its readers)

from typing import Any

from lm_eval.models.huggingface import HFLM


def wrap(model: Any, tokenizer: Any, batch_size: int) -> HFLM:
    """lm-eval's HFLM over a model in memory; log-softmax in float32 whatever the weights' dtype."""
    return HFLM(
        pretrained=model, tokenizer=tokenizer, batch_size=batch_size, softmax_dtype="float32"
    )
