"""An array type that the reference runs on unchanged, so that its rounding can be followed.

`RoundingArray` implements NumPy's protocols: operators and ufuncs (``__array_ufunc__``), functions
(``__array_function__``), indexing and methods. It is deliberately no subclass of ndarray: of a subclass,
``x.dot(w)`` or ``np.where`` lose the type silently. Whatever it does not know raises by name, and so does
every conversion to a plain array or number, so that nothing is treated as exact by accident.

A subclass defines its ``parts`` (the value, and what it carries along) and what each arithmetic primitive
does to them. Everything that only moves elements about is done here, on all parts alike. See NumPy's NEP 13
and NEP 18 for the protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import EllipsisType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from samestep.agreement.arithmetic.rules import UnknownOperation

Array = np.ndarray
Axis = int | tuple[int, ...] | None
IndexItem = int | slice | Array | EllipsisType | None
Index = IndexItem | tuple[IndexItem, ...]


class RoundingArray(NDArrayOperatorsMixin):
    """An array with what is carried along to follow its rounding.

    ``parts[0]`` is the value, in float64 or in exact integers, and all further parts have its shape.
    Attributes and methods with the names of ndarray's take the same arguments, and return arrays of the same
    shapes and units.
    """

    parts: tuple[Array, ...]

    # -- what a subclass provides ------------------------------------------------------------------

    def lift(self, other: object) -> Self:
        """Return ``other`` as this type, with this one's settings.

        It may be one of this type already, an array, or a number.
        """
        raise NotImplementedError

    def like(self, parts: Sequence[Array]) -> Self:
        """Return an array of these parts, which have one shape, with this one's settings."""
        raise NotImplementedError

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        """Return the result of one elementwise operation, in the operands' broadcast shape.

        Raises `UnknownOperation` for a ufunc that the table of rules does not have.
        """
        raise NotImplementedError

    def product(self, a: Self, b: Self) -> Self:
        """Return the matrix product a @ b, of shapes (..., m, n) and (..., n, p), or of vectors of n."""
        raise NotImplementedError

    def total(self, axis: Axis, keepdims: bool) -> Self:
        """Return the sum over ``axis`` (over all elements where it is None)."""
        raise NotImplementedError

    def index_of_largest(self, axis: int) -> Self:
        """Return the index of the largest element along ``axis``, as integers."""
        raise NotImplementedError

    def select(self, condition: Self, a: Self, b: Self) -> Self:
        """Return ``a`` where the condition holds, else ``b``, in the three's broadcast shape."""
        raise NotImplementedError

    def monotone(self, function: Callable[[Array], Array]) -> Self:
        """Return a non-decreasing elementwise function of this array, in its shape.

        All code computes the function alike: it is a cast.
        """
        raise NotImplementedError

    # -- NumPy's protocols ---------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **kwargs: Any) -> object:
        out = kwargs.pop("out", None)
        if kwargs or method not in ("__call__", "reduce"):
            raise UnknownOperation(f"np.{ufunc.__name__}.{method} with {sorted(kwargs)}")
        if method == "reduce":
            raise UnknownOperation(f"np.{ufunc.__name__}.reduce")
        operands = [self.lift(operand) for operand in inputs]
        result = self.product(*operands) if ufunc is np.matmul else self.elementwise(ufunc, operands)
        if out is None:
            return result
        (target,) = out
        if not isinstance(target, RoundingArray):
            raise UnknownOperation(f"np.{ufunc.__name__} into a plain buffer (out=)")
        target[...] = result
        return target

    def __array_function__(
        self,
        function: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object],
        kwargs: dict[str, object],
    ) -> object:
        handler = FUNCTIONS.get(function)
        if handler is None:
            raise UnknownOperation(f"np.{function.__name__}")
        return handler(self, *args, **kwargs)

    def __array__(self, *args: object, **kwargs: object) -> Array:
        raise UnknownOperation("turning a computed value into a plain array")

    def __float__(self) -> float:
        raise UnknownOperation("float() of a computed value")

    def __bool__(self) -> bool:
        raise UnknownOperation("a Python decision on a computed value (if, and, or, max)")

    def __int__(self) -> int:
        return int(self.exact_integers("int()"))

    def __index__(self) -> int:
        return int(self.exact_integers("an index"))

    __hash__ = None  # type: ignore[assignment]

    # -- structure: the same on all parts ----------------------------------------------------------------

    def each(self, move: Callable[[Array], Array]) -> Self:
        """Return an array with ``move`` applied to every part."""
        return self.like([move(part) for part in self.parts])

    def exact_integers(self, what: str) -> Array:
        """Return the value, which must be exact integers or bools.

        Raises `UnknownOperation`, which names ``what`` was asked for, where it is computed or undecided.
        """
        value = self.parts[0]
        if value.dtype.kind not in "iub":
            raise UnknownOperation(f"{what} of a computed value")
        if any(part.any() for part in self.parts[1:]):
            raise UnknownOperation(f"{what} of an undecided integer")
        return value

    def __getitem__(self, index: Index | RoundingArray) -> Self:
        plain = _plain_index(index)
        return self.each(lambda part: np.asarray(part[plain]))

    def __setitem__(self, index: Index | RoundingArray, other: object) -> None:
        plain, lifted = _plain_index(index), self.lift(other)
        self.parts = tuple(part if part.flags.writeable else part.copy() for part in self.parts)
        for mine, theirs in zip(self.parts, lifted.parts, strict=True):
            mine[plain] = theirs

    def __len__(self) -> int:
        return len(self.parts[0])

    @property
    def shape(self) -> tuple[int, ...]:
        return self.parts[0].shape

    @property
    def ndim(self) -> int:
        return self.parts[0].ndim

    @property
    def size(self) -> int:
        return self.parts[0].size

    @property
    def dtype(self) -> np.dtype:
        return self.parts[0].dtype

    @property
    def T(self) -> Self:  # noqa: N802 (NumPy's own name)
        return self.each(np.transpose)

    def transpose(self, *axes: int) -> Self:
        return self.each(lambda part: part.transpose(*axes))

    def swapaxes(self, first: int, second: int) -> Self:
        return self.each(lambda part: part.swapaxes(first, second))

    def reshape(self, *shape: int | tuple[int, ...]) -> Self:
        return self.each(lambda part: part.reshape(*shape))  # type: ignore[arg-type]  # as ndarray takes it

    def squeeze(self, axis: Axis = None) -> Self:
        return self.each(lambda part: part.squeeze(axis))

    def copy(self) -> Self:
        return self.each(np.copy)

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """Return a copy, rounded to what another dtype holds.

        For float64, in which everything is computed here, it is unchanged. Raises `UnknownOperation` for a
        dtype that is neither floating nor integer.
        """
        to = np.dtype(dtype)
        if to.kind not in "iuf":
            raise UnknownOperation(f"astype({to})")
        if to == np.float64:
            value, *rest = self.parts
            return self.like([value.astype(np.float64), *(part.copy() for part in rest)])
        held = np.dtype(np.float64) if to.kind == "f" else to
        return self.monotone(lambda value: value.astype(to).astype(held))

    # -- reductions ------------------------------------------------------------------------------------

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Self:
        return self.total(axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Self:
        total = self.total(axis, keepdims)
        mean: Self = total / (self.size / max(total.size, 1))
        return mean

    def std(self, axis: Axis = None, ddof: int = 0) -> Self:
        centred = self - self.mean(axis, keepdims=True)
        squares: Self = np.square(centred).sum(axis)
        std: Self = np.sqrt(squares / (self.size / max(squares.size, 1) - ddof))
        return std

    def max(self, axis: Axis = None, keepdims: bool = False) -> Self:
        # Exact; and each element moves by at most its bound, so the largest by at most the largest bound.
        return self.each(lambda part: np.asarray(part.max(axis=axis, keepdims=keepdims)))

    def argmax(self, axis: int = -1) -> Self:
        return self.index_of_largest(axis)

    def dot(self, other: object) -> Self:
        product: Self = self @ other
        return product


def _plain_index(index: Index | RoundingArray) -> Index:
    """Return the index as NumPy takes it; a computed one must be exact integers."""
    if isinstance(index, tuple):
        return tuple(_plain_item(item) for item in index)
    return _plain_item(index)


def _plain_item(item: IndexItem | RoundingArray) -> IndexItem:
    if isinstance(item, RoundingArray):
        if item.parts[0].dtype.kind == "b":
            raise UnknownOperation("indexing with a computed mask (use np.where)")
        return item.exact_integers("an index")
    return item


Handler = Callable[..., object]


def _joining(join: Callable[..., Array]) -> Handler:
    def handler(self: RoundingArray, arrays: Sequence[object], axis: int = 0) -> RoundingArray:
        lifted = [self.lift(array).parts for array in arrays]
        return self.like([join(parts, axis=axis) for parts in zip(*lifted, strict=True)])

    return handler


def _calling_method(name: str) -> Handler:
    def handler(self: RoundingArray, array: object, *args: object, **kwargs: object) -> object:
        return getattr(self.lift(array), name)(*args, **kwargs)

    return handler


def _zeros_like(self: RoundingArray, array: RoundingArray) -> RoundingArray:
    return self.lift(np.zeros(array.shape))


def _where(self: RoundingArray, condition: object, a: object, b: object) -> RoundingArray:
    return self.select(self.lift(condition), self.lift(a), self.lift(b))


FUNCTIONS: dict[Callable[..., object], Handler] = {
    np.where: _where,
    np.stack: _joining(np.stack),
    np.concatenate: _joining(np.concatenate),
    np.zeros_like: _zeros_like,
    np.broadcast_to: lambda self, a, shape: self.lift(a).each(lambda part: np.broadcast_to(part, shape)),
    np.dot: lambda self, a, b: self.lift(a) @ self.lift(b),
    np.shape: lambda self, array: array.shape,
    np.ndim: lambda self, array: array.ndim,
    **{
        getattr(np, name): _calling_method(name)
        for name in ("sum", "mean", "std", "max", "argmax", "transpose", "reshape", "squeeze", "copy")
    },
}
