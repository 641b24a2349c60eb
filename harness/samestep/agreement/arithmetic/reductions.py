"""Reductions of NumPy, made of the primitives of the array types: sums, means, extremes, norms, orders.

A handler takes the array whose protocol was called, and the function's own arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from samestep.agreement.arithmetic.unknown_operation import UnknownOperation

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.rounding_array import RoundingArray

Handler = Callable[..., Any]


def _given(self: RoundingArray, array: object, dtype: object = None, out: object = None) -> RoundingArray:
    if out is not None:
        raise UnknownOperation("a reduction with out=", "x[...] = the result")
    lifted = self.lift(array)
    return lifted if dtype is None else lifted.astype(dtype)  # type: ignore[arg-type]


def sum_of(
    self: RoundingArray, array: object, axis: Any = None, dtype: object = None, out: object = None,
    keepdims: bool = False, initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    """Return the sum, as ``np.sum``."""
    terms = _given(self, array, dtype, out)
    if where is not True:
        terms = self.select(self.lift(where), terms, self.lift(0))
    total = terms.total(axis, keepdims)
    return total if initial is None else total + initial


def _count(self: RoundingArray, lifted: RoundingArray, total: RoundingArray, axis: Any, where: Any) -> Any:
    if where is True:
        return lifted.size / max(total.size, 1)
    shown = np.broadcast_to(self.lift(where).exact_integers("where="), lifted.shape)
    return shown.sum(axis=axis).reshape(total.shape)


def mean_of(
    self: RoundingArray, array: object, axis: Any = None, dtype: object = None, out: object = None,
    keepdims: bool = False, where: Any = True,
) -> Any:  # fmt: skip
    """Return the mean, as ``np.mean``."""
    lifted = _given(self, array, dtype, out)
    total = sum_of(self, lifted, axis, keepdims=keepdims, where=where)
    return total / _count(self, lifted, total, axis, where)


def _var(
    self: RoundingArray, array: object, axis: Any = None, dtype: object = None, out: object = None,
    ddof: float = 0, keepdims: bool = False, where: Any = True, mean: Any = None, correction: float = 0,
) -> Any:  # fmt: skip
    lifted = _given(self, array, dtype, out)
    centre = mean_of(self, lifted, axis, keepdims=True, where=where) if mean is None else mean
    squares = sum_of(self, np.square(lifted - centre), axis, keepdims=keepdims, where=where)
    return squares / (_count(self, lifted, squares, axis, where) - max(ddof, correction))


def _std(self: RoundingArray, array: object, *args: Any, **kwargs: Any) -> Any:
    return np.sqrt(_var(self, array, *args, **kwargs))


def _extreme(function: Callable[..., Any], join: np.ufunc) -> Handler:
    def handler(
        self: RoundingArray, array: object, axis: Any = None, out: object = None, keepdims: bool = False,
        initial: Any = None, where: Any = True,
    ) -> Any:  # fmt: skip
        lifted = _given(self, array, None, out)
        if where is not True:
            if initial is None:
                raise UnknownOperation(f"np.{function.__name__} with where= and without initial=", "both")
            lifted = self.select(self.lift(where), lifted, self.lift(initial))
        value, *rest = lifted.parts
        # Exact; and each element moves by at most its bound, so the largest by at most the largest bound.
        bounds = [np.asarray(part.max(axis=axis, keepdims=keepdims)) for part in rest]
        found = lifted.like([np.asarray(function(value, axis=axis, keepdims=keepdims)), *bounds])
        return found if initial is None else join(found, initial)

    return handler


largest, smallest = _extreme(np.max, np.maximum), _extreme(np.min, np.minimum)


def _truth(extreme: Handler) -> Handler:
    def handler(self: RoundingArray, array: object, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        return extreme(self, self.lift(array).astype(bool), axis, *args, **kwargs)

    return handler


some, every = _truth(largest), _truth(smallest)


def product_of(
    self: RoundingArray, array: object, axis: Any = None, dtype: object = None, out: object = None,
    keepdims: bool = False, initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    """Return the product, as ``np.prod``: in whatever order, N factors are multiplied N - 1 times."""
    lifted = _given(self, array, dtype, out)
    if where is not True:
        lifted = self.select(self.lift(where), lifted, self.lift(1))
    axes = tuple(range(lifted.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    summed = sorted(d % lifted.ndim for d in axes)
    kept = [d for d in range(lifted.ndim) if d not in summed]
    shape = tuple(1 if d in summed else n for d, n in enumerate(lifted.shape) if keepdims or d in kept)
    factors: Any = lifted.each(
        lambda part: part.transpose(*summed, *kept).reshape(-1, *(lifted.shape[d] for d in kept))
    )
    while len(factors) > 1:
        half = len(factors) // 2
        halved = factors[:half] * factors[half : 2 * half]
        factors = halved if len(factors) % 2 == 0 else np.concatenate([halved, factors[2 * half :]])
    found = factors.each(lambda part: part.reshape(shape)) if len(factors) else self.lift(np.ones(shape))
    return found if initial is None else found * initial


def cumulative_sum(
    self: RoundingArray, array: object, axis: int | None = None, dtype: object = None, out: object = None
) -> Any:
    """Return the running sums, as ``np.cumsum``."""
    lifted = _given(self, array, dtype, out)
    return lifted.each(np.ravel).running_total(0) if axis is None else lifted.running_total(axis)


def _argument(sign: Callable[[Any], Any]) -> Handler:
    def handler(
        self: RoundingArray, array: object, axis: int | None = None, *, keepdims: bool = False
    ) -> Any:
        lifted = sign(self.lift(array))
        if axis is None:
            found = lifted.each(np.ravel).index_of_largest(0)
            return found.each(lambda part: part.reshape((1,) * lifted.ndim)) if keepdims else found
        found = lifted.index_of_largest(axis)
        return found.each(lambda part: np.expand_dims(part, axis)) if keepdims else found

    return handler


def _count_nonzero(self: RoundingArray, array: object, axis: Any = None, *, keepdims: bool = False) -> Any:
    return self.lift(array).astype(bool).total(axis, keepdims)


def _norm(
    self: RoundingArray, array: object, ord: Any = None, axis: Any = None, keepdims: bool = False
) -> Any:
    lifted = self.lift(array)
    of_vectors = isinstance(axis, int) or (axis is None and lifted.ndim == 1)
    if ord is None or (ord == 2 and of_vectors) or (ord == "fro" and not of_vectors):
        return np.sqrt(sum_of(self, np.square(lifted), axis, keepdims=keepdims))
    if of_vectors and ord == 1:
        return sum_of(self, np.abs(lifted), axis, keepdims=keepdims)
    if of_vectors and ord == np.inf:
        return largest(self, np.abs(lifted), axis, keepdims=keepdims)
    raise UnknownOperation(f"np.linalg.norm with ord={ord!r}")


def _sort(self: RoundingArray, array: object, axis: int | None = -1, **options: Any) -> Any:
    lifted = self.lift(array) if axis is not None else self.lift(array).each(np.ravel)
    at = -1 if axis is None else axis
    value, *rest = lifted.parts
    # No element of a sorted array moves further than the one that moves furthest.
    bounds = [np.broadcast_to(part.max(axis=at, keepdims=True), part.shape) for part in rest]
    return lifted.like([np.sort(value, axis=at, **options), *bounds])


def _argsort(self: RoundingArray, array: object, axis: int | None = -1, **options: Any) -> Any:
    keys = self.lift(array).exact_integers("np.argsort")
    return self.lift(np.argsort(keys, axis=axis, **options))


REDUCTIONS: dict[str, Handler] = {
    "sum": sum_of, "mean": mean_of, "var": _var, "std": _std, "max": largest, "min": smallest,
    "prod": product_of, "cumsum": cumulative_sum, "any": some, "all": every,
    "argmax": _argument(lambda x: x), "argmin": _argument(lambda x: -x),
    "sort": _sort, "argsort": _argsort,
}  # fmt: skip

REDUCING_FUNCTIONS: dict[Callable[..., Any], Handler] = {
    **{getattr(np, name): handler for name, handler in REDUCTIONS.items()},
    np.amax: largest,
    np.amin: smallest,
    np.count_nonzero: _count_nonzero,
    np.linalg.norm: _norm,
}
