"""What the dispatcher asks of an arithmetic: one aten operation on float64 values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch


class Arithmetic(Protocol):
    """Computes aten operations on float64 values, exactly or with rounding noise.

    It sees the operations of one run in order, integers' included only where floats are among the operands
    or results. Its own state (widths, seed) is set by whoever runs the program.
    """

    def __call__(
        self,
        func: torch._ops.OpOverload,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        dtype: torch.dtype,
        operand: torch.dtype,
    ) -> Any:
        """Return ``func(*args, **kwargs)`` on float64 tensors, with the noise of results of ``dtype``.

        ``dtype`` is what the user's code has for the first floating result (for a change in place: of what
        is changed), ``operand`` the widest dtype of its floating operands: a conversion to a narrower one
        rounds. Changes in place go to ``args[0]`` itself, which is what is returned then. `Refused` for an
        operation without a rule.
        """
        ...
