"""The results of an interpreted run as arrays: complete ones are taken while the code still runs.

So not all are in memory at its end, and large ones lie aside.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.dtypes import unseen
from samestep.agreement.arithmetic.torch.replay import as_array
from samestep.agreement.arithmetic.torch.shadows import has_values
from samestep.agreement.aside import Aside
from samestep.agreement.released import Freed

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.dispatch import Interpreter
    from samestep.agreement.arithmetic.torch.instructions import Slot

#: Takes the values of a tensor that the code reads and changes no more, and returns what stands for it among
#: the results of the run that is going on. There is none outside of one.
taking: ContextVar[Callable[[Tensor], Tensor] | None] = ContextVar("taking", default=None)


@dataclass(frozen=True)
class _Result:
    """A result as an array, where it is on the tape if there is one, and the longest sum on the way to it."""

    array: np.ndarray
    slot: Slot | None
    terms: int


class Results:
    """The results of one run of an interpreter."""

    def __init__(self, run: Interpreter) -> None:
        self._run, self._aside, self._freed = run, Aside(), Freed()
        self._taken: dict[int, tuple[Tensor, _Result]] = {}  # by what stands for it, which is kept alive

    def take(self, tensor: Tensor) -> Tensor:
        """Take the values of a tensor that is complete, and return what stands for it."""
        with torch.no_grad(), unseen(), torch._C.DisableTorchFunction():
            result, stand_in = self.of(tensor), torch.empty(0)
        self._freed.add(result.array)
        self._taken[id(stand_in)] = stand_in, result
        return stand_in

    def of(self, tensor: Tensor) -> _Result:
        """Return a result of the code, or what was taken before of the one that a tensor stands for."""
        if id(tensor) in self._taken:
            return self._taken[id(tensor)][1]
        shadows, tape = self._run.shadows, self._run.tape
        with torch.no_grad(), unseen():
            values = shadows.wide(tensor.detach()) if has_values(tensor) else tensor.detach()
            slot = None if tape is None else tape.slot(values)
            alone = has_values(tensor) and not shadows.is_shared(tensor)
            array = as_array(values, alone and (tape is None or not tape.holds(values)))
            return _Result(self._aside.put(array), slot, shadows.terms(tensor))
