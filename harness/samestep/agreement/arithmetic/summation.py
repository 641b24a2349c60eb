"""The variance of a sum's rounding errors, for NumPy arrays and PyTorch tensors alike.

Only operators are used, so that every engine shares one formula. s is u / sqrt 3, the standard deviation of
one rounding error. N. J. Higham and T. Mary, SIAM J. Sci. Comput. 41 (2019), give the model of independent
errors; the formula for a random order is samestep's own, and tested against sums.
"""

from __future__ import annotations

from typing import Any

#: A NumPy array or a PyTorch tensor: what has the operators of both.
AnyArray = Any


def sum_variance(total: AnyArray, squares: AnyArray, n: AnyArray) -> AnyArray:
    """Return the variance of the n additions of a sum in random order, in units of s^2.

    ``total`` holds the sums S and ``squares`` the sums of squares Q of the terms, of one shape, which the
    result has too; ``n`` is the number of true terms, a number or an array that broadcasts to that shape. A
    sum of one term does not round.
    """
    return random_order_variance(total, squares, n) * (n > 1)


def random_order_variance(total: AnyArray, squares: AnyArray, n: AnyArray) -> AnyArray:
    """Return the same for a sum that begins with an addition to 0, which counts as one that rounds.

    S^2 (n + 1)(2 n + 1) / (6 n) + (Q - S^2 / n)(n + 1) / 6 is (2 S^2 + Q)(n + 1) / 6.
    """
    return (2 * total * total + squares) * ((n + 1) / 6)
