"""Question B: is the arithmetic honest? The candidate as it really runs, in sigma of what rounding does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samestep.agreement.aside import let_go
from samestep.agreement.blocks import blocks, index_in
from samestep.agreement.examination.tensor_statistics import index_of_largest, tensor_statistics
from samestep.agreement.findings import TensorStatistics
from samestep.models.expected import Expected
from samestep.models.function_check import agree_not_finite
from samestep.models.tensors import TensorKey, Tensors


@dataclass(frozen=True)
class ArithmeticStatistics:
    """The error of one tensor as it really came out.

    ``statistics`` are its elements, norm and scale beside their limits; None for integers. ``wrong`` says
    what no rounding explains: another shape, another integer, or a value that is not finite where the
    reference is, and the other way round; None where there is none. ``got`` and ``expected`` are the two
    values at ``index``, in the tensor's units.
    """

    statistics: TensorStatistics | None
    wrong: str | None
    index: tuple[int, ...]
    got: float
    expected: float

    @property
    def within(self) -> bool:
        """Whether all limits hold."""
        return self.wrong is None and (self.statistics is None or self.statistics.breach is None)

    @property
    def share(self) -> float:
        """The largest statistic as a share of its limit; infinite where no rounding explains it."""
        if self.wrong:
            return float("inf")
        return self.statistics.share if self.statistics else 0.0


def check_arithmetic(
    got: Tensors, expected: Expected, before: Tensors
) -> dict[TensorKey, ArithmeticStatistics]:
    """Return the statistics of every tensor that both have, under the candidate's keys.

    ``got`` are the candidate's tensors in its own dtypes; ``before`` the parameters that a step moved.
    """
    found = {}
    for key in (key for key in expected.exact if key in got):
        found[key] = _check(key, got[key], expected, before.get(key))
        let_go(got[key])
        let_go(expected.exact[key])
    return found


def _check(
    key: TensorKey, got: np.ndarray, expected: Expected, before: np.ndarray | None
) -> ArithmeticStatistics:
    value = expected.exact[key]
    if got.shape != value.shape:
        text = f"shape {tuple(got.shape)}, expected {tuple(value.shape)}"
        return ArithmeticStatistics(None, text, (), float("nan"), float("nan"))
    overflows = False
    for block in blocks(value.shape):
        held = _as_held(value[block], got.dtype)
        wrong = _unexplained(got[block], held, key not in expected.spreads, key.is_backward)
        if wrong.any():
            at = index_of_largest(wrong)
            index = index_in(block, at)
            text = f"{got[index]:.6g}, expected {held[at]:.6g}"
            return ArithmeticStatistics(None, text, index, float(got[index]), float(held[at]))
        overflows = overflows or not np.isfinite(held).all()
    if key not in expected.spreads:
        return ArithmeticStatistics(None, None, (), 0.0, 0.0)
    known = value
    if overflows:
        held = _as_held(value, got.dtype)
        known = np.where(np.isfinite(held), value, held)
    found = tensor_statistics(got, known, expected.spreads[key], before)
    at = found.index
    pair = (float(got[at]), float(value[at])) if got.size else (0.0, 0.0)
    return ArithmeticStatistics(found, None, at, *pair)


def _as_held(value: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The exact value, with infinities where it overflows the candidate's dtype."""
    if value.dtype.kind != "f" or dtype.kind not in "fV":
        return value
    with np.errstate(all="ignore"):
        held = value.astype(dtype).astype(np.float64)
    return np.where(np.isfinite(value) & np.isfinite(held), value, held)


def _unexplained(got: np.ndarray, held: np.ndarray, exact: bool, backward: bool) -> np.ndarray:
    """Where no rounding explains the difference."""
    if exact:
        return np.asarray(got != held)
    got = got.astype(np.float64)
    both = np.isfinite(got) & np.isfinite(held)
    return np.asarray(~both & ~agree_not_finite(got, held, backward))
