"""Factorisations and triangular solutions: the exact results of an operand that rounding has moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.jaxpr.binding import bound, listed
from samestep.agreement.arithmetic.jaxpr.operation import Operation, Origin
from samestep.agreement.arithmetic.jaxpr.rounding import SIMULATED, Rounding, held
from samestep.agreement.arithmetic.jaxpr.state import Run, Taint, longest
from samestep.agreement.arithmetic.linear_systems import (
    cholesky_variance,
    elimination_variance,
    substitution_variance,
)

Array = np.ndarray
Values = list[Any]
#: From parameters, operands and results to the variance of the moved operand, in units of s^2.
Variance = Callable[[Mapping[str, Any], Sequence[Array], Sequence[Array]], Array]


def _lu(params: Mapping[str, Any], operands: Sequence[Array], results: Sequence[Array]) -> Array:
    """The errors of the matrix, whose rows are put back from their pivoted order."""
    matrix, (factors, _, order) = operands[0], results
    rows = np.broadcast_to(np.asarray(order)[..., None], matrix.shape)
    lower, upper = np.tril(factors, -1) + np.eye(factors.shape[-1]), np.triu(factors)
    variance = elimination_variance(np, np.take_along_axis(matrix, rows, -2), lower, upper)
    back = np.empty_like(variance)
    np.put_along_axis(back, rows, variance, -2)
    return np.asarray(back)


def _cholesky(params: Mapping[str, Any], operands: Sequence[Array], results: Sequence[Array]) -> Array:
    return np.asarray(cholesky_variance(np, operands[0], np.tril(results[0])))


def _triangular_solve(
    params: Mapping[str, Any], operands: Sequence[Array], results: Sequence[Array]
) -> Array:
    triangle, right, solution = *operands, results[0]
    unit = params["unit_diagonal"]
    triangle = np.tril(triangle) if params["lower"] else np.triu(triangle)
    if unit:
        eye = np.eye(triangle.shape[-1])
        triangle = np.where(eye == 1, 1.0, triangle)
    if params["transpose_a"] == params["left_side"]:
        triangle = triangle.swapaxes(-1, -2)
    if params["left_side"]:
        return np.asarray(substitution_variance(np, triangle, solution, right, unit))
    solution, right = solution.swapaxes(-1, -2), right.swapaxes(-1, -2)
    return np.asarray(substitution_variance(np, triangle, solution, right, unit)).swapaxes(-1, -2)


#: Primitive -> which operand is moved, and by what.
RULES: dict[str, tuple[int, Variance]] = {
    "lu": (0, _lu), "cholesky": (0, _cholesky), "triangular_solve": (1, _triangular_solve),
}  # fmt: skip


class Perturbed:
    """A primitive whose rounding is that of one operand, as the exact run finds it."""

    def __init__(self, origin: Origin) -> None:
        self.origin, self.kernel = origin, bound(origin.equation)
        self.operation = Operation(origin, self.kernel)
        self.moved, self.variance = RULES[origin.name]

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> tuple[Values, list[Taint], Any]:
        """Return the results, and how the operand is moved."""
        results, taint = list(listed(self.kernel(*operands))), longest(*taints)
        if taint is None and all(held(x, self.operation.dtype) for x in results if x.dtype.kind == "f"):
            return results, [None] * len(results), None
        variance = self.variance(self.operation.params, operands, results)
        width = np.sqrt(np.where(np.isfinite(variance), variance, 0.0))
        own, double = width * self.operation.u, width * SIMULATED
        record = Rounding(own, own if self.operation.u == SIMULATED else double)
        run.record.uniform &= record.is_uniform
        if run.draws is not None:
            results = self.again(run, operands, record)
        terms = longest(taint, operands[0].shape[-1])
        return results, [terms] * len(results), record

    def again(self, run: Run, operands: Values, record: Rounding | None) -> Values:
        """Return the results of the operand with its errors, or without in an exact run."""
        if run.draws is not None and record is not None:
            operands = list(operands)
            operands[self.moved] = record.apply(operands[self.moved], run.draws, run.level)
        return list(listed(self.kernel(*operands)))
