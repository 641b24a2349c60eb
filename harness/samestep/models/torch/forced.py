"""A layer's output replaced by a given value, and the gradient that comes back to it by a given gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


class Forced(torch.autograd.Function):  # type: ignore[misc]
    """Identity in name only: the value that goes on, and the gradient that goes back, are given ones."""

    @staticmethod
    def forward(
        ctx: Any,
        own: torch.Tensor,
        value: torch.Tensor | None,
        gradient: torch.Tensor | None,
        record: Callable[[torch.Tensor], None],
    ) -> torch.Tensor:
        """Return a copy of ``value`` in the memory order of ``own``, which the model may change in place."""
        ctx.gradient, ctx.record = gradient, record
        return torch.empty_like(own).copy_(own if value is None else value)

    @staticmethod
    def backward(ctx: Any, incoming: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Record the layer's own gradient, and pass on the given one."""
        ctx.record(incoming)
        passed = incoming if ctx.gradient is None else torch.empty_like(incoming).copy_(ctx.gradient)
        return passed, None, None, None
