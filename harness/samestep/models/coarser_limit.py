"""Where the limit of question A is coarser than that of question B, A alone establishes nothing.

What one side alone holds (a folded weight, a table) owes its rounding at every element together, which can
come to more than float32's rounding does. A difference of the functions can lie below that, and be what puts
the real run beyond its limits. So the exact values are held against question B's limits as well: code of the
same function is within them, as what is owed is a part of its rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from samestep.models.arithmetic_check import ArithmeticStatistics, check_arithmetic
from samestep.models.expected import Expected
from samestep.models.function_check import FunctionStatistics
from samestep.models.tensors import TensorKey, Tensors


def beyond_one_limit(
    function: Mapping[TensorKey, FunctionStatistics], arithmetic: Mapping[TensorKey, ArithmeticStatistics]
) -> list[TensorKey]:
    """Return the tensors that are beyond question B's limits, and within A's."""
    beyond = [key for key, x in arithmetic.items() if not x.within and x.wrong is None]
    return [key for key in beyond if key in function and function[key].same]


def told_by_arithmetic(
    keys: Sequence[TensorKey], exact: Tensors, expected: Expected
) -> dict[TensorKey, FunctionStatistics]:
    """Return the statistics of ``exact`` tensors that differ by more than the rounding of a float32 run."""
    found = check_arithmetic({key: exact[key] for key in keys if key in exact}, expected, {})
    return {key: _of_function(x) for key, x in found.items() if not x.within and x.wrong is None}


def holds_narrow(values: Mapping[str, np.ndarray]) -> bool:
    """Return whether any floating array is held in fewer bits than float32, whose rounding is coarser."""
    return any(x.dtype.itemsize < 4 for x in values.values() if x.dtype.kind not in "biu")


def _of_function(found: ArithmeticStatistics) -> FunctionStatistics:
    error = abs(found.got - found.expected)
    return FunctionStatistics(
        found.share, found.index, found.got, found.expected, error, error / found.share
    )  # fmt: skip
