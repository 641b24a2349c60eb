"""How near a result is to the formula: the same to within rounding, or by how much it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.numpy_program import NumpyProgram
from samestep.agreement.examination.tensor_statistics import tensor_statistics
from samestep.agreement.reference.spread import Spread, SpreadMeter
from samestep.conventions.ports.pitfall import AGREES

REPLICAS = 24


@dataclass(frozen=True)
class Closeness:
    """How a result compares with the formula: ``agrees``, what is ``wrong`` in words, or both numbers.

    ``factor`` is the one factor that is between them, None where there is none; ``off`` the Euclidean norm of
    the difference over the formula's.
    """

    agrees: bool = False
    wrong: str = ""
    factor: float | None = None
    off: float = 0.0

    def text(self, is_factor: bool) -> str:
        """Return it in a few words; ``is_factor``: it is the same factor on other arrays."""
        if self.agrees:
            return AGREES
        if self.factor is not None and is_factor:
            return f"times {self.factor:.4g}"
        return self.wrong or f"{float(f'{100 * self.off:.2g}'):g} % off"

    def same_factor(self, other: Closeness) -> bool:
        """Whether both differ by one factor, to four digits."""
        return None not in (self.factor, other.factor) and f"{self.factor:.4g}" == f"{other.factor:.4g}"


def closeness(got: np.ndarray, formula: Callable[..., Any], arrays: Mapping[str, np.ndarray]) -> Closeness:
    """Return how ``got`` compares with ``formula(**arrays)``, a NumPy function.

    It agrees within the limits of what float32 rounding does in the formula; integers and bools must be
    equal. Raises `samestep.agreement.arithmetic.program.Refused` where the formula cannot be followed.
    """
    exact, spread = _expected(formula, arrays)
    if got.shape != exact.shape:
        return Closeness(wrong=f"shape {_shape(got)} for {_shape(exact)}")
    if not np.array_equal(np.isfinite(got), np.isfinite(exact)):
        return Closeness(wrong="not finite" if np.isfinite(exact).all() else "finite")
    if spread is None:
        differ = int((got != exact).sum())
        return Closeness(agrees=not differ, wrong=f"{differ} of {got.size} differ")
    if _within(got, exact, spread):
        return Closeness(agrees=True)
    known = np.isfinite(exact)
    wanted, given = exact[known], got[known].astype(np.float64)
    factor = float((given * wanted).sum() / np.square(wanted).sum())
    is_factor = f"{factor:.4g}" not in ("0", "1") and _within(got / factor, exact, spread)
    off = float(np.linalg.norm(given - wanted) / np.linalg.norm(wanted))
    return Closeness(factor=factor if is_factor else None, off=off)


def _expected(
    formula: Callable[..., Any], arrays: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, Spread | None]:
    """The formula's result in float64, and how float32 scatters around it; None for integers."""
    program = NumpyProgram(lambda lift: {"": formula(**{name: lift(x) for name, x in arrays.items()})})
    exact = program.exact()
    if exact[""].dtype.kind != "f":
        return exact[""], None
    meter = SpreadMeter(exact, {}, program.terms, "float32")
    for replica in range(REPLICAS):
        meter.add(program.replica(replica))
    return exact[""], meter.spreads()[""]


def _within(got: np.ndarray, exact: np.ndarray, spread: Spread) -> bool:
    return tensor_statistics(got, exact, spread, None).breach is None


def _shape(array: np.ndarray) -> str:
    return " ".join(map(str, array.shape)) or "()"
