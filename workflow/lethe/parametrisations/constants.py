"""Facts that planning and the code of a job share; jobs do not depend on the typed settings."""

PARTS = ("lora", "adapters")
"""Kinds whose checkpoints are a small part of a network, beside a whole one that stays."""
USUAL_REDUCTION = 16
"""The reduction of adapters without a setting: their bottleneck is width // reduction."""
