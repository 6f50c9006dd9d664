"""Whether a share of directions keeps any; without torch, as `lethe check` asks it."""

from lethe.errors import UserError


def require_kept(where: str, share: float, smallest: int) -> None:
    """Refuse a share that keeps nothing of a linear layer, which PEFT rounds down to.

    Raises:
        UserError: it keeps less than a direction where the smallest side of a layer is this.
    """
    if int(share * smallest) == 0:
        raise UserError(
            f"{where}: expected a `share` that keeps a direction of every linear layer, whose "
            f"smallest side has {smallest}, found {share}; raise it."
        )
