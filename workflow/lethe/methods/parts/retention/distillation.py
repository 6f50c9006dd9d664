"""Divergence of a network's outputs from those of an earlier one (Hinton et al. 2015)."""

import torch
import torch.nn.functional as functional


def divergence(
    student: torch.Tensor, teacher: torch.Tensor, weights: torch.Tensor, temperature: float
) -> torch.Tensor:
    """T^2 sum_n w_n KL(softmax(teacher_n / T) || softmax(student_n / T)), in nats.

    T^2 keeps gradients at the same size for every temperature.

    Args:
        student, teacher: scores [N, width].
        weights: [N].
    """
    log_student = functional.log_softmax(student.float() / temperature, dim=-1)
    log_teacher = functional.log_softmax(teacher.float().to(student.device) / temperature, dim=-1)
    terms = functional.kl_div(log_student, log_teacher, reduction="none", log_target=True).sum(-1)
    return temperature**2 * (weights.to(terms.device) * terms).sum()


def squared_error(scores: torch.Tensor, stored: torch.Tensor, weights: torch.Tensor):
    """sum_n w_n mean_v (scores_nv - stored_nv)^2, a scalar, for scores [N, width]."""
    errors = (scores.float() - stored.to(scores.device).float()).square().mean(-1)
    return (weights.to(errors.device) * errors).sum()
