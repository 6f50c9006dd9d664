"""The engines that score a model's answers, by name."""

from typing import Any

from lm_eval.api.model import LM

from lethe.errors import UserError
from lethe.evaluation.fast_model import FastModel
from lethe.evaluation.language_model import PACKABLE, PackedModel, StockModel
from lethe.evaluation.masked_model import MaskedModel
from lethe.models.loading import is_masked

ENGINES = {"stock": StockModel, "packed": PackedModel, "fast": FastModel}


def require_engine(engine: str) -> None:
    """Raise UserError for an unknown engine."""
    if engine not in ENGINES:
        raise UserError(f"Expected the engine {' or '.join(ENGINES)}, found {engine!r}.")


def code_of(engine: str, architectures: list[str] | None) -> str:
    """The module on which the scores of a model of these classes depend.

    Raises:
        UserError: an unknown engine.
    """
    require_engine(engine)
    return (MaskedModel if is_masked(architectures) else ENGINES[engine]).__module__


def wrap(model: Any, tokenizer: Any, batch_size: int, engine: str = "stock") -> LM:
    """The model ready for lm-eval; log-softmax in float32 whatever the weights' dtype.

    Args:
        engine: `stock`: rows as lm-eval makes them; `packed`: contexts computed once for all their
            continuations; `fast`: whatever texts begin with alike computed once. All three give
            lm-eval's scores. A masked language model has pseudo-log-likelihoods under each name,
            because lm-eval has no scores of its own for it.

    Raises:
        UserError: an unknown engine, or one that this kind of model cannot use.
    """
    require_engine(engine)
    if is_masked([type(model).__name__]):
        return MaskedModel(model, tokenizer)
    kind = model.config.model_type
    if engine == "packed" and kind not in PACKABLE:
        raise UserError(
            f"The engine packed knows the models {', '.join(sorted(PACKABLE))}, found {kind}; "
            "use the engine stock."
        )
    return ENGINES[engine](model, tokenizer, batch_size)
