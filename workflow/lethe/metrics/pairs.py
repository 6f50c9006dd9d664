"""Which subjects are compared: sizes, architectures, tuned and untuned, mixed and not."""

import math

from lethe.metrics.subjects import Subject, reference

Pair = tuple[Subject, Subject]


def series(subjects: list[Subject], sizes: int) -> list[list[Subject]]:
    """Models that differ in size only, small first; series with fewer sizes are left out."""
    found: dict[str, list[Subject]] = {}
    for one in reference(subjects):
        if one.params:
            found.setdefault(one.series, []).append(one)
    return [models for models in found.values() if len({one.params for one in models}) >= sizes]


def architecture_pairs(subjects: list[Subject]) -> list[Pair]:
    """The decoder nearest in size to each encoder-decoder, and that encoder-decoder."""
    models = reference(subjects)
    decoders = [one for one in models if one.family == "causal" and one.params]
    return [
        (nearest(other, decoders), other)
        for other in models
        if other.family == "seq2seq" and other.params and decoders
    ]


def tuning_pairs(subjects: list[Subject]) -> list[Pair]:
    """Each model after general instruction tuning, and the model that it was before."""
    models = {one.model: one for one in reference(subjects)}
    return [(one, models[one.untuned]) for one in models.values() if one.untuned in models]


def mixing_pairs(subjects: list[Subject]) -> list[Pair]:
    """Each chain with more mixed into its stages, and the same chain without."""
    chains = reference(subjects, mixed=True)
    plain = {one.model: one for one in chains if not one.is_mixed}
    return [(one, plain[one.model]) for one in chains if one.is_mixed and one.model in plain]


def nearest(other: Subject, candidates: list[Subject]) -> Subject:
    """Nearest in size; of two equally near, the one that is tuned, or is not, as the other."""
    return min(
        candidates,
        key=lambda one: (ratio(one, other), bool(one.untuned) != bool(other.untuned), one.model),
    )


def ratio(one: Subject, other: Subject) -> float:
    """How far apart two sizes are: the logarithm of their ratio, never negative."""
    assert one.params and other.params, "pairs are made of models whose size is known"
    return round(abs(math.log(one.params / other.params)), 9)


def shown_extras(subject: Subject) -> str:
    """What is mixed in, once where it is the same in every stage: `+ general:64`."""
    return "+ " + " / ".join(dict.fromkeys(extra for extra in subject.extras if extra))
