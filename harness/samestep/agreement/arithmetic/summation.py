"""The variance of a sum's rounding errors, for NumPy arrays and PyTorch tensors alike.

Only operators are used, so that every engine shares one formula. s is u / sqrt 3, the standard deviation of
one rounding error. N. J. Higham and T. Mary, SIAM J. Sci. Comput. 41 (2019), give the model of independent
errors; the formula for a random order is samestep's own, and tested against sums.
"""

from __future__ import annotations

from typing import Any

#: A NumPy array or a PyTorch tensor: what has the operators of both.
AnyArray = Any

#: Sums of fewer terms are taken to be in random order: they have no room for blocks.
LONG = 64


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


def wandering(rows: AnyArray, variance: AnyArray) -> float:
    """Return how much larger the variance of sums is in the order in which their terms lie; 1 at least.

    ``rows`` holds the terms, (sums, terms), and ``variance`` what `sum_variance` says of the sums. Terms that
    come image by image, or sequence by sequence, are in no random order: where they cancel only as a whole,
    as the gradient of a bias before a BatchNorm does, the partial sums between the blocks are many times
    larger. Each addition errs by s times its result, so what counts is the sum of the squares of the partial
    sums. It is taken over all sums of a tensor: for one sum in random order it scatters by its own size.
    """
    if rows.shape[-1] < LONG:
        return 1.0
    partial = rows.cumsum(-1) * (rows != 0)  # adding 0 does not round
    in_order, expected = float((partial * partial).sum()), float(variance.sum())
    return max(1.0, in_order / expected) if 0 < expected < float("inf") and in_order < float("inf") else 1.0
