"""Grafts: a masked language model with some parameters of another checkpoint of its chain."""

import re
from collections.abc import Collection, Iterable, Mapping

import torch

from lethe.errors import UserError

# By group: a pattern that its parameters' names match. An output layer that is tied to the word
# embeddings is one parameter with two names, so both belong to one group.
PATTERNS = {
    "word embeddings": r"\.embeddings\.word_embeddings\.|^lm_head\.decoder\.weight$",
    "position embeddings": r"\.embeddings\.(position|token_type)_embeddings\.",
    "attention": r"\.attention\.(self\.(query|key|value)|output\.dense)\.",
    "dense layers": r"\.layer\.\d+\.(intermediate|output)\.dense\.",
    "LayerNorms": r"\.LayerNorm\.",
    "head": r"^lm_head\.(?!decoder\.weight$)",
}
GROUPS = tuple(PATTERNS)


def by_group(names: Iterable[str]) -> dict[str, list[str]]:
    """Names of a state dict by group, each in exactly one of `GROUPS`; a group may be empty.

    `head` is the language-model head's own part: its dense layer, its normalisation and the output
    bias. The embedding of the token type, the same for all tokens, counts as a position embedding.

    Raises:
        UserError: a name is in no group, or in several.
    """
    members: dict[str, list[str]] = {group: [] for group in GROUPS}
    for name in names:
        fitting = [group for group, pattern in PATTERNS.items() if re.search(pattern, name)]
        if len(fitting) != 1:
            raise UserError(
                f"Expected the parameter {name!r} in one of the groups {', '.join(GROUPS)}, found "
                f"it in {len(fitting)}. Only plain masked language models of RoBERTa's layout can "
                "be grafted."
            )
        members[fitting[0]].append(name)
    return members


def graft(
    own: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor], groups: Collection[str]
) -> dict[str, torch.Tensor]:
    """The state dict `own` with the parameters of `groups` from `other`; neither is changed.

    Raises:
        UserError: an unknown group or parameter, or state dicts of two different models.
    """
    if unknown := sorted(set(groups) - set(GROUPS)):
        raise UserError(f"Expected groups among {', '.join(GROUPS)}, found {unknown[0]!r}.")
    differing = {name for name in own.keys() & other.keys() if own[name].shape != other[name].shape}
    if differing := sorted(differing | (own.keys() ^ other.keys())):
        raise UserError(
            f"The checkpoints are of two different models: {differing[0]} and "
            f"{len(differing) - 1} more parameters are not the same in both."
        )
    names = by_group(own)
    taken = {name for group in groups for name in names[group]}
    return {name: (other if name in taken else own)[name] for name in own}


def shares_of_rise(
    right_after: float, final: float, undone: float, caused: float
) -> tuple[float, float]:
    """Shares of a rise in loss that a group's parameters undo, and that they cause.

    Neither is bounded by 0..1, and the groups' shares need not add up to 1: groups interact.

    Args:
        right_after, final: loss of the checkpoint right after the domain, and of the last one.
        undone: loss of the last checkpoint with the group from right after the domain.
        caused: loss of the checkpoint right after the domain with the group from the last one.

    Raises:
        ValueError: the loss did not rise.
    """
    rise = final - right_after
    if rise <= 0:
        raise ValueError(f"expected a loss that rose, found {right_after} and then {final}")
    return (final - undone) / rise, (caused - right_after) / rise
