"""What happens when memory runs out: smaller micro-batches of the same step, or a clear message."""

import torch

from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.models.parameter_bytes import TRAINING


def halve(stage: Stage, method: Method, rows: int) -> int:
    """Halve the micro-batches from the current step on; its gradients must be computed again.

    The step keeps its examples, their order and their weights. Dropout is drawn for each
    micro-batch, so it differs from then on.

    Args:
        rows: rows of the largest micro-batch that was tried.

    Returns:
        The rows of a micro-batch from now on.

    Raises:
        UserError: they cannot be halved.
    """
    where = f"Memory ran out at step {stage.step}, with micro-batches of {rows} rows"
    if not method.micro_batches_add_up:
        raise UserError(
            f"{where}; method {type(method).__name__} compares the texts of a micro-batch with "
            "each other, so smaller micro-batches would change the loss: set the recipe's "
            "`micro_batch_rows` to a number that fits, or `recompute_activations: true`."
        )
    if rows < 2:
        may_recompute = getattr(stage.model, "supports_gradient_checkpointing", False)
        recompute = f"set {stage.settings} `recompute_activations: true`, " if may_recompute else ""
        raise UserError(
            f"{where}; {recompute}lower {stage.settings} `max_length`, or use a larger GPU."
        )
    stage.collate.rows = rows // 2
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return rows // 2


def elsewhere(stage: Stage) -> UserError:
    """The error for memory that runs out outside a step's micro-batches."""
    return UserError(
        f"Memory ran out at step {stage.step}, outside its micro-batches: the weights, their "
        f"gradients and AdamW's state ({TRAINING} bytes per parameter), or the method's own "
        "tensors, do not fit; use a larger GPU, or several."
    )
