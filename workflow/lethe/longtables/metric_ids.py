"""The ids of all numbers that a claim may be about; what computes them takes long to import."""

# The definitions are in `lethe.metrics.matrix` and `lethe.metrics.general`.
REGISTERED = (
    "a_diaz", "acc", "aia", "bwt_diaz", "bwt_gem", "bwt_plus_diaz", "bwt_trace", "delta_general",
    "drop_points", "fg_chance", "fg_last", "fg_luo", "forget_chaudhry", "fr_ke", "fwt_diaz",
    "fwt_gem", "la", "mlm_loss_delta", "op_trace", "rem_diaz",
)  # fmt: skip
END_TASK_SUMMARIES = tuple(f"{word}_{part}" for word in ("f1", "acc")
                           for part in ("own", "final", "fr_ke"))  # fmt: skip
# Outcomes of domains beside end tasks.
DOMAIN_SUMMARIES = tuple(f"{word}_{part}" for word in ("cloze", "loss")
                         for part in ("own", "final", "forgotten"))  # fmt: skip
# By stage: General Ability Delta of the stages so far.
CHANGE_SO_FAR = "delta_general_so_far"
# Loss on held-out texts of no domain.
TEXT_LOSS = "text_loss"
TEXT_METRICS = (TEXT_LOSS, *(f"{TEXT_LOSS}_{part}" for part in ("base", "final", "risen")))
OF_CLAIMS = (
    *REGISTERED, *END_TASK_SUMMARIES, *DOMAIN_SUMMARIES, "base_score", "final_score", "own_rise",
)  # fmt: skip
