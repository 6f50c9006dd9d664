"""The world's spec: every size and rate, with its default."""

from __future__ import annotations

import copy

from lethe.errors import UserError

DEFAULTS: dict = {
    "seed": 100,
    "documents": {
        "knowledge": 9000,
        "property": 3000,
        "tool": 1800,
        "pronoun": 4000,
        "story": 2300,
        "arithmetic": 3500,
        "dialogue": 6000,
        "read_middle": 9000,
        "read_high": 12500,
        "bias": 5500,
        "repeating": 9000,
        "dev": 400,
        "plain_share": 0.06,
    },
    "items": {
        "reasoning": {"test": 100, "dev": 80},
        "reading": {"test": 100, "dev": 80},
        "tasks": {"train": 512, "dev": 40, "test": 60},
        "general": {"train": 1000, "dev": 40, "test": 60},
    },
    "knowledge": {
        "entities": {"test": 10, "dev": 6},
        "zipf_exponent": 1.5,
        "zipf_shift": 60.0,
    },
    "property": {
        "creatures": 27,
        "held_out_share": 0.3,
        "zipf_exponent": 0.8,
        "zipf_shift": 10.0,
    },
    "tool": {"held_out_share": 0.3, "zipf_exponent": 1.5, "zipf_shift": 3.0},
    "pronoun": {"held_out_share": 0.25, "zipf_exponent": 1.5, "zipf_shift": 3.0},
    "story": {"held_out_share": 0.3, "zipf_exponent": 1.2, "zipf_shift": 8.0},
    "arithmetic": {"unseen_share": 0.05, "bare_share": 0.4},
    "reading": {"shuffled_documents": 0.0, "shuffled_items": 0.2},
    "dialogue": {"shuffled_items": 0.1},
    "bias": {
        "rivalries": 3,
        "rate_mean": 0.8,
        "rate_spread": 0.1,
        "test_share": 0.6,
        "question_share": 0.5,
    },
}


def _merge(defaults: dict, given: dict, where: str) -> dict:
    merged = copy.deepcopy(defaults)
    for key, value in given.items():
        if key not in defaults:
            raise UserError(
                f"the world's spec has no key `{where}{key}`; known keys are "
                f"{', '.join(sorted(defaults))}"
            )
        if isinstance(defaults[key], dict):
            if not isinstance(value, dict):
                raise UserError(f"`{where}{key}` of the world must be a mapping, found {value!r}")
            merged[key] = _merge(defaults[key], value, f"{where}{key}.")
        else:
            wanted = (int, float) if isinstance(defaults[key], float) else (int,)
            if isinstance(value, bool) or not isinstance(value, wanted) or value < 0:
                raise UserError(
                    f"`{where}{key}` of the world must be a number of the kind of "
                    f"{defaults[key]!r} and not negative, found {value!r}"
                )
            merged[key] = value
    return merged


def resolve(spec: dict) -> dict:
    """The spec with all defaults filled in; UserError on an unknown key or a wrong type."""
    return _merge(DEFAULTS, spec, "")
