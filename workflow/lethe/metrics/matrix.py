"""Metrics of the task matrix R (T+1 by T, row 0 the base) and of references b, S, J and losses L.

Higher scores are better. Values that a definition excludes (transfer for T = 1) are nan.
"""

import numpy as np

from lethe.metrics.registry import (
    REGISTRY,
    above_diagonal,
    diagonal,
    diagonal_and_last_row,
    last_row,
    metric,
    on_or_below_diagonal,
    superdiagonal,
)

GEM = "Lopez-Paz & Ranzato 2017 (GEM, arXiv 1706.08840)"
CHAUDHRY = "Chaudhry et al. 2018 (RWalk, ECCV)"
DIAZ = "Diaz-Rodriguez et al. 2018 (arXiv 1810.13166)"
TRACE = "Wang et al. 2023 (TRACE, arXiv 2310.06762)"
HIGHER = "higher is better"
NEGATIVE = "negative = forgetting"
POSITIVE = "positive = forgetting"


def own_after(R):
    """Each task right after its own stage, R[j, j]; shape (..., T)."""
    return np.diagonal(R[..., 1:, :], axis1=-2, axis2=-1)


def own_before(R):
    """Each task right before its own stage, R[j-1, j]; shape (..., T)."""
    return np.diagonal(R[..., :-1, :], axis1=-2, axis2=-1)


@metric("acc", formula="1/T sum_j R[T,j]", source=f"{GEM} eq. 2", sign=HIGHER, cells=last_row)
def acc(R):
    """Average accuracy after the last stage, 1/T sum_j R[T,j] (GEM eq. 2)."""
    return R[..., -1, :].mean(-1)


@metric(
    "la",
    formula="1/T sum_j R[j,j]",
    source="Riemer et al. 2019 (MER, arXiv 1810.11910)",
    sign=HIGHER,
    cells=diagonal,
)
def la(R):
    """Learning accuracy, 1/T sum_j R[j,j]: each task right after its own stage (MER)."""
    return own_after(R).mean(-1)


@metric(
    "aia",
    formula="1/T sum_i 1/i sum_{j<=i} R[i,j]",
    source="Rebuffi et al. 2017 (iCaRL) style; MAA in CoIN (arXiv 2403.08350)",
    sign=HIGHER,
    cells=on_or_below_diagonal,
)
def aia(R):
    """Average incremental accuracy: mean over stages of the mean over tasks seen (iCaRL)."""
    T = R.shape[-1]
    seen = np.tri(T)
    return (_where(seen, R[..., 1:, :]).sum(-1) / np.arange(1, T + 1)).mean(-1)


@metric(
    "bwt_gem",
    formula="1/(T-1) sum_{j<T} (R[T,j] - R[j,j])",
    source=f"{GEM} eq. 3",
    sign=NEGATIVE,
    cells=diagonal_and_last_row,
)
def bwt_gem(R):
    """Backward transfer, 1/(T-1) sum_{j<T} (R[T,j] - R[j,j]) (GEM eq. 3); nan for T = 1."""
    return _mean((R[..., -1, :] - own_after(R))[..., :-1])


@metric(
    "fwt_gem",
    formula="1/(T-1) sum_{j=2..T} (R[j-1,j] - b[j])",
    source=f"{GEM} eq. 4",
    sign="positive = transfer to tasks not yet seen",
    cells=superdiagonal,
)
def fwt_gem(R, b):
    """Forward transfer, 1/(T-1) sum_{j>1} (R[j-1,j] - b[j]) (GEM eq. 4); nan for T = 1.

    b: score before the stream, shape (..., T). GEM takes random initialisation, we the base model.
    """
    return _mean((own_before(R) - b)[..., 1:])


@metric(
    "forget_chaudhry",
    formula="1/(T-1) sum_{j<T} (max_{1<=l<=T-1} R[l,j] - R[T,j])",
    source=f"{CHAUDHRY} eq. 3",
    sign=POSITIVE,
    cells=lambda rows, width: np.broadcast_to(
        (np.arange(rows) > 0)[:, None] & (np.arange(width) < width - 1), (rows, width)
    ),
)
def forget_chaudhry(R):
    """Forgetting against the best earlier stage, l in 1..T-1 (RWalk eq. 3); nan for T = 1."""
    if R.shape[-1] == 1:
        return _mean(R[..., -1, :-1])
    return _mean((R[..., 1:-1, :].max(-2) - R[..., -1, :])[..., :-1])


@metric(
    "intransigence_chaudhry",
    formula="J[T] - R[T,T]",
    source=f"{CHAUDHRY} eq. 4, at k = T",
    sign="positive = failed to learn",
    cells=lambda rows, width: diagonal(rows, width) & last_row(rows, width),
)
def intransigence_chaudhry(R, J):
    """Intransigence at the last task, J[T] - R[T,T]; J is trained jointly on tasks 1..T."""
    return J[..., -1] - R[..., -1, -1]


