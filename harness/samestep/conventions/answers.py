"""What a measurement gives, as the table takes it: numbers, words, and lists of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike

#: An answer as JSON holds it.
Answer: TypeAlias = str | int | float | list["Answer"]

#: Python numbers, nested as deeply as an array has axes.
Numbers: TypeAlias = float | Sequence["Numbers"]

T = TypeVar("T")

#: A batch of shape (2, 2), rows by features, with one NaN.
ONE_NAN = [[np.nan, 1.0], [1.0, 1.0]]

#: Rounded to float16 it is the next number above 1. Rounded to float32 first it becomes a tie, and then 1.
OVER_HALF_WAY = 1 + 2**-11 + 2**-40

#: From here on an integer is easier to read as a power of two.
LARGE_INTEGER = 2**20


def to_answer(value: object) -> Answer:
    """Return ``value`` as JSON can hold it.

    ``value`` is a framework's array of any shape, a Python scalar, a string, None, or a list or tuple of
    these. float32 becomes the shortest decimal that rounds to it, an array of one element a scalar, a bool
    "yes" or "no". None, which frameworks return where there is no gradient, becomes "none".
    """
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return [to_answer(item) for item in value]
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    return _nested(array.reshape(()) if array.size == 1 else array)


def _nested(array: np.ndarray) -> Answer:
    if array.ndim:
        return [_nested(item) for item in array]
    scalar = array[()]
    if array.dtype == bool:
        return "yes" if scalar else "no"
    return float(str(scalar)) + 0.0 if array.dtype.kind == "f" else int(scalar)  # -0 is 0


def answer_text(answer: object) -> str:
    """Return an `Answer` as the tables print it: numbers to four digits, list items separated by blanks.

    None, where a framework has no such function, is a dash. Large integers of the form 2^n or 2^n - 1 are
    written as such. Anything else that a JSON document may hold is printed as Python prints it.
    """
    if answer is None:
        return "-"
    if isinstance(answer, list):
        return " ".join(answer_text(item) for item in answer)
    if isinstance(answer, int) and abs(answer) >= LARGE_INTEGER:
        return _power_of_two(answer)
    return f"{answer:.4g}" if isinstance(answer, float) else str(answer)


def _power_of_two(number: int) -> str:
    sign, size = "-" if number < 0 else "", abs(number)
    bits = (size + 1).bit_length() - 1
    texts = {2**bits: f"{sign}2^{bits}", 2**bits - 1: f"{sign}2^{bits}-1"}
    return texts.get(size, str(number))


def or_word(word: str, refusal: type[Exception] | tuple[type[Exception], ...], f: Callable[[], T]) -> T | str:
    """Return ``f()``, or ``word`` where it raises ``refusal``; other exceptions propagate."""
    try:
        return f()
    except refusal:
        return word


def default(f: Callable[..., object], name: str) -> float | None:
    """Return the default value of a numeric parameter of ``f``."""
    value: float | None = inspect.signature(f).parameters[name].default
    return value


def rough_std(parameters: ArrayLike) -> float:
    """Return the standard deviation of randomly drawn parameters of any shape, to two digits.

    Two digits are what another draw of as many does not change.
    """
    return float(f"{np.asarray(parameters).std():.2g}")
