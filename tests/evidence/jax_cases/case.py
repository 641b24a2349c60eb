"""One thing to be compared with itself, and the arrays that such things take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import samestep

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    """Return standard normal numbers in float32."""
    return RNG.standard_normal(shape).astype(np.float32)


VECTOR, ROWS, TOKENS, LINE, IMAGE, VOLUME = (
    normal(8), normal(6, 8), normal(2, 5, 8), normal(2, 9, 4), normal(2, 9, 9, 4), normal(2, 6, 6, 6, 4)
)  # fmt: skip
IDS = RNG.integers(0, 11, (2, 5)).astype(np.int32)
FILM = normal(2, 3, 6, 6, 4)
#: The same without a batch and channels first, as Equinox has them.
SIGNAL, PICTURE, BODY = normal(4, 9), normal(4, 9, 9), normal(4, 6, 6, 6)


@dataclass(frozen=True)
class Case:
    """One thing of a library: ``make()`` returns a model, which is compared with itself on ``inputs``."""

    library: str
    name: str
    make: Callable[[], object]
    inputs: tuple[np.ndarray, ...]
    optimizer: Callable[[], object] | None = None


def of_function(call: Callable[..., object]) -> Callable[[], object]:
    """Return what makes a side of a JAX function without parameters."""
    return lambda: samestep.Model(call, framework="jax")
