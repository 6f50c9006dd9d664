"""Metrics of the task matrix: worked numbers, naive references, the identities between them."""

import numpy as np
import pytest

from lethe.errors import UserError
from lethe.metrics import matrix as m
from lethe.metrics.registry import REGISTRY

WORKED = np.array([[0.1, 0.2, 0.1], [0.8, 0.3, 0.2], [0.6, 0.7, 0.1], [0.5, 0.6, 0.9]])


def random_matrix(tasks: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((tasks + 1, tasks))


def naive(R: np.ndarray) -> dict[str, float]:
    """The formulas of the papers in plain loops; R[i][j - 1] is task j after stage i."""
    T = R.shape[1]
    a = {(i, j): R[i][j - 1] for i in range(T + 1) for j in range(1, T + 1)}
    tasks = range(1, T + 1)
    pairs = T * (T - 1) / 2
    found = {
        "acc": sum(a[T, j] for j in tasks) / T,
        "la": sum(a[j, j] for j in tasks) / T,
        "aia": sum(sum(a[i, j] for j in range(1, i + 1)) / i for i in tasks) / T,
        "a_diaz": sum(a[i, j] for i in tasks for j in tasks if i >= j) / (T * (T + 1) / 2),
        "op_trace": sum(a[T, j] for j in tasks) / T,
    }
    if T > 1:
        found |= {
            "bwt_gem": sum(a[T, j] - a[j, j] for j in range(1, T)) / (T - 1),
            "fr_ke": sum(a[k, k] - a[T, k] for k in range(1, T)) / (T - 1),
            "forget_chaudhry": sum(max(a[i, j] for i in range(1, T)) - a[T, j] for j in range(1, T))
            / (T - 1),
            "bwt_diaz": sum(a[i, j] - a[j, j] for i in range(2, T + 1) for j in range(1, i))
            / pairs,
            "fwt_diaz": sum(a[i, j] for i in tasks for j in tasks if i < j) / pairs,
            "bwt_trace": sum(a[T, i] - a[i, i] for i in tasks) / T,
        }
    return found


@pytest.mark.parametrize("tasks", [1, 2, 3, 6])
def test_every_metric_equals_its_formula_in_plain_loops(tasks):
    R = random_matrix(tasks, tasks)
    for name, value in naive(R).items():
        assert REGISTRY[name].function(R) == pytest.approx(value), name


def test_a_worked_example():
    assert m.acc(WORKED) == pytest.approx(2 / 3)
    assert m.la(WORKED) == pytest.approx(0.8)
    assert m.bwt_gem(WORKED) == pytest.approx(-0.2)
    assert m.forget_chaudhry(WORKED) == pytest.approx(0.2)
    assert m.fwt_gem(WORKED, WORKED[0]) == pytest.approx((0.1 + 0.0) / 2)
    assert m.rem_diaz(WORKED) == pytest.approx(1 - (0.2 + 0.3 + 0.1) / 3)
    assert m.joint_gap(WORKED, [0.9, 0.9, 0.9]) == pytest.approx(0.9 - 2 / 3)
    assert m.one_gap(WORKED, [0.7, 0.7, 0.7]) == pytest.approx(0.1)
    assert m.intransigence_chaudhry(WORKED, [0.5, 0.5, 0.95]) == pytest.approx(0.05)


def test_nothing_is_forgotten_in_a_constant_matrix():
    R = np.full((5, 4), 0.6)
    for metric in (m.bwt_gem, m.fr_ke, m.forget_chaudhry, m.bwt_diaz, m.bwt_trace):
        assert metric(R) == pytest.approx(0)
    assert m.rem_diaz(R) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(20))
def test_the_conventions_are_related_as_their_definitions_say(seed):
    tasks = 2 + seed % 5
    R = random_matrix(tasks, seed)
    assert m.fr_ke(R) == -m.bwt_gem(R)
    assert m.forget_chaudhry(R) >= m.fr_ke(R) - 1e-12
    assert m.bwt_trace(R) == pytest.approx((tasks - 1) / tasks * m.bwt_gem(R))
    assert m.bwt_plus_diaz(R) >= 0
    assert m.rem_diaz(R) <= 1


def test_chaudhry_equals_ke_when_each_task_is_best_right_after_its_stage():
    R = np.where(np.tri(6, 5, k=-1), 0.5, 0.1)
    R[np.arange(1, 6), np.arange(5)] = 0.9
    assert m.forget_chaudhry(R) == pytest.approx(m.fr_ke(R))


def test_permuting_columns_and_rows_alike_leaves_the_mean_of_the_last_row_unchanged():
    R = random_matrix(5, 3)
    order = np.random.default_rng(0).permutation(5)
    permuted = R.copy()
    permuted[1:] = R[1:][order][:, order]
    permuted[-1] = R[-1][order]
    assert m.acc(permuted) == pytest.approx(m.acc(R))


@pytest.mark.parametrize(
    "name", ["bwt_gem", "fr_ke", "forget_chaudhry", "bwt_diaz", "fwt_diaz", "bwt_trace"]
)
def test_transfer_between_tasks_is_undefined_and_not_zero_for_one_task(name):
    assert np.isnan(getattr(m, name)(np.array([[0.1], [0.9]])))


def test_forward_transfer_is_undefined_for_one_task():
    assert np.isnan(m.fwt_gem(np.array([[0.1], [0.9]]), [0.1]))


def test_a_missing_cell_is_an_error_that_names_stage_and_task():
    R = WORKED.copy()
    R[3, 1] = np.nan
    with pytest.raises(UserError, match=r"acc: the cell \(stage 3, emdg\) is missing"):
        m.acc(R, columns=["simp", "emdg", "inqqg"])


def test_the_forgetting_rate_needs_the_diagonal_and_the_last_row_only():
    R = np.full((4, 3), np.nan)
    R[[1, 2, 3], [0, 1, 2]] = [0.8, 0.7, 0.9]
    R[3] = WORKED[3]
    assert m.fr_ke(R) == pytest.approx(m.fr_ke(WORKED))
    with pytest.raises(UserError, match="stage 2"):
        m.aia(R)


@pytest.mark.parametrize("name", [e.id for e in REGISTRY.values() if e.needs == ("R",)])
def test_each_metric_reads_exactly_the_cells_that_it_declares(name):
    entry = REGISTRY[name]
    R = random_matrix(4, 1)
    declared = entry.cells(5, 4)
    value = entry.function(R)
    assert entry.function(np.where(declared, R, 1e6)) == pytest.approx(value)
    for stage, task in np.argwhere(declared):
        changed = R.copy()
        changed[stage, task] = np.nan
        with pytest.raises(UserError):
            entry.require(changed)


@pytest.mark.parametrize("name", [e.id for e in REGISTRY.values() if e.needs == ("R",)])
def test_resamples_in_leading_axes_give_the_value_of_each(name):
    many = np.random.default_rng(0).random((7, 5, 4))
    function = REGISTRY[name].function
    assert function(many) == pytest.approx([float(function(one)) for one in many])


def test_a_matrix_without_the_base_row_is_refused():
    with pytest.raises(UserError, match=r"expected 4 rows \(stages 0 to 3\) for 3 tasks, found 3"):
        m.acc(WORKED[1:])


def test_inputs_are_left_as_they_are():
    R = WORKED.copy()
    for entry in REGISTRY.values():
        if entry.needs == ("R",):
            entry.function(R)
    assert (R == WORKED).all()


def test_every_metric_says_its_formula_source_and_sign():
    for entry in REGISTRY.values():
        assert entry.formula and entry.source and entry.sign and entry.function.__doc__
