"""AdamW's epsilon for the embeddings alone: their rows move less, all else has the recipe's own."""

import pytest
import torch
from retention_case import FAMILIES, TRAINING, make_stage
from test_tuned import plan_of

from lethe.methods.sequential import METHOD as Sequential
from lethe.models.vocabulary import embedding_matrices
from lethe.training.loop import train
from lethe.training.optimizer import make_optimizer

OWN = {"batch_size": 4, "epochs": 1, "max_length": 8, "learning_rate": 1e-3}


def epsilons(family: str, **changes) -> dict[int, float]:
    """Epsilon by parameter (its id)."""
    stage = make_stage(family)
    optimizer = make_optimizer(stage, {**TRAINING, **changes})
    by_parameter = {id(p): g["eps"] for g in optimizer.param_groups for p in g["params"]}
    assert by_parameter.keys() == {id(p) for _, p in stage.trainable()}
    embeddings = {id(p) for p in embedding_matrices(stage.model)}
    return {key in embeddings: value for key, value in by_parameter.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_embeddings_alone_have_it(family):
    assert epsilons(family, epsilon=1e-6, embedding_epsilon=1e-3) == {True: 1e-3, False: 1e-6}
    assert epsilons(family, epsilon=1e-6, embedding_epsilon=None) == {True: 1e-6, False: 1e-6}
    assert epsilons(family, epsilon=1e-6) == {True: 1e-6, False: 1e-6}


def test_a_larger_one_moves_rows_without_data_less():
    def drift(**changes):
        stage = make_stage("causal")
        stage.examples = stage.examples[:1]
        before = embedding_matrices(stage.model)[0].detach().clone()
        train(stage, Sequential(), {**TRAINING, **changes}, None)
        unused = torch.ones(len(before), dtype=torch.bool)
        unused[sorted(set(stage.examples[0].tokens))] = False
        return (embedding_matrices(stage.model)[0].detach() - before)[unused].norm().item()

    assert drift(embedding_epsilon=1.0) < 0.2 * drift()


def test_it_is_in_a_spec_only_where_it_is_given():
    def stage(**given):
        plan = plan_of(
            models=["xs"], orders=["forward"], methods=["sequential"], recipe="own", end_tasks=[],
            probes=["miniature"], define={"recipes": {"own": {**OWN, **given}}},
        )  # fmt: skip
        return plan.nodes[plan.runs[0].checkpoints[1]]

    plain = stage()
    assert "embedding_epsilon" not in plain.spec["recipe"]
    assert stage(embedding_epsilon=None).id == plain.id
    assert stage(embedding_epsilon=1e-3).spec["recipe"]["embedding_epsilon"] == 1e-3
    assert stage(embedding_epsilon=1e-3).id != plain.id
