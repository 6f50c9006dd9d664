"""Metrics of the task matrix R (T+1 by T, row 0 the base) and of references b, S, J and losses L.

Higher scores are better. Values that a definition excludes (transfer for T = 1) are nan. Without a
schedule, stage j taught task j.
"""

import numpy as np

from lethe.metrics.registry import REGISTRY, metric
from lethe.metrics.schedule import (
    after_stages_before_last,
    before_own_stage,
    last_of_last_stage,
    last_row,
    not_yet_seen,
    own_stage,
    own_stage_and_last_row,
    schedule_for,
    seen_so_far,
)

GEM = "Lopez-Paz & Ranzato 2017 (GEM, arXiv 1706.08840)"
CHAUDHRY = "Chaudhry et al. 2018 (RWalk, ECCV)"
DIAZ = "Diaz-Rodriguez et al. 2018 (arXiv 1810.13166)"
TRACE = "Wang et al. 2023 (TRACE, arXiv 2310.06762)"
HIGHER = "higher is better"
NEGATIVE = "negative = forgetting"
POSITIVE = "positive = forgetting"


def own_after(R, schedule=None):
    """Each task right after the last stage that taught it, R[j, j]; shape (..., T)."""
    plan = schedule_for(R, schedule)
    return R[..., plan.last, plan.columns]


def own_before(R, schedule=None):
    """Each task right before the first stage that taught it, R[j-1, j]; shape (..., T)."""
    plan = schedule_for(R, schedule)
    return R[..., plan.first - 1, plan.columns]


def own_final(R, schedule=None):
    """Each task after the last stage, R[T, j]; shape (..., T)."""
    return R[..., -1, schedule_for(R, schedule).columns]


@metric("acc", formula="1/T sum_j R[T,j]", source=f"{GEM} eq. 2", sign=HIGHER, cells=last_row)
def acc(R, *, schedule=None):
    """Average accuracy after the last stage, 1/T sum_j R[T,j] (GEM eq. 2)."""
    return own_final(R, schedule).mean(-1)


@metric(
    "la",
    formula="1/T sum_j R[j,j]",
    source="Riemer et al. 2019 (MER, arXiv 1810.11910)",
    sign=HIGHER,
    cells=own_stage,
)
def la(R, *, schedule=None):
    """Learning accuracy, 1/T sum_j R[j,j]: each task right after its own stage (MER)."""
    return own_after(R, schedule).mean(-1)


@metric(
    "aia",
    formula="1/T sum_i 1/i sum_{j<=i} R[i,j]",
    source="Rebuffi et al. 2017 (iCaRL) style; MAA in CoIN (arXiv 2403.08350)",
    sign=HIGHER,
    cells=seen_so_far,
)
def aia(R, *, schedule=None):
    """Average incremental accuracy: mean over stages of the mean over tasks seen (iCaRL)."""
    plan = schedule_for(R, schedule)
    counts = plan.seen.sum(-1)
    sums = _where(plan.seen, R[..., 1:, plan.columns]).sum(-1)
    return (sums[..., counts > 0] / counts[counts > 0]).mean(-1)


@metric(
    "bwt_gem",
    formula="1/(T-1) sum_{j<T} (R[T,j] - R[j,j])",
    source=f"{GEM} eq. 3",
    sign=NEGATIVE,
    cells=own_stage_and_last_row,
)
def bwt_gem(R, *, schedule=None):
    """Backward transfer, 1/(T-1) sum_{j<T} (R[T,j] - R[j,j]) (GEM eq. 3); nan for T = 1."""
    plan = schedule_for(R, schedule)
    change = own_final(R, plan) - own_after(R, plan)
    return _mean(change[..., plan.last < plan.stages])


