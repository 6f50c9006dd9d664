"""Keep what earlier domains use: masked gradients, and exact values where nothing may change."""

import torch


class Protection:
    """Factors of gradients, by parameter name; made at a stage's start from the parent's values.

    A masked gradient of 0 leaves a parameter in place but for weight decay, so values whose factor
    is 0 are put back after every update.
    """

    def __init__(self, parameters: dict[str, torch.nn.Parameter], shares: dict[str, torch.Tensor]):
        self.shares = shares
        self.parameters = {name: parameters[name] for name in shares}
        self.kept = {name: p.detach().clone() for name, p in self.parameters.items()}

    def mask_gradients(self) -> None:
        for name, parameter in self.parameters.items():
            if parameter.grad is not None:
                parameter.grad *= self.shares[name]

    @torch.no_grad()
    def put_back(self) -> None:
        for name, parameter in self.parameters.items():
            parameter.copy_(torch.where(self.shares[name] == 0, self.kept[name], parameter))
