"""Operations on lists of tensors, and fused optimiser steps, as the single operations that they are."""

from __future__ import annotations

from typing import Any

import torch

from samestep.agreement.arithmetic.torch.places import refuse

aten = torch.ops.aten

#: Of the operations on lists, those whose last operand is called ``value``.
_WITH_VALUE = ("addcdiv", "addcmul")


def one_by_one(func: Any, name: str, args: Any, kwargs: Any) -> Any:
    """Return a list operation's results (None in place), computed tensor by tensor in the mode around."""
    single = name.removeprefix("_foreach_")
    lists = [x for x in (*args, *kwargs.values()) if isinstance(x, (list, tuple))]
    in_place = func._schema.is_mutable
    results = []
    for i in range(len(lists[0])):
        one = [x[i] if isinstance(x, (list, tuple)) else x for x in args]
        named = {key: x[i] if isinstance(x, (list, tuple)) else x for key, x in kwargs.items()}
        results.append(_single(single, in_place, one, named))
    return None if in_place else results


def _single(name: str, in_place: bool, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if name == "norm":
        return torch.linalg.vector_norm(args[0], *args[1:2], dtype=kwargs.get("dtype"))
    if name in _WITH_VALUE and len(args) > 3:
        args, kwargs = args[:3], {"value": args[3]}
    kwargs.pop("scalars", None)
    operation = getattr(aten, name + ("_" if in_place else ""), None)
    if operation is None:
        refuse(f"_foreach_{name}", "no single operation of this name")
    return operation(*args, **kwargs)


def fused_step(func: Any, name: str, args: Any, kwargs: Any) -> None:
    """Make a fused optimiser's step by PyTorch's own one for single tensors, in the mode around."""
    given = dict(zip([argument.name for argument in func._schema.arguments], args, strict=False)) | kwargs
    if given.pop("grad_scale", None) is not None or given.pop("found_inf", None) is not None:
        refuse(func, "a fused step with a gradient scaler has no rule")
    given.pop("grad_scale", None)
    given.pop("found_inf", None)
    step = _STEPS.get(name)
    if step is None:
        refuse(func, "this fused step has no rule")
    step(given)


def _adam(given: dict[str, Any], decoupled: bool = False) -> None:
    for state_step in given["state_steps"]:
        state_step.sub_(1)  # the fused kernel is given the step that it makes; the single one counts itself
    torch.optim.adam._single_tensor_adam(
        list(given["self"]), list(given["grads"]), list(given["exp_avgs"]), list(given["exp_avg_sqs"]),
        list(given["max_exp_avg_sqs"]), list(given["state_steps"]), None, None, amsgrad=given["amsgrad"],
        has_complex=False, beta1=given["beta1"], beta2=given["beta2"], lr=given["lr"],
        weight_decay=given["weight_decay"], eps=given["eps"], maximize=given["maximize"], capturable=False,
        differentiable=False, decoupled_weight_decay=decoupled,
    )  # fmt: skip


def _sgd(given: dict[str, Any]) -> None:
    buffers = list(given["momentum_buffer_list"])
    first = given["is_first_step"]
    used: list[Any] = [None if first else buffer for buffer in buffers] or [None] * len(given["self"])
    torch.optim.sgd._single_tensor_sgd(
        list(given["self"]), list(given["grads"]), used, None, None, weight_decay=given["weight_decay"],
        momentum=given["momentum"], lr=given["lr"], dampening=given["dampening"], nesterov=given["nesterov"],
        maximize=given["maximize"], has_sparse_grad=False,
    )  # fmt: skip
    for buffer, new in zip(buffers, used, strict=False):
        if first and new is not None:
            buffer.copy_(new)


_STEPS = {
    "_fused_adam": _adam,
    "_fused_adamw": lambda given: _adam(given, decoupled=True),
    "_fused_sgd": _sgd,
}
