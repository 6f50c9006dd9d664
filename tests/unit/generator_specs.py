"""Complete specs of the generators, as a plan makes them."""

from typing import Any

from lethe.sources.parameters import source_parameters


def generator_spec(seed: int, **given: Any) -> dict[str, Any]:
    """What a generator reads: the seed, and every parameter."""
    return {"seed": seed, **source_parameters("sources.world", "world", None, given)}
