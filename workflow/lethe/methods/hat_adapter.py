"""HAT-Adapter: hard attention on adapters in a frozen masked language model (Ke et al. 2023).

One set of bottleneck adapters is trained through all domains; each domain learns gates on both
layers of every adapter, and gradients are multiplied by 1 - min(a_l, a_{l-1}) of the cumulative
masks (Serra et al. 2018). The pretrained network never changes.

Gates need a domain's identity. Without it (evaluations, end tasks) the network has the adapters
without gates, and end tasks tune both.
"""

from lethe.methods.parts.hard_attention.adapters import GatedAdapterMethod


class HatAdapter(GatedAdapterMethod):
    """Gated adapters, and nothing else."""


METHOD = HatAdapter
