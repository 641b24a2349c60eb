"""A hyperparameter that rounds at each use: 1 - beta^t is not the same in float32 as in float64."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

#: What rounds a number in the run that is going on; nothing does outside of one.
rounding: ContextVar[Callable[[float], float] | None] = ContextVar("rounding", default=None)


def _rounded(value: float) -> float:
    function = rounding.get()
    return value if function is None else function(value)


class Number(float):
    """A float such as a rate or a beta, for an optimiser's settings in a program.

    Whoever computes with it in float32 rounds it, and every result: in a replica each operation on it draws
    an error, in an exact run none does. Comparisons, bool and formatting are a float's.
    """

    def __add__(self, other: Any) -> Number:
        return _of(self, other, lambda a, b: a + b)

    def __radd__(self, other: Any) -> Number:
        return _of(self, other, lambda a, b: b + a)

    def __sub__(self, other: Any) -> Number:
        return _of(self, other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Number:
        return _of(self, other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Number:
        return _of(self, other, lambda a, b: a * b)

    def __rmul__(self, other: Any) -> Number:
        return _of(self, other, lambda a, b: b * a)

    def __truediv__(self, other: Any) -> Number:
        return _of(self, other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Number:
        return _of(self, other, lambda a, b: b / a)

    def __pow__(self, other: Any, modulus: None = None) -> Number:
        return _of(self, other, lambda a, b: a**b)

    def __neg__(self) -> Number:
        return Number(-float(self))

    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        return float, (float(self),)

    def __deepcopy__(self, memo: Any) -> Number:
        return self


def _of(number: Number, other: Any, operation: Callable[[float, float], float]) -> Any:
    if not isinstance(other, (int, float)):
        return NotImplemented
    b = _rounded(float(other)) if isinstance(other, float) else other
    return Number(_rounded(float(operation(_rounded(float(number)), b))))
