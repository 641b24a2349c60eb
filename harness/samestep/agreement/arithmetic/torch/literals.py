"""Numbers in the code: which of them every program holds alike, and which a dtype rounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from samestep.agreement.arithmetic.program import Literal, Nudge, intended_number

#: A number of so few significant bits is meant as it is: that a real number rounded to float32 ends in
#: twelve zeros happens once in 4,096 times.
SHORT_BITS = 12
_LARGEST = float(np.finfo(np.float32).max)


def is_short(value: float) -> bool:
    """Return whether every program holds this number alike: an integer, or one of few bits; NaN, infinity."""
    if not math.isfinite(value):
        return True
    mantissa = math.frexp(value)[0] * 2**SHORT_BITS
    return mantissa == int(mantissa) or (value == int(value) and abs(value) < 2**24)


def meant(value: float) -> float:
    """Return the number that the code means: float32's 0.99900001 is 0.999."""
    if is_short(value) or abs(value) > _LARGEST:
        return value
    meant = intended_number(value, "float32" if float(np.float32(value)) == value else "float64")
    return value if meant is None else meant


def owes(value: float) -> bool:
    """Return whether two programs may hold this number differently, and it is none that code computes."""
    return not is_short(value) and intended_number(value, "float64") is None


def is_written(value: float) -> bool:
    """Return whether a number has at most twelve digits, as what people write: computed ones have more.

    sqrt(2/pi) is written as 0.79788456: in float32 the same number, and as a double 1e-9 away.
    """
    return math.isfinite(value) and float(f"{value:.12g}") == value


@dataclass
class Literals:
    """The literals that a program was seen to use."""

    seen: dict[Literal, None] = field(default_factory=dict)

    def read(self, value: float, roundoff: float, nudge: Nudge | None) -> float:
        """Return the number in an exact run, after the nudge if it is the one to move; it is written down."""
        number = meant(value)
        if not owes(number):
            return number
        literal = Literal(number, roundoff)
        self.seen.setdefault(literal)
        if nudge is None or nudge.literal is None or nudge.literal.value != number:
            return number
        return number * (1 + nudge.sign * roundoff)


def is_held(value: float, roundoff: float) -> bool:
    """Return whether a dtype of this unit roundoff (2^-24, 2^-11, 2^-8, 2^-53) holds the number."""
    if not math.isfinite(value):
        return True
    scaled = math.frexp(value)[0] / roundoff
    return scaled == int(scaled)
