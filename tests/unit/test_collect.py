"""What is kept of each item between scoring and the tables, and what is read of older results."""

import pytest

from lethe.errors import UserError
from lethe.evaluation.harness import _check_finite
from lethe.evaluation.outcomes import Outcome
from lethe.evaluation.specification import EvalTask
from lethe.longtables.collect import with_metrics


def test_items_without_values_by_metric_have_that_of_the_headline():
    assert with_metrics({"correct": 0.5}, "acc")["metrics"] == {"acc": 0.5}
    kept = {"correct": 0.5, "metrics": {"acc": 0.5, "acc_norm": 1.0}}
    assert with_metrics(kept, "acc_norm") == kept


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("place", [0, 1])
def test_a_log_probability_that_is_no_number_is_named_also_of_a_wrong_choice(value, place):
    logprobs = [-1.0, -2.0]
    logprobs[place] = value
    outcome = Outcome("i7", "c", "", 0.0, logprobs[0], None, "0", logprobs)
    with pytest.raises(UserError, match=f"quiz: .* log-probability {value} for item i7"):
        _check_finite(EvalTask("quiz", None), [outcome])
