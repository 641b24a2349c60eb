"""How much a discrete Fourier transform rounds, for NumPy arrays and PyTorch tensors alike.

A transform of n = p1 p2 ... points goes through one stage for each factor. A stage of two points turns one
operand by a number of modulus 1 and adds it to the other. In s^2 of the mean square of what the stage gives:
two products, their sum and the rounded number are 3 of half of that, the addition is 1: 2.5 together. A stage
of p points turns p - 1 operands and sums p products for each result: 3 (p - 1) / p for the turns, 2 for the
products and their rounded numbers, and (2 p + 1) / 2 for sums of 2 p terms in random order. For a large prime
three transforms of a power of two, m >= 2 p - 1 points, take its place (Bluestein): 2.5 log2 m for each of
them, and three products by numbers of modulus 1. Measured on torch (MKL, pocketfft), XLA and NumPy for 60
lengths from 2 to 65,536: the root mean square of errors is .35 to .76 of this.

A later stage spreads what an earlier one rounds. Where stages of q points in all follow, a result is made of
values whose mean square is that of the q results which lie n / q apart, whether time or frequency is divided.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from samestep.agreement.arithmetic.summation import AnyArray


@cache
def factors(n: int) -> tuple[int, ...]:
    """Return the prime factors of n, ascending."""
    found, rest, p = [], n, 2
    while p * p <= rest:
        while rest % p == 0:
            found.append(p)
            rest //= p
        p += 1
    return (*found, rest) if rest > 1 else tuple(found)


def stage_variance(p: int) -> float:
    """Return what the stage of a prime factor adds, in s^2 of the mean square of its results."""
    if p == 2:
        return 2.5
    m = 2 ** math.ceil(math.log2(2 * p - 1))
    return min(3 * (p - 1) / p + 2 + (2 * p + 1) / 2, 9 + 7.5 * math.log2(m))


def transform_variance(xp: Any, squares: AnyArray) -> AnyArray:
    """Return the variance of a transform along the last axis, in units of s^2, of its shape.

    ``xp`` is `numpy` or `torch`; ``squares`` are the squared moduli of all n results. Of complex results it
    is that of the real and of the imaginary part together.
    """
    n = squares.shape[-1]
    variance, following = xp.zeros_like(squares), 1
    for p in factors(n):
        apart = squares.reshape(*squares.shape[:-1], following, n // following).mean(-2)
        variance = variance + stage_variance(p) * xp.tile(apart, (following,))
        following *= p
    return variance
