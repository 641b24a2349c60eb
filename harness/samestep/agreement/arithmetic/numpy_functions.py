"""Which of NumPy's functions and methods the array types know: one table for all of them.

A handler takes the array whose protocol was called, and the function's own arguments. It is made of the
primitives of `samestep.agreement.arithmetic.rounding_array.RoundingArray`, so that no array type needs to
know of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from samestep.agreement.arithmetic.contractions import CONTRACTIONS, dot
from samestep.agreement.arithmetic.indices import OF_INTEGERS
from samestep.agreement.arithmetic.moves import MOVES, MOVING_METHODS
from samestep.agreement.arithmetic.reductions import REDUCING_FUNCTIONS, REDUCTIONS
from samestep.agreement.arithmetic.unknown_operation import UnknownOperation

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.rounding_array import RoundingArray

Handler = Callable[..., Any]


def _filled(value: float) -> Handler:
    def handler(self: RoundingArray, array: Any, dtype: Any = None, **options: Any) -> RoundingArray:
        kind = np.dtype(
            np.float64 if dtype is None and array.dtype.kind not in "iub" else dtype or array.dtype
        )
        return self.lift(np.full(options.get("shape") or array.shape, value, kind))

    return handler


def _full_like(
    self: RoundingArray, array: Any, value: Any, dtype: Any = None, **options: Any
) -> RoundingArray:
    filled: RoundingArray = _filled(0.0)(self, array, dtype, **options)
    filled[...] = value if filled.dtype.kind == "f" else np.asarray(value).astype(filled.dtype)
    return filled


def _where(self: RoundingArray, condition: object, *choices: object) -> Any:
    if not choices:
        return np.nonzero(self.lift(condition))
    lifted = self.lift(condition)
    a, b = (self.lift(choice) for choice in choices)
    return self.select(lifted if lifted.dtype == bool else lifted.astype(bool), a, b)


def _clip(
    self: RoundingArray, array: object, low: Any = None, high: Any = None, out: object = None, **named: Any
) -> Any:
    if out is not None:
        raise UnknownOperation("np.clip with out=", "x[...] = the result")
    lifted, low, high = self.lift(array), named.get("min", low), named.get("max", high)
    above = lifted if low is None else np.maximum(lifted, low)
    return above if high is None else np.minimum(above, high)


def _nonzero(self: RoundingArray, array: object) -> tuple[np.ndarray, ...]:
    return np.nonzero(self.lift(array).exact_integers("np.nonzero"))


def _bincount(self: RoundingArray, x: object, weights: object = None, minlength: int = 0) -> Any:
    places = self.lift(x).exact_integers("np.bincount")
    if weights is None:
        return self.lift(np.bincount(places, minlength=minlength))
    size = max(int(places.max(initial=-1)) + 1, minlength)
    return self.lift(np.zeros(size)).with_added(places, self.lift(weights))


def _round(self: RoundingArray, array: object, decimals: int = 0) -> Any:
    if decimals:
        raise UnknownOperation("np.round to decimals")
    return np.rint(self.lift(array))


def _result_type(self: RoundingArray, *kinds: Any) -> np.dtype:
    return np.result_type(*[kind.dtype if hasattr(kind, "parts") else kind for kind in kinds])


FUNCTIONS: dict[Callable[..., Any], Handler] = {
    **MOVES,
    **CONTRACTIONS,
    **REDUCING_FUNCTIONS,
    **OF_INTEGERS,
    np.zeros_like: _filled(0.0),
    np.empty_like: _filled(0.0),
    np.ones_like: _filled(1.0),
    np.full_like: _full_like,
    np.where: _where,
    np.nonzero: _nonzero,
    np.clip: _clip,
    np.bincount: _bincount,
    np.round: _round,
    np.around: _round,
    np.result_type: _result_type,
    np.shape: lambda self, array: array.shape,
    np.ndim: lambda self, array: array.ndim,
    np.size: lambda self, array, axis=None: array.size if axis is None else array.shape[axis],
    np.iscomplexobj: lambda self, array: False,
    np.isrealobj: lambda self, array: True,
}

#: ndarray's methods, by name; those that write into their array return nothing.
METHODS: dict[str, Handler] = {
    **MOVING_METHODS,
    **{name: handler for name, handler in REDUCTIONS.items() if name != "sort"},
    "clip": _clip,
    "dot": dot,
    "nonzero": _nonzero,
    "round": _round,
    "trace": CONTRACTIONS[np.trace],
}
