"""An array type that the reference runs on unchanged, so that its rounding can be followed.

`RoundingArray` implements NumPy's protocols: operators and ufuncs (``__array_ufunc__``), functions
(``__array_function__``), indexing and methods. It is deliberately no subclass of ndarray: of a subclass,
``x.dot(w)`` or ``np.where`` lose the type silently. Whatever it does not know raises by name, and so does
every conversion to a plain array or number, so that nothing is treated as exact by accident.

A subclass defines its ``parts`` (the value, and what it carries along) and what each arithmetic primitive
does to them. Everything that only moves elements about, and everything that is made of the primitives, is
done alike for all: see `samestep.agreement.arithmetic.numpy_functions`. See NumPy's NEP 13 and NEP 18 for the
protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import EllipsisType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from samestep.agreement.arithmetic.indices import plain_index
from samestep.agreement.arithmetic.numpy_functions import FUNCTIONS, METHODS
from samestep.agreement.arithmetic.ufunc_methods import UFUNC_METHODS, VECTOR_PRODUCTS, is_truth_wanted
from samestep.agreement.arithmetic.unknown_operation import UnknownAttribute, UnknownOperation, name_of

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

        It may be one of this type already, an array, or a number. What the dtype that is computed in does not
        hold is rounded to it once.
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

    def running_total(self, axis: int) -> Self:
        """Return the sums of the first 1, 2, ... elements along ``axis``, in this array's shape."""
        raise NotImplementedError

    def with_added(self, index: Index, values: Self) -> Self:
        """Return this array with ``values`` added at the places ``index``, as often as each is named."""
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

    def with_terms_of(self, operands: Sequence[Self], terms: int = 1) -> Self:
        """Return this array, with the longest sum that any of its operands went through written down."""
        return self

    # -- NumPy's protocols ---------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> object:
        if method != "__call__":
            if method not in UFUNC_METHODS:
                raise UnknownOperation(f"{name_of(ufunc)}.{method}")
            return UFUNC_METHODS[method](self, ufunc, *inputs, **kwargs)
        out, where = kwargs.pop("out", None), kwargs.pop("where", True)
        if kwargs or ufunc.nout > 1:
            raise UnknownOperation(f"{name_of(ufunc)}{f' with {sorted(kwargs)}' if kwargs else ''}")
        result = self._called(ufunc, [self.lift(operand) for operand in inputs])
        return result if out is None and where is True else self._into(ufunc, result, out, where)

    def _called(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        if ufunc in VECTOR_PRODUCTS:
            return VECTOR_PRODUCTS[ufunc](self.product, *operands)  # type: ignore[no-any-return]
        if is_truth_wanted(ufunc):
            operands = [x if x.dtype == bool else x.is_not_zero() for x in operands]
        return self.elementwise(ufunc, operands)

    def _into(self, ufunc: np.ufunc, result: Self, out: tuple[Any] | None, where: object) -> object:
        """Write the result where it is wanted; elsewhere ``out`` keeps what it has."""
        if out is None:
            raise UnknownOperation(f"{name_of(ufunc)} with where= and without out=", "np.where")
        (target,) = out
        if not isinstance(target, RoundingArray):
            raise UnknownOperation(
                f"{name_of(ufunc)} into a plain buffer (out=)", "np.zeros_like of a computed array for it"
            )
        target[...] = result if where is True else self.select(self.lift(where), result, self.lift(target))
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
            raise UnknownOperation(name_of(function))
        return handler(self, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            return partial(METHODS[name], self, self)
        if not name.startswith("__") and hasattr(np.ndarray, name):
            raise UnknownAttribute(f"x.{name}")
        raise AttributeError(f"an array has no {name!r}")

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        if self.dtype.kind in "iub":  # labels, positions, masks
            return self.exact_integers("a plain array").astype(self.dtype if dtype is None else dtype)
        raise UnknownOperation(
            "a conversion to a plain array (NumPy's or another library's function, or an item of an array)",
            "np.zeros_like of a computed array for the items, or np.stack",
        )

    def __copy__(self) -> Self:
        return self.each(np.copy)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self.each(np.copy)

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
            raise UnknownOperation(f"{what} of an undecided {'mask' if value.dtype == bool else 'integer'}")
        return value

    def is_not_zero(self) -> Self:
        """Return where an element is not 0, as bools."""
        return self.elementwise(np.not_equal, [self, self.lift(0)])

    def __getitem__(self, index: Index | RoundingArray) -> Self:
        plain = plain_index(index)
        return self.each(lambda part: np.asarray(part[plain]))

    def __setitem__(self, index: Index | RoundingArray, other: object) -> None:
        self.parts = tuple(part if part.flags.writeable else part.copy() for part in self.parts)
        lifted = self.lift(other)
        if isinstance(index, RoundingArray) and index.dtype == bool and not lifted.ndim:
            mask = self.lift(index)  # undecided or not: as many elements change or keep their places
            rest = self.ndim - mask.ndim
            mask = mask.each(lambda part: part.reshape(part.shape + (1,) * rest))
            index, lifted = ..., self.select(mask, lifted, self)
        plain = plain_index(index)
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

    @property
    def mT(self) -> Self:  # noqa: N802 (NumPy's own name)
        return self.each(lambda part: part.swapaxes(-1, -2))

    def astype(self, dtype: npt.DTypeLike, copy: bool = True) -> Self:
        """Return a copy, rounded to what another dtype holds.

        For float64, in which everything is computed here, it is unchanged. Raises `UnknownOperation` for a
        dtype that is neither floating, integer nor bool.
        """
        to = np.dtype(dtype)
        if to.kind == "b":
            return self.each(np.copy) if self.dtype == to else self.is_not_zero()
        if to.kind not in "iuf":
            raise UnknownOperation(f"astype({to})")
        if to == np.float64:
            value, *rest = self.parts
            return self.like([value.astype(np.float64), *(part.copy() for part in rest)])
        held = np.dtype(np.float64) if to.kind == "f" else to
        return self.monotone(lambda value: value.astype(to).astype(held))
