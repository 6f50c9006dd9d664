"""Soft prompts: trained vectors in front of every input's embeddings; the network is frozen.

Lester et al. 2021, "The power of scale for parameter-efficient prompt tuning"; this is
DAP-Prompt of Ke et al. 2023. We do not use peft, because its prompt-tuning checkpoint is not a
plain model and its network also returns states for the prompt. Here a checkpoint is a plain model
with one state per token. The tokens keep their positions: the prompt is inserted after positions
are added and has none, so it uses no entries of the position table.
"""

import torch
import torch.nn.functional as functional
from torch import nn

from lethe.data.draws import seed_of
from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.adapters import like
from lethe.models.encoder_units import encoder_of

STATE_NAME = "prompt"


class SoftPrompt(nn.Module):
    """`vectors` [P, width], at the level of word embeddings: before normalisation and dropout."""

    def __init__(self, vectors: torch.Tensor):
        super().__init__()
        self.vectors = nn.Parameter(vectors.detach().clone())


def new_prompt(model, tokens: int, seed: int) -> SoftPrompt:
    """A prompt that starts as random words' embeddings (Lester et al. 2021, "sampled vocab").

    Simplified: words are drawn from the whole vocabulary, which has no frequencies here.
    """
    encoder_of(model)  # refuses models of unknown types
    words = model.get_input_embeddings().weight
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(words), (tokens,), generator=generator)
    return SoftPrompt(words[chosen.to(words.device)])


def apply_prompt(model, prompt: SoftPrompt) -> None:
    """Put the prompt before every input of a network; its output keeps one state per token.

    Raises:
        UserError: an unknown type of model, or a prompt of another width.
    """
    encoder_of(model)
    base, count = model.base_model, len(prompt.vectors)
    width = model.get_input_embeddings().embedding_dim
    if prompt.vectors.shape[1] != width:
        raise UserError(
            f"This prompt was trained on another network: its width is {prompt.vectors.shape[1]}, "
            f"the model's is {width}."
        )

    def seen_by_all(_, inputs, named):
        mask = named.get("attention_mask")
        if mask is not None:  # [R, L]
            named = {**named, "attention_mask": functional.pad(mask, (count, 0), value=1)}
        return inputs, named

    def put_in_front(embeddings, _, output):
        front = embeddings.dropout(embeddings.LayerNorm(prompt.vectors))
        return torch.cat([front.to(output.dtype).expand(len(output), -1, -1), output], dim=1)

    def cut_off(_, __, output):
        # Here and not at the end, so that a pooler also finds the first token at position 0.
        output.last_hidden_state = output.last_hidden_state[:, count:]
        return output

    base.register_forward_pre_hook(seen_by_all, with_kwargs=True)
    base.embeddings.register_forward_hook(put_in_front)
    base.encoder.register_forward_hook(cut_off)


class Prompt(Method):
    """One prompt that every stage trains further."""

    def __init__(self, tokens: int):
        self.tokens = tokens

    def before_stage(self, stage: Stage) -> None:
        stage.model.requires_grad_(False)
        if self.extra is None:
            self.extra = new_prompt(stage.model, self.tokens, seed_of(stage.seed, stage.index))
        self.attach(stage.model)

    def attach(self, model: nn.Module) -> nn.Module:
        apply_prompt(model, like(self.extra, model))
        return model

    def state(self) -> dict:
        return {STATE_NAME: self.extra.vectors.detach()}

    def load_state(self, state: dict) -> None:
        if set(state) != {STATE_NAME}:
            raise UserError(
                f"Expected a prompt in the checkpoint's method state, found {sorted(state)[:2]}; "
                "was it trained with another method?"
            )
        if self.extra is None:
            self.extra = SoftPrompt(state[STATE_NAME])
        with torch.no_grad():
            self.extra.vectors.copy_(state[STATE_NAME])


METHOD = Prompt
