"""A hyperparameter that rounds at each use: 1 - beta^t is not the same in float32 as in float64."""

from __future__ import annotations

import operator
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

    def __neg__(self) -> Number:
        return Number(-float(self))

    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        return float, (float(self),)

    def __deepcopy__(self, memo: Any) -> Number:
        return self

    def _apply(self, operation: Callable[[Any, Any], Any], other: Any, swapped: bool) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented
        a, b = _rounded(float(self)), _rounded(float(other)) if isinstance(other, float) else other
        return Number(_rounded(float(operation(b, a) if swapped else operation(a, b))))


def _operator(operation: Callable[[Any, Any], Any], swapped: bool = False) -> Callable[[Number, Any], Any]:
    return lambda number, other: number._apply(operation, other, swapped)


for _name, _operation in {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
    "pow": operator.pow,
}.items():  # fmt: skip
    setattr(Number, f"__{_name}__", _operator(_operation))
    setattr(Number, f"__r{_name}__", _operator(_operation, swapped=True))
