"""How long a text a model can read."""

from lethe.errors import UserError
from lethe.models.kinds import kind_of


def window(config) -> int | None:
    """Tokens of the longest text, special ones included; None: there is no limit."""
    longest = getattr(config, "max_position_embeddings", None)
    positions = kind_of(config.model_type).positions
    if positions in ("slopes", "distances") or longest is None:
        return None
    if positions == "table after padding":
        return longest - config.pad_token_id - 1
    return longest


def require_room(config, longest: int) -> None:
    """Raise UserError if an example, the longest, has more tokens than the model's window."""
    room = window(config)
    if room is not None and longest > room:
        raise UserError(
            f"An example has {longest} tokens, more than the {room} positions of this model of "
            f"type {config.model_type!r}; set the recipe's `max_length` to at most {room}, or do "
            "so for this model alone in the recipe's `overrides`."
        )
