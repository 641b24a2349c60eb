"""Random numbers: the real draws, in their own dtype and order of memory, so that every run has the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.arguments import leaves_of, mapped
from samestep.agreement.arithmetic.torch.dtypes import ROUNDOFF
from samestep.agreement.arithmetic.torch.operation_table import operation_name
from samestep.agreement.arithmetic.torch.path import Step
from samestep.agreement.arithmetic.torch.shadows import has_values, wide_dtype

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.dispatch import Interpreter


def draw(run: Interpreter, func: Any, args: Any, kwargs: Any) -> Any:
    """Return what a draw gives the user's code. What depends on values is decided once, in the first run."""
    name = operation_name(func)
    run.path.find("random", f"{name} draws random numbers")
    target = args[0] if func._schema.is_mutable else None
    given = args if target is None else args[1:]
    decides = not name.endswith("_like") and any(has_values(x) for x in leaves_of(given, kwargs))
    step = None if run.first else run.path.follow(name)
    with run.hidden():
        own = lambda x: run.shadows.wide(x).to(x.dtype) if has_values(x) else x  # noqa: E731
        start = () if target is None else (torch.empty_like(target),)
        drawn = func(*start, *mapped(own, given), **mapped(own, dict(kwargs)))
        if step is None:
            run.path.write(Step(name, decided=drawn.clone() if decides else None))
        elif decides:
            drawn = run.path.decide(step.decided, name, drawn)
        values = drawn.to(wide_dtype(drawn.dtype), copy=True)
    if target is None:
        if drawn.dtype in ROUNDOFF:
            run.shadows.adopt(drawn, values)
        return drawn
    if target.dtype not in ROUNDOFF:
        return target.copy_(drawn)
    run.shadows.own(target)
    run.shadows.wide(target).copy_(values)
    run.changed(target, drawn)
    return target


def dropout(run: Interpreter, func: Any, args: Any, kwargs: Any) -> tuple[Tensor, Tensor]:
    """native_dropout draws its mask in one go with the product: the mask is the real one's."""
    x, p, train = args
    if not train or p == 0:
        with run:
            return x.clone(), torch.ones_like(x, dtype=torch.bool)
    run.path.find("random", "native_dropout draws random numbers")
    with run.hidden():
        mask = func(torch.ones_like(x), p, train)[1]
    with run:
        return x * mask * (0.0 if p == 1 else 1 / (1 - p)), mask
