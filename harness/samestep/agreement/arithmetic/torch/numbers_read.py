"""Numbers between tensors and Python: those in the code that become tensors, and those that are read out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.dtypes import ROUNDOFF
from samestep.agreement.arithmetic.torch.path import Step
from samestep.agreement.arithmetic.torch.shadows import has_values

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.dispatch import Interpreter


def literal(run: Interpreter, func: Any, args: Any, kwargs: Any) -> Any:
    """Return a tensor made of numbers of the code. A single one is a literal, which its dtype has rounded.

    Several are a constant, unless the code has read computed numbers out: then they may be among these.
    """
    handle = run.on_handles(func, args, kwargs)
    if not has_values(handle) or handle.is_complex():
        return handle
    if handle.numel() == 1:
        with run.hidden():
            value = run.numbers if isinstance(run.numbers, float) else float(handle.detach())
            values = run.shadows.lift(handle, captured=False).view(handle.detach())
        run.noise.roundoff = ROUNDOFF[handle.dtype]
        values.fill_(run.noise.literal(value, ROUNDOFF[handle.dtype]))
    elif run.has_read and isinstance(run.numbers, (list, tuple)):
        with run.hidden():
            values = run.shadows.wide(handle.detach())
            values.copy_(torch.tensor(run.numbers, dtype=torch.float64).reshape(values.shape))
    return handle


def captured(run: Interpreter, tensor: Tensor, values: Tensor) -> None:
    """Read a tensor of one number that the code holds as a literal, which its dtype has rounded."""
    with run.hidden():
        value = float(values)
    run.noise.roundoff = ROUNDOFF[tensor.dtype]
    number = run.noise.literal(value, ROUNDOFF[tensor.dtype])
    if number != value:
        values.fill_(number)


def read(run: Interpreter, func: Any, args: Any, kwargs: Any) -> Any:
    """Return the number in a tensor. What rounding cannot move is the first run's, and so are integers."""
    x = args[0]
    computed = has_values(x)
    with run.hidden():
        value = func(run.shadows.wide(x)) if computed else func(x)
    run.has_read = run.has_read or computed
    if run.first:
        run.path.write(Step("_local_scalar_dense", decided=value))
        return value
    decided = run.path.follow("_local_scalar_dense").decided
    same = value == decided or (value != value and decided != decided)
    if computed and not same and not run.frozen:
        run.lossy("a computed number is read out")
        return value
    kept = decided if computed else run.path.decide(decided, "item()", value)
    if run.tape is not None:
        run.tape.guard(run.shadows.wide(x) if computed else x, kept)
    return kept
