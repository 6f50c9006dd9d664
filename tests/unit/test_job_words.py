"""Every node of a plan has words, which name it without its digest."""

import re

import pytest

from lethe.config.reading import DEFAULT, parse_study, read_catalogue, read_yaml
from lethe.planning.plan import make_plan
from lethe.planning.words import node_words


@pytest.fixture(scope="module")
def plan():
    study = parse_study(read_yaml(DEFAULT))
    return make_plan(study, read_catalogue(study))


def test_words_say_model_method_order_stage_and_seed_and_what_is_trained_on(plan):
    words = node_words(plan)
    run = next(run for run in plan.runs if (run.model, run.method) == ("xs", "replay"))
    base, first = run.checkpoints[:2]
    assert words[base] == "xs/base@0" and words[first] == "xs/replay/forward/1@0 (simp)"
    (probe,) = plan.probes[first].values()
    assert words[probe] == "xs/replay/forward/1@0 (miniature)"
    end_tasks = [words[name] for names in plan.end_tasks.values() for name in names]
    assert "masked/das/domains/2@0 (acl)" in end_tasks
    assert words[plan.of_kind("data")[0].id] == "world-204"


def test_no_two_nodes_of_a_kind_share_their_words_and_none_has_a_digest(plan):
    words = node_words(plan)
    assert words.keys() == plan.nodes.keys()
    named = {(plan.nodes[name].kind, text) for name, text in words.items()}
    assert len(named) == len(words)
    assert not any(re.search(r"[0-9a-f]{12}", text) for text in words.values())
