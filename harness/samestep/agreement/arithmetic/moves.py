"""NumPy's functions that only move elements about: shapes, joins, splits, choices, padding.

They do to every part of an array what they do to its value. A handler takes the array whose protocol was
called, and the function's own arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from samestep.agreement.arithmetic.indices import plain_item
from samestep.agreement.arithmetic.unknown_operation import UnknownOperation, name_of

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.rounding_array import RoundingArray

Handler = Callable[..., Any]

_MOVING = """
    transpose swapaxes moveaxis rollaxis expand_dims squeeze reshape ravel broadcast_to roll flip fliplr
    flipud rot90 repeat tile take take_along_axis tril triu diagonal diag atleast_1d atleast_2d atleast_3d
    copy permute_dims matrix_transpose
"""
_JOINING = "stack concatenate concat vstack hstack dstack column_stack"
_SPLITTING = "split array_split hsplit vsplit dsplit unstack"


def _named(names: str) -> Iterator[Callable[..., Any]]:
    """NumPy's functions of these names, those that this NumPy has."""
    return (getattr(np, name) for name in names.split() if hasattr(np, name))


def _moving(function: Callable[..., Any]) -> Handler:
    def handler(self: RoundingArray, array: object, *args: Any, **kwargs: Any) -> RoundingArray:
        args, kwargs = tuple(map(plain_item, args)), {name: plain_item(x) for name, x in kwargs.items()}
        if "out" in kwargs:
            raise UnknownOperation(f"{name_of(function)} with out=", "x[...] = the result")
        return self.lift(array).each(lambda part: np.asarray(function(part, *args, **kwargs)))

    return handler


def _joining(function: Callable[..., Any]) -> Handler:
    def handler(self: RoundingArray, arrays: Sequence[object], *args: Any, **kwargs: Any) -> RoundingArray:
        lifted = [self.lift(array) for array in arrays]
        parts = zip(*[array.parts for array in lifted], strict=True)
        return self.like([function(part, *args, **kwargs) for part in parts]).with_terms_of(lifted)

    return handler


def _splitting(function: Callable[..., Any]) -> Handler:
    def handler(self: RoundingArray, array: object, *args: Any, **kwargs: Any) -> list[RoundingArray]:
        lifted = self.lift(array)
        pieces = [function(part, *args, **kwargs) for part in lifted.parts]
        return [lifted.like(piece) for piece in zip(*pieces, strict=True)]

    return handler


def _append(self: RoundingArray, array: object, values: object, axis: int | None = None) -> RoundingArray:
    both = [self.lift(array), self.lift(values)]
    if axis is None:
        both = [x.each(np.ravel) for x in both]
    return _joining(np.concatenate)(self, both, axis=axis or 0)  # type: ignore[no-any-return]


def _windows(
    self: RoundingArray, array: object, shape: Any, axis: Any = None, **options: Any
) -> RoundingArray:
    if options:
        raise UnknownOperation(f"sliding_window_view with {sorted(options)}")
    return self.lift(array).each(lambda part: sliding_window_view(part, shape, axis))


def _pad(
    self: RoundingArray, array: object, width: Any, mode: str = "constant", **options: Any
) -> RoundingArray:
    lifted = self.lift(array)
    if mode in ("edge", "reflect", "symmetric", "wrap") and not options:
        return lifted.each(lambda part: np.pad(part, width, mode=mode))  # type: ignore[call-overload]
    if mode != "constant":
        raise UnknownOperation(f"np.pad with mode={mode!r}", "np.concatenate")
    fill = self.lift(options.get("constant_values", 0))
    if fill.ndim:
        raise UnknownOperation("np.pad with several constant_values", "np.concatenate")
    padded = [np.pad(x, width, constant_values=c) for x, c in zip(lifted.parts, fill.parts, strict=True)]
    return lifted.like(padded)


def _broadcast_arrays(self: RoundingArray, *arrays: object) -> list[RoundingArray]:
    lifted = [self.lift(array) for array in arrays]
    shape = np.broadcast_shapes(*(array.shape for array in lifted))
    return [array.each(lambda part: np.broadcast_to(part, shape)) for array in lifted]


MOVES: dict[Callable[..., Any], Handler] = {
    **{function: _moving(function) for function in _named(_MOVING)},
    **{function: _joining(function) for function in _named(_JOINING)},
    **{function: _splitting(function) for function in _named(_SPLITTING)},
    np.append: _append,
    np.pad: _pad,
    np.broadcast_arrays: _broadcast_arrays,
    sliding_window_view: _windows,
}


def _reshape(self: RoundingArray, array: RoundingArray, *shape: Any, **options: Any) -> RoundingArray:
    return array.each(lambda part: part.reshape(*shape, **options))


def _transpose(self: RoundingArray, array: RoundingArray, *axes: Any) -> RoundingArray:
    return array.each(lambda part: part.transpose(*axes))


def _flatten(self: RoundingArray, array: RoundingArray, order: str = "C") -> RoundingArray:
    return array.each(lambda part: part.flatten(order))  # type: ignore[arg-type]


#: ndarray's methods, by name.
MOVING_METHODS: dict[str, Handler] = {
    "reshape": _reshape,
    "transpose": _transpose,
    "flatten": _flatten,
    **{
        name: MOVES[getattr(np, name)]
        for name in ("swapaxes", "squeeze", "ravel", "repeat", "take", "diagonal", "copy")
    },
}
