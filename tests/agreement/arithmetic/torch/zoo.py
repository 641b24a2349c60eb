"""Small programs that break engines of this kind, each with what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


def normal(*shape: int, seed: int = 1) -> Tensor:
    """Return standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def whole(below: int, *shape: int, seed: int = 2) -> Tensor:
    """Return integers from 0 to ``below`` - 1."""
    return torch.randint(0, below, shape, generator=torch.Generator().manual_seed(seed))


class Net(nn.Module):
    """A forward pass that is a function of the module and its inputs."""

    def __init__(self, function: Callable[..., object], *layers: nn.Module, **named: object) -> None:
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)
        for name, value in named.items():
            setattr(self, name, value)

    def forward(self, *inputs: Tensor) -> object:
        return self.function(self, *inputs)


def mlp() -> nn.Module:
    """Return a small network."""
    return nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 4))


@dataclass(frozen=True)
class Case:
    """Steps of a module: forward, backward, optimiser.

    ``doubles``: its own float64 form computes the same. ``refused`` is a part of the message where the engine
    must refuse it. ``taped`` is False where no tape can replay it, since it reads numbers out.
    """

    module: Callable[[], nn.Module]
    inputs: Sequence[Tensor]
    loss: Callable[[Tensor], Tensor] | None = None
    optimizer: Callable[[list[Tensor]], torch.optim.Optimizer] = lambda params: torch.optim.SGD(params, 0.1)
    steps: int = 1
    after: Callable[[nn.Module], object] = lambda module: None
    doubles: bool = True
    refused: str = ""
    taped: bool = True

    def network(self) -> nn.Module:
        """Return the module with its fixed random weights."""
        torch.manual_seed(0)
        return self.module()


def run(case: Case, module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, Tensor]:
    """Return the output, loss, gradients, new parameters, buffers and optimiser state of a case."""
    given = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    params = [p for p in module.parameters() if p.requires_grad]
    optimizer = case.optimizer(params) if params else None
    for _ in range(case.steps):
        if optimizer:
            optimizer.zero_grad()
        out = _first(module(*given))
        loss = case.loss(out) if case.loss else _loss(out)
        loss.backward()
        case.after(module)
        found = {"out": out.detach().clone(), "loss": loss.detach()}
        found |= {f"input {i}": x.grad.clone() for i, x in enumerate(given) if x.grad is not None}
        found |= {f"gradient {n}": p.grad.clone() for n, p in module.named_parameters() if p.grad is not None}
        if optimizer:
            optimizer.step()
    found |= {name: p.detach().clone() for name, p in module.named_parameters()}
    found |= {name: b.detach().clone() for name, b in module.named_buffers() if b.is_floating_point()}
    for i, p in enumerate(params):
        state = optimizer.state.get(p, {}) if optimizer else {}
        floats = {key: x for key, x in state.items() if isinstance(x, Tensor) and x.is_floating_point()}
        found |= {f"{key} {i}": x.detach().clone() for key, x in floats.items()}
    return found


def _first(out: object) -> Tensor:
    while isinstance(out, (tuple, list)):
        out = out[0]
    assert isinstance(out, Tensor)
    return out


def _loss(out: Tensor) -> Tensor:
    weights = torch.sin(torch.arange(out.numel()).to(out.dtype).reshape(out.shape))
    return (out * weights).sum() / out.numel() + out.square().mean()
