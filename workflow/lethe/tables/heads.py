"""What the columns of tables are called in print."""

import re

HEADS = {
    "acc": "ACC",
    "at": "bound",
    "bwt_gem": "BWT",
    "change": "change since",
    "delta_general": "general, change",
    "commonest": "commonest answer",
    "cloze_forgotten": "cloze, forgotten",
    "drift": "drift, nats",
    "drop_points": "drop, points",
    "f1_forgotten": "F1, forgotten",
    "loss_forgotten": "loss, risen",
    "f1_fr_ke": "F1 forgetting rate",
    "acc_fr_ke": "accuracy forgetting rate",
    "fg_chance": "FG above chance",
    "fg_last": "FG, last stage",
    "fg_luo": "FG",
    "forget_chaudhry": "forgetting",
    "fwt_gem": "FWT",
    "identified": "sets identified",
    "lost_r0": "lost, r = 0",
    "lost_r1": "lost, r = 1",
    "of": "seconds of",
    "mlm_loss_delta": "loss rise, nats",
    "own_before": "own before",
    "p_holm": "p (Holm)",
    "p_t": "p (t)",
    "params": "parameters",
    "probe": "set",
    "stage_0": "base",
}
"""Columns whose name in print is not the words of their name in a file."""

WORDS = {
    "acc": "accuracy",
    "aia": "AIA",
    "bleu": "BLEU",
    "bwt": "BWT",
    "cpu": "CPU",
    "ece": "ECE",
    "f1": "F1",
    "fg": "FG",
    "fr": "forgetting rate",
    "fwt": "FWT",
    "gpu": "GPU",
    "la": "LA",
    "logprob": "log-prob.",
    "mb": "MB",
    "rouge1": "ROUGE-1",
    "sari": "SARI",
}
"""Words of a column's name that are written otherwise."""

IDENTITIES = ("params", "world_seed", "base_seed", "train_seed", "end_task_seed", "stage_index")
"""Columns of numbers that name a row and are no results."""


def head(column: str) -> str:
    """The name of a column for a reader: `emdg_bleu_base` is `emdg BLEU base`."""
    if column in HEADS:
        return HEADS[column]
    ends = re.fullmatch(r"(.*?)_?(R_o|R_-1)", column)
    if ends:  # the symbols of Luo et al.
        return f"{head(ends[1])} {ends[2]}".strip() if ends[1] else ends[2]
    return " ".join(WORDS.get(word, word) for word in column.split("_") if word) or column
