"""What is done when memory runs out: smaller micro-batches of the same step, or a sentence."""

import torch

from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.models.parameter_bytes import TRAINING


def halve(stage: Stage, method: Method, rows: int) -> int:
    """Halve the micro-batches from the step under way on; its gradients are to be made anew.

    Examples, their order and weights are the step's as before. Dropout is drawn by micro-batch, so
    it is another draw from then on.

    Args:
        rows: of the largest micro-batch that was tried.

    Returns:
        The rows of a micro-batch from now on.

    Raises:
        UserError: they cannot be halved.
    """
    where = f"Memory ran out at step {stage.step}, in micro-batches of {rows} rows"
    if not method.micro_batches_add_up:
        raise UserError(
            f"{where}; method {type(method).__name__} compares the texts of a micro-batch with "
            "each other, so smaller ones would be another loss: set the recipe's "
            "`micro_batch_rows` to what fits, or `recompute_activations: true`."
        )
    if rows < 2:
        may_recompute = getattr(stage.model, "supports_gradient_checkpointing", False)
        recompute = f"set {stage.settings} `recompute_activations: true`, " if may_recompute else ""
        raise UserError(
            f"{where}; {recompute}lower {stage.settings} `max_length`, or take a larger GPU."
        )
    stage.collate.rows = rows // 2
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return rows // 2


def elsewhere(stage: Stage) -> UserError:
    """The sentence for memory that runs out outside of a step's micro-batches."""
    return UserError(
        f"Memory ran out at step {stage.step}, outside of its micro-batches: the weights, their "
        f"gradients and AdamW's state ({TRAINING} bytes a parameter), or what the method keeps "
        "beside them, do not fit; take a larger GPU, or several."
    )
