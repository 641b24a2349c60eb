"""The rules of primitives that sum or multiply many terms: variance, one-way loss, and length of the sums.

The additions of a sum in random order have the variance of `samestep.agreement.arithmetic.summation`. Terms
that are zero do not round. Terms that are equal round alike, so the variance of the additions is multiplied
by the number of terms that are not zero over that of distinct ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from samestep.agreement.arithmetic.elementwise_units import ABSOLUTE
from samestep.agreement.arithmetic.jaxpr.kernels import matrices
from samestep.agreement.arithmetic.jaxpr.operation import Operation
from samestep.agreement.arithmetic.jaxpr.primitives import ELEMENTWISE
from samestep.agreement.arithmetic.jaxpr.rounding import SIMULATED, repeats
from samestep.agreement.arithmetic.long_sums import product_loss, sum_loss
from samestep.agreement.arithmetic.summation import sum_variance, wandering
from samestep.agreement.limits import LIBRARY_FUNCTION_UNITS

Array = np.ndarray


@dataclass(frozen=True)
class SumErrors:
    """What sums err by: ``variance`` in units of s^2, ``terms`` of the longest, ``loss`` one way in float32.

    ``loss`` is in the results' own units, None for nothing.
    """

    variance: Array
    terms: int
    loss: Array | None = None


Rule = Callable[[Operation, Sequence[Array], Array], SumErrors]


def coherence(rows: Array) -> Array | None:
    """Return (terms that are not zero) / (distinct ones) of each row; None where none repeat."""
    if rows.shape[-1] < 2 or not repeats(rows):
        return None
    ordered = np.sort(rows, -1)
    same = (ordered[..., 1:] == ordered[..., :-1]) & (ordered[..., 1:] != 0)
    nonzero = np.count_nonzero(rows, axis=-1)
    return np.asarray(np.maximum(nonzero, 1) / np.maximum(nonzero - same.sum(-1), 1))


def _reduce_sum(operation: Operation, operands: Sequence[Array], out: Array) -> SumErrors:
    (a,) = operands
    axes = tuple(operation.params["axes"])
    kept = [d for d in range(a.ndim) if d not in axes]
    rows = a.transpose(*kept, *axes).reshape(*out.shape, -1)
    variance = sum_variance(out, np.square(a).sum(axis=axes), np.count_nonzero(rows, axis=-1))
    variance = variance * wandering(rows, variance)
    alike = coherence(rows)
    loss = sum_loss(rows, variance, SIMULATED)
    return SumErrors(variance if alike is None else variance * alike, rows.shape[-1], loss)


def _dot_general(operation: Operation, operands: Sequence[Array], out: Array) -> SumErrors:
    a, b, _ = matrices(operation.params["dimension_numbers"], *operands)
    n = a.shape[-1]
    squares = np.square(a) @ np.square(b)
    additions = sum_variance(product := out.reshape(squares.shape), squares, n)
    loss = product_loss(a, b, product, additions, SIMULATED)
    along_a, along_b = coherence(a), coherence(b.swapaxes(-1, -2))
    if along_a is not None and along_b is not None:  # products repeat where both operands do
        additions = additions * np.minimum(along_a[..., :, None], along_b[..., None, :])
    return SumErrors((squares + additions).reshape(out.shape), n, loss)


def _convolution(operation: Operation, operands: Sequence[Array], out: Array) -> SumErrors:
    a, b = operands
    dims = operation.params["dimension_numbers"]
    squares = operation.kernel(np.square(a), np.square(b))
    n = operation.kernel(np.ones(a.shape), np.ones(b.shape)).round()  # padding and dilation are no terms
    additions = sum_variance(out, squares, n)
    of_a = coherence(np.moveaxis(a, dims.lhs_spec[0], 0).reshape(a.shape[dims.lhs_spec[0]], -1))
    of_b = coherence(np.moveaxis(b, dims.rhs_spec[0], 0).reshape(b.shape[dims.rhs_spec[0]], -1))
    if of_a is not None and of_b is not None:
        additions = additions * min(of_a.mean(), of_b.mean())
    return SumErrors(squares + additions, int(n.max(initial=1)))


def _reduce_window_sum(operation: Operation, operands: Sequence[Array], out: Array) -> SumErrors:
    (a,) = operands
    n = operation.kernel(np.ones(a.shape))
    return SumErrors(sum_variance(out, operation.kernel(np.square(a)), n), int(n.max(initial=1)))


def _scatter_add(operation: Operation, operands: Sequence[Array], out: Array) -> SumErrors:
    a, where, updates = operands
    added = operation.kernel(np.zeros(a.shape), where, np.where(updates != 0, 1.0, 0.0))
    squares = operation.kernel(np.square(a), where, np.square(updates))
    n = added + (a != 0)
    return SumErrors(sum_variance(out, squares, n), int(n.max(initial=1)))


def _ragged_dot(operation: Operation, operands: Sequence[Array], out: Array) -> SumErrors:
    """Products of groups of rows: what stands in another group is no term."""
    a, b, sizes = operands
    squares = operation.kernel(np.square(a), np.square(b), sizes)
    n = operation.kernel(np.ones(a.shape), np.ones(b.shape), sizes).round()
    return SumErrors(squares + sum_variance(out, squares, n), int(n.max(initial=1)))


def _select_and_scatter_add(operation: Operation, operands: Sequence[Array], out: Array) -> SumErrors:
    source, operand = operands
    n = operation.kernel(np.ones(source.shape), operand)
    return SumErrors(
        sum_variance(out, operation.kernel(np.square(source), operand), n), int(n.max(initial=1))
    )


def _reduce_prod(operation: Operation, operands: Sequence[Array], out: Array) -> SumErrors:
    n = math.prod(operands[0].shape[d] for d in operation.params["axes"])
    return SumErrors(np.square(out) * max(n - 1, 0), n)


def _scatter_mul(operation: Operation, operands: Sequence[Array], out: Array) -> SumErrors:
    a, where, updates = operands
    grown = operation.kernel(np.ones(a.shape), where, np.full(updates.shape, 2.0))
    n = np.log2(grown)  # the factors of each result
    return SumErrors(np.square(out) * n, int(n.max(initial=1)) + 1)


def _library(operation: Operation, operands: Sequence[Array], out: Array) -> SumErrors:
    return SumErrors(np.square(LIBRARY_FUNCTION_UNITS * np.maximum(np.abs(out), 1.0)), 1)


SUMS: dict[str, Rule] = {
    "reduce_sum": _reduce_sum,
    "dot_general": _dot_general,
    "ragged_dot_general": _ragged_dot,
    "conv_general_dilated": _convolution,
    "reduce_window_sum": _reduce_window_sum,
    "scatter-add": _scatter_add,
    "scatter_add": _scatter_add,
    "select_and_scatter_add": _select_and_scatter_add,
    "reduce_prod": _reduce_prod,
    "scatter-mul": _scatter_mul,
    "scatter_mul": _scatter_mul,
    **{name: _library for name, table in ELEMENTWISE.items() if table in ABSOLUTE},
}
