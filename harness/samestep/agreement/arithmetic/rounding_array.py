"""An array type that the reference runs on unchanged, so that its rounding can be followed.

`Duck` knows NumPy's protocols: operators and ufuncs (``__array_ufunc__``), functions
(``__array_function__``), indexing and methods. It is no subclass of ndarray, on purpose: of a subclass
``x.dot(w)`` or ``np.where`` lose the type in silence. Whatever it does not know raises by name, and so
does every way back to a plain array or number, so that nothing is ever exact by accident.

A subclass says what its ``parts`` are (the value, and what it carries along) and what each arithmetic
primitive does to them. Everything that only moves elements about is done here, on all parts alike.
See NumPy's NEP 13 and NEP 18 for the protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from samestep.agreement.limits import LIBRARY_FUNCTION_UNITS

COMPARISONS = (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)


#: How often each ufunc rounds, in units of u: once for arithmetic, 8 ulp for a library's functions.
ROUNDINGS: dict[np.ufunc, float] = {
    **dict.fromkeys((np.add, np.subtract, np.multiply, np.divide, np.square, np.sqrt), 1.0),
    **dict.fromkeys((np.exp, np.log, np.log1p, np.tanh, np.sin, np.cos), LIBRARY_FUNCTION_UNITS),
    **dict.fromkeys((np.negative, np.positive, np.absolute, np.maximum, np.minimum), 0.0),
}


class UnknownOperation(TypeError):
    """The reference used something whose rounding the array type does not know."""


def roundings(ufunc: np.ufunc, operands: Sequence[Duck]) -> float:
    """How often an elementwise primitive rounds, in units of u; raises by name what is not known."""
    if ufunc is np.power:
        exponent = operands[1].parts[0]
        if exponent.dtype.kind not in "iu" or exponent.ndim or exponent < 0:
            raise UnknownOperation("np.power with an exponent that is no single non-negative integer")
        return float(max(int(exponent) - 1, 1))  # so many products at worst; a library's pow rounds less
    if ufunc not in ROUNDINGS:
        raise UnknownOperation(f"np.{ufunc.__name__}")
    return ROUNDINGS[ufunc]


class Duck(NDArrayOperatorsMixin):
    """``parts[0]`` is the float64 (or exact integer) value; further parts have its shape."""

    parts: tuple[np.ndarray, ...]

    # -- what a subclass provides ------------------------------------------------------------------

    def lift(self, other: Any) -> Self:
        """``other`` (a Duck, an array, a number) as this type, with this one's settings."""
        raise NotImplementedError

    def like(self, parts: Sequence[np.ndarray]) -> Self:
        """These parts, with this one's settings."""
        raise NotImplementedError

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        """One rounded (or exact) elementwise primitive."""
        raise NotImplementedError

    def product(self, a: Self, b: Self) -> Self:
        """The matrix product a @ b."""
        raise NotImplementedError

    def total(self, axis: Any, keepdims: bool) -> Self:
        """The sum over ``axis``."""
        raise NotImplementedError

    def place(self, axis: int) -> Self:
        """The index of the largest element along ``axis``."""
        raise NotImplementedError

    def choose(self, condition: Self, a: Self, b: Self) -> Self:
        """``a`` where the condition holds, else ``b``."""
        raise NotImplementedError

    def monotone(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        """A function that never falls as its operand grows, and whose result all codes share (a cast)."""
        raise NotImplementedError

    # -- NumPy's protocols ---------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
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
        if not isinstance(target, Duck):
            raise UnknownOperation(f"np.{ufunc.__name__} into a plain buffer (out=)")
        target[...] = result
        return target

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        handler = FUNCTIONS.get(function)
        if handler is None:
            raise UnknownOperation(f"np.{function.__name__}")
        return handler(self, *args, **kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
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

    def each(self, move: Callable[[np.ndarray], np.ndarray]) -> Self:
        return self.like([move(part) for part in self.parts])

    def exact_integers(self, what: str) -> np.ndarray:
        value = self.parts[0]
        if value.dtype.kind not in "iub":
            raise UnknownOperation(f"{what} of a computed value")
        if any(part.any() for part in self.parts[1:]):
            raise UnknownOperation(f"{what} of an undecided integer")
        return value

    def plain_index(self, index: Any) -> Any:
        if isinstance(index, tuple):
            return tuple(self.plain_index(part) for part in index)
        if isinstance(index, Duck):
            if index.parts[0].dtype.kind == "b":
                raise UnknownOperation("indexing with a computed mask (use np.where)")
            return index.exact_integers("an index")
        return index

    def __getitem__(self, index: Any) -> Self:
        index = self.plain_index(index)
        return self.each(lambda part: np.asarray(part[index]))

    def __setitem__(self, index: Any, other: Any) -> None:
        index, other = self.plain_index(index), self.lift(other)
        self.parts = tuple(part if part.flags.writeable else part.copy() for part in self.parts)
        for mine, theirs in zip(self.parts, other.parts, strict=True):
            mine[index] = theirs

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
    def dtype(self) -> np.dtype[Any]:
        return self.parts[0].dtype

    @property
    def T(self) -> Self:  # noqa: N802 (NumPy's own name)
        return self.each(np.transpose)

    def transpose(self, *axes: int) -> Self:
        return self.each(lambda part: part.transpose(*axes))

    def swapaxes(self, first: int, second: int) -> Self:
        return self.each(lambda part: part.swapaxes(first, second))

    def reshape(self, *shape: Any) -> Self:
        return self.each(lambda part: part.reshape(*shape))

    def squeeze(self, axis: Any = None) -> Self:
        return self.each(lambda part: part.squeeze(axis))

    def copy(self) -> Self:
        return self.each(np.copy)

    def astype(self, dtype: Any) -> Self:
        """To the working precision, in which everything is here; or rounded to what another dtype holds."""
        to = np.dtype(dtype)
        if to.kind not in "iuf":
            raise UnknownOperation(f"astype({to})")
        if to == np.float64:
            value, *rest = self.parts
            return self.like([value.astype(np.float64), *(part.copy() for part in rest)])
        held = np.float64 if to.kind == "f" else to
        return self.monotone(lambda value: value.astype(to).astype(held))

    # -- reductions ------------------------------------------------------------------------------------

    def sum(self, axis: Any = None, keepdims: bool = False) -> Self:
        return self.total(axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Self:
        total = self.total(axis, keepdims)
        mean: Self = total / (self.size / max(total.size, 1))
        return mean

    def std(self, axis: Any = None, ddof: int = 0) -> Self:
        centred = self - self.mean(axis, keepdims=True)
        squares: Self = np.square(centred).sum(axis)
        std: Self = np.sqrt(squares / (self.size / max(squares.size, 1) - ddof))
        return std

    def max(self, axis: Any = None, keepdims: bool = False) -> Self:
        # Exact; and each element moves by at most its bound, so the largest by at most the largest bound.
        return self.each(lambda part: np.asarray(part.max(axis=axis, keepdims=keepdims)))

    def argmax(self, axis: int = -1) -> Self:
        return self.place(axis)

    def dot(self, other: Any) -> Self:
        product: Self = self @ other
        return product


def _joined(join: Callable[..., np.ndarray]) -> Callable[..., Duck]:
    def handler(self: Duck, arrays: Sequence[Any], axis: int = 0) -> Duck:
        lifted = [self.lift(array).parts for array in arrays]
        return self.like([join(parts, axis=axis) for parts in zip(*lifted, strict=True)])

    return handler


def _method(name: str) -> Callable[..., Duck]:
    def handler(self: Duck, array: Any, *args: Any, **kwargs: Any) -> Duck:
        result: Duck = getattr(self.lift(array), name)(*args, **kwargs)
        return result

    return handler


def _zeros_like(self: Duck, array: Duck) -> Duck:
    return self.lift(np.zeros(array.shape))


def _where(self: Duck, condition: Any, a: Any, b: Any) -> Duck:
    return self.choose(self.lift(condition), self.lift(a), self.lift(b))


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: _where,
    np.stack: _joined(np.stack),
    np.concatenate: _joined(np.concatenate),
    np.zeros_like: _zeros_like,
    np.broadcast_to: lambda self, a, shape: self.lift(a).each(lambda part: np.broadcast_to(part, shape)),
    np.dot: lambda self, a, b: self.lift(a) @ self.lift(b),
    np.shape: lambda self, array: array.shape,
    np.ndim: lambda self, array: array.ndim,
    **{
        getattr(np, name): _method(name)
        for name in ("sum", "mean", "std", "max", "argmax", "transpose", "reshape", "squeeze", "copy")
    },
}
