"""What a measurement gives, as the table takes it: numbers, words, and lists of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

#: One NaN in a batch of two rows and two features.
ONE_NAN = [[np.nan, 1.0], [1.0, 1.0]]

#: In float64 nearer to the next float16 above 1; rounded to float32 first, half way, and then to 1.
OVER_HALF_WAY = 1 + 2**-11 + 2**-40

Answer = float | int | str | list[Any]


def plain(value: Any) -> Answer:
    """A framework's array, or any nesting of Python's own, as JSON can hold it.

    float32 becomes the shortest decimal that rounds to it, an array of one element that element. None is a
    framework's own word for a gradient that is not there.
    """
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    return _listed(array.reshape(()) if array.size == 1 else array)


def _listed(array: np.ndarray) -> Answer:
    if array.ndim:
        return [_listed(item) for item in array]
    scalar = array[()]
    if array.dtype == bool:
        return "yes" if scalar else "no"
    return float(str(scalar)) + 0.0 if array.dtype.kind == "f" else int(scalar)  # -0 is 0


def or_word(word: str, refusal: type[Exception] | tuple[type[Exception], ...], f: Callable[[], Any]) -> Any:
    """What ``f()`` gives, or ``word`` where it refuses; anything else that goes wrong is a failure."""
    try:
        return f()
    except refusal:
        return word


def default(f: Callable[..., Any], name: str) -> Any:
    """The default of one of ``f``'s parameters."""
    return inspect.signature(f).parameters[name].default


def spread(weights: Any) -> float:
    """The standard deviation of drawn weights, to two digits: what the draw itself cannot change."""
    return float(f"{np.asarray(weights).std():.2g}")
