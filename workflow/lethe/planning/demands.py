"""What methods ask of a stage: known before it runs, without importing torch or the method."""

from typing import Any

from lethe.errors import UserError

# They work on the units, adapters, embeddings or hidden states of an encoder; where only one value
# of a hyper-parameter does, it stands with the method.
MASKED_ONLY = {
    "adapter": None,
    "bcl": None,
    "classic": None,
    "das": None,
    "demix": None,
    "hat": None,
    "hat_adapter": None,
    "kd": ("compare", "hidden"),
    "prompt": None,
}
# They take a mean over a row, or put a prompt before it.
ONE_TEXT_A_ROW = frozenset({"classic", "das", "prompt"})


def masked_only(method: str, hyper: dict[str, Any]) -> bool:
    """Whether a method trains masked language models only."""
    if method not in MASKED_ONLY:
        return False
    with_value = MASKED_ONLY[method]
    return with_value is None or hyper.get(with_value[0]) == with_value[1]


def require(
    name: str, method: str, hyper: dict[str, Any], family: str, recipe_name: str, recipe: dict
) -> None:
    """Whether a method can train such a stage.

    Args:
        name: of the method's catalogue entry, which the sentence names; `method` is its file.

    Raises:
        UserError: its models are of another family, or the recipe's rows hold several texts.
    """
    if masked_only(method, hyper) and family != "masked":
        raise UserError(
            f"methods.{name}: method {method!r} with the hyper-parameters {hyper} trains masked "
            f"language models only, and the study has a {family} one for it; put it in an entry of "
            "`also`, with models of its own."
        )
    if method in ONE_TEXT_A_ROW and recipe.get("unpadded"):
        raise UserError(
            f"recipes.{recipe_name}.unpadded: method {method!r} needs every text in a row of its "
            "own; set it to false, or give the method another recipe in an entry of `also`."
        )
