"""The methods of ufuncs (``np.add.reduce``, ``np.add.at``, ``np.multiply.outer``) and products of vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from samestep.agreement.arithmetic.indices import plain_index
from samestep.agreement.arithmetic.reductions import (
    cumulative_sum,
    every,
    largest,
    product_of,
    smallest,
    some,
    sum_of,
)
from samestep.agreement.arithmetic.unknown_operation import UnknownOperation, name_of

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.rounding_array import RoundingArray

_TRUTHS = (np.logical_and, np.logical_or, np.logical_xor, np.logical_not)

#: What reduces as a function does; reduce takes the first axis where a function takes all.
_REDUCED: dict[np.ufunc, Callable[..., Any]] = {
    np.add: sum_of,
    np.multiply: product_of,
    np.maximum: largest,
    np.minimum: smallest,
    np.logical_and: every,
    np.logical_or: some,
}


def is_truth_wanted(ufunc: np.ufunc) -> bool:
    """Return whether a ufunc takes any number for whether it is 0."""
    return ufunc in _TRUTHS


def _reduce(
    self: RoundingArray, ufunc: np.ufunc, array: Any, axis: Any = 0, *rest: Any, **options: Any
) -> Any:
    if ufunc not in _REDUCED:
        raise UnknownOperation(f"{name_of(ufunc)}.reduce")
    if rest:
        raise UnknownOperation(f"{name_of(ufunc)}.reduce with more than an axis by position", "names")
    return _REDUCED[ufunc](self, array, axis=axis, **options)


def _accumulate(self: RoundingArray, ufunc: np.ufunc, array: Any, axis: int = 0, **options: Any) -> Any:
    if ufunc is not np.add:
        raise UnknownOperation(f"{name_of(ufunc)}.accumulate")
    return cumulative_sum(self, array, axis, **options)


def _outer(self: RoundingArray, ufunc: np.ufunc, a: Any, b: Any) -> Any:
    first, second = self.lift(a), self.lift(b)
    return ufunc(first.each(lambda part: part.reshape(part.shape + (1,) * second.ndim)), second)


def _at(self: RoundingArray, ufunc: np.ufunc, target: Any, index: Any, values: Any = None) -> None:
    if ufunc not in (np.add, np.subtract):
        raise UnknownOperation(f"{name_of(ufunc)}.at")
    if not isinstance(target, type(self)):
        raise UnknownOperation(
            f"{name_of(ufunc)}.at on a plain buffer", "np.zeros_like of a computed array for it"
        )
    added = target.lift(values)
    target[...] = target.with_added(plain_index(index), -added if ufunc is np.subtract else added)


UFUNC_METHODS: dict[str, Callable[..., Any]] = {
    "reduce": _reduce, "accumulate": _accumulate, "outer": _outer, "at": _at,
}  # fmt: skip


def _vecdot(multiply: Callable[..., Any], a: Any, b: Any) -> Any:
    return multiply(a[..., None, :], b[..., :, None])[..., 0, 0]


def _matvec(multiply: Callable[..., Any], a: Any, b: Any) -> Any:
    return multiply(a, b[..., :, None])[..., 0]


def _vecmat(multiply: Callable[..., Any], a: Any, b: Any) -> Any:
    return multiply(a[..., None, :], b)[..., 0, :]


#: Ufuncs that are matrix products; NumPy has all but the first from 2.0 to 2.2 on.
VECTOR_PRODUCTS: dict[np.ufunc, Callable[..., Any]] = {
    np.matmul: lambda multiply, a, b: multiply(a, b),
    **{
        getattr(np, name): rule
        for name, rule in (("vecdot", _vecdot), ("matvec", _matvec), ("vecmat", _vecmat))
        if hasattr(np, name)
    },
}
