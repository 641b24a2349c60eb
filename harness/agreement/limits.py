"""The constants of the scheme, each with where it comes from. No other module holds a tolerance.

u is the unit roundoff of the arithmetic that a cell declares: half the distance from 1 to the next
number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Accuracy allowed to exp, log and tanh, in u. Libraries document 4 ulp or better (one ulp is up to 2 u);
#: the worst measured over the libraries here is 6.3 ulp, for a sigmoid. 8 ulp is 16 u.
LIBRARY_FUNCTION_UNITS = 16.0


def unit_roundoff(dtype: Any) -> float:
    """2^-24 for float32, 2^-53 for float64."""
    return float(np.finfo(dtype).eps) / 2


def smallest_normal(dtype: Any) -> float:
    """What a result can lose when it underflows, in arithmetic that flushes denormals to zero."""
    return float(np.finfo(dtype).tiny)


def gamma(n: int, dtype: Any) -> float:
    """gamma_n = n u / (1 - n u): the relative error of n roundings (Higham 2002, lemma 3.1)."""
    nu = n * unit_roundoff(dtype)
    return nu / (1 - nu) if nu < 1 else float("inf")


def reference_share(dtype: Any) -> float:
    """The reference computes in float64 and rounds too: beside a float64 candidate it may err as far."""
    return 2.0 if np.dtype(dtype) == np.float64 else 1.0


#: How much more a complex operation may round than a real one: division is within sqrt(2) gamma_4 of
#: the exact quotient, the other operations within less (Higham 2002, lemma 3.5).
COMPLEX_UNITS = 4 * 2**0.5

#: The step of complex-step differentiation: its error is of the order of the step's square.
COMPLEX_STEP = 1e-100
