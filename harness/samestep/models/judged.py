"""One tensor, judged by both questions."""

from __future__ import annotations

from dataclasses import dataclass

from samestep.agreement.verdict import AGREE, DISAGREE, WEAKER
from samestep.models.arithmetic_check import ArithmeticStatistics
from samestep.models.function_check import FunctionStatistics
from samestep.models.tensors import TensorKey


@dataclass(frozen=True)
class JudgedTensor:
    """A tensor of the candidate beside what the reference says of it.

    ``key`` is the candidate's name and ``reference`` the reference's; ``shape`` is the tensor's. ``function``
    is None where the exact runs could not be compared, ``arithmetic`` where the candidate did not show the
    tensor in its real run.
    """

    key: TensorKey
    reference: str
    shape: tuple[int, ...]
    function: FunctionStatistics | None
    arithmetic: ArithmeticStatistics | None

    @property
    def is_another_function(self) -> bool:
        """Whether the exact runs were compared, and differ."""
        return self.function is not None and not self.function.same

    @property
    def state(self) -> str:
        """``agree``, ``weaker`` (the same function, beyond what rounding does) or ``disagree``."""
        if self.is_another_function:
            return DISAGREE
        if self.arithmetic is None or self.arithmetic.within:
            return AGREE
        return WEAKER if self.function is not None and not self._is_no_rounding else DISAGREE

    @property
    def _is_no_rounding(self) -> bool:
        """Whether the real run has what no arithmetic gives: another shape or integer, NaN for a number."""
        return self.arithmetic is not None and self.arithmetic.wrong is not None

    @property
    def share(self) -> float:
        """How near the tensor is to the limit that decides its state: 1 is at it."""
        if self.arithmetic is not None and not self.is_another_function:
            return self.arithmetic.share
        return self.function.share if self.function is not None else 0.0
