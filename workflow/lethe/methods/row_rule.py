"""Row rule: embeddings of tokens that the stage's data do not hold stay as they are.

Every label's softmax has a gradient for the output row of every token, occurring or not: with
p the predicted distribution, dL/dw_v = p_v h for each token v but the label. It is small, but AdamW
divides by its own size, so that with a small epsilon such rows take steps as large as those of the
words of the task; where output and input embeddings are tied, the words that are not in the task
drift as inputs too. The rule: rows (and the output bias's entries) of tokens that occur in no
example of the stage do not change.

`what: gradients` sets their gradients to zero. Adam's moments start at zero in every stage, so its
updates are exactly zero; weight decay still shrinks the rows. `what: updates` puts the rows back
after every update, whatever moved them; their gradients then count in the norm that is clipped.

Tokens that the layout adds count as data: the decoder's first token, and the mask token. A random
word that a masked language model sees in place of another does not.
"""

import torch

from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.models.vocabulary import token_rows


class RowRule(Method):
    """Holds the rows of tokens without data; the data are read once before the first step.

    Args:
        required: refuse a stage that trains no such rows. Beside a method that freezes them there
            is nothing to hold.
    """

    def __init__(self, what: str, required: bool = True):
        self.what = what
        self.required = required
        self.unused: dict[str, torch.Tensor] = {}
        self.kept: dict[str, torch.Tensor] = {}

    def before_stage(self, stage: Stage) -> None:
        used = sorted(tokens_of(stage))
        trained = {name for name, _ in stage.trainable()}
        rows = {name: p for name, p in token_rows(stage.model).items() if name in trained}
        if not rows and self.required:
            raise UserError(
                "Row rule: expected embeddings or an output layer that are trained, found none "
                "whose rows it could hold; do not freeze them, or train with another method."
            )
        for name, parameter in rows.items():
            unused = torch.ones(len(parameter), dtype=torch.bool)
            unused[used] = False
            self.unused[name] = unused.to(parameter.device)
            if self.what == "updates":
                self.kept[name] = parameter.detach()[self.unused[name]].clone()

    def after_backward(self, stage: Stage) -> None:
        if self.what == "gradients":
            gradients = stage.gradients()
            for name in self.unused.keys() & gradients.keys():
                gradients[name][self.unused[name]] = 0.0

    def after_update(self, stage: Stage) -> None:
        parameters = dict(stage.trainable())
        for name, rows in self.kept.items():
            with torch.no_grad():
                parameters[name][self.unused[name]] = rows

    def protected(self, name: str, change: torch.Tensor) -> torch.Tensor | None:
        if name not in self.unused:
            return None
        rows = torch.zeros_like(change)
        unused = self.unused[name].to(change.device)
        rows[unused] = change[unused]
        return rows


def tokens_of(stage: Stage) -> set[int]:
    """Tokens that the stage's examples hold, and those that their layout adds."""
    used: set[int] = set()
    for example in stage.examples:
        used.update(example.tokens, example.encoder_tokens)
    if stage.family == "seq2seq":
        used.add(stage.model.config.decoder_start_token_id)
    if stage.family == "masked":
        used.add(mask_token(stage))
    return used


def mask_token(stage: Stage) -> int:
    """The token that stands for most of those to be predicted (Devlin et al. 2019: 80 %)."""
    shown: list[torch.Tensor] = []
    for draw in range(8):
        for batch in stage.collate(list(stage.examples[:32]), draw):
            seen = batch.input_ids.reshape(-1)[batch.label_positions]
            shown.append(seen[seen != batch.targets])
    return int(torch.cat(shown).mode().values)


METHOD = RowRule
