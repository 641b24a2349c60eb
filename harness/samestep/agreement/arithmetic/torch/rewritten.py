"""Operations made of others: out variants, lists of tensors, fused optimiser steps, other namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.optim.adam import _single_tensor_adam
from torch.optim.sgd import _single_tensor_sgd

from samestep.agreement.arithmetic.torch.arguments import given
from samestep.agreement.arithmetic.torch.operation_table import operation_name
from samestep.agreement.arithmetic.torch.places import refuse

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.dispatch import Interpreter

aten = torch.ops.aten


def foreign(run: Interpreter, func: Any, args: Any, kwargs: Any) -> Any:
    """Return what an operation of another namespace gives, where it is made of aten's. Raises `Refused`."""
    parts = getattr(func, "impl_aten", None)  # of PyTorch's own primitives
    parts = torch.zeros if func is aten._efficientzerotensor.default else parts
    if parts is None and isinstance(func, torch._ops.OpOverload):
        key = "CompositeImplicitAutograd"
        parts = func.decompose if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), key) else None
    if parts is None:
        refuse(func, "an operation that is not PyTorch's own has no rule")
    with run:
        return parts(*args, **kwargs)


def out_variant(run: Interpreter, func: Any, args: Any, kwargs: Any) -> Any:
    """Compute what an operation gives and write it to the tensors that are given for it; return those."""
    names = [argument.name for argument in func._schema.arguments if argument.is_out]
    others = {name: value for name, value in kwargs.items() if name not in names}
    with run:
        results = getattr(aten, func._schema.name.split("::")[1])(*args, **others)
        for name, result in zip(names, results if len(names) > 1 else [results], strict=True):
            kwargs[name].resize_(result.shape).copy_(result)
    outs = tuple(kwargs[name] for name in names)
    return outs[0] if len(outs) == 1 else outs


def list_operation(run: Interpreter, func: Any, args: Any, kwargs: Any) -> list[Any] | None:
    """Compute an operation on lists tensor by tensor; return its results, None in place."""
    name, in_place = operation_name(func).removeprefix("_foreach_"), func._schema.is_mutable
    lists = [x for x in (*args, *kwargs.values()) if isinstance(x, (list, tuple))]
    results = []
    with run:
        for i in range(len(lists[0])):
            one = [x[i] if isinstance(x, (list, tuple)) else x for x in args]
            named = {key: x[i] if isinstance(x, (list, tuple)) else x for key, x in kwargs.items()}
            results.append(_single(name, in_place, one, named))
    return None if in_place else results


def _single(name: str, in_place: bool, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if name == "norm":
        return torch.linalg.vector_norm(*args, dtype=kwargs.get("dtype"))
    if name in ("addcdiv", "addcmul"):
        values = [*args[3:], *kwargs.values()]
        args, kwargs = args[:3], {"value": values[0]} if values else {}
    operation = getattr(aten, name + ("_" if in_place else ""), None)
    if operation is None:
        refuse(f"_foreach_{name}", "there is no single operation of this name")
    return operation(*args, **kwargs)


def optimizer_step(run: Interpreter, func: Any, args: Any, kwargs: Any) -> None:
    """Make a fused optimiser's step as PyTorch's own one for single tensors does. Raises `Refused`."""
    named, name = given(func, args, kwargs), operation_name(func)
    scaled = [named.pop(key, None) is not None for key in ("grad_scale", "found_inf")]
    if any(scaled) or name not in _STEPS:
        refuse(func, "a fused step with a gradient scaler, or of this optimiser, has no rule")
    with run:
        _STEPS[name](named)


def _adam(named: dict[str, Any], decoupled: bool = False) -> None:
    for state_step in named["state_steps"]:
        state_step.sub_(1)  # the fused kernel is given the number of its step; the single one counts itself
    lists = ("self", "grads", "exp_avgs", "exp_avg_sqs", "max_exp_avg_sqs", "state_steps")
    settings = ("amsgrad", "beta1", "beta2", "lr", "weight_decay", "eps", "maximize")
    _single_tensor_adam(
        *[list(named[key]) for key in lists], None, None, has_complex=False, capturable=False,
        differentiable=False, decoupled_weight_decay=decoupled, **{key: named[key] for key in settings},
    )  # fmt: skip


def _sgd(named: dict[str, Any]) -> None:
    buffers, first = list(named["momentum_buffer_list"]), named["is_first_step"]
    used = [None] * len(named["self"]) if first or not buffers else list(buffers)
    settings = ("weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize")
    _single_tensor_sgd(
        list(named["self"]), list(named["grads"]), used, None, None, has_sparse_grad=False,
        **{key: named[key] for key in settings},
    )  # fmt: skip
    for buffer, new in zip(buffers, used, strict=False):
        if first and new is not None:
            buffer.copy_(new)


_STEPS = {
    "_fused_adam": _adam,
    "_fused_adamw": lambda named: _adam(named, decoupled=True),
    "_fused_sgd": _sgd,
}
