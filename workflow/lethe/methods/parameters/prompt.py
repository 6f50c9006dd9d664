"""Hyper-parameters of soft prompts (Lester et al. 2021)."""

from lethe.methods.parameters.base import MASKED, WITHOUT_ROWS, MethodParameters
from lethe.parameters.entries import Count, parameter


class PromptParameters(MethodParameters):
    """Trained vectors before every input."""

    cost = "`tokens` more positions in every row; gradients and moments for their vectors alone"

    families = MASKED
    of_type = "encoder"
    not_with = dict.fromkeys(
        ("lora", "frozen", "adapters"), "it freezes the model and trains a prompt alone"
    )
    one_text_a_row = True
    not_with_held_rows = WITHOUT_ROWS

    tokens: Count = parameter(
        100,
        "length of the prompt; its vectors use no positions of the model",
        "Lester et al. 2021; released code of Ke et al. 2023",
    )


PARAMETERS = PromptParameters
