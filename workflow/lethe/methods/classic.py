"""CLASSIC: gated adapters and a contrast with earlier domains' knowledge (Ke et al. 2021).

Ke, Liu, Xu, Shu, "CLASSIC: Continual and Contrastive Learning of Aspect Sentiment Classification
Tasks", arXiv 2112.02714, as Ke et al. 2023 use it without labels: HAT-Adapter, and from the second
domain on a supervised contrast at temperature 1. It compares a text's mean representation with a
mix, by attention, of its representations under the gates of every earlier domain. The paper's other
terms need labelled tasks and are left out. This follows the paper's outline; its full text was not
available.

With hard gates earlier domains' outputs under their own gates never change, so the earlier
representations are constants. They are computed without gradients for any kind of gates, which
takes one more pass of the network for each earlier domain.

As in HAT-Adapter, without a domain's identity there are no gates. Our choices: the weight; the
current representation is the query of the attention (query and key map to the bottleneck's width,
and no checkpoint computes with them); a text is its own class; and its tokens are masked in both
views.
"""

import torch
from torch import nn

from lethe.data.draws import seed_of
from lethe.errors import UserError
from lethe.methods.contract import Stage
from lethe.methods.parts.adapters import like
from lethe.methods.parts.hard_attention.adapters import GatedAdapterMethod
from lethe.methods.parts.knowledge_sharing.contrast import mixed, new_attention, two_view_contrast
from lethe.methods.parts.softmask.contrast import pooled
from lethe.models import masked_forward

ATTENTION = "attention/"


class Classic(GatedAdapterMethod):
    """HAT-Adapter and a contrast with earlier domains.

    The contrast compares the texts of a micro-batch, so `micro_batch_rows` changes results here.
    """

    micro_batches_add_up = False

    def __init__(self, weight: float, temperature: float, **gated):
        super().__init__(**gated)
        self.weight, self.temperature = weight, temperature
        self.attention: nn.ModuleDict | None = None
        self.saved_attention: dict[str, torch.Tensor] = {}

    def before_stage(self, stage: Stage) -> None:
        super().before_stage(stage)
        if self.weight == 0 or not self.domains.earlier:
            return
        down = next(iter(self.adapters.values())).down
        seed = seed_of(stage.seed, 1)
        maps = new_attention(down.in_features, down.out_features, seed)
        self.attention = like(maps, stage.model)
        if self.saved_attention:
            self._fill_attention()
        self.extra["attention"] = self.attention

    def _loss_under_gates(self, stage: Stage, batch) -> torch.Tensor:
        """A micro-batch's contrast is weighted by its share of the step's labels."""
        if self.attention is None:
            return super()._loss_under_gates(stage, batch)
        hidden = masked_forward.hidden_states(stage.model, batch)
        plain = masked_forward.weighted_loss(stage.model, batch, hidden)
        share = self.weight * batch.weights.sum()
        return plain + share * self._contrast(stage.model, batch, hidden)

    def _contrast(self, model, batch, hidden: torch.Tensor) -> torch.Tensor:
        tokens = batch.document_ids >= 0
        current = pooled(hidden, tokens)
        earlier = []
        for number in range(len(self.domains.earlier)):
            with self.domains.under(number), torch.no_grad():
                earlier.append(pooled(masked_forward.hidden_states(model, batch), tokens))
        query, key = (self.attention[name].weight for name in ("query", "key"))
        mix, _ = mixed(current, torch.stack(earlier, 1), query, key)
        return two_view_contrast(current, mix, self.temperature)

    def state(self) -> dict[str, torch.Tensor]:
        maps = self.saved_attention if self.attention is None else self.attention.state_dict()
        return super().state() | {f"{ATTENTION}{name}": value for name, value in maps.items()}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        super().load_state({k: v for k, v in state.items() if not k.startswith(ATTENTION)})
        self.saved_attention = {
            k.removeprefix(ATTENTION): v for k, v in state.items() if k.startswith(ATTENTION)
        }
        if self.attention is not None:
            self._fill_attention()

    def _fill_attention(self) -> None:
        try:
            self.attention.load_state_dict(self.saved_attention)
        except RuntimeError:
            raise UserError(
                "The parent's attention does not fit this model; "
                "use one model and one `reduction` in a chain of stages."
            ) from None


METHOD = Classic
