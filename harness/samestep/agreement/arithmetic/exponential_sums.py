"""SciPy's softmax, log_softmax and logsumexp, for the array types: none of them is a ufunc.

Arguments and results are SciPy's. The largest element is taken off first, as every library does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samestep.agreement.arithmetic.unknown_operation import UnknownOperation


def softmax(x: Any, axis: Any = None) -> Any:
    """Return exp(x) over its sum along ``axis``, in the shape of ``x``."""
    powers = np.exp(np.subtract(x, np.max(x, axis=axis, keepdims=True)))
    return powers / np.sum(powers, axis=axis, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """Return the logarithm of `softmax`."""
    shifted = np.subtract(x, _largest(x, axis))
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """Return the logarithm of the sum of exp(a), or of b exp(a), along ``axis``."""
    if return_sign:
        raise UnknownOperation("scipy.special.logsumexp with return_sign=")
    largest = _largest(a, axis)
    powers = np.exp(np.subtract(a, largest))
    found = np.log(np.sum(powers if b is None else b * powers, axis=axis, keepdims=True)) + largest
    return found if keepdims else np.squeeze(found, axis)


def _largest(x: Any, axis: Any) -> Any:
    largest = np.max(x, axis=axis, keepdims=True)
    return np.where(np.isfinite(largest), largest, 0.0)
