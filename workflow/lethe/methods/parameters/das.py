"""Hyper-parameters of DAS (Ke et al. 2023). Defaults are the paper's; others are ablations or
follow the authors' code.

The catalogue's `das-released` has the values nearest to that code. Not imitated: gate gradients
that are never reset to zero, so that early batches weigh more; importance gradients that remain in
the first optimizer step; a subset that is always the first examples.
"""

from typing import Literal

from lethe.methods.parameters.base import CODE_OF_KE, MASKED, MethodParameters
from lethe.parameters.entries import Count, Number, Positive, parameter

KE = "Ke et al. 2023"
Tokens = Literal["masked", "original"]


class DasParameters(MethodParameters):
    """The contrast, the soft mask and the importances, in this order.

    Off masked language models `masked` inputs are the stage's own.
    """

    cost = (
        "two more passes over the contrasted rows of a step; passes over `subset` examples a stage"
    )

    of_type = "units"
    families_with = {
        ("contrast_input", "original"): MASKED,
        ("importance_input", "original"): MASKED,
        ("head_axis", "released"): MASKED,
        ("kl_axis", "position"): MASKED,
    }
    # Of masked language models alone: elsewhere texts are told apart within a row.
    one_text_a_row = True
    not_with = {
        "lora": "its masks lie on the network's own weights, which an adapter leaves as they are",
        "adapters": "its masks lie on the network's own weights, which are not trained",
    }
    general_with = (("initialise", "general"),)
    since_its_base = True

    contrast_weight: Number = parameter(
        1.0, "lambda of Eq. 8; with 0 the contrast is not computed", CODE_OF_KE, ge=0
    )
    temperature: Positive = parameter(0.05, "tau of Eq. 7", CODE_OF_KE)
    contrast_share: Number = parameter(
        1.0,
        "share of a micro-batch's rows that are contrasted, at least two rows; 0.25 is a cheap "
        "variant",
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
        "what forms a positive pair: two dropout views of one text, or neighbours among all views, "
        "which are different texts, as in the released code",
        f"{KE}, Eq. 7",
    )
    soft_mask: bool = parameter(True, "whether Eq. 6 is applied at all", f"{KE}, Eq. 6")
    mask: Literal["gradient", "update"] = parameter(
        "gradient", "what is scaled: the gradient, or the optimizer's update", f"{KE}, Eq. 6"
    )
    head_axis: Literal["rows", "released"] = parameter(
        "rows",
        "which part of query, key and value belongs to a head: rows of the weight, or columns, "
        "which are input features, as in the released code",
        f"{KE}, Eq. 6",
    )
    initialise: Literal["proxy", "general", "domain", "none", "random"] = parameter(
        "proxy",
        "I^(0), the importance before the first domain: from the KL proxy (Eq. 4); from the "
        "stage's loss on the method's `general` texts or on the first domain's own; "
        "none; or random numbers",
        f"{KE}, Eq. 4",
    )
    subset: Count = parameter(
        10_000, "random examples of a stage used to compute importances", CODE_OF_KE
    )
    importance_batch: Count = parameter(32, "examples per batch when computing importances")
    kl_axis: Literal["hidden", "vocabulary", "position"] = parameter(
        "hidden",
        "support of the KL proxy's distributions: units of the last hidden state, the vocabulary "
        "at the labelled positions, or positions of a text, as in the released code (masked "
        "language models only)",
        "ours: the paper's is not known",
    )
    proxy_dropout: bool = parameter(
        True, "dropout in the passes of the KL proxy, which Eq. 4 needs", f"{KE}, Eq. 4"
    )
    importance_dropout: bool = parameter(
        False, "dropout in the passes for the importance of a stage's own loss"
    )
    signed: bool = parameter(
        False, "gradients are averaged with their sign, as in the released code", f"{KE}, Eq. 3"
    )
    normalisation: Literal["absolute", "positive"] = parameter(
        "absolute",
        "of importances, after standardising and tanh: the absolute value, so that units far below "
        "their layer's mean are important too, or zero below the mean",
        CODE_OF_KE,
    )
    importance_input: Tokens = parameter(
        "masked", "input tokens of the importance of a stage's own loss, wherever it is used", KE
    )
    gate_dropout: Number = parameter(
        0.1,
        "decoders and encoder-decoders without dropout of their own: share of the outputs at the "
        "gates that is dropped in the passes of the KL proxy and in the second view of the "
        "contrast; 0: the proxy is refused, and both views are one pass",
        added=True,
        ge=0,
        lt=1,
    )

    def copies_held(self) -> int:
        """A mask on the update needs the values before it."""
        return int(self.mask == "update")

    def examples_held(self, rows: float) -> float:
        """The contrast's passes beside the loss's, or the passes of the importances."""
        views = 2 if self.contrast_input == "masked" else 3
        contrasted = views * self.contrast_share * rows if self.contrast_weight else 0
        proxies = 2 if self.initialise == "proxy" else 1
        return max(rows + contrasted, proxies * self.importance_batch)


PARAMETERS = DasParameters