@metric(
    "fwt_gem",
    formula="1/(T-1) sum_{j=2..T} (R[j-1,j] - b[j])",
    source=f"{GEM} eq. 4",
    sign="positive = transfer to tasks not yet seen",
    cells=before_own_stage,
)
def fwt_gem(R, b, *, schedule=None):
    """Forward transfer, 1/(T-1) sum_{j>1} (R[j-1,j] - b[j]) (GEM eq. 4); nan for T = 1.

    b: score before the stream, shape (..., T). GEM takes random initialisation, we the base model.
    """
    plan = schedule_for(R, schedule)
    return _mean((own_before(R, plan) - b[..., plan.columns])[..., plan.first > 1])


@metric(
    "forget_chaudhry",
    formula="1/(T-1) sum_{j<T} (max_{1<=l<=T-1} R[l,j] - R[T,j])",
    source=f"{CHAUDHRY} eq. 3",
    sign=POSITIVE,
    cells=after_stages_before_last,
)
def forget_chaudhry(R, *, schedule=None):
    """Forgetting against the best earlier stage, l in 1..T-1 (RWalk eq. 3); nan for T = 1."""
    plan = schedule_for(R, schedule)
    earlier = plan.columns[plan.last < plan.stages]
    if not len(earlier):
        return _mean(R[..., -1, earlier])
    return _mean(R[..., 1:-1, earlier].max(-2) - R[..., -1, earlier])


@metric(
    "intransigence_chaudhry",
    formula="J[T] - R[T,T]",
    source=f"{CHAUDHRY} eq. 4, at k = T",
    sign="positive = failed to learn",
    cells=last_of_last_stage,
)
def intransigence_chaudhry(R, J, *, schedule=None):
    """Intransigence at the last task, J[T] - R[T,T]; J is trained jointly on tasks 1..T."""
    taught = list(schedule_for(R, schedule).taught[-1])
    return _mean(J[..., taught] - R[..., -1, taught])


@metric(
    "fr_ke",
    formula="1/(T-1) sum_{k<T} (R[k,k] - R[T,k])",
    source="Ke et al. 2023 (DAS, arXiv 2302.03241), after Liu et al. 2020 (Mnemonics)",
    sign=f"{POSITIVE}, negative = backward gain",
    cells=own_stage_and_last_row,
)
def fr_ke(R, *, schedule=None):
    """Forgetting rate, 1/(T-1) sum_{k<T} (R[k,k] - R[T,k]) = -bwt_gem (Ke 2023); nan for T = 1."""
    return -bwt_gem.metric.function(R, schedule=schedule)


@metric(
    "a_diaz",
    formula="sum_{i>=j} R[i,j] / (T(T+1)/2)",
    source=DIAZ,
    sign=HIGHER,
    cells=seen_so_far,
)
def a_diaz(R, *, schedule=None):
    """Mean of all cells on and below the diagonal (Diaz-Rodriguez 2018)."""
    plan = schedule_for(R, schedule)
    return _where(plan.seen, R[..., 1:, plan.columns]).sum((-2, -1)) / plan.seen.sum()


@metric(
    "bwt_diaz",
    formula="sum_{i>=2} sum_{j<i} (R[i,j] - R[j,j]) / (T(T-1)/2)",
    source=DIAZ,
    sign=NEGATIVE,
    cells=seen_so_far,
)
def bwt_diaz(R, *, schedule=None):
    """Backward transfer over all later stages (Diaz-Rodriguez 2018); nan for T = 1."""
    plan = schedule_for(R, schedule)
    latest = plan.latest[1:]
    change = R[..., 1:, plan.columns] - R[..., latest, plan.columns]
    later = plan.seen & (latest < np.arange(1, plan.stages + 1)[:, None])
    return _ratio(_where(later, change).sum((-2, -1)), later.sum())


@metric(
    "rem_diaz",
    formula="1 - |min(bwt_diaz, 0)|",
    source=DIAZ,
    sign="higher is better, 1 = nothing forgotten",
    unit="share",
    cells=seen_so_far,
)
def rem_diaz(R, *, schedule=None):
    """Remembering, 1 - |min(bwt_diaz, 0)| (Diaz-Rodriguez 2018)."""
    return 1 + np.minimum(bwt_diaz.metric.function(R, schedule=schedule), 0)