@metric(
    "fr_ke",
    formula="1/(T-1) sum_{k<T} (R[k,k] - R[T,k])",
    source="Ke et al. 2023 (DAS, arXiv 2302.03241), after Liu et al. 2020 (Mnemonics)",
    sign=f"{POSITIVE}, negative = backward gain",
    cells=diagonal_and_last_row,
)
def fr_ke(R):
    """Forgetting rate, 1/(T-1) sum_{k<T} (R[k,k] - R[T,k]) = -bwt_gem (Ke 2023); nan for T = 1."""
    return -bwt_gem.metric.function(R)


@metric(
    "a_diaz",
    formula="sum_{i>=j} R[i,j] / (T(T+1)/2)",
    source=DIAZ,
    sign=HIGHER,
    cells=on_or_below_diagonal,
)
def a_diaz(R):
    """Mean of all cells on and below the diagonal (Diaz-Rodriguez 2018)."""
    T = R.shape[-1]
    return _where(np.tri(T), R[..., 1:, :]).sum((-2, -1)) / (T * (T + 1) / 2)


@metric(
    "bwt_diaz",
    formula="sum_{i>=2} sum_{j<i} (R[i,j] - R[j,j]) / (T(T-1)/2)",
    source=DIAZ,
    sign=NEGATIVE,
    cells=on_or_below_diagonal,
)
def bwt_diaz(R):
    """Backward transfer over all later stages (Diaz-Rodriguez 2018); nan for T = 1."""
    T = R.shape[-1]
    change = R[..., 1:, :] - own_after(R)[..., None, :]
    return _ratio(_where(np.tri(T, k=-1), change).sum((-2, -1)), T * (T - 1) / 2)


@metric(
    "rem_diaz",
    formula="1 - |min(bwt_diaz, 0)|",
    source=DIAZ,
    sign="higher is better, 1 = nothing forgotten",
    cells=on_or_below_diagonal,
)
def rem_diaz(R):
    """Remembering, 1 - |min(bwt_diaz, 0)| (Diaz-Rodriguez 2018)."""
    return 1 + np.minimum(bwt_diaz.metric.function(R), 0)


@metric(
    "bwt_plus_diaz",
    formula="max(bwt_diaz, 0)",
    source=DIAZ,
    sign=HIGHER,
    cells=on_or_below_diagonal,
)
def bwt_plus_diaz(R):
    """Positive backward transfer, max(bwt_diaz, 0) (Diaz-Rodriguez 2018)."""
    return np.maximum(bwt_diaz.metric.function(R), 0)


@metric(
    "fwt_diaz",
    formula="sum_{1<=i<j} R[i,j] / (T(T-1)/2)",
    source=DIAZ,
    sign="higher is better; no baseline is subtracted",
    cells=above_diagonal,
)
def fwt_diaz(R):
    """Mean score on tasks not yet seen (Diaz-Rodriguez 2018); nan for T = 1."""
    T = R.shape[-1]
    return _ratio(_where(1 - np.tri(T), R[..., 1:, :]).sum((-2, -1)), T * (T - 1) / 2)


@metric("op_trace", formula="1/T sum_{i<=T} R[T,i]", source=TRACE, sign=HIGHER, cells=last_row)
def op_trace(R):
    """Overall performance after stage T (TRACE); the same number as acc."""
    return acc.metric.function(R)


@metric(
    "bwt_trace",
    formula="1/T sum_{i<=T} (R[T,i] - R[i,i])",
    source=TRACE,
    sign=NEGATIVE,
    cells=diagonal_and_last_row,
)
def bwt_trace(R):
    """Backward transfer with divisor T, so (T-1)/T bwt_gem (TRACE); nan for T = 1."""
    T = R.shape[-1]
    return bwt_gem.metric.function(R) * (T - 1) / T


@metric(
    "joint_gap",
    formula="mean_j J[j] - acc",
    source="common",
    sign="positive = below joint training",
    cells=last_row,
)
def joint_gap(R, J):
    """How far joint training is above the sequence, mean(J) - acc."""
    return J.mean(-1) - acc.metric.function(R)


@metric(
    "one_gap",
    formula="mean_j (R[j,j] - S[j])",
    source="Ke et al. 2023, against ONE",
    sign="positive = transfer while learning",
    cells=diagonal,
)
def one_gap(R, S):
    """What the sequence adds to learning each task alone, mean_j (R[j,j] - S[j])."""
    return (own_after(R) - S).mean(-1)


@metric(
    "mlm_loss_delta",
    formula="1/(T-1) sum_{j<T} (L[T,j] - L[j,j])",
    source="ours: fr_ke on each domain's masked-LM loss",
    sign="positive = forgetting of the pre-training",
    unit="nats",
    cells=diagonal_and_last_row,
)
def mlm_loss_delta(L):
    """Rise of each domain's masked-LM loss since its own stage; nan for T = 1."""
    return bwt_gem.metric.function(L)


def _where(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Zero outside the mask, so that cells that the definition does not use may be missing."""
    return np.where(mask.astype(bool), values, 0.0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis; nan without a warning if it is empty."""
    return _ratio(values.sum(-1), values.shape[-1])


def _ratio(total: np.ndarray, count: float) -> np.ndarray:
    return total / count if count else np.full_like(total, np.nan)


TASK_METRICS = [entry for entry in REGISTRY.values() if entry.function.__module__ == __name__]
