"""Tiny random decoders and requests in tokens, for the tests of the engines that score them."""

import random

from lethe.models.kinds import KINDS

DECODERS = [name for name, kind in KINDS.items() if kind.family == "causal"]


def requests(seed: int, n: int, vocabulary: int = 60) -> list[tuple]:
    """Contexts of one to twenty tokens with two to four continuations each, one empty context."""
    generator = random.Random(seed)
    found = []
    for _ in range(n):
        context = [generator.randrange(4, vocabulary) for _ in range(generator.choice([1, 7, 20]))]
        for _ in range(generator.randint(2, 4)):
            length = generator.choice([1, 1, 3, 6])
            continuation = [generator.randrange(4, vocabulary) for _ in range(length)]
            found.append((None, context, continuation))
    return found


def model_of(kind: str, **changes):
    """A randomly initialised model whose tokens depend on each other enough for a test to see."""
    from plain_reference import random_model  # imports transformers, which not every caller needs

    return random_model(kind, None, **{"vocab_size": 60, "initializer_range": 0.3, **changes})
