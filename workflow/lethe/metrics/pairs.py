"""Which subjects are compared: sizes, architectures, tuned and untuned, with and without mixing."""

import math

from lethe.metrics.subjects import Subject, reference

Pair = tuple[Subject, Subject]


def series(subjects: list[Subject], sizes: int) -> list[list[Subject]]:
    """Models that differ only in size, small first; series with fewer than `sizes` are left out."""
    models_by_series: dict[str, list[Subject]] = {}
    for subject in reference(subjects):
        if subject.params:
            models_by_series.setdefault(subject.series, []).append(subject)
    return [
        models
        for models in models_by_series.values()
        if len({subject.params for subject in models}) >= sizes
    ]


def architecture_pairs(subjects: list[Subject]) -> list[Pair]:
    """The decoder nearest in size to each encoder-decoder, and that encoder-decoder."""
    models = reference(subjects)
    decoders = [model for model in models if model.family == "causal" and model.params]
    return [
        (nearest(other, decoders), other)
        for other in models
        if other.family == "seq2seq" and other.params and decoders
    ]


def tuning_pairs(subjects: list[Subject]) -> list[Pair]:
    """Each model after general instruction tuning, and the same model before it."""
    models = {model.model: model for model in reference(subjects)}
    return [(model, models[model.untuned]) for model in models.values() if model.untuned in models]


def mixing_pairs(subjects: list[Subject]) -> list[Pair]:
    """Each chain with more mixed into its stages, and the same chain without."""
    chains = reference(subjects, mixed=True)
    plain = {chain.model: chain for chain in chains if not chain.is_mixed}
    return [
        (chain, plain[chain.model]) for chain in chains if chain.is_mixed and chain.model in plain
    ]


def nearest(other: Subject, candidates: list[Subject]) -> Subject:
    """Nearest in size; of two equally near, the one that is tuned if `other` is, and vice versa."""
    return min(
        candidates,
        key=lambda candidate: (
            ratio(candidate, other),
            bool(candidate.untuned) != bool(other.untuned),
            candidate.model,
        ),
    )


def ratio(one: Subject, other: Subject) -> float:
    """How far apart two sizes are: the logarithm of their ratio, never negative."""
    assert one.params and other.params, "pairs are made of models whose size is known"
    return round(abs(math.log(one.params / other.params)), 9)


def shown_extras(subject: Subject) -> str:
    """What is mixed in, named once if it is the same in every stage: `+ general:64`."""
    return "+ " + " / ".join(dict.fromkeys(extra for extra in subject.extras if extra))
