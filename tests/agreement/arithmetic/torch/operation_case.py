"""What a rule is tried on: a function of random inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Case:
    """A function and how its inputs are drawn; without ``backward`` it has no gradient, or no rule for it."""

    name: str
    function: Callable[..., Any]
    inputs: tuple[Any, ...]
    backward: bool = True

    def draw(self, seed: int = 0) -> list[Tensor]:
        """Return the inputs, float32 or integers."""
        generator = torch.Generator().manual_seed(seed)
        return [one(generator) for one in self.inputs]


Draw = Callable[[torch.Generator], Tensor]


def normal(*shape: int, scale: float = 1.0, shift: float = 0.0) -> Draw:
    """Normal numbers."""
    return lambda g: torch.randn(shape, generator=g) * scale + shift


def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Draw:
    """Uniform numbers."""
    return lambda g: torch.rand(shape, generator=g) * (high - low) + low


def positive(*shape: int) -> Draw:
    """Positive numbers over two decades."""
    return lambda g: torch.exp(torch.randn(shape, generator=g))


def integers(*shape: int, high: int) -> Draw:
    """Whole numbers below ``high``."""
    return lambda g: torch.randint(high, shape, generator=g)


def bools(*shape: int) -> Draw:
    """True and False."""
    return lambda g: torch.rand(shape, generator=g) < 0.5


N = (32, 24)
X, P, Q = normal(*N), positive(*N), uniform(*N, low=0.05, high=0.95)
IMAGE = normal(3, 6, 12, 12)
LINE, VOLUME = normal(4, 6, 40), normal(2, 3, 8, 8, 8)


def unary(name: str, inputs: Draw = X, function: Callable[..., Any] | None = None) -> Case:
    """Return a case of one input."""
    return Case(name, function or getattr(torch, name), (inputs,))
