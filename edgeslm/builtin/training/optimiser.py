"""Muon for the matrices (momentum made orthogonal by Newton-Schulz), AdamW for the table and the norms."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Rates:
    """What both halves of the optimiser are set to at their peak."""

    muon: float = 0.02
    adam: float = 3e-3
    momentum: float = 0.95
    weight_decay: float = 0.1
    clip: float = 1.0


def orthogonal(stack: Tensor, steps: int = 5, narrow: bool = True) -> Tensor:
    """Each matrix of a stack, singular values pushed towards 1 (quintic Newton-Schulz, Jordan's coefficients)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = stack.shape[-2] > stack.shape[-1]
    x = stack.mT if tall else stack
    x = x.bfloat16() if narrow else x
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).float()


class Muon:
    """Momentum, then an orthogonal step; matrices of one shape are handled as one stack."""

    def __init__(self, parameters: list[nn.Parameter], rates: Rates) -> None:
        self.rates = rates
        self.groups: list[list[nn.Parameter]] = list(_by_shape(parameters).values())
        self.momenta = [torch.zeros(len(group), *group[0].shape) for group in self.groups]

    def step(self, factor: float) -> None:
        """One update at `factor` times the peak rate."""
        rate = self.rates.muon * factor
        with torch.no_grad():
            for group, momentum in zip(self.groups, self.momenta, strict=True):
                grads = torch.stack([_grad(p) for p in group])
                momentum.lerp_(grads, 1 - self.rates.momentum)
                update = orthogonal(grads.lerp(momentum, self.rates.momentum))
                rows, columns = group[0].shape
                scale = max(1.0, rows / columns) ** 0.5
                for parameter, change in zip(group, update, strict=True):
                    parameter.mul_(1 - rate * self.rates.weight_decay).add_(change, alpha=-rate * scale)


class Optimiser:
    """Both halves behind one step; its state is a checkpoint's."""

    def __init__(self, model: nn.Module, rates: Rates) -> None:
        self.rates = rates
        self.parameters = list(model.parameters())
        matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
        others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
        self.muon = Muon(matrices, rates)
        self.adam = torch.optim.AdamW(others, lr=rates.adam, betas=(0.9, 0.98), weight_decay=0.0, foreach=True)

    def step(self, factor: float) -> None:
        """Clip, update at `factor` times the peak rates, forget the gradients."""
        torch.nn.utils.clip_grad_norm_(self.parameters, self.rates.clip)
        for group in self.adam.param_groups:
            group["lr"] = self.rates.adam * factor
        self.adam.step()
        self.muon.step(factor)
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Everything a resumed run needs."""
        return {"adam": self.adam.state_dict(), "momenta": self.muon.momenta}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put a saved state back."""
        self.adam.load_state_dict(state["adam"])
        self.muon.momenta = state["momenta"]


def _by_shape(parameters: list[nn.Parameter]) -> dict[tuple[int, ...], list[nn.Parameter]]:
    groups: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
    for parameter in parameters:
        groups[tuple(parameter.shape)].append(parameter)
    return groups


def _grad(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None, "step() was called before backward()"
    return parameter.grad
