"""NumPy's functions that users' references call beside those of `rounding_array`: moves, clip, var, einsum.

A handler takes the array whose protocol was called, and the function's own arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.noise import Noise
from samestep.agreement.arithmetic.rules import UnknownOperation
from samestep.agreement.arithmetic.summation import random_order_variance

Handler = Callable[..., Any]

#: What only moves elements about, or takes some of them.
MOVES = (
    np.swapaxes, np.moveaxis, np.expand_dims, np.ravel, np.roll, np.flip, np.repeat, np.tile, np.take,
    np.take_along_axis, np.tril, np.triu, np.diagonal, np.atleast_1d, np.atleast_2d, np.min,
)  # fmt: skip


def _moving(function: Callable[..., Any]) -> Handler:
    def handler(self: Noise, array: object, *args: Any, **kwargs: Any) -> Noise:
        return self.lift(array).each(lambda part: np.asarray(function(part, *args, **kwargs)))

    return handler


def _filled(self: Noise, array: Noise, value: float) -> Noise:
    return self.lift(np.full(array.shape, float(value)))


def _clip(self: Noise, array: object, low: object = None, high: object = None) -> Any:
    lifted = self.lift(array)
    above = lifted if low is None else np.maximum(lifted, low)  # type: ignore[call-overload]
    return above if high is None else np.minimum(above, high)  # type: ignore[call-overload]


def _var(self: Noise, array: object, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    lifted = self.lift(array)
    squares = np.square(lifted - lifted.mean(axis, keepdims=True)).sum(axis, keepdims=keepdims)
    return squares / (lifted.size / max(squares.size, 1) - ddof)


def _pad(self: Noise, array: object, width: Any, mode: str = "constant", **values: Any) -> Noise:
    if mode == "constant" and np.any(np.asarray(values.get("constant_values", 0))):
        raise UnknownOperation("np.pad with another number than 0")
    return self.lift(array).each(lambda part: np.pad(part, width, mode=mode))  # type: ignore[call-overload]


def _split(self: Noise, array: object, sections: Any, axis: int = 0) -> list[Noise]:
    parts = np.split(self.lift(array).value, sections, axis)
    return [self.like((part,)) for part in parts]


def _einsum(self: Noise, spec: str, *operands: object, **options: Any) -> Noise:
    inputs, arrow, output = spec.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if not arrow or "." in spec or len(terms) > 2 or options:
        raise UnknownOperation(
            f"np.einsum({spec!r}) with more than two operands, with '...', or without '->'"
        )
    lifted = [self.lift(operand) for operand in operands]
    values = [operand.value for operand in lifted]
    value = np.asarray(np.einsum(spec, *values))
    sizes = dict(zip("".join(terms), (n for x in values for n in x.shape), strict=True))
    n = int(np.prod([size for letter, size in sizes.items() if letter not in output], dtype=np.int64))
    if value.dtype.kind != "f":
        return self.like((value,))
    if self.tape.is_recording:
        squares = np.asarray(np.einsum(spec, *(np.square(x) for x in values)))
        products = squares if len(terms) == 2 else 0.0
        self.tape.record(self.tape.deviation * np.sqrt(products + random_order_variance(value, squares, n)))
    return self.like((self.tape.add_noise(value),)).with_terms_of(lifted, n)


MORE_FUNCTIONS: dict[Callable[..., Any], Handler] = {
    **{function: _moving(function) for function in MOVES},
    np.full_like: _filled,
    np.ones_like: lambda self, array: _filled(self, array, 1.0),
    np.clip: _clip,
    np.var: _var,
    np.pad: _pad,
    np.split: _split,
    np.einsum: _einsum,
    np.outer: lambda self, a, b: self.lift(a).reshape(-1, 1) * self.lift(b).reshape(1, -1),
}

#: ndarray's methods of the same names.
MORE_METHODS: dict[str, Handler] = {
    "ravel": MORE_FUNCTIONS[np.ravel],
    "flatten": MORE_FUNCTIONS[np.ravel],
    **{
        name: MORE_FUNCTIONS[getattr(np, name)]
        for name in ("min", "clip", "var", "repeat", "take", "diagonal")
    },
}
