"""Gates that rounding may turn: what is computed where a comparison comes out the other way.

`h > 0` decides whether a gradient passes. Where h is 0 to within its rounding errors, correct code decides
either way, and one gate may change a whole gradient by more than all of the rounding together. Such a gate is
rare, so a hundred replicas may turn none of them. `WatchedNoise` tells how far apart the two sides of each
comparison are in every replica, and on a `TurnedArray` chosen comparisons come out the other way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from samestep.agreement.arithmetic.low_precision import Arithmetic, LowPrecisionArray
from samestep.agreement.arithmetic.noise import Noise, NoiseTape
from samestep.agreement.arithmetic.rounding_array import Array, RoundingArray
from samestep.agreement.arithmetic.rules import COMPARISONS


class Gate(NamedTuple):
    """One element of one comparison of floats: the comparison's number, and the element's flat index."""

    comparison: int
    element: int


class GateTape(NoiseTape):
    """A tape that also keeps the difference of the two sides of each comparison, of this run."""

    def __init__(self, precision: npt.DTypeLike) -> None:
        super().__init__(precision)
        self.gaps: list[Array] = []

    def replay(self, seed: int) -> None:
        super().replay(seed)
        self.gaps = []


class WatchedNoise(Noise):
    """Noise whose comparisons of floats are kept on its tape, which is a `GateTape`."""

    tape: GateTape

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        if is_gate(ufunc, operands):
            a, b = operands
            self.tape.gaps.append(np.asarray(a.value - b.value, np.float64))
        return super().elementwise(ufunc, operands)


class WatchedTF32Noise(WatchedNoise):
    """For a cell that declares its matrix products in TF32."""

    tf32 = True


@dataclass
class TurningArithmetic(Arithmetic):
    """The reference's own, but for the gates that are ``turned``; ``comparisons`` counts those of floats."""

    turned: Collection[Gate] = field(default=())
    comparisons: int = 0


class TurnedArray(LowPrecisionArray):
    """A float64 value that is computed with some gates turned."""

    arithmetic: TurningArithmetic

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        result = super().elementwise(ufunc, operands)
        if is_gate(ufunc, operands):
            number, self.arithmetic.comparisons = self.arithmetic.comparisons, self.arithmetic.comparisons + 1
            for gate in self.arithmetic.turned:
                if gate.comparison == number:
                    result.parts[0].reshape(-1)[gate.element] ^= True
        return result


def is_gate(ufunc: np.ufunc, operands: Sequence[RoundingArray]) -> bool:
    """Return whether an operation compares floats."""
    return ufunc in COMPARISONS and any(operand.dtype.kind == "f" for operand in operands)
