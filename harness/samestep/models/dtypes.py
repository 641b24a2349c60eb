"""The floating dtypes that both sides can be asked in, and what each holds of a number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from samestep.agreement.arithmetic.low_precision import to_bfloat16, to_float16

#: What each side runs in as it is handed in; a comparison in it rounds nothing.
AS_GIVEN = "float32"

#: How the others round float64 numbers. bfloat16 has float32's exponents: what is subnormal there keeps more
#: bits here, and frameworks round it anew.
ROUNDING: dict[str, Callable[[np.ndarray], np.ndarray]] = {"bfloat16": to_bfloat16, "float16": to_float16}

#: The binary digits of a number in each.
DIGITS = {AS_GIVEN: 24, "bfloat16": 8, "float16": 11}

#: All names, as `samestep.compare` takes them.
NAMES = (AS_GIVEN, *ROUNDING)


def rounded(array: np.ndarray, dtype: str | None) -> np.ndarray:
    """Return a floating array as float32 numbers that ``dtype`` holds, its shape kept; others as they are.

    NumPy has no bfloat16; float32 holds every number of it, and of float16.
    """
    if dtype not in ROUNDING or is_not_floating(array):
        return array
    return ROUNDING[dtype](np.asarray(array, np.float64)).astype(np.float32)


def is_not_floating(array: np.ndarray) -> bool:
    """Return whether an array holds integers, bools or complex numbers; bfloat16 of ml_dtypes is floating."""
    return array.dtype.kind not in "fV"
