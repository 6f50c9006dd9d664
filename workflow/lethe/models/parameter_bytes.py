"""Bytes that a parameter takes in training and in scoring.

A separate module, because training reads it; a job's other resources are not training code.
"""

WIDTH = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of one number."""
# In any arithmetic: weights, gradient and AdamW's two moments in float32, and a half-precision
# copy of the weights.
TRAINING = 4 * WIDTH["float32"] + WIDTH["bfloat16"]
FROZEN = WIDTH["float32"] + WIDTH["bfloat16"]
"""The same of a parameter that is not trained: its weight and the copy."""
USABLE_SHARE = 0.8
"""Share of a GPU's memory for these; the rest is for activations, the context and fragments."""
