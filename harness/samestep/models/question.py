"""What both sides are asked: the same inputs, the same cotangents or loss, the same seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from samestep.models.dtypes import rounded
from samestep.models.tensors import Tensors

#: A loss as one side computes it: ``loss(outputs, targets)``, a scalar in that side's own framework, or the
#: name of one that every framework has (`samestep.models.losses.NAMES`).
Loss = str | Callable[..., object]


@dataclass(frozen=True)
class Question:
    """One run that is asked of one side.

    ``inputs`` are NumPy arrays by position, or by keyword where ``keywords`` names them (then in the same
    order). Floating inputs are float32 or narrower and are held exactly; integers stay integers. Without
    ``loss`` the gradients are those of sum(cotangent * output) over all floating outputs. ``targets`` go to
    the loss. ``backward`` is False where no gradient can be had or is wanted.

    ``forced`` holds values by `Role.LAYER` and gradients by `Role.LAYER_GRADIENT`, under this side's own
    names and in its own shapes: after each such layer the run goes on from the given value instead of its
    own, and in the backward pass from the given gradient. What the run reports for the layer is its own
    value, before it was replaced: so each layer is seen on the other side's inputs, and no error is
    inherited. ``inputs_of`` names layers of this side whose inputs are reported too, as `Role.LAYER_INPUT`
    with the name ``"layer.0"``, ``"layer.1"``: the arrays among the arguments of the first call, by position
    first, integers and masks included. A layer that is only a name for a value has none. ``cotangents`` says
    which cotangent each floating output has, in this side's order of them; 0, 1, 2, ... without it.

    ``dtype`` is the floating dtype that both sides run in, None where each runs in its own. Floating inputs,
    targets and cotangents then are float32 arrays of numbers that it holds, and go into the model in it.
    """

    inputs: tuple[np.ndarray, ...]
    keywords: tuple[str, ...] = ()
    loss: Loss | None = None
    targets: np.ndarray | None = None
    seed: int = 0
    backward: bool = True
    forced: Tensors = field(default_factory=dict)
    inputs_of: frozenset[str] = frozenset()
    cotangents: tuple[int, ...] = ()
    dtype: str | None = None

    def cotangent(self, index: int, shape: tuple[int, ...]) -> np.ndarray:
        """Return the fixed random cotangent of floating output ``index``, float32, of its ``shape``.

        Standard normal, the same for both sides; every element is held exactly by float32 and by ``dtype``.
        """
        number = self.cotangents[index] if self.cotangents else index
        rng = np.random.default_rng([self.seed, number, 0x5A3E])
        return rounded(rng.standard_normal(shape).astype(np.float32), self.dtype)

    def in_dtype(self, dtype: str) -> Question:
        """Return the same question in ``dtype``, with inputs and targets rounded to it."""
        targets = None if self.targets is None else rounded(self.targets, dtype)
        inputs = tuple(rounded(x, dtype) for x in self.inputs)
        return replace(self, inputs=inputs, targets=targets, dtype=dtype)

    def with_inputs(self, inputs: Iterable[np.ndarray]) -> Question:
        """Return the question with other inputs of the same shapes and dtypes, nothing forced."""
        return replace(self, inputs=tuple(rounded(x, self.dtype) for x in inputs), forced={})


@dataclass(frozen=True)
class Steps:
    """Optimiser steps that are asked of one side, each from given values.

    ``params[t]`` and ``gradients[t]`` are the parameters (by this side's names) before step t and the
    gradients that it uses; the optimiser keeps its own state from step to step. What comes back is
    ``update[t]``: `Role.UPDATE` with the name ``"{t}:{parameter}"``, the new value minus the given one.
    """

    params: tuple[Mapping[str, np.ndarray], ...]
    gradients: tuple[Mapping[str, np.ndarray], ...]
