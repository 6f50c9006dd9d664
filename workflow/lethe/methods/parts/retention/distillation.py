"""Divergence of a network's outputs from those of an earlier one (Hinton et al. 2015)."""

import torch
import torch.nn.functional as functional


def divergence(
    student: torch.Tensor,
    teacher: torch.Tensor,
    weights: torch.Tensor,
    temperature: float,
    removed: torch.Tensor | None = None,
) -> torch.Tensor:
    """T^2 sum_n w_n KL(softmax(teacher_n / T) || softmax(student_n / T)), in nats.

    T^2 keeps gradients at the same size for every temperature.

    Args:
        student, teacher: scores [N, width].
        weights: [N].
        removed: [N] the place in each row that both distributions leave out, the others summing to
            one again; None: none.
    """
    student = student.float() / temperature
    teacher = teacher.float().to(student.device) / temperature
    if removed is not None:
        places = removed.to(student.device)[:, None]
        student, teacher = (scores.scatter(1, places, -torch.inf) for scores in (student, teacher))
    log_student = functional.log_softmax(student, dim=-1)
    log_teacher = functional.log_softmax(teacher, dim=-1)
    if removed is not None:
        # Each has probability 0 there, and 0 log(0/0) counts nothing.
        log_student, log_teacher = (
            logs.scatter(1, places, 0.0) for logs in (log_student, log_teacher)
        )
    terms = functional.kl_div(log_student, log_teacher, reduction="none", log_target=True).sum(-1)
    return temperature**2 * (weights.to(terms.device) * terms).sum()


def squared_error(scores: torch.Tensor, stored: torch.Tensor, weights: torch.Tensor):
    """sum_n w_n mean_v (scores_nv - stored_nv)^2, a scalar, for scores [N, width]."""
    errors = (scores.float() - stored.to(scores.device).float()).square().mean(-1)
    return (weights.to(errors.device) * errors).sum()
