"""softplus, whose kernel is the identity beyond a threshold: there its dtype loses the rest.

log(1 + e^y) is y + log(1 + e^-y), and its slope 1 - 1 / (1 + e^y). From y on with e^-y < u / 2, half the
spacing of numbers below 1, the dtype holds neither rest: the function with the threshold (20 by default, in
float32) and that without are the same in every bit. So it is read without. A threshold below that, or in
float64, makes another function, which is computed as it stands.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.arguments import given
from samestep.agreement.arithmetic.torch.operation_table import operation_name, rule

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode


@rule("softplus", "softplus_backward")
def _softplus(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    named = {"beta": 1, "threshold": 20, **given(func, args, kwargs)}
    x, beta, threshold = named["self"], mode.literal(float(named["beta"])), float(named["threshold"])
    hidden = math.exp(-threshold) < mode.roundoff / 2
    backward = operation_name(func) == "softplus_backward"
    with mode.inside():
        y = x if beta == 1 else x * beta
        beyond = y > threshold
        near = _slope(named["grad_output"], y) if backward else _soft(y, beta)
        if backward:
            g = named["grad_output"]
            return torch.where(beyond, g - g / (y.exp() + 1) if hidden else g, near)
        return torch.where(beyond, x + _soft(y.neg(), beta) if hidden else x, near)


def _soft(y: Tensor, beta: float) -> Tensor:
    soft = y.exp().log1p()
    return soft if beta == 1 else soft / beta


def _slope(g: Tensor, y: Tensor) -> Tensor:
    grown = y.exp()
    return g * grown / (grown + 1)
