"""Metrics where tasks are taught twice, never, together, or in stages without a column."""

import numpy as np
import pytest

from lethe.errors import UserError
from lethe.metrics import matrix
from lethe.metrics.registry import REGISTRY
from lethe.metrics.schedule import Schedule

SCHEDULES = {
    "in order": ((0,), (1,), (2,)),
    "in another order": ((2,), (0,), (1,)),
    "one taught twice": ((0,), (1,), (0,), (2,)),
    "taught again at the end": ((0,), (1,), (2,), (0,)),
    "one never taught": ((0,), (2,)),
    "stages without a column": ((), (1,), (), (0,), (2,), ()),
    "two at once": ((0, 1), (2,)),
    "all at once": ((0, 1, 2),),
    "all of these": ((), (2, 0), (0,), (), (2,)),
}
TASK_METRICS = [entry for entry in matrix.TASK_METRICS if entry.needs[0] == "R"]


def mean(values) -> float:
    values = list(values)
    return sum(values) / len(values) if values else float("nan")


def naive(R, taught, b, S, J) -> dict[str, float]:
    """The manual's definitions in plain loops."""
    N = len(taught)
    stages = range(1, N + 1)
    when = {j: [i for i in stages if j in taught[i - 1]] for j in range(R.shape[1])}
    tasks = [j for j in when if when[j]]
    first, last = {j: when[j][0] for j in tasks}, {j: when[j][-1] for j in tasks}
    forgotten = [j for j in tasks if last[j] < N]
    since = {(i, j): max((k for k in when[j] if k <= i), default=0) for i in stages for j in tasks}
    seen = [(i, j) for i in stages for j in tasks if first[j] <= i]
    found = {
        "acc": mean(R[N, j] for j in tasks),
        "la": mean(R[last[j], j] for j in tasks),
        "aia": mean(
            mean(R[i, j] for j in tasks if first[j] <= i)
            for i in stages
            if any(first[j] <= i for j in tasks)
        ),
        "bwt_gem": mean(R[N, j] - R[last[j], j] for j in forgotten),
        "fwt_gem": mean(R[first[j] - 1, j] - b[j] for j in tasks if first[j] > 1),
        "forget_chaudhry": mean(max(R[i, j] for i in range(1, N)) - R[N, j] for j in forgotten),
        "intransigence_chaudhry": mean(J[j] - R[N, j] for j in taught[-1]),
        "a_diaz": mean(R[i, j] for i, j in seen),
        "bwt_diaz": mean(R[i, j] - R[since[i, j], j] for i, j in seen if since[i, j] < i),
        "fwt_diaz": mean(R[i, j] for i in stages for j in tasks if i < first[j]),
        "joint_gap": mean(J[j] - R[N, j] for j in tasks),
        "one_gap": mean(R[last[j], j] - S[j] for j in tasks),
    }
    found["fr_ke"], found["op_trace"] = -found["bwt_gem"], found["acc"]
    found["rem_diaz"] = 1 - abs(min(found["bwt_diaz"], 0))
    found["bwt_plus_diaz"] = max(found["bwt_diaz"], 0)
    total = sum(R[N, j] - R[last[j], j] for j in tasks) / len(tasks)
    found["bwt_trace"] = total if forgotten else float("nan")
    return found


def arrays(name: str, seed: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    R = draw.random((len(SCHEDULES[name]) + 1, 3))
    return {"R": R, "b": R[0]} | {letter: draw.random(3) for letter in "SJ"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", SCHEDULES)
def test_every_metric_equals_the_manuals_definition_in_plain_loops(name, seed):
    given = arrays(name, seed)
    schedule = Schedule(SCHEDULES[name])
    expected = naive(given["R"], SCHEDULES[name], *(given[letter] for letter in "bSJ"))
    assert expected.keys() == {entry.id for entry in TASK_METRICS}
    for entry in TASK_METRICS:
        value = entry.function(*(given[need] for need in entry.needs), schedule=schedule)
        if np.isnan(expected[entry.id]) or entry.id in ("rem_diaz", "bwt_plus_diaz"):
            expected[entry.id] = np.nan if np.isnan(expected["bwt_diaz"]) else expected[entry.id]
        assert value == pytest.approx(expected[entry.id], nan_ok=True), entry.id


@pytest.mark.parametrize("entry", TASK_METRICS, ids=lambda entry: entry.id)
def test_columns_in_another_order_change_nothing(entry):
    given = arrays("all of these", 0)
    schedule = Schedule(SCHEDULES["all of these"])
    moved = [2, 0, 1]
    places = {column: place for place, column in enumerate(moved)}
    turned = Schedule(
        tuple(tuple(sorted(places[column] for column in stage)) for stage in schedule.taught)
    )
    value = entry.function(*(given[need] for need in entry.needs), schedule=schedule)
    again = entry.function(*(given[need][..., moved] for need in entry.needs), schedule=turned)
    assert again == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("entry", TASK_METRICS, ids=lambda entry: entry.id)
def test_each_metric_reads_exactly_the_cells_that_it_declares(entry, name):
    given = arrays(name, 1)
    schedule = Schedule(SCHEDULES[name])
    declared = entry.cells(*given["R"].shape, schedule)
    others = [given[need] for need in entry.needs[1:]]
    value = entry.function(given["R"], *others, schedule=schedule)
    hidden = np.where(declared, given["R"], 1e6)
    assert entry.function(hidden, *others, schedule=schedule) == pytest.approx(value, nan_ok=True)


def test_rows_are_counted_by_the_schedule():
    schedule = Schedule(SCHEDULES["one taught twice"])
    with pytest.raises(UserError, match="expected 5 rows .stages 0 to 4. for 3 tasks, found 4"):
        REGISTRY["acc"].require(np.zeros((4, 3)), schedule=schedule)
