"""Chains of two stages that start from the base, for the tests of methods that merge them."""

from retention_case import TRAINING, make_stage, new_model

from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.training.loop import train


def weights_of(model) -> dict:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def plain_vectors(family: str) -> tuple[dict, list[dict]]:
    """The base's weights, and what plain training on each of the two stages changes in them."""
    base, vectors = weights_of(new_model(family)), []
    for index in (1, 2):
        stage = make_stage(family, index=index)
        train(stage, Sequential(), TRAINING, None)
        vectors.append({name: p - base[name] for name, p in weights_of(stage.model).items()})
    return base, vectors


def chain(name: str, family: str, hyper: dict) -> tuple[list[dict], list]:
    """The weights after each of two stages, and the methods; state travels as in checkpoints."""
    model, state, found, methods = new_model(family), {}, [], []
    for index in (1, 2):
        stage, method = make_stage(family, model, index=index), create(name, hyper)
        method.load_state(state)
        train(stage, method, TRAINING, None)
        model = stage.model
        state = {key: value.clone() for key, value in method.state().items()}
        found.append(weights_of(model))
        methods.append(method)
    return found, methods
