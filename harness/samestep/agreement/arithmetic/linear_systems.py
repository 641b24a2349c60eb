"""What factorisations and triangular solutions round, as errors of what they are given.

Whatever the order of its loops, an elimination makes each number of L U from a_ij - l_i1 u_1j - ..., a sum of
products; the computed factors are exactly those of a matrix that is off by the roundings of these sums
(N. J. Higham, Accuracy and Stability of Numerical Algorithms, theorems 9.3, 10.3 and 8.5). So it is for
Cholesky's, and a triangular solution is exact for a right side that is off by those of its rows. Their
variance is that of a sum in random order; how it grows is left to the exact function of what is off. One
formula for NumPy arrays and PyTorch tensors.
"""

from __future__ import annotations

from typing import Any

from samestep.agreement.arithmetic.summation import AnyArray, sum_variance


def elimination_variance(xp: Any, matrix: AnyArray, lower: AnyArray, upper: AnyArray) -> AnyArray:
    """Return the variance of the errors of ``matrix`` (its rows in pivoted order), in units of s^2.

    ``lower`` has ones on its diagonal; all are (..., n, n), the matrices of ``xp``.
    """
    rows, columns, before = _places(xp, matrix)
    pivots = xp.diagonal(upper, 0, -2, -1)[..., None, :]
    last = xp.where(rows > columns, lower * pivots, upper)  # what is left of a_ij in the end
    squares = _products(lower, upper, last)
    divided = xp.where(rows > columns, last * last, 0 * last)
    return squares + sum_variance(last, matrix * matrix + squares, before + 1) + divided


def cholesky_variance(xp: Any, matrix: AnyArray, lower: AnyArray) -> AnyArray:
    """Return the variance of the errors of a symmetric matrix, of which L L' is made; above as below.

    An error u of a root l is 2 u l^2 of its square.
    """
    rows, columns, before = _places(xp, matrix)
    pivots = xp.diagonal(lower, 0, -2, -1)[..., None, :]
    last = lower * pivots
    squares = _products(lower, lower.swapaxes(-1, -2), last)
    own = xp.where(rows == columns, 4 * last * last, last * last)
    variance = squares + sum_variance(last, matrix * matrix + squares, before + 1) + own
    return xp.where(rows >= columns, variance, variance.swapaxes(-1, -2))


def substitution_variance(
    xp: Any, triangle: AnyArray, solution: AnyArray, right: AnyArray, unit: bool
) -> AnyArray:
    """Return the variance of the errors of the right side (..., n, m) of T X = B, in units of s^2.

    ``triangle`` (..., n, n) is T with zeros outside; of a ``unit`` one nothing is divided by.
    """
    rows, columns, _ = _places(xp, triangle)
    strict = xp.where(rows == columns, 0 * triangle, triangle)
    squares = (strict * strict) @ (solution * solution)
    terms = (strict != 0).sum(-1)[..., None] + 1
    last = xp.diagonal(triangle, 0, -2, -1)[..., None] * solution
    return squares + sum_variance(last, right * right + squares, terms) + (0 if unit else last * last)


def _places(xp: Any, matrix: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray]:
    """The row and the column of each element, and the number of products that are taken from it."""
    n = matrix.shape[-1]
    rows, columns = xp.arange(n)[:, None], xp.arange(n)[None, :]
    return rows, columns, xp.minimum(rows, columns)


def _products(left: AnyArray, right: AnyArray, last: AnyArray) -> AnyArray:
    """The sums of squares of all products but the last."""
    squares = (left * left) @ (right * right) - last * last
    return squares * (squares > 0)
