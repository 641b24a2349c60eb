"""Small networks beside a correct port of each, with a fault of any size in one place of the port."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
import torch
from torch import nn
from torch.nn import functional

import samestep
from tests.evidence.ports import mlp
from tests.evidence.ports.jax_layers import normal
from tests.evidence.ports.port import Case

EPS, RATE, ADAM_EPS = 1e-5, 1e-3, 1e-8


@dataclass(frozen=True)
class Net:
    """``make(seed, **{fault: d})`` is the port with a fault of the relative size d; without it, a correct one."""

    name: str
    faults: tuple[str, ...]
    make: Callable[..., Case]


class Scaled(torch.autograd.Function):
    """The identity, whose gradient is multiplied by 1 + d, the product not rounded to 1."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, d: float) -> torch.Tensor:
        ctx.d = d
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, None]:
        return g + ctx.d * g, None


class Block(nn.Module):
    """A pre-norm transformer block with causal attention."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(16, eps), nn.LayerNorm(16, eps)
        self.qkv, self.proj = nn.Linear(16, 48), nn.Linear(16, 16)
        self.up, self.down = nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, time, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(n, time, 3, 4, width // 4).permute(2, 0, 3, 1, 4)
        h = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(h.transpose(1, 2).reshape(n, time, width))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class LastOutput(nn.Module):
    """An LSTM with a head on its last output."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.rnn, self.head = nn.LSTM(8, 12, batch_first=True), nn.Linear(12, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(x)[0][:, -1])


def perceptron(eps: float) -> nn.Module:
    return nn.Sequential(nn.Linear(32, 48), nn.GELU(), nn.LayerNorm(48, eps), nn.Linear(48, 10))


def convolutions(eps: float) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6, eps), nn.ReLU(), nn.Flatten(), nn.Linear(384, 5)
    )


def layer_norm(eps: float) -> nn.Module:
    return nn.LayerNorm(32, eps)


def stirred(build: Callable[[float], nn.Module], seed: int) -> nn.Module:
    """A network whose norms and biases do something."""
    torch.manual_seed(seed)
    model = build(EPS)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def scaled_weight(values: np.ndarray, d: float) -> np.ndarray:
    """The weights with one of them times 1 + d: the one that is nearest to the root mean square."""
    changed = values.astype(np.float64)
    rms = np.sqrt(np.square(changed).mean())
    changed.reshape(-1)[np.abs(np.abs(changed) - rms).argmin()] *= 1 + d
    return changed.astype(np.float32)


def twin(
    build: Callable[[float], nn.Module], shape: tuple[int, ...], seed: int, *, weight: float = 0.0,
    output: float = 0.0, gradient: float = 0.0, eps: float = 0.0,
) -> Case:  # fmt: skip
    """A PyTorch network and the same one as a function of its parameters and running statistics."""
    reference = stirred(build, seed)
    module = copy.deepcopy(reference)
    for part in module.modules():
        if hasattr(part, "eps"):
            part.eps = EPS * (1 + eps)
    params = {name: value.detach().clone() for name, value in reference.named_parameters()}
    first = next(name for name in params if name.endswith(("weight", "weight_ih_l0")))
    params[first] = torch.tensor(scaled_weight(params[first].numpy(), weight))

    def call(params: dict[str, Any], state: dict[str, Any], x: torch.Tensor) -> tuple[Any, dict[str, Any]]:
        new = {name: value.clone() for name, value in state.items()}
        given = {**params, first: Scaled.apply(params[first], gradient)}
        y = torch.func.functional_call(module, {**given, **new}, (x,))
        return y + output * y, new

    state = {name: value.clone() for name, value in reference.named_buffers()}
    return Case(samestep.Model(call, params, state, framework="torch"), reference, (normal(seed, *shape),))


def jax_port(
    seed: int, *, weight: float = 0.0, output: float = 0.0, gradient: float = 0.0, eps: float = 0.0
) -> Case:
    """The perceptron of `tests.evidence.ports.mlp` and its port to JAX."""
    case = mlp.case(seed, eps=EPS * (1 + eps))
    assert isinstance(case.candidate, samestep.Model)
    port, params, first = case.candidate.call, dict(case.candidate.params), "0.weight"
    params[first] = scaled_weight(params[first], weight)

    @jax.custom_vjp
    def scaled(x: Any) -> Any:
        return x

    scaled.defvjp(lambda x: (x, None), lambda _, g: (g + gradient * g,))

    def call(p: dict[str, Any], x: Any) -> Any:
        y = port({**p, first: scaled(p[first])}, x)
        return y + output * y

    return Case(samestep.Model(call, params, framework="jax"), case.reference, case.inputs)


def adam(seed: int, *, rate: float = 0.0, eps: float = 0.0) -> Case:
    """Three steps of Adam of two equal perceptrons."""
    case = twin(perceptron, (16, 32), seed)
    mine = partial(torch.optim.Adam, lr=RATE * (1 + rate), eps=ADAM_EPS * (1 + eps))
    theirs = partial(torch.optim.Adam, lr=RATE, eps=ADAM_EPS)
    model = copy.deepcopy(case.reference)
    return Case(model, case.reference, case.inputs, {"optimizer": (mine, theirs)})


FAULTS = ("weight", "output", "gradient", "eps")
NETS = (
    Net("MLP", FAULTS, partial(twin, perceptron, (16, 32))),
    Net("conv + BN", FAULTS, partial(twin, convolutions, (4, 3, 8, 8))),
    Net("GPT block", FAULTS, partial(twin, Block, (2, 8, 16))),
    Net("LSTM", FAULTS[:3], partial(twin, LastOutput, (3, 6, 8))),
    Net("LayerNorm", FAULTS, partial(twin, layer_norm, (16, 32))),
    Net("MLP in JAX", FAULTS, jax_port),
    Net("Adam", ("rate", "eps"), adam),
)
