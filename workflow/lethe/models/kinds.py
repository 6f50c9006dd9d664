"""The family of every architecture that is built here.

A module of its own, because training reads it: were it in the configuration, every new key there
would count as changed training code.
"""

FAMILIES = {"llama": "causal", "t5": "seq2seq", "mt5": "seq2seq", "roberta": "masked"}
