"""What methods ask of a stage: known before it runs, without importing torch or the method."""

from typing import Any

from lethe.errors import UserError

# They work on the units, adapters or embeddings of an encoder.
MASKED_ONLY = frozenset(
    {"adapter", "bcl", "classic", "das", "demix", "hat", "hat_adapter", "prompt"}
)
# They take a mean over a row, or put a prompt before it.
ONE_TEXT_A_ROW = frozenset({"classic", "das", "prompt"})


def require(
    name: str, method: str, hyper: dict[str, Any], family: str, recipe_name: str, recipe: dict
) -> None:
    """Whether a method can train such a stage.

    Args:
        name: of the method's catalogue entry, which the sentence names; `method` is its file.

    Raises:
        UserError: its models are of another family, or the recipe's rows hold several texts.
    """
    if method == "kd" and hyper.get("compare") == "hidden" and family != "masked":
        raise UserError(
            f"methods.{name}.hyper.compare: 'hidden' is for masked language models, and the study "
            f"has a {family} one for it; set it to 'logits'."
        )
    if method in MASKED_ONLY and family != "masked":
        raise UserError(
            f"methods.{name}: method {method!r} trains masked language models only, and the study "
            f"has a {family} one for it; put it in an entry of `also`, with models of its own."
        )
    if method in ONE_TEXT_A_ROW and recipe.get("unpadded"):
        raise UserError(
            f"recipes.{recipe_name}.unpadded: method {method!r} needs every text in a row of its "
            f"own; set it to false, or give the method another recipe in an entry of `also`."
        )
