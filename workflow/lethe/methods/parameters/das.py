"""Hyper-parameters of DAS (Ke et al. 2023), with the paper's values; other values are ablations,
or what its authors' code does.

The catalogue's `das-released` has the values that come nearest to that code. Not imitated: gate
gradients that are never set back to zero, so that early batches weigh more; the importance
gradients left over in the first optimizer step; the subset being the first examples.
"""

from typing import Literal

from lethe.methods.parameters.base import CODE_OF_KE, MASKED, MethodParameters
from lethe.parameters.entries import Count, Number, Positive, parameter

KE = "Ke et al. 2023"
Tokens = Literal["masked", "original"]


class DasParameters(MethodParameters):
    """Of the contrast, the soft mask and the importances, in this order."""

    families = MASKED
    one_text_a_row = True
    general_with = (("initialise", "general"),)

    contrast_weight: Number = parameter(
        1.0, "lambda of Eq. 8; with 0 the contrast is not computed", CODE_OF_KE, ge=0
    )
    temperature: Positive = parameter(0.05, "tau of Eq. 7", CODE_OF_KE)
    contrast_share: Number = parameter(
        1.0,
        "share of the rows of a micro-batch that are contrasted, at least two rows; 0.25 is a "
        "cheap form",
        f"{KE}, Eq. 7",
        gt=0,
        le=1,
    )
    contrast_input: Tokens = parameter(
        "masked", "tokens of the contrast's passes; `masked` shares a pass with the loss"
    )
    previous: Literal["attached", "detached"] = parameter(
        "attached", "whether gradients flow through o_prev of Eq. 7", CODE_OF_KE
    )
    pairing: Literal["same", "released"] = parameter(
        "same",
        "what is a positive pair: two dropout views of one text, or neighbours among all views, "
        "which are different texts, as in the released code",
        f"{KE}, Eq. 7",
    )
    soft_mask: bool = parameter(True, "whether Eq. 6 is applied at all", f"{KE}, Eq. 6")
    mask: Literal["gradient", "update"] = parameter(
        "gradient", "what is scaled: the gradient, or the optimizer's update", f"{KE}, Eq. 6"
    )
    head_axis: Literal["rows", "released"] = parameter(
        "rows",
        "what belongs to a head in query, key and value: rows of the weight, or its columns, "
        "which are input features, as in the released code",
        f"{KE}, Eq. 6",
    )
    initialise: Literal["proxy", "general", "domain", "none", "random"] = parameter(
        "proxy",
        "I^(0), the importance before the first domain: of the KL proxy (Eq. 4); of the "
        "masked-LM loss (Eq. 9) on the method's `general` texts or on the first domain's own; "
        "none; or random numbers",
        f"{KE}, Eq. 4",
    )
    subset: Count = parameter(
        10_000, "examples of a stage that importances are computed on, at random", CODE_OF_KE
    )
    importance_batch: Count = parameter(32, "examples laid out at a time for that")
    kl_axis: Literal["hidden", "vocabulary", "position"] = parameter(
        "hidden",
        "what the distributions of the KL proxy are over: units of the last hidden state, scores "
        "at the masked positions, or positions of a text, as in the released code",
        "ours: the paper's is not known",
    )
    proxy_dropout: bool = parameter(
        True, "dropout in the passes of the KL proxy, which Eq. 4 needs", f"{KE}, Eq. 4"
    )
    importance_dropout: bool = parameter(False, "dropout in the passes of Eq. 9")
    signed: bool = parameter(
        False, "gradients are averaged with their sign, as in the released code", f"{KE}, Eq. 3"
    )
    normalisation: Literal["absolute", "positive"] = parameter(
        "absolute",
        "of importances, after standardising and tanh: the absolute value, by which units far "
        "below the mean of their layer are important too, or zero below the mean",
        CODE_OF_KE,
    )
    importance_input: Tokens = parameter(
        "masked", "tokens that Eq. 9 feeds, wherever it is used", f"{KE}, Eq. 9"
    )


PARAMETERS = DasParameters
