"""How long a text a model can read."""

from collections.abc import Iterable

from lethe.data.examples import Example
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


def require_room(config, examples: Iterable[Example]) -> None:
    """Raise UserError if an example is longer than the model's window."""
    room = window(config)
    sides = [max(len(example.tokens), len(example.encoder_tokens)) for example in examples]
    if room is not None and max(sides, default=0) > room:
        raise UserError(
            f"An example has {max(sides)} tokens, more than the {room} positions of this model of "
            f"type {config.model_type!r}; set the recipe's `max_length` to at most {room}, or do "
            "so for this model alone in the recipe's `overrides`."
        )
