"""Fused operations taken apart: by torch's own table, by the operation itself, and by what both lack."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch._decomp import decomposition_table

from samestep.agreement.arithmetic.torch.operation_table import DECOMPOSED

#: Returns the parts of an operation as a function of the same arguments.
Parts = Callable[..., Any]

#: Operation -> its parts, where torch's table has none or another order of operations.
OWN: dict[str, Parts] = {}


def parts_of(*names: str) -> Callable[[Parts], Parts]:
    """Return a decorator that makes a function the decomposition of the operations of these names."""

    def put(function: Parts) -> Parts:
        for name in names:
            OWN[name] = function
        return function

    return put


@cache
def decomposition(func: Any, name: str) -> Parts | None:
    """Return a function of the same arguments that computes ``func`` by smaller operations, or None."""
    if name in OWN:
        return OWN[name]
    if name in DECOMPOSED and func in decomposition_table:
        table: Parts = decomposition_table[func]
        return table
    if name in DECOMPOSED and func._schema.is_mutable:
        return _in_place(func, name)
    if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
        return func.decompose  # type: ignore[no-any-return]
    return None


def _in_place(func: Any, name: str) -> Parts | None:
    """The parts of the functional operation, written to the first operand."""
    overload = getattr(getattr(torch.ops.aten, name, None), func._schema.overload_name or "default", None)
    parts = None if overload is None else decomposition(overload, name)
    if parts is None:
        return None

    def run(target: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        return target.copy_(parts(target, *args, **kwargs))

    return run