@metric(
    "bwt_plus_diaz",
    formula="max(bwt_diaz, 0)",
    source=DIAZ,
    sign=HIGHER,
    cells=seen_so_far,
)
def bwt_plus_diaz(R, *, schedule=None):
    """Positive backward transfer, max(bwt_diaz, 0) (Diaz-Rodriguez 2018)."""
    return np.maximum(bwt_diaz.metric.function(R, schedule=schedule), 0)


@metric(
    "fwt_diaz",
    formula="sum_{1<=i<j} R[i,j] / (T(T-1)/2)",
    source=DIAZ,
    sign="higher is better; no baseline is subtracted",
    cells=not_yet_seen,
)
def fwt_diaz(R, *, schedule=None):
    """Mean score on tasks not yet seen (Diaz-Rodriguez 2018); nan for T = 1."""
    plan = schedule_for(R, schedule)
    return _ratio(_where(~plan.seen, R[..., 1:, plan.columns]).sum((-2, -1)), (~plan.seen).sum())


@metric("op_trace", formula="1/T sum_{i<=T} R[T,i]", source=TRACE, sign=HIGHER, cells=last_row)
def op_trace(R, *, schedule=None):
    """Overall performance after stage T (TRACE); the same number as acc."""
    return acc.metric.function(R, schedule=schedule)


@metric(
    "bwt_trace",
    formula="1/T sum_{i<=T} (R[T,i] - R[i,i])",
    source=TRACE,
    sign=NEGATIVE,
    cells=own_stage_and_last_row,
)
def bwt_trace(R, *, schedule=None):
    """Backward transfer with divisor T, so (T-1)/T bwt_gem (TRACE); nan for T = 1."""
    plan = schedule_for(R, schedule)
    earlier = (plan.last < plan.stages).sum()
    return bwt_gem.metric.function(R, schedule=plan) * earlier / len(plan.columns)


@metric(
    "joint_gap",
    formula="mean_j J[j] - acc",
    source="common",
    sign="positive = below joint training",
    cells=last_row,
)
def joint_gap(R, J, *, schedule=None):
    """How far joint training is above the sequence, mean(J) - acc."""
    plan = schedule_for(R, schedule)
    return J[..., plan.columns].mean(-1) - acc.metric.function(R, schedule=plan)


@metric(
    "one_gap",
    formula="mean_j (R[j,j] - S[j])",
    source="Ke et al. 2023, against ONE",
    sign="positive = transfer while learning",
    cells=own_stage,
)
def one_gap(R, S, *, schedule=None):
    """What the sequence adds to learning each task alone, mean_j (R[j,j] - S[j])."""
    plan = schedule_for(R, schedule)
    return (own_after(R, plan) - S[..., plan.columns]).mean(-1)


@metric(
    "mlm_loss_delta",
    formula="1/(T-1) sum_{j<T} (L[T,j] - L[j,j])",
    source="ours: fr_ke on each domain's masked-LM loss",
    sign="positive = forgetting of the pre-training",
    unit="nats",
    cells=own_stage_and_last_row,
)
def mlm_loss_delta(L, *, schedule=None):
    """Rise of each domain's masked-LM loss since its own stage; nan for T = 1."""
    return bwt_gem.metric.function(L, schedule=schedule)


def _where(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Zero outside the mask, so that cells that the definition does not use may be missing."""
    return np.where(mask.astype(bool), values, 0.0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis; nan without a warning if it is empty."""
    return _ratio(values.sum(-1), values.shape[-1])


def _ratio(total: np.ndarray, count: float) -> np.ndarray:
    return total / count if count else np.full_like(total, np.nan)


TASK_METRICS = [entry for entry in REGISTRY.values() if entry.function.__module__ == __name__]
