"""The engines that score a model's answers, by name."""

from typing import Any

from lm_eval.api.model import LM

from lethe.errors import UserError
from lethe.evaluation.engines.fast_model import FastModel
from lethe.evaluation.engines.language_model import StockModel
from lethe.evaluation.engines.masked_model import MaskedModel
from lethe.parameters.families import family_of_classes

ENGINES = {"fast": FastModel, "stock": StockModel}


def require_engine(engine: str) -> None:
    """Raise UserError for an unknown engine."""
    if engine not in ENGINES:
        raise UserError(f"Expected the engine {' or '.join(ENGINES)}, found {engine!r}.")


def code_of(engine: str, architectures: list[str] | None) -> str:
    """The module that the scores of a model with these classes depend on.

    Raises:
        UserError: an unknown engine.
    """
    require_engine(engine)
    return (MaskedModel if _is_masked(architectures) else ENGINES[engine]).__module__


def wrap(model: Any, tokenizer: Any, batch_size: int, engine: str = "fast") -> LM:
    """The model ready for lm-eval; log-softmax in float32 for every dtype of the weights.

    Args:
        batch_size: texts per batch, in generation and in the stock engine.
        engine: `fast`: shared prefixes are computed once; `stock`: lm-eval's own HFLM. Both give
            lm-eval's scores. A masked language model gets pseudo-log-likelihoods under either
            name, because lm-eval itself cannot score it.

    Raises:
        UserError: an unknown engine.
    """
    require_engine(engine)
    if _is_masked([type(model).__name__]):
        return MaskedModel(model, tokenizer)
    return ENGINES[engine](model, tokenizer, batch_size)


def _is_masked(architectures: list[str] | None) -> bool:
    return family_of_classes(architectures, False) == "masked"
